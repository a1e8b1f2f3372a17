// How a recorded velocity relates to the recorded position: whether it is its derivative at all, and by which factor.
//
// The change over two frames is compared with Simpson's rule over the velocities of the three: exact to fourth order,
// so that a factor of a few percent (a wrong clock) can be told from the error of differencing. The correlation is
// about zero and knows no scale; the ratio is that of the two sizes, signed, because both sides carry noise.

import type { FloatArray } from '../base/arrays.js';
import { multiplyQuaternions, rotate, rotateInverse, rotationVector } from '../math/quaternion.js';
import { type Column, isValidAt } from './columns.js';

export interface VelocityFit {
  /** Between -1 and 1; near 1 where the velocity is the derivative up to a positive factor. */
  readonly correlation: number;
  /** Size of the recorded velocity over that of the derivative; negative where they oppose. */
  readonly ratio: number;
  /** RMS of the derivative (units of the position, per second). */
  readonly size: number;
  /** RMS of the recorded velocity. */
  readonly recorded: number;
}

/** Share of a signal that a reading must leave unexplained before another can be called better, and the share of that
 *  which the other may leave. Noise is left by both alike. */
const UNEXPLAINED = 0.005;
const LEFT_BY_BETTER = 0.3;

/** True where a velocity is so much more the derivative in one reading than in another that chance is no reason. */
export function explainsMore(better: number, worse: number): boolean {
  const left = 1 - worse * Math.max(0, worse);
  return better > 0.8 && left > UNEXPLAINED && 1 - better * better < LEFT_BY_BETTER * left;
}

/** Sums of products of what is recorded (r) and what is expected (e). */
export class FitSums {
  #rr = 0;
  #ee = 0;
  #re = 0;
  #count = 0;

  add(recorded: number, expected: number): void {
    this.#rr += recorded * recorded;
    this.#ee += expected * expected;
    this.#re += recorded * expected;
    this.#count++;
  }

  finish(): VelocityFit | undefined {
    if (this.#count === 0 || this.#rr === 0 || this.#ee === 0) return undefined;
    return {
      correlation: this.#re / Math.sqrt(this.#rr * this.#ee),
      ratio: Math.sign(this.#re || 1) * Math.sqrt(this.#rr / this.#ee),
      size: Math.sqrt(this.#ee / this.#count),
      recorded: Math.sqrt(this.#rr / this.#count),
    };
  }
}

/** Frames that have, with both neighbours, all columns. */
function* middleFrames(frameCount: number, columns: readonly Column[]): Generator<number> {
  const partial = columns.filter(({ valid }) => valid !== undefined);
  for (let frame = 1; frame < frameCount - 1; frame++) {
    let isWhole = true;
    for (const column of partial) {
      isWhole &&= isValidAt(column, frame - 1) && isValidAt(column, frame) && isValidAt(column, frame + 1);
    }
    if (isWhole) yield frame;
  }
}

/** Mean of a column over [frame - 1, frame + 1]. */
function simpson(data: FloatArray, width: number, frame: number, k: number): number {
  const at = frame * width + k;
  return (data[at - width] + 4 * data[at] + data[at + width]) / 6;
}

/** Positions and velocities of joints, or of anything that needs no turning. */
export function fitVelocity(
  position: Column,
  velocity: Column,
  frameCount: number,
  rate_hz: number,
): VelocityFit | undefined {
  const sums = new FitSums();
  const { width } = position;
  for (const frame of middleFrames(frameCount, [position, velocity])) {
    for (let k = 0; k < width; k++) {
      const at = frame * width + k;
      const change = (position.data[at + width] - position.data[at - width]) * (rate_hz / 2);
      sums.add(simpson(velocity.data, width, frame, k), change);
    }
  }
  return sums.finish();
}

/** Orientations w x y z and an angular velocity in the base frame or in the world's. */
export function fitTurn(
  orientation: Column,
  angular: Column,
  frame: 'base' | 'world',
  frameCount: number,
  rate_hz: number,
): VelocityFit | undefined {
  const sums = new FitSums();
  const inverse = new Float64Array(4);
  const turn = new Float64Array(4);
  const vector = new Float64Array(3);
  const { data } = orientation;
  for (const at of middleFrames(frameCount, [orientation, angular])) {
    const [before, after] = [(at - 1) * 4, (at + 1) * 4];
    for (let k = 0; k < 4; k++) inverse[k] = k === 0 ? data[before] : -data[before + k];
    multiplyQuaternions(turn, 0, inverse, 0, data, after);
    rotationVector(vector, 0, turn, 0);
    if (frame === 'world') rotate(vector, 0, data, at * 4, vector, 0);
    for (let k = 0; k < 3; k++) sums.add(simpson(angular.data, 3, at, k), vector[k] * (rate_hz / 2));
  }
  return sums.finish();
}

/** Base positions and a linear velocity in the world frame, or in that of the base where there is an orientation. */
export function fitTravel(
  position: Column,
  velocity: Column,
  orientation: Column | undefined,
  frameCount: number,
  rate_hz: number,
): VelocityFit | undefined {
  if (orientation === undefined) return fitVelocity(position, velocity, frameCount, rate_hz);
  const sums = new FitSums();
  const change = new Float64Array(3);
  for (const at of middleFrames(frameCount, [position, velocity, orientation])) {
    for (let k = 0; k < 3; k++) {
      change[k] = (position.data[at * 3 + 3 + k] - position.data[at * 3 - 3 + k]) * (rate_hz / 2);
    }
    rotateInverse(change, 0, orientation.data, at * 4, change, 0);
    for (let k = 0; k < 3; k++) sums.add(simpson(velocity.data, 3, at, k), change[k]);
  }
  return sums.finish();
}
