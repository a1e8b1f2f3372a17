// The trials of an evaluation as a list: what was asked for, how each contender did, and whether it can be watched.

import type { Evaluation, TrialRecord } from '../../evaluate/evaluation.js';
import { type Condition, conditionsOf, trialKey } from '../../evaluate/trial-plan.js';
import type { DatasetIndex, EpisodeEntry } from '../dataset/dataset-index.js';

/** How one contender did in a trial. */
export interface TrialRun {
  readonly contender: string;
  readonly role: 'policy' | 'teacher';
  readonly name: string;
  readonly record: TrialRecord;
  /** Its motion, where it is written. */
  readonly episode?: EpisodeEntry;
}

export interface Trial {
  readonly condition: Condition;
  readonly number: number;
  /** The first command: vx, vy (m/s), wz (rad/s); undefined where the trial was too short to say. */
  readonly command?: readonly [number, number, number];
  /** The policy first. */
  readonly runs: readonly TrialRun[];
  readonly canBeWatched: boolean;
}

export const TRIAL_ORDERS = ['worst', 'number', 'best'] as const;
export type TrialOrder = (typeof TRIAL_ORDERS)[number];

/** Trials of the policy and its teacher, by condition and number. @param index the dataset of their motion */
export function listTrials({ config, contenders }: Evaluation, index: DatasetIndex | undefined): Trial[] {
  const episodes = new Map(index?.episodes.map((episode) => [episode.id, episode]));
  const walkers = contenders.filter(({ role }) => role !== 'baseline');
  return conditionsOf(config).flatMap((condition) =>
    (walkers[0]?.conditions[condition]?.trials ?? []).map(({ number }): Trial => {
      const runs = walkers.flatMap(({ key, role, name, conditions }): TrialRun[] => {
        const record = conditions[condition]?.trials.find((trial) => trial.number === number);
        if (record === undefined || role === 'baseline') return [];
        return [{ contender: key, role, name, record, episode: episodes.get(trialKey(key, condition, number)) }];
      });
      return {
        condition,
        number,
        command: runs.flatMap(({ record }) => record.stretches)[0]?.commanded,
        runs,
        canBeWatched: runs.some(({ episode }) => episode !== undefined),
      };
    }),
  );
}

/** Worst: falls of the policy first, the earliest of them first, then by tracking error. */
export function orderTrials(trials: readonly Trial[], order: TrialOrder): Trial[] {
  if (order === 'number') return [...trials];
  const badness = ({ runs: [{ record }] }: Trial) => (record.fell ? 1e6 - record.survival_s : record.tracking_m);
  const sign = order === 'worst' ? -1 : 1;
  return [...trials].sort((a, b) => sign * (badness(a) - badness(b)));
}

/** `vx 0.50, vy −0.10, wz 0.00`. */
export function commandText(command: readonly number[] | undefined): string {
  if (command === undefined) return 'command unknown';
  const [vx, vy, wz] = command.map((value) => value.toFixed(2).replace('-', '−'));
  return `vx ${vx}, vy ${vy}, wz ${wz}`;
}
