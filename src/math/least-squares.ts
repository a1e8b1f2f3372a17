// Ordinary least squares with a few regressors: coefficients with their standard errors, and how much is explained.
//
// Normal equations by Gauss-Jordan elimination with pivoting, regressors scaled to unit size first: for the handful of
// well-conditioned regressors of a plausibility check, not for ill-posed problems.

import type { Numbers } from '../base/arrays.js';

export interface LeastSquares {
  readonly coefficients: Float64Array;
  readonly standardErrors: Float64Array;
  /** Sum of squared residuals. */
  readonly residual: number;
  /** Share of the variance of y about zero that is explained, 0 .. 1. */
  readonly explained: number;
}

/**
 * Fits y ≈ Σ coefficients[k] · regressors[k].
 * @returns undefined where there are too few rows or the regressors do not tell the coefficients apart
 */
export function leastSquares(regressors: readonly Numbers[], y: Numbers): LeastSquares | undefined {
  const count = regressors.length;
  const rows = y.length;
  if (rows <= count) return undefined;
  const sizes = regressors.map((column) => Math.sqrt(dot(column, column)));
  if (sizes.some((size) => size === 0)) return undefined;
  // [normal matrix | right side | identity], to be reduced to [identity | coefficients | inverse].
  const width = 2 * count + 1;
  const table = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) {
      const product = dot(regressors[i], regressors[j]) / (sizes[i] * sizes[j]);
      table[i * width + j] = product;
      table[j * width + i] = product;
    }
    table[i * width + count] = dot(regressors[i], y) / sizes[i];
    table[i * width + count + 1 + i] = 1;
  }
  if (!reduce(table, count, width)) return undefined;
  const coefficients = Float64Array.from(sizes, (size, k) => table[k * width + count] / size);
  let residual = 0;
  for (let row = 0; row < rows; row++) {
    let difference = y[row];
    for (let k = 0; k < count; k++) difference -= coefficients[k] * regressors[k][row];
    residual += difference * difference;
  }
  const variance = residual / (rows - count);
  const standardErrors = Float64Array.from(sizes, (size, k) => {
    return Math.sqrt(Math.max(0, variance * table[k * width + count + 1 + k])) / size;
  });
  const total = dot(y, y);
  return { coefficients, standardErrors, residual, explained: total > 0 ? 1 - residual / total : 0 };
}

/** Smallest pivot (of a matrix with unit diagonal) that still tells regressors apart. */
const SMALLEST_PIVOT = 1e-12;

function reduce(table: Float64Array, count: number, width: number): boolean {
  for (let column = 0; column < count; column++) {
    let best = column;
    for (let row = column + 1; row < count; row++) {
      if (Math.abs(table[row * width + column]) > Math.abs(table[best * width + column])) best = row;
    }
    const pivot = table[best * width + column];
    if (Math.abs(pivot) < SMALLEST_PIVOT) return false;
    for (let k = 0; k < width; k++) {
      const kept = table[column * width + k];
      table[column * width + k] = table[best * width + k] / pivot;
      if (best !== column) table[best * width + k] = kept;
    }
    for (let row = 0; row < count; row++) {
      const factor = table[row * width + column];
      if (row === column || factor === 0) continue;
      for (let k = 0; k < width; k++) table[row * width + k] -= factor * table[column * width + k];
    }
  }
  return true;
}

function dot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}
