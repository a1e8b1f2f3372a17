// Disturbances: statistics of the noise, the plan's shares and caps, and seeds.

import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import {
  actionNoiseSource,
  addSensorNoise,
  disturbanceSchema,
  horizontal,
  sampleDisturbance,
} from '../../src/sim/disturbance.js';
import { stateOf } from '../policy/foreign-fixtures.js';

const DEFAULTS = disturbanceSchema.parse({});

/** [joint][step] */
function noiseOf(correlation: number, steps: number): number[][] {
  const noise = { kind: correlation === 0 ? 'white' : 'autoregressive', deviation_rad: 0.08, correlation } as const;
  const next = actionNoiseSource(noise, 4, new Random(11));
  const out = new Float64Array(4);
  const values: number[][] = [[], [], [], []];
  for (let step = 0; step < steps; step++) {
    next(out);
    for (let joint = 0; joint < 4; joint++) values[joint].push(out[joint]);
  }
  return values;
}

function correlationOf(a: readonly number[], b: readonly number[]): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let k = 0; k < a.length; k++) {
    ab += a[k] * b[k];
    aa += a[k] ** 2;
    bb += b[k] ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

test.each([0, 0.8])('action noise of correlation %f has its deviation, in time and between joints', (correlation) => {
  const values = noiseOf(correlation, 40_000);
  for (const joint of values) {
    const deviation = Math.sqrt(joint.reduce((sum, value) => sum + value ** 2, 0) / joint.length);
    // 40 000 steps; at ρ = .8 the squares correlate over 1/(1 − ρ²) ≈ 2.8 steps each way: relative error .8 %.
    expect(Math.abs(deviation / 0.08 - 1)).toBeLessThan(0.03);
    expect(Math.abs(correlationOf(joint.slice(1), joint.slice(0, -1)) - correlation)).toBeLessThan(0.03);
  }
  expect(Math.abs(correlationOf(values[0], values[1]))).toBeLessThan(0.05);
});

test('autoregressive noise has its deviation from the first step on', () => {
  let sum = 0;
  const out = new Float64Array(10);
  for (let seed = 0; seed < 400; seed++) {
    const noise = { kind: 'autoregressive', deviation_rad: 1, correlation: 0.8 } as const;
    actionNoiseSource(noise, 10, new Random(seed))(out);
    for (const value of out) sum += value ** 2;
  }
  // 4000 squares of standard normals: mean 1, deviation √(2/4000) = .022.
  expect(Math.abs(sum / 4000 - 1)).toBeLessThan(0.09);
});

test('plans have their shares, stay under their caps, and depend on the seed alone', () => {
  const plans = Array.from({ length: 4000 }, (_, k) => sampleDisturbance(DEFAULTS, 10, new Random(k)));
  expect(sampleDisturbance(DEFAULTS, 10, new Random(7))).toEqual(plans[7]);
  const noisy = plans.flatMap(({ actionNoise }) => actionNoise ?? []);
  const white = noisy.filter(({ kind }) => kind === 'white');
  // Shares of 4000: standard deviation .008 at most.
  expect(Math.abs(noisy.length / 4000 - 0.75)).toBeLessThan(0.03);
  expect(Math.abs(white.length / noisy.length - 0.5)).toBeLessThan(0.04);
  for (const { kind, deviation_rad, correlation } of noisy) {
    expect(deviation_rad).toBeLessThanOrEqual(kind === 'white' ? 0.15 : 0.12);
    expect(correlation).toBe(kind === 'white' ? 0 : 0.8);
  }
  const kicked = plans.filter(({ kicks }) => kicks.length > 0);
  expect(Math.abs(kicked.length / 4000 - 0.5)).toBeLessThan(0.03);
  for (const { kicks } of kicked) {
    for (let k = 0; k < kicks.length; k++) {
      const [x, y, z] = kicks[k].velocityChange_mps;
      expect(Math.hypot(x, y)).toBeGreaterThanOrEqual(0.2 - 1e-9);
      expect(Math.hypot(x, y)).toBeLessThanOrEqual(0.7 + 1e-9);
      expect(z).toBe(0);
      const gap_s = kicks[k].time_s - (k === 0 ? 0 : kicks[k - 1].time_s);
      expect(gap_s).toBeGreaterThanOrEqual(2 - 1e-6);
      expect(gap_s).toBeLessThanOrEqual(4 + 1e-6);
      expect(kicks[k].time_s).toBeLessThan(10);
    }
  }
});

test('kicks point everywhere', () => {
  const random = new Random(1);
  const mean = [0, 0];
  for (let k = 0; k < 10_000; k++) {
    const [x, y] = horizontal(1, random);
    mean[0] += x / 10_000;
    mean[1] += y / 10_000;
  }
  // Each mean has deviation √(.5/10 000) = .007.
  expect(Math.hypot(mean[0], mean[1])).toBeLessThan(0.03);
});

test('sensor noise is where it was asked for, and nowhere else', () => {
  const from = stateOf(3, { jointPosition_rad: Float64Array.of(1, 2, 3) });
  const to = stateOf(3);
  const { sensorNoise } = disturbanceSchema.parse({ sensorNoise: { jointVelocity_radps: 0.5 } });
  addSensorNoise(to, from, sensorNoise, new Random(4));
  expect(Array.from(to.jointPosition_rad)).toEqual([1, 2, 3]);
  expect(Array.from(to.projectedGravity)).toEqual([0, 0, -1]);
  for (const value of to.jointVelocity_radps) expect(value).not.toBe(0);
  expect(sampleDisturbance(DEFAULTS, 10, new Random(1)).sensorNoise).toBeUndefined();
});
