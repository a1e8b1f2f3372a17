// Conversions of rotations, against matrices built from their definitions.

import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { fromAxisAngle, rotate, rotationVector } from '../../src/math/quaternion.js';
import { fromAxes, fromMatrix, fromRotationVector, fromTo } from '../../src/math/rotation.js';

const random = new Random(5);
const unit = () => {
  const v = [random.normal(), random.normal(), random.normal()];
  return v.map((value) => value / Math.hypot(...v));
};

/** Rodrigues' formula, row-major. */
function matrixOf([x, y, z]: number[], angle: number): number[] {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const t = 1 - c;
  return [
    [t * x * x + c, t * x * y - s * z, t * x * z + s * y],
    [t * x * y + s * z, t * y * y + c, t * y * z - s * x],
    [t * x * z - s * y, t * y * z + s * x, t * z * z + c],
  ].flat();
}

/** Largest difference between two rotations as they turn a vector; doubles leave a few 1e-16 per operation. */
function difference(q: Float64Array, m: readonly number[]): number {
  const v = unit();
  const turned = new Float64Array(3);
  rotate(turned, 0, q, 0, v, 0);
  return Math.max(
    ...[0, 1, 2].map((row) =>
      Math.abs(turned[row] - m[3 * row] * v[0] - m[3 * row + 1] * v[1] - m[3 * row + 2] * v[2]),
    ),
  );
}

describe('quaternions from', () => {
  const q = new Float64Array(4);

  it('rotation vectors, the smallest and half turns included', () => {
    for (const angle of [0, 1e-15, 1e-9, 1e-3, 1, 3, Math.PI, 5]) {
      const axis = unit();
      fromRotationVector(
        q,
        0,
        axis.map((value) => value * angle),
        0,
      );
      expect(difference(q, matrixOf(axis, angle))).toBeLessThan(1e-14);
    }
    const vector = new Float64Array(3);
    fromRotationVector(q, 0, [0.3, -0.2, 0.1], 0);
    rotationVector(vector, 0, q, 0);
    for (const [k, value] of [0.3, -0.2, 0.1].entries()) expect(vector[k]).toBeCloseTo(value, 14);
  });

  it('matrices, whatever component is largest', () => {
    const axes = [[1, 0, 0], [0, 1, 0], [0, 0, 1], unit(), unit(), unit()];
    for (const axis of axes) {
      for (const angle of [0, 0.1, 2, 3.1, Math.PI, 4]) {
        const m = matrixOf(axis, angle);
        fromMatrix(q, 0, m, 0);
        expect(difference(q, m)).toBeLessThan(1e-14);
      }
    }
  });

  it('orthonormal axes', () => {
    const m = matrixOf(unit(), 1.3);
    const column = (k: number) => [m[k], m[3 + k], m[6 + k]];
    fromAxes(q, 0, column(0), column(1), column(2));
    expect(difference(q, m)).toBeLessThan(1e-14);
  });

  it('one direction to another, opposite ones included', () => {
    const turned = new Float64Array(3);
    const pairs = Array.from({ length: 20 }, () => [unit(), unit()]);
    for (const axis of [[1, 0, 0], [0, 1, 0], [0, 0, 1], unit()]) pairs.push([axis, axis], [axis, axis.map((v) => -v)]);
    for (const [a, b] of pairs) {
      fromTo(q, 0, a, b);
      rotate(turned, 0, q, 0, a, 0);
      for (let k = 0; k < 3; k++) expect(Math.abs(turned[k] - b[k])).toBeLessThan(1e-8);
      // The shortest: its axis is perpendicular to both.
      const vector = new Float64Array(3);
      rotationVector(vector, 0, q, 0);
      expect(Math.abs(vector[0] * a[0] + vector[1] * a[1] + vector[2] * a[2])).toBeLessThan(1e-7);
    }
    fromAxisAngle(q, 0, [0, 0, 1], 0, 0);
  });
});
