// Mean, spread and range of vectors that come in batches: each batch in two passes, joined by Chan's rule.
//
// Exact to rounding whatever the mean's size, with memory that does not depend on the number of frames.
// Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).

import type { Column } from '../motion/columns.js';

export interface ChannelStatistics {
  /** Number of frames that went in. */
  readonly count: number;
  readonly mean: readonly number[]; // [width]
  /** Population standard deviation. */
  readonly std: readonly number[]; // [width]
  readonly min: readonly number[]; // [width]
  readonly max: readonly number[]; // [width]
}

export class Moments {
  readonly width: number;
  #count = 0;
  readonly #mean: Float64Array;
  /** Sums of squared deviations from the mean. */
  readonly #squares: Float64Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #batchMean: Float64Array;
  readonly #batchSquares: Float64Array;

  constructor(width: number) {
    this.width = width;
    this.#mean = new Float64Array(width);
    this.#squares = new Float64Array(width);
    this.#min = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
    this.#max = new Float64Array(width).fill(Number.NEGATIVE_INFINITY);
    this.#batchMean = new Float64Array(width);
    this.#batchSquares = new Float64Array(width);
  }

  /** Adds the valid frames of a column. */
  add({ data, valid, width }: Column, frameCount: number): void {
    const mean = this.#batchMean.fill(0);
    const squares = this.#batchSquares.fill(0);
    let count = 0;
    for (let frame = 0; frame < frameCount; frame++) {
      if (valid !== undefined && valid[frame] === 0) continue;
      count++;
      for (let k = 0, at = frame * width; k < width; k++, at++) {
        const value = data[at];
        mean[k] += value;
        if (value < this.#min[k]) this.#min[k] = value;
        if (value > this.#max[k]) this.#max[k] = value;
      }
    }
    if (count === 0) return;
    for (let k = 0; k < width; k++) mean[k] /= count;
    for (let frame = 0; frame < frameCount; frame++) {
      if (valid !== undefined && valid[frame] === 0) continue;
      for (let k = 0, at = frame * width; k < width; k++, at++) squares[k] += (data[at] - mean[k]) ** 2;
    }
    this.#join(count, mean, squares);
  }

  #join(count: number, mean: Float64Array, squares: Float64Array): void {
    const total = this.#count + count;
    for (let k = 0; k < this.width; k++) {
      const difference = mean[k] - this.#mean[k];
      this.#mean[k] += (difference * count) / total;
      this.#squares[k] += squares[k] + (difference * difference * this.#count * count) / total;
    }
    this.#count = total;
  }

  result(): ChannelStatistics {
    return {
      count: this.#count,
      mean: [...this.#mean],
      std: Array.from(this.#squares, (square) => Math.sqrt(square / Math.max(1, this.#count))),
      min: [...this.#min],
      max: [...this.#max],
    };
  }
}
