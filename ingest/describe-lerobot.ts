// What is in a LeRobot dataset: its features with their names, and the beginning of the first episode.

import {
  type LeRobotEpisode,
  type LeRobotFeature,
  type LeRobotInfo,
  leRobotFiles,
  readLeRobotEpisodes,
  readLeRobotInfo,
} from './readers/lerobot.js';
import { readLeRobotEpisodeFacts } from './readers/lerobot-episodes.js';
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
  const fields = [...info.features].map(([name, feature]): SourceField => {
    const numbers = first?.features.get(name);
    const shape = `${first?.frameCount ?? 0} x ${feature.width}`;
    const named = feature.names === undefined ? {} : { columns: feature.names };
    if (numbers === undefined) return { name, shape: feature.width > 0 ? shape : '', type: feature.dtype, ...named };
    const sample = { width: numbers.width, data: numbers.data.subarray(0, SAMPLE_ROWS * numbers.width) };
    const selector = name === 'timestamp' ? {} : { selector: { array: name } };
    return { name, shape, type: feature.dtype, ...named, ...selector, sample };
  });
  return {
    format: 'lerobot',
    mapKeys: {},
    fields,
    time: { rateArray: 'fps' },
    rate_hz: info.fps,
    ...jointsOf(info),
    recordingCount: info.episodeCount === undefined ? 1 : info.episodeCount - missing,
    facts: await factsOf(info, missing),
  };
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
