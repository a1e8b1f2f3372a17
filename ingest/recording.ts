// Recording: what a file has, read by a field map but not yet understood: numbers by field, in the file's own units and
// joint order, with time in seconds.

import { DataError, type FindingsError, isUserError } from '../src/base/errors.js';
import type { EpisodeOrigin } from '../src/dataset/lerobot-features.js';
import type { Finding } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import type { FieldRequest, JOINT_ORDERS } from './field-map.js';

/** Numbers of one field [frame, width]. */
export interface RawField {
  readonly width: number;
  readonly data: Float64Array;
}

/** Fields that share their time stamps. */
export interface RawTable {
  /** File and part, for messages. */
  readonly where: string;
  readonly time_s: Float64Array;
  readonly fields: ReadonlyMap<FieldRequest['key'], RawField>;
  /** Where the recording came from, where the file says so: an export of a dataset does. */
  readonly origin?: EpisodeOrigin;
  /** What the reader noticed: a file that ends too early, episodes that are not there. */
  readonly findings?: readonly Finding[];
}

/** One stretch of time: its tables are joined on time. */
export type RawRecording = readonly RawTable[];

/** A part of an input that cannot be read, while the others can. */
export interface UnreadableRecording {
  readonly refused: DataError | FindingsError;
}

/** What `read` gives, or why it is refused. @throws what is no user's error */
export async function readOrRefuse<T>(read: () => Promise<T>): Promise<T | UnreadableRecording> {
  try {
    return await read();
  } catch (error) {
    if (!isUserError(error)) throw error;
    return { refused: error };
  }
}

export interface RawInput {
  readonly jointNames: readonly string[];
  /** May be made one at a time while they are iterated; at the end of that the files are closed. */
  readonly recordings: Iterable<RawRecording | UnreadableRecording> | AsyncIterable<RawRecording | UnreadableRecording>;
  /** Files that were read. */
  readonly files: readonly string[];
}

/** What a table tells of a file that ends in the middle of a line. */
export function cutFinding({ cut }: { readonly cut?: string }): Pick<RawTable, 'findings'> {
  return cut === undefined ? {} : { findings: [{ kind: 'damaged-file', severity: 'warning', message: cut }] };
}

/** Stamps of `frameCount` frames at a fixed rate. */
export function uniformTimes(frameCount: number, rate_hz: number): Float64Array {
  return Float64Array.from({ length: frameCount }, (_, frame) => frame / rate_hz);
}

/** Columns [first, end), or from first on; `7+J` where it depends on the number of joints. */
export type Slice = readonly [first: number | string, end?: number | string];

/** A column's number where a file has `jointCount` joints. */
export function columnNumber(column: number | string, jointCount: number): number {
  if (typeof column === 'number') return column;
  const [, start, whole, digits] = /^(\d+)(\+(\d*)J)?$/.exec(column)!;
  return Number(start) + (whole === undefined ? 0 : (digits === '' ? 1 : Number(digits)) * jointCount);
}

/** Columns of a field. @throws DataError where the field is narrower */
export function sliceField(field: RawField, slice: Slice | undefined, jointCount: number, where: string): RawField {
  if (slice === undefined) return field;
  const first = columnNumber(slice[0], jointCount);
  const end = slice[1] === undefined ? field.width : columnNumber(slice[1], jointCount);
  if (first >= end || end > field.width) {
    throw new DataError({ where, what: 'slice', expected: `part of 0 .. ${field.width}`, found: `${first} .. ${end}` });
  }
  const width = end - first;
  const frameCount = field.data.length / field.width;
  const data = new Float64Array(frameCount * width);
  for (let frame = 0; frame < frameCount; frame++) {
    for (let k = 0; k < width; k++) data[frame * width + k] = field.data[frame * field.width + first + k];
  }
  return { width, data };
}

/** Fields of equally many frames as one, in their order; the field itself where it is alone. */
export function sideBySide(parts: readonly RawField[]): RawField {
  if (parts.length === 1) return parts[0];
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  const frameCount = parts[0].data.length / parts[0].width;
  const data = new Float64Array(frameCount * width);
  let first = 0;
  for (const part of parts) {
    for (let frame = 0; frame < frameCount; frame++) {
      for (let k = 0; k < part.width; k++) data[frame * width + first + k] = part.data[frame * part.width + k];
    }
    first += part.width;
  }
  return { width, data };
}

/** @throws DataError where a field is not as wide as what it stands for */
export function requireWidth(field: RawField, request: FieldRequest, jointCount: number, where: string): void {
  // How many feet there are is the robot's to say, later.
  if (request.width === 'feet') return;
  const expected = request.width === 'joints' ? jointCount : request.width;
  if (field.width === expected) return;
  throw new DataError({
    where,
    what: `width of ${request.key}`,
    expected: request.width === 'joints' ? `${expected}, one for each joint name` : String(expected),
    found: String(field.width),
    fix:
      request.width === 'joints'
        ? "If it is not another robot's file (--robot), check slice, columns and joint names in the field map"
        : 'Check slice and columns in the field map',
  });
}

/** The robot's joint names in the order that a file without names has them. */
export function robotJointNames(
  order: (typeof JOINT_ORDERS)[number],
  robot: Pick<RobotModel, 'jointNames' | 'jointIndices' | 'joints' | 'bodies'>,
): readonly string[] {
  if (order === 'model') return robot.jointNames;
  const depth = (body: number): number => (body < 0 ? 0 : 1 + depth(robot.bodies[body].parent));
  // PhysX counts links level by level; within a level in the order of the model, which a stable sort keeps.
  return robot.jointNames
    .map((name, joint) => ({ name, depth: depth(robot.joints[robot.jointIndices[joint]].body) }))
    .sort((a, b) => a.depth - b.depth)
    .map(({ name }) => name);
}
