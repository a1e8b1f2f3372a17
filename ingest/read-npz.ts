// An npz file as recordings: arrays by name, with leading axes as the field map says.

import type { RobotModel } from '../src/robot/robot-model.js';
import { type ArraySource, arrayJointNames, episodePlaces, type Ranges, readPlace } from './array-source.js';
import type { FieldMap } from './field-map.js';
import type { NpyArray } from './readers/npy.js';
import { NpzFile } from './readers/npz.js';
import { type RawInput, type RawRecording, readOrRefuse, type UnreadableRecording } from './recording.js';

/** @throws DataError naming file and array for what does not fit the map */
export async function readNpzInput(path: string, map: FieldMap, robot: RobotModel): Promise<RawInput> {
  const file = await NpzFile.open(path);
  try {
    const source = npzSource(file);
    const jointNames = await arrayJointNames(source, map, robot);
    // An npz array is unpacked whole, so that all episodes of it may as well be made at once.
    const recordings: (RawRecording | UnreadableRecording)[] = [];
    for (const place of await episodePlaces(source, map)) {
      recordings.push(await readOrRefuse(() => readPlace(source, map, place, jointNames)));
    }
    return { jointNames, recordings, files: [path] };
  } finally {
    await file.close();
  }
}

export function npzSource(file: NpzFile): ArraySource {
  const unpacked = new Map<string, Promise<NpyArray>>();
  const whole = (name: string): Promise<NpyArray> => {
    if (!unpacked.has(name)) unpacked.set(name, file.read(name));
    return unpacked.get(name)!;
  };
  return {
    path: file.path,
    has: (name) => file.names.includes(name),
    shapeOf: async (name) => (await whole(name)).shape,
    read: async (name, ranges) => cut(await whole(name), ranges),
  };
}

/** Part of an array by ranges of its first one or two axes. */
function cut(array: NpyArray, ranges: Ranges | undefined): NpyArray {
  if (ranges === undefined || array.numbers === undefined) return array;
  const [[first, end], second] = ranges;
  const inner = array.shape.slice(ranges.length).reduce((product, extent) => product * extent, 1);
  if (second === undefined) {
    return {
      ...array,
      shape: [end - first, ...array.shape.slice(1)],
      numbers: array.numbers.slice(first * inner, end * inner),
    };
  }
  const [from, to] = second;
  const row = (to - from) * inner;
  const numbers = new Float64Array((end - first) * row);
  for (let at = first; at < end; at++) {
    const start = (at * array.shape[1] + from) * inner;
    numbers.set(array.numbers.subarray(start, start + row), (at - first) * row);
  }
  return { ...array, shape: [end - first, to - from, ...array.shape.slice(2)], numbers };
}
