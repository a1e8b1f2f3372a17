// What npz and HDF5 files have in common: named arrays whose leading axes are frames, episodes or both.

import { DataError } from '../src/base/errors.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { type FieldMap, type FieldRequest, fieldRequests } from './field-map.js';
import type { NpyArray } from './readers/npy.js';
import {
  type RawField,
  type RawRecording,
  requireWidth,
  robotJointNames,
  sliceField,
  uniformTimes,
} from './recording.js';
import { unitFactor } from './units.js';

/** Ranges [first, end) of leading axes; the others are taken whole. */
export type Ranges = readonly (readonly [first: number, end: number])[];

export interface ArraySource {
  readonly path: string;
  has(name: string): boolean;
  /** @throws DataError where there is no such array (naming the nearest) */
  shapeOf(name: string): Promise<readonly number[]>;
  /** @throws DataError where there is no such array, or it is damaged */
  read(name: string, ranges?: Ranges): Promise<NpyArray>;
}

/** Where one episode's frames are: a group of its own, rows of arrays that all share, or an index of an axis. */
export interface EpisodePlace {
  readonly prefix: string;
  readonly ranges?: Ranges;
  /** Leading axes of what the ranges leave; one of them is of extent 1 and stands for the episode. */
  readonly axes: FieldMap['axes'];
}

/** Joint names by the map: in an array of text, listed, or the robot's own. */
export async function arrayJointNames(
  source: ArraySource,
  map: FieldMap,
  robot: RobotModel,
  prefix = '',
): Promise<readonly string[]> {
  const { list, array, robot: order } = map.joints.names;
  if (list !== undefined) return list;
  if (order !== undefined) return robotJointNames(order, robot);
  const { text, dtype } = await source.read(placed(source, array!, prefix));
  if (text !== undefined) return text;
  throw new DataError({
    where: `${source.path}: ${array!}`,
    what: 'joint names',
    expected: 'an array of text',
    found: dtype,
  });
}

/** The episodes of a file without groups. @throws DataError where the arrays do not have the map's axes */
export async function episodePlaces(source: ArraySource, map: FieldMap): Promise<EpisodePlace[]> {
  const name = fieldRequests(map)[0].field.array!;
  const shape = await source.shapeOf(name);
  const leading = map.axes === 'frame' ? 1 : 2;
  if (shape.length < leading || shape.includes(0)) {
    throw new DataError({
      where: `${source.path}: ${name}`,
      what: 'array shape',
      expected: `[${map.axes.replace('-', ', ')}, ...] with at least one value`,
      found: `[${shape.join(', ')}]`,
    });
  }
  if (map.axes !== 'frame') {
    const [frames, count] = map.axes === 'episode-frame' ? [shape[1], shape[0]] : [shape[0], shape[1]];
    return Array.from({ length: count }, (_, at) => {
      const ranges: Ranges = map.axes === 'episode-frame' ? [[at, at + 1]] : [[0, frames], [at, at + 1]]; // biome-ignore format: two axes
      return { prefix: '', axes: map.axes, ranges };
    });
  }
  if (map.episodeEnds === undefined) return [{ prefix: '', axes: 'frame' }];
  const places: EpisodePlace[] = [];
  let first = 0;
  for (const end of await endsOf(source, map.episodeEnds, shape[0])) {
    places.push({ prefix: '', axes: 'frame', ranges: [[first, end]] });
    first = end;
  }
  return places;
}

/** One past the last frame of every episode; the last one may be cut off by the end of the file. */
async function endsOf(source: ArraySource, names: readonly string[], frameCount: number): Promise<number[]> {
  const isEnd = new Uint8Array(frameCount);
  for (const name of names) {
    const values = numbersOf(await source.read(name), `${source.path}: ${name}`);
    if (values.length !== frameCount) {
      throw new DataError({
        where: `${source.path}: ${name}`,
        what: 'number of frames',
        expected: String(frameCount),
        found: String(values.length),
      });
    }
    for (let frame = 0; frame < frameCount; frame++) if (values[frame] !== 0) isEnd[frame] = 1;
  }
  const ends: number[] = [];
  for (let frame = 0; frame < frameCount; frame++) if (isEnd[frame] === 1) ends.push(frame + 1);
  if (ends.at(-1) !== frameCount) ends.push(frameCount);
  return ends;
}

/** Reads one episode. @throws DataError naming file and array for what does not fit the map */
export async function readPlace(
  source: ArraySource,
  map: FieldMap,
  place: EpisodePlace,
  jointNames: readonly string[],
): Promise<RawRecording> {
  const where = place.prefix === '' ? source.path : `${source.path}: ${place.prefix.slice(0, -1)}`;
  const read = async (name: string) => {
    const full = placed(source, name, place.prefix);
    // What is not in the episode's group is the same for all episodes.
    const array = await source.read(full, full.startsWith(place.prefix) ? place.ranges : undefined);
    return frameField(array, place.axes, `${source.path}: ${full}`);
  };
  const parts: { request: FieldRequest; field: RawField }[] = [];
  for (const request of fieldRequests(map)) {
    const { array, slice, initial } = request.field;
    const at = `${source.path}: ${place.prefix}${array!}`;
    const whole = await read(array!);
    const shifted = initial === undefined ? whole : startWith(whole, await read(initial), at);
    const field = sliceField(shifted, slice, jointNames.length, at);
    requireWidth(field, request, jointNames.length, at);
    parts.push({ request, field });
  }
  const frameCount = sharedFrames(parts, where);
  const fields = new Map(parts.map(({ request, field }) => [request.key, firstFrames(field, frameCount)]));
  return [{ where, time_s: await timesOf(source, map, place, frameCount, where), fields }];
}

/** An array's name in the episode's group, or else in the whole file. */
function placed(source: ArraySource, name: string, prefix: string): string {
  return !source.has(prefix + name) && source.has(name) ? name : prefix + name;
}

/** The rows of an episode [frame, ...]; what follows the leading axes is flattened. */
function frameField(array: NpyArray, axes: FieldMap['axes'], where: string): RawField {
  const numbers = numbersOf(array, where);
  const leading = axes === 'frame' ? 1 : 2;
  if (array.shape.length < leading || numbers.length === 0) {
    throw new DataError({
      where,
      what: 'array shape',
      expected: `[${axes.replace('-', ', ')}, ...] with at least one value`,
      found: `[${array.shape.join(', ')}]`,
    });
  }
  return { width: array.shape.slice(leading).reduce((product, extent) => product * extent, 1), data: numbers };
}

/**
 * A recorder that stores states after the step has the state in which an action was chosen one row earlier: the rows
 * move down by one behind the initial state. Where the first row is the initial state already, nothing moves.
 */
function startWith(field: RawField, initial: RawField, where: string): RawField {
  const { width, data } = field;
  if (initial.width !== width) {
    throw new DataError({ where, what: 'width of its initial state', expected: `${width}`, found: `${initial.width}` });
  }
  const row = initial.data.subarray(initial.data.length - width);
  if (row.every((value, k) => value === data[k])) return field;
  const moved = new Float64Array(data.length);
  moved.set(row);
  moved.set(data.subarray(0, data.length - width), width);
  return { width, data: moved };
}

/** Frames of an episode: observations may have one more, which no action follows. */
function sharedFrames(parts: readonly { request: FieldRequest; field: RawField }[], where: string): number {
  const counts = parts.map(({ field }) => field.data.length / field.width);
  const fewest = counts.reduce((a, b) => Math.min(a, b));
  const odd = counts.findIndex((count) => count > fewest + 1);
  if (odd < 0) return fewest;
  const { array } = parts[counts.indexOf(fewest)].request.field;
  throw new DataError({
    where: `${where}: ${parts[odd].request.field.array}`,
    what: 'number of frames',
    expected: `${fewest}, as in ${array}`,
    found: String(counts[odd]),
  });
}

function firstFrames({ width, data }: RawField, frameCount: number): RawField {
  return { width, data: data.subarray(0, frameCount * width) };
}

async function timesOf(
  source: ArraySource,
  { time }: FieldMap,
  place: EpisodePlace,
  frameCount: number,
  where: string,
): Promise<Float64Array> {
  if (time.rate_hz !== undefined) return uniformTimes(frameCount, time.rate_hz);
  const name = placed(source, (time.rateArray ?? time.array)!, place.prefix);
  const at = `${source.path}: ${name}`;
  if (time.rateArray !== undefined) {
    const values = numbersOf(await source.read(name), at);
    if (values.length === 1 && values[0] > 0) return uniformTimes(frameCount, values[0]);
    throw new DataError({
      where: at,
      what: 'rate',
      expected: 'one positive number (Hz)',
      found: `${values.slice(0, 4)}`,
    });
  }
  const factor = unitFactor('time', time.unit, at);
  const shape = await source.shapeOf(name);
  // One list of stamps for all episodes of a file that has an axis for them.
  const isShared = place.axes !== 'frame' && shape.length === 1;
  const array = await source.read(name, isShared ? undefined : place.ranges);
  const field = sliceField(frameField(array, isShared ? 'frame' : place.axes, at), time.slice, 0, at);
  if (field.width !== 1 || field.data.length < frameCount || field.data.length > frameCount + 1) {
    throw new DataError({
      where,
      what: 'number of time stamps',
      expected: `${frameCount}, one for each frame`,
      found: `${field.data.length}${field.width > 1 ? ` (${field.width} columns: give time.slice)` : ''}`,
    });
  }
  const first = Number.isFinite(field.data[0]) ? field.data[0] : 0;
  // Stamps in nanoseconds since 1970 leave no room for a time step in seconds: they are counted from the first.
  return field.data.subarray(0, frameCount).map((stamp) => (stamp - first) * factor);
}

export function numbersOf(array: NpyArray, where: string): Float64Array {
  if (array.numbers !== undefined) return array.numbers;
  throw new DataError({ where, what: 'array type', expected: 'numbers', found: array.dtype });
}
