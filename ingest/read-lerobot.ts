// A LeRobot dataset as recordings, one episode in memory at a time.
//
// A map names a feature (`array: observation.state`, with `slice` for a part of it) or numbers of it by the names that
// meta/info.json gives them, behind the feature's: `observation.state/left_knee.pos`.

import { join } from 'node:path';
import { DataError, listNames } from '../src/base/errors.js';
import { nearest } from '../src/base/nearest.js';
import type { Finding } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { type FieldMap, type FieldRequest, fieldRequests } from './field-map.js';
import {
  INFO_PATH,
  type LeRobotEpisode,
  type LeRobotFeature,
  type LeRobotInfo,
  leRobotFiles,
  readLeRobotEpisodes,
  readLeRobotInfo,
} from './readers/lerobot.js';
import {
  type LeRobotEpisodeFacts,
  type LeRobotOrigin,
  readLeRobotEpisodeFacts,
  readLeRobotOrigins,
} from './readers/lerobot-episodes.js';
import {
  columnNumber,
  type RawField,
  type RawInput,
  type RawRecording,
  requireWidth,
  robotJointNames,
  type UnreadableRecording,
  uniformTimes,
} from './recording.js';
import { unitFactor } from './units.js';

/** @throws DataError naming file and feature for what does not fit the map */
export async function readLeRobotInput(path: string, map: FieldMap, robot: RobotModel): Promise<RawInput> {
  const info = await readLeRobotInfo(path);
  const { files, missing } = await leRobotFiles(info);
  const jointNames = jointNamesOf(info, map, robot);
  const picks = fieldRequests(map).map((request) => {
    const places = placesOf(info, request, jointNames);
    requireWidth({ width: places.length, data: new Float64Array(0) }, request, jointNames.length, path);
    return { request, places };
  });
  const facts = await readLeRobotEpisodeFacts(info);
  const plan: Plan = { info, picks, missing, facts, origins: await readLeRobotOrigins(path), ...timePlan(info, map) };
  return { jointNames, recordings: recordingsOf(files, plan), files: [join(path, INFO_PATH), ...files] };
}

/** One number of a feature. */
interface Place {
  readonly feature: string;
  readonly index: number;
}

interface Plan {
  readonly info: LeRobotInfo;
  readonly picks: readonly { readonly request: FieldRequest; readonly places: readonly Place[] }[];
  readonly missing: number;
  readonly facts: ReadonlyMap<number, LeRobotEpisodeFacts>;
  readonly origins: ReadonlyMap<number, LeRobotOrigin>;
  readonly rate_hz?: number;
  /** Feature with stamps, and the factor to seconds. */
  readonly stamps?: { readonly feature: string; readonly factor: number };
}

function timePlan(info: LeRobotInfo, { time }: FieldMap): Pick<Plan, 'rate_hz' | 'stamps'> {
  const where = join(info.folder, INFO_PATH);
  if (time.rate_hz !== undefined) return { rate_hz: time.rate_hz };
  if (time.array !== undefined) {
    requireFeature(info, time.array);
    return { stamps: { feature: time.array, factor: unitFactor('time', time.unit, where) } };
  }
  if (time.rateArray === 'fps') return { rate_hz: info.fps };
  throw new DataError({ where: 'field map: time.rateArray', what: 'rate', expected: 'fps', found: time.rateArray });
}

async function* recordingsOf(files: readonly string[], plan: Plan): AsyncGenerator<RawRecording | UnreadableRecording> {
  const { picks, stamps, info, missing } = plan;
  const features = new Set(picks.flatMap(({ places }) => places.map(({ feature }) => feature)));
  if (stamps !== undefined) features.add(stamps.feature);
  let isFirst = true;
  for await (const episode of readLeRobotEpisodes(files, [...features])) {
    if ('refused' in episode) {
      yield episode;
      continue;
    }
    const fields = new Map<FieldRequest['key'], RawField>();
    for (const { request, places } of picks) {
      const field = pickNumbers(episode, places);
      // An episode without the channel is told by nothing but missing values, where features are the same for all.
      if (!field.data.every(Number.isNaN)) fields.set(request.key, field);
    }
    const findings = lengthFindings(episode, plan.facts);
    if (isFirst && missing > 0) {
      const message = `${missing} of the dataset's ${info.episodeCount} episodes have no file here`;
      findings.push({ kind: 'missing-files', severity: 'info', message });
    }
    isFirst = false;
    const where = `${info.folder}: episode_index ${episode.index}`;
    const origin = plan.origins.get(episode.index);
    const own = origin?.length === episode.frameCount ? { origin } : {};
    yield [{ where, time_s: timesOf(episode, plan), fields, ...own, ...(findings.length > 0 ? { findings } : {}) }];
  }
}

function timesOf({ frameCount, features }: LeRobotEpisode, { rate_hz, stamps }: Plan): Float64Array {
  if (stamps === undefined) return uniformTimes(frameCount, rate_hz!);
  return features.get(stamps.feature)!.data.map((stamp) => stamp * stamps.factor);
}

function lengthFindings({ index, frameCount }: LeRobotEpisode, facts: Plan['facts']): Finding[] {
  const expected = facts.get(index)?.length;
  if (expected === undefined || expected === frameCount) return [];
  const message = `${frameCount} frames are there, the dataset's list of episodes says ${expected}`;
  return [{ kind: 'episode-length', severity: 'warning', message }];
}

function pickNumbers({ frameCount, features }: LeRobotEpisode, places: readonly Place[]): RawField {
  const width = places.length;
  const data = new Float64Array(frameCount * width);
  places.forEach(({ feature, index }, k) => {
    const from = features.get(feature)!;
    for (let frame = 0; frame < frameCount; frame++) data[frame * width + k] = from.data[frame * from.width + index];
  });
  return { width, data };
}

function placesOf(info: LeRobotInfo, { key, field }: FieldRequest, jointNames: readonly string[]): Place[] {
  if (field.array === undefined) {
    const names = field.columns ?? jointNames.map((joint) => field.perJoint!.replace('{joint}', joint));
    return names.map((name) => placeOf(info, name));
  }
  const { width } = requireFeature(info, field.array);
  const first = field.slice === undefined ? 0 : columnNumber(field.slice[0], jointNames.length);
  const end = field.slice?.[1] === undefined ? width : columnNumber(field.slice[1], jointNames.length);
  if (first >= end || end > width) {
    const where = `${info.folder}: ${field.array} (${key})`;
    throw new DataError({ where, what: 'slice', expected: `part of 0 .. ${width}`, found: `${first} .. ${end}` });
  }
  return Array.from({ length: end - first }, (_, k) => ({ feature: field.array!, index: first + k }));
}

/** The number that `feature/name` stands for. */
function placeOf(info: LeRobotInfo, text: string): Place {
  const cut = text.indexOf('/');
  const feature = cut < 0 ? text : text.slice(0, cut);
  const name = cut < 0 ? '' : text.slice(cut + 1);
  const names = namesOf(info, feature);
  const index = names.indexOf(name);
  if (index >= 0) return { feature, index };
  const near = nearest(name, names);
  throw new DataError({
    where: `${join(info.folder, INFO_PATH)}: features.${feature}.names`,
    what: `no "${name}"`,
    fix: near === undefined ? `Its names: ${listNames(names)}` : `Did you mean "${near}"?`,
  });
}

function namesOf(info: LeRobotInfo, feature: string): readonly string[] {
  const { names } = requireFeature(info, feature);
  if (names !== undefined) return names;
  throw new DataError({
    where: `${join(info.folder, INFO_PATH)}: features.${feature}.names`,
    what: 'the dataset does not name its numbers',
    fix: 'Select by array and slice, and list the joints in joints.names.list',
  });
}

function requireFeature(info: LeRobotInfo, name: string): LeRobotFeature {
  const feature = info.features.get(name);
  if (feature !== undefined && feature.width > 0) return feature;
  const known = [...info.features].filter(([, { width }]) => width > 0).map(([key]) => key);
  const near = nearest(name, known);
  throw new DataError({
    where: join(info.folder, INFO_PATH),
    what: feature === undefined ? `no feature "${name}"` : `feature "${name}" has no numbers (${feature.dtype})`,
    fix: near === undefined ? `Its features: ${listNames(known)}` : `Did you mean "${near}"?`,
  });
}

/** Joint names: listed, the robot's, those of a feature, or what {joint} is in `feature/{joint}.pos`. */
function jointNamesOf(info: LeRobotInfo, map: FieldMap, robot: RobotModel): readonly string[] {
  const { list, robot: order, array, header } = map.joints.names;
  if (list !== undefined) return list;
  if (order !== undefined) return robotJointNames(order, robot);
  if (array !== undefined) return namesOf(info, array);
  const cut = header!.indexOf('/');
  const [before, after] = header!.slice(cut + 1).split('{joint}');
  const names = namesOf(info, header!.slice(0, Math.max(0, cut)))
    .filter((name) => name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after))
    .map((name) => name.slice(before.length, name.length - after.length));
  if (names.length > 0) return names;
  throw new DataError({
    where: join(info.folder, INFO_PATH),
    what: 'joint names',
    expected: `names like ${header}`,
    found: 'none',
  });
}
