// What is in a LeRobot dataset: its features with their names, and the beginning of the first episode.

import { vectorsOf } from './column-groups.js';
import {
  type LeRobotEpisode,
  type LeRobotFeature,
  type LeRobotInfo,
  leRobotFiles,
  readLeRobotEpisodes,
  readLeRobotInfo,
} from './readers/lerobot.js';
import { readLeRobotEpisodeFacts } from './readers/lerobot-episodes.js';
import type { RawField } from './recording.js';
import { SAMPLE_ROWS, type SourceDescription, type SourceField } from './source-description.js';

/** Features by which LeRobot counts frames; their meaning is fixed. */
const COUNTERS = new Set(['frame_index', 'episode_index', 'index', 'task_index']);
/** Where the joints' names stand, the most telling first. */
const JOINT_FEATURES = ['observation.state', 'action'];

/** @throws DataError where the folder is no LeRobot dataset */
export async function describeLeRobot(path: string): Promise<SourceDescription> {
  const info = await readLeRobotInfo(path);
  const { files, missing } = await leRobotFiles(info);
  const numeric = [...info.features].filter(([name, { width }]) => width > 0 && !COUNTERS.has(name));
  const names = numeric.map(([name]) => name);
  const first = await firstEpisode(files, names);
  const { joints } = jointsOf(info);
  const fields = [...info.features].flatMap(([name, feature]): SourceField[] => {
    const numbers = first?.features.get(name);
    const shape = `${first?.frameCount ?? 0} x ${feature.width}`;
    const named = feature.names === undefined ? {} : { columns: feature.names };
    if (numbers === undefined) return [{ name, shape: feature.width > 0 ? shape : '', type: feature.dtype, ...named }];
    const sample = { width: numbers.width, data: numbers.data.subarray(0, SAMPLE_ROWS * numbers.width) };
    const selector = name === 'timestamp' ? {} : { selector: { array: name } };
    const whole = { name, shape, type: feature.dtype, ...named, ...selector, sample };
    return [whole, ...partsOf(name, feature, joints?.names ?? [], sample)];
  });
  return {
    format: 'lerobot',
    mapKeys: {},
    fields,
    time: { rateArray: 'fps' },
    rate_hz: info.fps,
    ...(joints === undefined ? {} : { joints }),
    ...(info.robotType === undefined ? {} : { robot: info.robotType }),
    recordingCount: info.episodeCount === undefined ? 1 : info.episodeCount - missing,
    facts: await factsOf(info, missing),
  };
}

/** What the names of a feature show to be in it: joints by an ending (`.pos`, `.vel`), vectors, quaternions. */
function partsOf(feature: string, { names, dtype }: LeRobotFeature, joints: readonly string[], whole: RawField) {
  if (names === undefined) return [];
  const left = new Set(names);
  const parts: SourceField[] = [];
  const add = (name: string, columns: readonly string[], selector: SourceField['selector']) => {
    for (const column of columns) left.delete(column);
    const picked = columns.map((column) => names.indexOf(column));
    const sample = pickedColumns(whole, picked);
    const shape = `${sample.data.length / sample.width} x ${sample.width}`;
    parts.push({ name, shape, type: dtype, columns, selector, sample });
  };
  const endings = joints.length === 0 ? [] : names.filter((name) => name.startsWith(`${joints[0]}.`));
  for (const ending of endings.map((name) => name.slice(joints[0].length))) {
    const columns = joints.map((joint) => joint + ending);
    const pattern = `${feature}/{joint}${ending}`;
    if (columns.every((column) => left.has(column))) add(pattern, columns, { perJoint: pattern });
  }
  for (const columns of vectorsOf([...left])) {
    const paths = columns.map((column) => `${feature}/${column}`);
    add(paths.join(', '), columns, { columns: paths });
  }
  // What all of its names are is the feature itself.
  return parts.filter(({ columns }) => columns!.length < names.length);
}

function pickedColumns({ width, data }: RawField, columns: readonly number[]): RawField {
  const picked = new Float64Array((data.length / width) * columns.length);
  for (let at = 0; at < picked.length; at++) {
    picked[at] = data[Math.floor(at / columns.length) * width + columns[at % columns.length]];
  }
  return { width: columns.length, data: picked };
}

async function firstEpisode(
  files: readonly string[],
  features: readonly string[],
): Promise<LeRobotEpisode | undefined> {
  let refused: Error | undefined;
  for await (const episode of readLeRobotEpisodes(files, features)) {
    if (!('refused' in episode)) return episode;
    refused ??= episode.refused;
  }
  // Nothing can be told of a dataset without one whole episode.
  if (refused !== undefined) throw refused;
  return undefined;
}

function jointsOf({ features }: LeRobotInfo): Pick<SourceDescription, 'joints'> {
  const feature = JOINT_FEATURES.find((name) => features.get(name)?.names !== undefined);
  if (feature === undefined) return {};
  const { names } = features.get(feature) as Required<LeRobotFeature>;
  // LeRobot's own robots name a joint's position `shoulder_pan.pos`.
  const isSuffixed = names.some((name) => name.endsWith('.pos'));
  if (!isSuffixed) return { joints: { names, selector: { array: feature } } };
  const joints = names.filter((name) => name.endsWith('.pos')).map((name) => name.slice(0, -'.pos'.length));
  return { joints: { names: joints, selector: { header: `${feature}/{joint}.pos` } } };
}

async function factsOf(info: LeRobotInfo, missing: number): Promise<string[]> {
  const facts = [`LeRobot ${info.version}, ${info.fps} frames a second`];
  if (info.robotType !== undefined) facts.push(`robot type: ${info.robotType}`);
  if (missing > 0) facts.push(`${info.episodeCount! - missing} of ${info.episodeCount} episodes are here`);
  const tasks = new Set([...(await readLeRobotEpisodeFacts(info)).values()].flatMap((facts) => facts.tasks));
  if (tasks.size > 0)
    facts.push(`tasks: ${[...tasks].slice(0, 5).join(' | ')}${tasks.size > 5 ? ` and ${tasks.size - 5} more` : ''}`);
  return facts;
}
