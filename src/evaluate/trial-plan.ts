// The trials of an evaluation, planned before anything runs: commands and kicks of trial k follow from seed and k alone.
//
// Every contender gets the same trials, and the kicked round has the commands of the undisturbed one.

import { Random } from '../base/random.js';
import type { CommandRange } from '../policy/controller.js';
import { type CommandSchedule, constantCommand, sampleCommands } from '../sim/command-schedule.js';
import { type Disturbance, horizontal, type Kick, UNDISTURBED } from '../sim/disturbance.js';
import type { EvaluateConfig } from './evaluate-config.js';

export const CONDITIONS = ['undisturbed', 'kicked'] as const;
export type Condition = (typeof CONDITIONS)[number];

/** Plain data: it is posted to worker threads. */
export interface PlannedTrial {
  readonly number: number;
  readonly condition: Condition;
  readonly commands: CommandSchedule;
  readonly disturbance: Disturbance;
  /** Seed of everything else that is random in it. */
  readonly seed: number;
}

/** Names a trial of a contender; the id of its episode where its motion is written. */
export function trialKey(contender: string, condition: Condition, number: number): string {
  return `${contender}/${condition}/${number}`;
}

/** The paper's tasks: N trials from rest, 10 s (arXiv 2402.19469, section 4). */
export const PAPER_RANGE: CommandRange = { vx_mps: [0.35, 0.7], vy_mps: [0, 0], wz_radps: [-0.4, 0.4] };
const PAPER_YAWS = [0, 0.05, -0.05, 0.1, -0.1, 0.2, -0.2, 0.3, -0.3, 0.4, -0.4] as const;
const PAPER_YAW_SPEED_MPS = 0.5;

/** The conditions of an evaluation. */
export function conditionsOf(config: EvaluateConfig): Condition[] {
  return config.kicks.enabled ? [...CONDITIONS] : ['undisturbed'];
}

/** Trials 0 .. config.trials - 1 under one condition. @param range of the set `range` */
export function planTrials(
  config: EvaluateConfig,
  range: CommandRange,
  seed: number,
  condition: Condition,
): PlannedTrial[] {
  const root = new Random(seed);
  return Array.from({ length: config.trials }, (_, number) => ({
    number,
    condition,
    commands: planCommands(config, range, number, root.split('commands', number)),
    disturbance: condition === 'kicked' ? { kicks: planKicks(config, root.split('kicks', number)) } : UNDISTURBED,
    seed: root.split('trial', number).seed,
  }));
}

function planCommands(config: EvaluateConfig, range: CommandRange, number: number, random: Random): CommandSchedule {
  const { set, resample_s } = config.commands;
  if (set === 'paper-yaw') return constantCommand(PAPER_YAW_SPEED_MPS, 0, PAPER_YAWS[number % PAPER_YAWS.length]);
  // One command a trial: the next one would come after its end.
  const until_s = resample_s ?? ([2 * config.duration_s, 2 * config.duration_s] as const);
  return sampleCommands(
    { ranges: {}, distribution: 'uniform', normalSpread: 1, resample_s: [...until_s], standing: 0, pureAxis: 0 },
    set === 'paper' ? PAPER_RANGE : range,
    config.duration_s,
    random,
  );
}

/** One kick in each of `count` equal parts of the trial, away from the parts' ends. */
function planKicks({ kicks, duration_s }: EvaluateConfig, random: Random): Kick[] {
  const part_s = duration_s / kicks.count;
  return Array.from({ length: kicks.count }, (_, at) => ({
    time_s: part_s * (at + random.uniform(0.2, 0.8)),
    velocityChange_mps: horizontal(kicks.speed_mps, random),
  }));
}
