import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import {
  bootstrapInterval,
  estimateMean,
  estimateRatio,
  fitLine,
  proportion,
  quantileOfSorted,
  wilsonInterval,
} from '../../src/evaluate/statistics.js';

describe('Wilson interval', () => {
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 3: printed to four decimals.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i', (count, of, low, high) => {
    const interval = wilsonInterval(count, of);
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  });

  it('knows nothing without trials, and is symmetric', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1]);
    const [low, high] = wilsonInterval(3, 17);
    const [lowRest, highRest] = wilsonInterval(14, 17);
    expect(low).toBeCloseTo(1 - highRest, 12);
    expect(high).toBeCloseTo(1 - lowRest, 12);
    expect(proportion(3, 17)).toMatchObject({ count: 3, of: 17, share: 3 / 17 });
  });
});

describe('bootstrap', () => {
  it('gives the exact interval of two values: resample means are 0, 1/2, 1 with weights 1/4, 1/2, 1/4', () => {
    expect(estimateMean([0, 1], 2000, new Random(1))).toEqual({ mean: 0.5, interval95: [0, 1], count: 2 });
  });

  it('gives the normal interval of many values', () => {
    const random = new Random(5);
    const values = Array.from({ length: 900 }, () => 3 + 2 * random.normal());
    const { mean, interval95 } = estimateMean(values, 4000, new Random(1))!;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    const half = (1.96 * deviation) / Math.sqrt(values.length);
    // The 2.5 % quantile of 4,000 resamples has a standard error of about 4 % of the half-width: four of those.
    expect(Math.abs(interval95[0] - (mean - half))).toBeLessThan(0.16 * half);
    expect(Math.abs(interval95[1] - (mean + half))).toBeLessThan(0.16 * half);
  });

  it('is the same for the same seed, and has no width for one value', () => {
    const run = () => bootstrapInterval(10, 200, new Random(9), (pick) => pick[0] + pick[9]);
    expect(run()).toEqual(run());
    expect(estimateMean([4], 100, new Random(1))).toEqual({ mean: 4, interval95: [4, 4], count: 1 });
    expect(estimateMean([], 100, new Random(1))).toBeNull();
  });

  it('pairs numerator and denominator: a constant ratio has no width', () => {
    const denominator = [1, 5, 2, 9];
    const ratio = estimateRatio(
      denominator.map((value) => 0.75 * value),
      denominator,
      500,
      new Random(1),
    )!;
    expect(ratio.mean).toBeCloseTo(0.75, 12);
    expect(ratio.interval95[1] - ratio.interval95[0]).toBeLessThan(1e-12);
    expect(estimateRatio([1], [0], 100, new Random(1))).toBeNull();
  });
});

describe('quantile and line', () => {
  it('interpolates as numpy does', () => {
    // np.quantile([1, 2, 4, 8], [0, 0.025, 0.5, 0.9, 1])
    const values = [1, 2, 4, 8];
    expect([0, 0.025, 0.5, 0.9, 1].map((share) => quantileOfSorted(values, share))).toEqual([
      1,
      expect.closeTo(1.075, 12),
      3,
      expect.closeTo(6.8, 12),
      8,
    ]);
  });

  it('fits a line exactly, weighs its points, and refuses a vertical one', () => {
    expect(fitLine([0, 1, 2], [1, 3, 5], [1, 1, 1])).toEqual({
      slope: expect.closeTo(2),
      intercept: expect.closeTo(1),
    });
    // A point of weight 3 is three points.
    const weighted = fitLine([0, 1, 3], [0, 2, 1], [1, 3, 1])!;
    const repeated = fitLine([0, 1, 1, 1, 3], [0, 2, 2, 2, 1], [1, 1, 1, 1, 1])!;
    expect(weighted.slope).toBeCloseTo(repeated.slope, 12);
    expect(fitLine([0.3, 0.3], [1, 2], [1, 1])).toBeNull();
  });
});
