// Quaternions against rotation matrices written out, and against each other.

import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import {
  fromAxisAngle,
  multiplyQuaternions,
  normalizeQuaternion,
  projectedGravity,
  rotate,
  rotateInverse,
  rotationVector,
  slerp,
  yawOf,
} from '../../src/math/quaternion.js';

/** Rodrigues' formula: the matrix of a rotation about a unit axis, as rows. */
function rodrigues([x, y, z]: readonly number[], angle: number): number[][] {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const t = 1 - c;
  return [
    [t * x * x + c, t * x * y - s * z, t * x * z + s * y],
    [t * x * y + s * z, t * y * y + c, t * y * z - s * x],
    [t * x * z - s * y, t * y * z + s * x, t * z * z + c],
  ];
}

const apply = (matrix: number[][], v: readonly number[]) =>
  matrix.map((row) => row.reduce((sum, e, k) => sum + e * v[k], 0));
const transpose = (matrix: number[][]) => matrix[0].map((_, column) => matrix.map((row) => row[column]));

function randomUnit(random: Random, size: number): number[] {
  const parts = Array.from({ length: size }, () => random.normal());
  const length = Math.hypot(...parts);
  return parts.map((part) => part / length);
}

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(found.length).toBe(expected.length);
  // A dozen roundings of numbers of size 1.
  for (let k = 0; k < expected.length; k++) expect(Math.abs(found[k] - expected[k])).toBeLessThan(1e-14);
}

const ROUNDS = 50;

describe('quaternions', () => {
  it('rotate as the matrices of their axis and angle do', () => {
    const random = new Random(1);
    for (let round = 0; round < ROUNDS; round++) {
      const axis = randomUnit(random, 3);
      const angle = random.uniform(-6, 6);
      const v = [random.normal(), random.normal(), random.normal()];
      const q = new Float64Array(4);
      fromAxisAngle(q, 0, axis, 0, angle);
      const out = new Float64Array(3);
      rotate(out, 0, q, 0, v, 0);
      expectClose(out, apply(rodrigues(axis, angle), v));
      rotateInverse(out, 0, q, 0, v, 0);
      expectClose(out, apply(transpose(rodrigues(axis, angle)), v));
      projectedGravity(out, 0, q, 0);
      expectClose(out, apply(transpose(rodrigues(axis, angle)), [0, 0, -1]));
    }
  });

  it('multiply as rotations follow one another, also in place', () => {
    const random = new Random(2);
    for (let round = 0; round < ROUNDS; round++) {
      const a = Float64Array.from(randomUnit(random, 4));
      const b = Float64Array.from(randomUnit(random, 4));
      const v = [random.normal(), random.normal(), random.normal()];
      const product = new Float64Array(4);
      multiplyQuaternions(product, 0, a, 0, b, 0);
      const direct = new Float64Array(3);
      const inSteps = new Float64Array(3);
      rotate(direct, 0, product, 0, v, 0);
      rotate(inSteps, 0, b, 0, v, 0);
      rotate(inSteps, 0, a, 0, inSteps, 0);
      expectClose(direct, inSteps);
      multiplyQuaternions(a, 0, a, 0, b, 0);
      expectClose(a, product);
    }
  });

  it('have rotation vectors along the shorter arc, near zero too', () => {
    const q = new Float64Array(4);
    const out = new Float64Array(3);
    for (const angle of [0, 1e-14, 1e-9, 1e-3, 1, 3.1]) {
      fromAxisAngle(q, 0, [0, 0.6, 0.8], 0, angle);
      rotationVector(out, 0, q, 0);
      expectClose(out, [0, 0.6 * angle, 0.8 * angle]);
      for (let k = 0; k < 4; k++) q[k] = -q[k];
      rotationVector(out, 0, q, 0);
      expectClose(out, [0, 0.6 * angle, 0.8 * angle]);
    }
    fromAxisAngle(q, 0, [1, 0, 0], 0, 4);
    rotationVector(out, 0, q, 0);
    expectClose(out, [4 - 2 * Math.PI, 0, 0]);
  });

  it('know their heading', () => {
    const q = new Float64Array(4);
    const tilt = new Float64Array(4);
    for (const yaw of [-3, -1, 0, 0.5, 3]) {
      fromAxisAngle(q, 0, [0, 0, 1], 0, yaw);
      expect(yawOf(q, 0)).toBeCloseTo(yaw, 14);
      fromAxisAngle(tilt, 0, [0, 1, 0], 0, 0.7);
      multiplyQuaternions(q, 0, q, 0, tilt, 0);
      expect(yawOf(q, 0)).toBeCloseTo(yaw, 14);
    }
  });

  it('interpolate at constant speed along the shorter arc', () => {
    const a = new Float64Array(4);
    const b = new Float64Array(4);
    const out = new Float64Array(4);
    const expected = new Float64Array(4);
    fromAxisAngle(a, 0, [0, 0, 1], 0, 0.2);
    fromAxisAngle(b, 0, [0, 0, 1], 0, 1.4);
    for (const sign of [1, -1]) {
      const signed = b.map((part) => sign * part);
      for (const fraction of [0, 0.25, 0.5, 1]) {
        slerp(out, 0, a, 0, signed, 0, fraction);
        fromAxisAngle(expected, 0, [0, 0, 1], 0, 0.2 + 1.2 * fraction);
        expectClose(out, expected);
      }
    }
    slerp(out, 0, a, 0, a, 0, 0.3);
    expectClose(out, a);
  });

  it('are scaled to unit length, and zero becomes the identity', () => {
    const q = Float64Array.of(9, 0, 3, 0, 4);
    normalizeQuaternion(q, 1);
    expectClose(q, [9, 0, 0.6, 0, 0.8]);
    const zero = new Float64Array(4);
    normalizeQuaternion(zero, 0);
    expectClose(zero, [1, 0, 0, 0]);
  });
});
