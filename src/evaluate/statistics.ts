// Means with 95 % intervals, proportions with Wilson intervals, and straight-line fits.
//
// Trials of one evaluation are independent draws of command and disturbance, so trials are what the bootstrap resamples.
// It is seeded: the same numbers give the same interval. Percentile intervals, Efron and Tibshirani (1993), chapter 13;
// Wilson's score interval, Wilson (1927), which unlike the normal one is right for 0 falls of n.

import type { Numbers } from '../base/arrays.js';
import type { Random } from '../base/random.js';

/** The 0.975 quantile of the standard normal distribution. */
const NORMAL_QUANTILE_975 = 1.959963984540054;

export type Interval = readonly [low: number, high: number];

/** Mean of `count` values and its 95 % interval; null where there is nothing to take a mean of. */
export interface Estimate {
  readonly mean: number;
  readonly interval95: Interval;
  readonly count: number;
}

export interface Proportion {
  readonly count: number;
  readonly of: number;
  readonly share: number;
  readonly interval95: Interval;
}

export function meanOf(values: Numbers): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at];
  return sum / values.length;
}

/** The quantile at `share` of ascending values, interpolated between neighbours (the default of R and numpy). */
export function quantileOfSorted(ascending: Numbers, share: number): number {
  const position = share * (ascending.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (position - below) * (ascending[above] - ascending[below]);
}

/** Mean and percentile bootstrap interval; null for no values. One value has an interval of no width. */
export function estimateMean(values: Numbers, resamples: number, random: Random): Estimate | null {
  if (values.length === 0) return null;
  return {
    mean: meanOf(values),
    interval95: bootstrapInterval(values.length, resamples, random, (pick) => {
      let sum = 0;
      for (let at = 0; at < values.length; at++) sum += values[pick[at]];
      return sum / values.length;
    }),
    count: values.length,
  };
}

/**
 * Ratio of the means of two metrics of the same trials, and its paired bootstrap interval.
 * @returns null where there are no trials or the denominator's mean is 0
 */
export function estimateRatio(
  numerator: Numbers,
  denominator: Numbers,
  resamples: number,
  random: Random,
): Estimate | null {
  const count = numerator.length;
  const mean = meanOf(numerator) / meanOf(denominator);
  if (count === 0 || count !== denominator.length || !Number.isFinite(mean)) return null;
  const interval95 = bootstrapInterval(count, resamples, random, (pick) => {
    let above = 0;
    let below = 0;
    for (let at = 0; at < count; at++) {
      above += numerator[pick[at]];
      below += denominator[pick[at]];
    }
    return above / below;
  });
  return { mean, interval95, count };
}

/**
 * Percentile bootstrap of any statistic of `count` independent things.
 * @param statistic value for a resample, given as indices [count]
 */
export function bootstrapInterval(
  count: number,
  resamples: number,
  random: Random,
  statistic: (pick: Int32Array) => number,
): Interval {
  const pick = new Int32Array(count);
  const values = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    for (let at = 0; at < count; at++) pick[at] = random.integer(count);
    values[resample] = statistic(pick);
  }
  values.sort();
  return [quantileOfSorted(values, 0.025), quantileOfSorted(values, 0.975)];
}

/** A share with its Wilson interval. */
export function proportion(count: number, of: number): Proportion {
  return { count, of, share: of === 0 ? 0 : count / of, interval95: wilsonInterval(count, of) };
}

export function wilsonInterval(count: number, of: number): Interval {
  if (of === 0) return [0, 1];
  const z2 = NORMAL_QUANTILE_975 ** 2;
  const share = count / of;
  const centre = (share + z2 / (2 * of)) / (1 + z2 / of);
  const half = (NORMAL_QUANTILE_975 / (1 + z2 / of)) * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of * of));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** Weighted least squares of y on x; null where x does not vary. */
export function fitLine(x: Numbers, y: Numbers, weights: Numbers): Line | null {
  let total = 0;
  let meanX = 0;
  let meanY = 0;
  for (let at = 0; at < x.length; at++) {
    total += weights[at];
    meanX += weights[at] * x[at];
    meanY += weights[at] * y[at];
  }
  meanX /= total;
  meanY /= total;
  let variance = 0;
  let covariance = 0;
  for (let at = 0; at < x.length; at++) {
    variance += weights[at] * (x[at] - meanX) ** 2;
    covariance += weights[at] * (x[at] - meanX) * (y[at] - meanY);
  }
  // Commands that are all the same give a variance of rounding errors only.
  if (!(variance > 1e-9 * total)) return null;
  const slope = covariance / variance;
  return { slope, intercept: meanY - slope * meanX };
}
