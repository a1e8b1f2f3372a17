// People as producers of SMPL motion describe them: one track a person, rows of rotations at numbered video frames.

import { DataError } from '../../src/base/errors.js';
import { fromMatrix, fromRotationVector } from '../../src/math/rotation.js';
import type { Axis } from '../../src/retarget/rig.js';
import type { NumericArray } from './pickle-arrays.js';
import { BODY_JOINT_COUNT } from './smpl-body.js';

export interface BodyTrack {
  readonly person: string;
  /** Number of the shot within the video. */
  readonly shot: number;
  /** Video frame of each row, ascending. */
  readonly frames: Int32Array;
  /** Local joint rotations, w x y z; the first is that of the pelvis in the file's world. */
  readonly rotations: Float64Array; // [row, joint, 4]
  /** Position of the model's origin in the file's world (m); absent where the file has none in the world. */
  readonly translation?: Float64Array; // [row, 3]
  /** Rotation from model axes, in which the pelvis lies below the origin, to the file's world; absent: none. */
  readonly modelTurns?: Float64Array; // [row, 4]
  /** Body shape coefficients. */
  readonly shape?: Float64Array; // [row, shapeWidth]
}

/** What a producer's file says about itself. */
export interface BodyFile {
  readonly producer: string;
  readonly tracks: readonly BodyTrack[];
  /** Frame rate (Hz) where the file, or the producer's convention, has one. */
  readonly rate_hz?: number;
  /** Where the rate is from, for the report. */
  readonly rateSource?: string;
  /** Which way is up in the file's world, as the producer documents it. */
  readonly up: Axis;
  /** The file's world is a camera's: which way is down is not exactly known. */
  readonly inCamera: boolean;
  /** Motion capture, whose floor does not drift. */
  readonly isMocap: boolean;
  readonly notes: readonly string[];
}

/** Rows of one array, or an error that names what was expected of it. */
export function expectShape(array: NumericArray, shape: readonly (number | undefined)[], where: string): NumericArray {
  const fits =
    array.shape.length === shape.length &&
    shape.every((extent, k) => extent === undefined || array.shape[k] === extent);
  if (!fits) {
    const expected = `shape (${shape.map((extent) => extent ?? 'frames').join(', ')})`;
    throw new DataError({ where, what: 'array', expected, found: `(${array.shape.join(', ')})` });
  }
  const bad = array.values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const row = Math.floor(bad / (array.values.length / Math.max(1, array.shape[0] ?? 1)));
    throw new DataError({
      where: `${where}[${row}]`,
      what: 'value',
      expected: 'a finite number',
      found: `${array.values[bad]}`,
    });
  }
  return array;
}

/**
 * Local rotations [row, 22, 4] from rotation vectors: the pelvis from `root` (its own width 3), the others from `body`.
 * Joints beyond the body's 22 (hands, jaw, eyes) are left out.
 */
export function fromVectors(
  rowCount: number,
  values: Float64Array,
  width: number,
  from = 0,
  to: number = BODY_JOINT_COUNT,
  into?: Float64Array,
): Float64Array {
  const out = into ?? identities(rowCount);
  for (let row = 0; row < rowCount; row++) {
    for (let joint = from; joint < to; joint++) {
      fromRotationVector(out, (row * BODY_JOINT_COUNT + joint) * 4, values, row * width + (joint - from) * 3);
    }
  }
  return out;
}

/** The same from rotation matrices (9, row-major), `width` numbers a row. @throws DataError where they are none */
export function fromMatrices(
  rowCount: number,
  values: Float64Array,
  width: number,
  where: string,
  from = 0,
  to: number = BODY_JOINT_COUNT,
  into?: Float64Array,
): Float64Array {
  const out = into ?? identities(rowCount);
  for (let row = 0; row < rowCount; row++) {
    for (let joint = from; joint < to; joint++) {
      const at = row * width + (joint - from) * 9;
      const deviation = Math.abs(determinant(values, at) - 1);
      if (!(deviation < 0.05)) {
        const found = `determinant ${determinant(values, at).toPrecision(3)}`;
        throw new DataError({
          where: `${where}[${row}]`,
          what: `rotation matrix of joint ${joint}`,
          expected: 'a rotation',
          found,
        });
      }
      fromMatrix(out, (row * BODY_JOINT_COUNT + joint) * 4, values, at);
    }
  }
  return out;
}

function identities(rowCount: number): Float64Array {
  const out = new Float64Array(rowCount * BODY_JOINT_COUNT * 4);
  for (let at = 0; at < out.length; at += 4) out[at] = 1;
  return out;
}

function determinant(m: Float64Array, i: number): number {
  return (
    m[i] * (m[i + 4] * m[i + 8] - m[i + 5] * m[i + 7]) -
    m[i + 1] * (m[i + 3] * m[i + 8] - m[i + 5] * m[i + 6]) +
    m[i + 2] * (m[i + 3] * m[i + 7] - m[i + 4] * m[i + 6])
  );
}

/** Rows in the order of their frames, which must be different ones. */
export function sortRows(track: BodyTrack, where: string): BodyTrack {
  const order = Array.from(track.frames.keys()).sort((a, b) => track.frames[a] - track.frames[b]);
  const repeated = order.findIndex((row, k) => k > 0 && track.frames[row] === track.frames[order[k - 1]]);
  if (repeated >= 0) {
    const found = `frame ${track.frames[order[repeated]]} twice`;
    throw new DataError({ where, what: 'frame numbers', expected: 'different ones', found });
  }
  return order.every((row, k) => row === k) ? track : takeRows(track, order);
}

/** A track with some of its rows. */
export function takeRows(track: BodyTrack, rows: readonly number[]): BodyTrack {
  const pick = (values: Float64Array) => {
    const width = values.length / Math.max(1, track.frames.length);
    const out = new Float64Array(rows.length * width);
    for (const [k, row] of rows.entries()) out.set(values.subarray(row * width, (row + 1) * width), k * width);
    return out;
  };
  return {
    ...track,
    frames: Int32Array.from(rows, (row) => track.frames[row]),
    rotations: pick(track.rotations),
    ...(track.translation === undefined ? {} : { translation: pick(track.translation) }),
    ...(track.modelTurns === undefined ? {} : { modelTurns: pick(track.modelTurns) }),
    ...(track.shape === undefined ? {} : { shape: pick(track.shape) }),
  };
}
