// Command schedules: which velocity command holds when, sampled from ranges with a seed or given by hand.
//
// A schedule is a list of constant commands with their start times. Constant stretches of several gait cycles are
// what a controller is asked for in use, and what commands by hindsight can be averaged over.

import { z } from 'zod';
import type { Random } from '../base/random.js';
import type { CommandRange } from '../policy/controller.js';

/** A command from `start_s` on, until the next one: vx (m/s), vy (m/s), wz (rad/s). */
export interface CommandSegment {
  readonly start_s: number;
  readonly command: readonly [number, number, number];
}

/** In order of start; the first starts at 0. */
export type CommandSchedule = readonly CommandSegment[];

const interval = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'lower end above upper end');
const share = z.number().min(0).max(1);

export const commandSamplingSchema = z.strictObject({
  /** Ranges of the axes; the controller's own where absent. */
  ranges: z
    .strictObject({ vx_mps: interval.optional(), vy_mps: interval.optional(), wz_radps: interval.optional() })
    .default({}),
  /** `uniform` over each range, or `clipped-normal` about its middle. */
  distribution: z.enum(['uniform', 'clipped-normal']).default('uniform'),
  /** Standard deviation of `clipped-normal`, as a share of half the range. */
  normalSpread: z.number().positive().default(0.5),
  /** Time from one command to the next is drawn from this range (s). */
  resample_s: interval.refine(([low]) => low > 0, 'must be above 0').default([5, 10]),
  /** Share of commands to stand still. */
  standing: share.default(0.1),
  /** Share of commands along one axis alone, the others being 0. */
  pureAxis: share.default(0.2),
});
export type CommandSampling = z.output<typeof commandSamplingSchema>;

export const AXES = ['vx_mps', 'vy_mps', 'wz_radps'] as const;

/** The ranges of `sampling` over those of the controller; undefined where an axis has neither. */
export function commandRanges(sampling: CommandSampling, own: CommandRange | undefined): CommandRange | undefined {
  const ranges = { ...own, ...dropAbsent(sampling.ranges) };
  return AXES.every((axis) => ranges[axis] !== undefined) ? (ranges as CommandRange) : undefined;
}

/** Samples a schedule for `duration_s`; the same random stream gives the same schedule. */
export function sampleCommands(
  sampling: CommandSampling,
  ranges: CommandRange,
  duration_s: number,
  random: Random,
): CommandSchedule {
  const segments: CommandSegment[] = [];
  for (let start_s = 0; start_s < duration_s; start_s += random.uniform(...sampling.resample_s)) {
    segments.push({ start_s, command: sampleCommand(sampling, ranges, random) });
  }
  return segments;
}

/** One command held for good. */
export function constantCommand(vx_mps: number, vy_mps: number, wz_radps: number): CommandSchedule {
  return [{ start_s: 0, command: [vx_mps, vy_mps, wz_radps] }];
}

/** Writes the command at `time_s` to out[at .. at + 2]; returns the index of its segment. */
export function commandAt(schedule: CommandSchedule, time_s: number, out: Float64Array, at: number): number {
  let index = 0;
  // A time that sums to just under a start, through rounding, is that start.
  while (index + 1 < schedule.length && schedule[index + 1].start_s <= time_s + 1e-9) index++;
  for (let axis = 0; axis < 3; axis++) out[at + axis] = schedule[index].command[axis];
  return index;
}

function sampleCommand(sampling: CommandSampling, ranges: CommandRange, random: Random): [number, number, number] {
  const kind = random.uniform();
  if (kind < sampling.standing) return [0, 0, 0];
  const isPure = random.uniform() < sampling.pureAxis;
  const pureAxis = random.integer(3);
  const command: [number, number, number] = [0, 0, 0];
  for (let axis = 0; axis < 3; axis++) {
    const value = sampleAxis(sampling, ranges[AXES[axis]], random);
    if (!isPure || axis === pureAxis) command[axis] = value;
  }
  return command;
}

function sampleAxis(sampling: CommandSampling, [low, high]: readonly [number, number], random: Random): number {
  if (sampling.distribution === 'uniform') return random.uniform(low, high);
  const half = (high - low) / 2;
  const value = (low + high) / 2 + sampling.normalSpread * half * random.normal();
  return Math.min(high, Math.max(low, value));
}

function dropAbsent<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Partial<T>;
}
