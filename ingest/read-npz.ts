// An npz file as recordings: arrays by name, with leading axes as the field map says.

import { DataError } from '../src/base/errors.js';
import type { FieldMap } from './field-map.js';
import { type FieldRequest, fieldRequests } from './field-map.js';
import type { NpyArray } from './readers/npy.js';
import { NpzFile } from './readers/npz.js';
import { type RawField, type RawInput, type RawTable, requireWidth, sliceField, uniformTimes } from './recording.js';
import { unitFactor } from './units.js';

/** @throws DataError naming file and array for what does not fit the map */
export async function readNpzInput(path: string, map: FieldMap): Promise<RawInput> {
  const file = await NpzFile.open(path);
  try {
    const jointNames = map.joints.names.list ?? (await readNames(file, map.joints.names.array!));
    const fields: { request: FieldRequest; episodes: RawField[] }[] = [];
    for (const request of fieldRequests(map)) {
      const where = `${path}: ${request.field.array}`;
      const episodes = byEpisode(await file.read(request.field.array!), map.axes, where).map((field) => {
        const part = sliceField(field, request.field.slice, where);
        requireWidth(part, request, jointNames.length, where);
        return part;
      });
      fields.push({ request, episodes });
    }
    const times = await readTimes(file, map);
    const episodeCount = fields[0].episodes.length;
    const recordings = Array.from({ length: episodeCount }, (_, episode): RawTable[] => {
      const parts = fields.map(({ request, episodes }) => [request, episodes[episode]] as const);
      return [tableOf(path, parts, times, episode)];
    });
    return { jointNames, recordings, files: [path] };
  } finally {
    await file.close();
  }
}

/** A rate, or stamps for every episode (the same ones where the file has one list of them). */
type Times = number | readonly Float64Array[];

async function readTimes(file: NpzFile, { time, axes }: FieldMap): Promise<Times> {
  if (time.rate_hz !== undefined) return time.rate_hz;
  const name = (time.rateArray ?? time.array)!;
  const where = `${file.path}: ${name}`;
  const array = await file.read(name);
  const values = numbersOf(array, where);
  if (time.rateArray !== undefined) {
    if (values.length === 1 && values[0] > 0) return values[0];
    throw new DataError({ where, what: 'rate', expected: 'one positive number (Hz)', found: `${values.slice(0, 4)}` });
  }
  const factor = unitFactor('time', time.unit, where);
  const episodes = array.shape.length === 1 ? [{ width: 1, data: values }] : byEpisode(array, axes, where);
  return episodes.map(({ data }) => data.map((stamp) => stamp * factor));
}

function tableOf(
  path: string,
  parts: readonly (readonly [FieldRequest, RawField])[],
  times: Times,
  episode: number,
): RawTable {
  const [first, firstField] = parts[0];
  const frameCount = firstField.data.length / firstField.width;
  for (const [request, field] of parts) {
    const found = field.data.length / field.width;
    if (found === frameCount) continue;
    throw new DataError({
      where: `${path}: ${request.field.array}`,
      what: 'number of frames',
      expected: `${frameCount}, as in ${first.field.array}`,
      found: String(found),
    });
  }
  const time_s =
    typeof times === 'number' ? uniformTimes(frameCount, times) : times[Math.min(episode, times.length - 1)];
  if (time_s.length !== frameCount) {
    throw new DataError({
      where: path,
      what: 'number of time stamps',
      expected: `${frameCount}, one for each frame`,
      found: String(time_s.length),
    });
  }
  return { where: path, time_s, fields: new Map(parts.map(([request, field]) => [request.key, field])) };
}

/** Splits an array [frame, ...], [episode, frame, ...] or [frame, episode, ...]; what follows is flattened. */
function byEpisode(array: NpyArray, axes: FieldMap['axes'], where: string): RawField[] {
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
  const width = array.shape.slice(leading).reduce((product, extent) => product * extent, 1);
  if (axes === 'frame') return [{ width, data: numbers }];
  const [episodeAxis, frameAxis] = axes === 'episode-frame' ? [0, 1] : [1, 0];
  const frameCount = array.shape[frameAxis];
  return Array.from({ length: array.shape[episodeAxis] }, (_, episode) => {
    const data = new Float64Array(frameCount * width);
    for (let frame = 0; frame < frameCount; frame++) {
      const row = axes === 'episode-frame' ? episode * frameCount + frame : frame * array.shape[1] + episode;
      data.set(numbers.subarray(row * width, (row + 1) * width), frame * width);
    }
    return { width, data };
  });
}

function numbersOf(array: NpyArray, where: string): Float64Array {
  if (array.numbers !== undefined) return array.numbers;
  throw new DataError({ where, what: 'array type', expected: 'numbers', found: array.dtype });
}

async function readNames(file: NpzFile, name: string): Promise<readonly string[]> {
  const { text, dtype } = await file.read(name);
  if (text !== undefined) return text;
  throw new DataError({
    where: `${file.path}: ${name}`,
    what: 'joint names',
    expected: 'an array of text',
    found: dtype,
  });
}
