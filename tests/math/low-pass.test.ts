// The low-pass filter against its gain, and the noise measure against noise of known size.

import { expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { lowPass, measureNoise } from '../../src/math/low-pass.js';

const wave = (frequency_hz: number, rate_hz = 120, rowCount = 1200) =>
  Float64Array.from({ length: rowCount }, (_, row) => Math.sin((2 * Math.PI * frequency_hz * row) / rate_hz));
/** Amplitude away from the ends. */
const amplitude = (values: Float64Array) => Math.max(...values.subarray(300, 900));

it('halves the power at the cutoff, without delay', () => {
  for (const [frequency_hz, gain] of [
    [6, Math.SQRT1_2],
    [1, 1],
    [30, 0],
  ]) {
    const values = wave(frequency_hz);
    lowPass(values, 1, 0, values.length, 120, 6);
    // Both passes of a second-order Butterworth at 6 / 0.802 Hz: 1 / (1 + (f / 7.48)^4) before frequency warping.
    expect(Math.abs(amplitude(values) - gain)).toBeLessThan(0.01);
  }
  const values = wave(2);
  lowPass(values, 1, 0, values.length, 120, 6);
  let shifted = 0;
  for (let row = 300; row < 900; row++) shifted += values[row] * Math.cos((2 * Math.PI * 2 * row) / 120);
  expect(Math.abs(shifted)).toBeLessThan(1e-6);
});

it('leaves straight lines, single columns and rates too low for the cutoff alone', () => {
  const line = Float64Array.from({ length: 50 }, (_, row) => 3 + 0.5 * row);
  const filtered = line.slice();
  lowPass(filtered, 1, 0, 50, 30, 6);
  for (const [row, value] of line.entries()) expect(filtered[row]).toBeCloseTo(value, 3);
  const table = Float64Array.from({ length: 60 }, (_, at) => (at % 3) + Math.sin(at));
  const column = table.slice();
  lowPass(column, 3, 1, 20, 30, 6);
  for (const [at, value] of table.entries()) if (at % 3 !== 1) expect(column[at]).toBe(value);
  const low = wave(1, 10, 30);
  lowPass(low, 1, 0, 30, 10, 6);
  expect(low).toEqual(wave(1, 10, 30));
});

it('tells noise from motion', () => {
  const random = new Random(2);
  const noise = Float64Array.from({ length: 4000 }, () => 0.01 * random.normal());
  const measured = measureNoise(noise, 1, 0, noise.length);
  // 4000 samples: the standard error of a correlation is 0.016, of a deviation one percent.
  expect(measured.correlation).toBeCloseTo(-2 / 3, 1);
  expect(Math.abs(measured.deviation / 0.01 - 1)).toBeLessThan(0.04);
  const motion = wave(2, 30, 300);
  expect(measureNoise(motion, 1, 0, motion.length).correlation).toBeGreaterThan(0.8);
});
