// Statistics of features as LeRobot keeps them: minimum, maximum, mean, spread and count of every number, and quantiles.
//
// Frames that lack a channel do not count. Quantiles are those of at most 20,000 frames, taken at equal steps over the
// whole dataset; everything else is exact.

import type { Column } from '../motion/columns.js';
import { Moments } from './moments.js';

export interface FeatureStatistics {
  readonly min: readonly number[];
  readonly max: readonly number[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly count: readonly [number];
}

export const QUANTILES = { q01: 0.01, q10: 0.1, q50: 0.5, q90: 0.9, q99: 0.99 } as const;
const MOST_SAMPLED_FRAMES = 20_000;

/** Gathers the parts of one feature; parts may be missing in different frames. */
export class FeatureMoments {
  readonly #parts: readonly Moments[];

  constructor(widths: readonly number[]) {
    this.#parts = widths.map((width) => new Moments(width));
  }

  /** @param columns one a part; undefined where the episode lacks it */
  add(columns: readonly (Column | undefined)[], frameCount: number): void {
    columns.forEach((column, part) => {
      if (column !== undefined) this.#parts[part].add(column, frameCount);
    });
  }

  /** NaN where no frame had the part. */
  result(): FeatureStatistics {
    const parts = this.#parts.map((moments) => {
      const result = moments.result();
      if (result.count > 0) return result;
      const none = result.mean.map(() => Number.NaN);
      return { count: 0, min: none, max: none, mean: none, std: none };
    });
    return {
      min: parts.flatMap(({ min }) => min),
      max: parts.flatMap(({ max }) => max),
      mean: parts.flatMap(({ mean }) => mean),
      std: parts.flatMap(({ std }) => std),
      count: [parts.reduce((least, { count }) => Math.min(least, count), Number.POSITIVE_INFINITY)],
    };
  }
}

/** Every n-th row of a feature over the whole dataset. */
export class SampledRows {
  readonly #width: number;
  readonly #step: number;
  readonly #rows: number[][];
  #next = 0;

  constructor(width: number, frameCount: number) {
    this.#width = width;
    this.#step = Math.max(1, Math.ceil(frameCount / MOST_SAMPLED_FRAMES));
    this.#rows = Array.from({ length: width }, () => []);
  }

  /** @param rows values [frame, width], NaN where missing */
  add(rows: Float32Array, frameCount: number): void {
    let frame = this.#next;
    for (; frame < frameCount; frame += this.#step) {
      for (let k = 0; k < this.#width; k++) {
        const value = rows[frame * this.#width + k];
        if (!Number.isNaN(value)) this.#rows[k].push(value);
      }
    }
    this.#next = frame - frameCount;
  }

  /** Quantiles by name, interpolated linearly between the two nearest values. */
  result(): Record<keyof typeof QUANTILES, number[]> {
    const sorted = this.#rows.map((values) => Float64Array.from(values).sort());
    const at = (share: number) => sorted.map((values) => quantile(values, share));
    const { q01, q10, q50, q90, q99 } = QUANTILES;
    return { q01: at(q01), q10: at(q10), q50: at(q50), q90: at(q90), q99: at(q99) };
  }
}

function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  if (sorted.length === 0) return Number.NaN;
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
