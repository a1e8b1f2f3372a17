// What is in an npz file: its arrays, and what in it may be the rate and the joint names.

import { numbersOf } from './array-source.js';
import type { NpyArray } from './readers/npy.js';
import { NpzFile } from './readers/npz.js';
import { SAMPLE_ROWS, type SourceDescription, type SourceField } from './source-description.js';

const RATE_NAMES = /^(fps|rate|rate_hz|frequency|freq|mocap_frame_?rate|motion_fps)$/i;
const JOINT_NAMES = /joint_?names|dof_?names/i;

/** @throws DataError where it is no npz file; arrays that cannot be read are told as they are */
export async function describeNpz(path: string): Promise<SourceDescription> {
  const file = await NpzFile.open(path);
  try {
    const fields: SourceField[] = [];
    let rate: { name: string; value: number } | undefined;
    let joints: SourceDescription['joints'];
    for (const name of file.names) {
      let array: NpyArray;
      try {
        array = await file.read(name);
      } catch (error) {
        fields.push({ name, shape: '', type: 'unreadable', value: (error as Error).message.replace(/^[^:]*: /, '') });
        continue;
      }
      fields.push(fieldOfArray(name, array, SAMPLE_ROWS));
      if (array.numbers?.length === 1 && RATE_NAMES.test(name)) rate = { name, value: array.numbers[0] };
      if (array.text !== undefined && array.text.length > 1 && JOINT_NAMES.test(name)) {
        joints = { names: array.text, selector: { array: name } };
      }
    }
    return {
      format: 'npz',
      mapKeys: {},
      fields,
      ...(rate === undefined ? {} : { time: { rateArray: rate.name }, rate_hz: rate.value }),
      joints,
      recordingCount: 1,
      facts: [],
    };
  } finally {
    await file.close();
  }
}

/** An array [frame, ...] as a field; text and single values as what they say. */
export function fieldOfArray(name: string, array: NpyArray, rows: number, frames?: number): SourceField {
  const { shape, dtype } = array;
  const base = { name, shape: shape.join(' x ') || 'single value', type: dtype };
  if (array.text !== undefined) return { ...base, value: array.text.slice(0, 4).join(', '), text: array.text };
  const numbers = numbersOf(array, name);
  if (shape.length === 0 || numbers.length === 1) return { ...base, value: String(numbers[0]) };
  const width = numbers.length / shape[0];
  const kept = Math.min(shape[0], rows);
  return {
    ...base,
    shape: [frames ?? shape[0], ...shape.slice(1)].join(' x '),
    selector: { array: name },
    sample: { width, data: numbers.slice(0, kept * width) },
  };
}
