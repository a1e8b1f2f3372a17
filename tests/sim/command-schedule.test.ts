// Command schedules: seeded, within their ranges, with the shares that were asked for.

import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import {
  AXES,
  type CommandSegment,
  commandAt,
  commandRanges,
  commandSamplingSchema,
  constantCommand,
  sampleCommands,
} from '../../src/sim/command-schedule.js';

const RANGES = { vx_mps: [-0.5, 1], vy_mps: [-0.3, 0.3], wz_radps: [0.1, 0.2] } as const;
const DEFAULTS = commandSamplingSchema.parse({});

function segments(options: object, seed = 3): CommandSegment[] {
  const sampling = commandSamplingSchema.parse({ resample_s: [3, 6], ...options });
  return [...sampleCommands(sampling, RANGES, 40_000, new Random(seed))];
}

const isStanding = ({ command }: CommandSegment) => command.every((value) => value === 0);

test('the same seed gives the same schedule, another seed another one', () => {
  expect(segments({}, 5)).toEqual(segments({}, 5));
  expect(segments({}, 5)).not.toEqual(segments({}, 6));
});

test('ranges, intervals and shares', () => {
  const all = segments({ standing: 0.2, pureAxis: 0.25 });
  expect(all[0].start_s).toBe(0);
  for (let k = 1; k < all.length; k++) {
    const gap_s = all[k].start_s - all[k - 1].start_s;
    expect(gap_s).toBeGreaterThanOrEqual(3 - 1e-6);
    expect(gap_s).toBeLessThan(6 + 1e-6);
  }
  const moving = all.filter((segment) => !isStanding(segment));
  for (const { command } of moving) {
    AXES.forEach((axis, k) => {
      if (command[k] === 0) return;
      expect(command[k]).toBeGreaterThanOrEqual(RANGES[axis][0]);
      expect(command[k]).toBeLessThanOrEqual(RANGES[axis][1]);
    });
  }
  const pure = moving.filter(({ command }) => command.filter((value) => value !== 0).length === 1);
  // About 8900 segments: the shares' standard deviation is .005, and 4 of them hold for all but 6 in 100 000 seeds.
  expect(Math.abs(1 - moving.length / all.length - 0.2)).toBeLessThan(0.02);
  expect(Math.abs(pure.length / moving.length - 0.25)).toBeLessThan(0.02);
});

test('uniform and clipped-normal have the moments that they should have', () => {
  const moments = (distribution: string) => {
    const all = segments({ distribution, standing: 0, pureAxis: 0 }).map(({ command }) => command[0]);
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    const deviation = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length);
    return { mean, deviation };
  };
  const uniform = moments('uniform');
  // Width 1.5: deviation 1.5/√12 = .433. 8900 draws: the mean's deviation is .005, that of the deviation less.
  expect(Math.abs(uniform.mean - 0.25)).toBeLessThan(0.02);
  expect(Math.abs(uniform.deviation - 0.433)).toBeLessThan(0.02);
  const normal = moments('clipped-normal');
  // σ = half of .75, clipped at 2σ: variance σ² (1 − 2·2·φ(2) + 2·(4 − 1)·Q(2)) = σ² · .9205, so deviation .3598.
  expect(Math.abs(normal.mean - 0.25)).toBeLessThan(0.02);
  expect(Math.abs(normal.deviation - 0.3598)).toBeLessThan(0.015);
});

test('the command at a time, starts included in spite of rounding', () => {
  const schedule = [
    { start_s: 0, command: [1, 2, 3] },
    { start_s: 0.3, command: [4, 5, 6] },
  ] as const;
  const out = new Float64Array(6);
  expect(commandAt(schedule, 0.29, out, 0)).toBe(0);
  expect(commandAt(schedule, 0.1 + 0.1 + 0.1, out, 3)).toBe(1);
  expect(commandAt(schedule, 0.3 - 1e-12, out, 3)).toBe(1);
  expect(Array.from(out)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(commandAt(constantCommand(1, 0, 0), 100, out, 0)).toBe(0);
});

test("a setting's ranges go over the controller's, axis by axis", () => {
  const sampling = commandSamplingSchema.parse({ ranges: { vx_mps: [0, 0.5] } });
  expect(commandRanges(sampling, RANGES)).toEqual({ ...RANGES, vx_mps: [0, 0.5] });
  expect(commandRanges(sampling, undefined)).toBeUndefined();
  expect(commandRanges(DEFAULTS, RANGES)).toEqual(RANGES);
});
