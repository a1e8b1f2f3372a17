// A field map to start from, out of what a file has: channels that were guessed, time, joint names.

import { listNames } from '../src/base/errors.js';
import type { SourceKind } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { type Guess, guessFields } from './guess-fields.js';
import { guessRate } from './guess-rate.js';
import type { SourceDescription } from './source-description.js';

export interface GuessedMap {
  /** A field map as plain data; whether it is a whole one, its schema says. */
  readonly map: Readonly<Record<string, unknown>>;
  readonly guesses: readonly Guess[];
  /** What was assumed and should be looked at. */
  readonly notes: readonly string[];
}

export interface GuessOptions {
  readonly robot?: RobotModel;
  /** Kind that the map shall have; guessed where absent. */
  readonly kind?: SourceKind;
  readonly source: string;
}

export function guessMap(description: SourceDescription, { robot, kind, source }: GuessOptions): GuessedMap {
  const notes: string[] = [];
  const jointCount = description.joints?.names.length ?? countJoints(description, robot);
  const guesses = guessFields(description, jointCount);
  const channels: Record<string, unknown> = {};
  const isController = kind === 'controller';
  for (const { channel, entry } of guesses) {
    if (channel === 'action' && isController) continue;
    channels[channel] = entry;
  }
  if (channels.action !== undefined) {
    channels.executedAction = 'same';
    if (robot === undefined) notes.push('action.meaning is a guess: name the robot (--robot) to have it tested');
  }
  for (const { channel, entry, isFrameUnsure } of guesses) {
    if (isFrameUnsure) notes.push(`the file does not show the frame of ${channel}: ${entry.frame} is assumed`);
  }
  const time = description.time ?? guessRate(guesses, notes);
  const joints = guessJoints(description, robot, notes);
  const guessedKind =
    channels.action === undefined ? (channels.torque === undefined ? 'bvh' : 'controller') : 'rollout';
  const map = {
    format: description.format,
    kind: kind === 'rollout' && guessedKind !== 'rollout' ? 'bvh' : (kind ?? guessedKind),
    source: source.replace(/[^\w.-]+/g, '-'),
    ...description.mapKeys,
    time,
    joints,
    channels,
  };
  if (guesses.length === 0) notes.push('no field was recognised: fill in channels by hand');
  return { map, guesses, notes };
}

/** Number of joints: the robot's where a field is as wide, else the width that most fields have. */
function countJoints({ fields }: SourceDescription, robot: RobotModel | undefined): number | undefined {
  const widths = fields.flatMap(({ sample }) => (sample === undefined ? [] : [sample.width]));
  const own = robot?.jointNames.length;
  if (own !== undefined && widths.some((width) => [own, own + 7, own + 6].includes(width))) return own;
  const counts = new Map<number, number>();
  for (const width of widths) if (width > 7 && width < 100) counts.set(width, (counts.get(width) ?? 0) + 1);
  const [best] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  return best === undefined || best[1] < 2 ? undefined : best[0];
}

function guessJoints(description: SourceDescription, robot: RobotModel | undefined, notes: string[]): object {
  const own = description.joints;
  const said = robotOf(description);
  const isAnother = said !== undefined && robot !== undefined && !isSameName(said, robot.name);
  if (isAnother) notes.push(`the file says that it is of the robot "${said}", not ${robot.name}`);
  if (own === undefined) {
    notes.push("the file names no joints: they are taken to be the robot's, in its order (joints.names.robot)");
    return { names: { robot: 'model' } };
  }
  if (robot === undefined) return { names: own.selector };
  const rename: Record<string, string> = {};
  const ignore: string[] = [];
  for (const name of own.names) {
    if (robot.jointNames.includes(name)) continue;
    const same = robot.jointNames.find((joint) => plain(joint) === plain(name));
    if (same === undefined) ignore.push(name);
    else rename[name] = same;
  }
  const known = new Set(own.names.map((name) => rename[name] ?? name));
  const missing = robot.jointNames.filter((joint) => !known.has(joint));
  // A map may leave out hands and hold what was locked; a robot does not walk without its knees.
  const legs = ignore.filter((name) => /hip|knee|ankle|(^|_)leg/i.test(name));
  if (legs.length > 0 || ignore.length > own.names.length / 2 || (isAnother && ignore.length + missing.length > 0)) {
    const which = legs.length > 0 ? `, with ${listNames(legs, 4)} of its legs` : '';
    const counts = `${ignore.length} of its ${own.names.length} joints${which} are none of ${robot.name}'s`;
    notes.push(`the file is another robot's: ${counts}, and ${missing.length} of ${robot.name}'s are not in it`);
    return { names: own.selector };
  }
  if (missing.length > 0) notes.push(`${missing.length} joints of ${robot.name} are not in the file: held at 0`);
  return {
    names: own.selector,
    ...(Object.keys(rename).length > 0 ? { rename } : {}),
    ...(ignore.length > 0 ? { ignore } : {}),
    ...(missing.length > 0 ? { held: Object.fromEntries(missing.map((joint) => [joint, 0])) } : {}),
  };
}

/** The robot that the file names: as its format says, or in a text called robot. */
function robotOf({ robot, fields }: SourceDescription): string | undefined {
  return robot ?? fields.find(({ name, value }) => value !== undefined && /^robot(_?(name|type))?$/i.test(name))?.value;
}

/** `Unitree_G1_Inspire` is a g1. */
function isSameName(a: string, b: string): boolean {
  const [one, other] = [a, b].map((name) => name.toLowerCase().replace(/[^a-z0-9]/g, ''));
  return one.includes(other) || other.includes(one);
}

/** A joint's name without what producers add to it or write differently. */
function plain(name: string): string {
  return name
    .replace(/^k(?=[A-Z])/, '')
    .toLowerCase()
    .replace(/joint|[_\-. ]/g, '');
}
