// How a dataset's channels become the features of a LeRobot dataset, and the field map that reads them back.
//
// LeRobot policies take `observation.state` as what they see, `observation.environment_state` as what they are told, and
// `action` as what they answer; every other feature is passed over by them, so privileged channels are named otherwise.
// LeRobot knows no missing values: a masked frame is NaN, and `valid.<channel>` says which frames have the channel.

import { CHANNEL_NAMES, type ChannelName, type SourceKind } from '../motion/episode.js';
import type { Dataset } from './dataset.js';

/** The exported folder's own file, by which it is known as ours: the field map that reads it back. */
export const LEROBOT_FIELD_MAP = 'nextgait-field-map.yaml';

/** What an export says of its episodes that LeRobot has no place for: lines of EpisodeOrigin, which are read back. */
export const LEROBOT_ORIGINS = 'meta/nextgait-episodes.jsonl';

export interface EpisodeOrigin {
  readonly source: string;
  readonly kind: SourceKind;
  readonly startsAtReset: boolean;
}

/** A channel's place in a feature. */
export interface FeaturePart {
  readonly channel: ChannelName;
  readonly width: number;
  /** Names of its numbers. */
  readonly names: readonly string[];
}

export interface VectorFeature {
  readonly name: string;
  readonly width: number;
  readonly parts: readonly FeaturePart[];
}

export interface LeRobotLayout {
  /** Features of numbers, in the order of the files. */
  readonly vectors: readonly VectorFeature[];
  /** Channels that some frame lacks: each has a boolean feature `valid.<channel>`. */
  readonly masked: readonly ChannelName[];
}

const AXES = ['x', 'y', 'z'] as const;
const STATE: readonly ChannelName[] = ['baseAngularVelocity', 'projectedGravity', 'jointPosition', 'jointVelocity'];
const FEATURE_OF: Readonly<Partial<Record<ChannelName, string>>> = {
  command: 'observation.environment_state',
  action: 'action',
};

/** `jointPosition` as LeRobot writes names: `joint_position`. */
export function featureName(channel: ChannelName): string {
  return FEATURE_OF[channel] ?? snakeCase(channel);
}

export function maskName(channel: ChannelName): string {
  return `valid.${snakeCase(channel)}`;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The features of a dataset: those channels that at least one episode has. */
export function layoutOf(dataset: Dataset): LeRobotLayout {
  const { jointNames } = dataset.robot;
  const widths = new Map<ChannelName, number>();
  const masked = new Set<ChannelName>();
  for (const info of dataset.episodes) {
    for (const channel of info.channels) {
      if (!widths.has(channel)) widths.set(channel, dataset.channelWidth(info.index, channel)!);
    }
  }
  for (const channel of widths.keys()) {
    if (dataset.episodes.some(({ validFrames, frameCount }) => validFrames[channel] !== frameCount))
      masked.add(channel);
  }
  const present = CHANNEL_NAMES.filter((channel) => widths.has(channel));
  const partOf = (channel: ChannelName): FeaturePart => {
    const width = widths.get(channel)!;
    return { channel, width, names: partNames(channel, width, jointNames) };
  };
  const state = present.filter((channel) => STATE.includes(channel)).map(partOf);
  const others = present.filter((channel) => !STATE.includes(channel)).map(partOf);
  const vectors = [
    ...(state.length > 0 ? [vectorOf('observation.state', state)] : []),
    ...others.map((part) => vectorOf(featureName(part.channel), [part])),
  ];
  return { vectors, masked: present.filter((channel) => masked.has(channel)) };
}

function vectorOf(name: string, parts: readonly FeaturePart[]): VectorFeature {
  return { name, width: parts.reduce((sum, { width }) => sum + width, 0), parts };
}

function partNames(channel: ChannelName, width: number, joints: readonly string[]): string[] {
  switch (channel) {
    case 'baseAngularVelocity':
      return AXES.map((axis) => `gyro.${axis}`);
    case 'projectedGravity':
      return AXES.map((axis) => `gravity.${axis}`);
    case 'jointPosition':
      return joints.map((joint) => `${joint}.pos`);
    case 'jointVelocity':
      return joints.map((joint) => `${joint}.vel`);
    case 'basePosition':
    case 'baseLinearVelocity':
      return [...AXES];
    case 'baseQuaternion':
      return ['w', 'x', 'y', 'z'];
    case 'command':
      return ['vx', 'vy', 'wz'];
    case 'action':
    case 'executedAction':
    case 'torque':
      return [...joints];
    case 'footContact':
      return width === 2 ? ['left', 'right'] : Array.from({ length: width }, (_, foot) => `foot_${foot}`);
  }
}

/** The kind of its sources; rollout where they are of several, because that may have every channel. */
export function kindOf(dataset: Dataset): SourceKind {
  const kinds = new Set<SourceKind>(dataset.episodes.map(({ kind }) => kind));
  return kinds.size === 1 ? [...kinds][0] : 'rollout';
}

/** The field map that reads the exported dataset back as it was. */
export function fieldMapOf(dataset: Dataset, { vectors }: LeRobotLayout): Record<string, unknown> {
  const sources = new Set(dataset.episodes.map(({ source }) => source));
  const places = vectors.flatMap(({ name, parts }) => parts.map((part) => ({ feature: name, ...part })));
  return {
    about: `exported by nextgait: ${dataset.robot.name}`,
    format: 'lerobot',
    kind: kindOf(dataset),
    source: sources.size === 1 ? [...sources][0] : 'lerobot',
    startsAtReset: dataset.episodes.every(({ startsAtReset }) => startsAtReset),
    // Nothing is in doubt about numbers that were written by the rules of the dataset itself.
    trust: ['action', 'action-row', 'orientation', 'velocity-frame', 'units', 'rate', 'joint-order'],
    time: { rateArray: 'fps' },
    joints: { names: { list: dataset.robot.jointNames } },
    channels: Object.fromEntries(places.map((place) => [place.channel, selectorOf(place)])),
  };
}

function selectorOf({ feature, channel, names }: FeaturePart & { readonly feature: string }): Record<string, unknown> {
  const where =
    feature === 'observation.state' ? { columns: names.map((name) => `${feature}/${name}`) } : { array: feature };
  switch (channel) {
    case 'baseQuaternion':
      return { ...where, order: 'wxyz' };
    case 'baseAngularVelocity':
    case 'baseLinearVelocity':
      return { ...where, frame: 'base' };
    case 'jointPosition':
      return { perJoint: `${feature}/{joint}.pos` };
    case 'jointVelocity':
      return { perJoint: `${feature}/{joint}.vel` };
    case 'action':
    case 'executedAction':
      return { ...where, meaning: 'offset' };
    default:
      return where;
  }
}
