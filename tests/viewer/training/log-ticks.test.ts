// Ticks of logarithmic axes: within the ends, few, and never without end.

import { describe, expect, it } from 'vitest';
import { logarithmicTicks } from '../../../src/viewer/training/log-ticks.js';

describe('logarithmic ticks', () => {
  it('are powers of ten, with values between where these are few', () => {
    expect(logarithmicTicks(3e-5, 2)).toEqual([1e-4, 1e-3, 1e-2, 1e-1, 1]);
    expect(logarithmicTicks(0.011, 1.3)).toEqual([0.03, 0.1, 0.3, 1]);
    expect(logarithmicTicks(0.16, 1.1)).toEqual([0.2, 0.3, 0.5, 0.7, 1]);
    expect(logarithmicTicks(0.41, 0.43)).toEqual([0.41, 0.415, 0.42, 0.425, 0.43]);
  });

  it('stay few and inside, whatever the ends are', () => {
    for (let at = 0; at < 2000; at++) {
      const low = 10 ** (-12 + 0.0113 * at);
      const high = low * (1.0001 + (at % 97) ** 3);
      const ticks = logarithmicTicks(low, high);
      expect(ticks.length).toBeLessThan(16);
      // Evenly spaced ticks are rounded to 12 digits.
      expect(ticks.every((tick) => tick >= low * 0.999999 && tick <= high * 1.000001)).toBe(true);
    }
    for (const [low, high] of [
      [0, 1],
      [-1, 1],
      [1, 1],
      [Number.NaN, 1],
      [1, Number.POSITIVE_INFINITY],
    ]) {
      expect(logarithmicTicks(low, high)).toEqual([]);
    }
  });
});
