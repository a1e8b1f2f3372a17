// Trials of one contender under one condition, summed up: mean, 95 % interval and number of every metric.

import { Random } from '../base/random.js';
import {
  bootstrapInterval,
  type Estimate,
  estimateMean,
  estimateRatio,
  fitLine,
  type Proportion,
  proportion,
} from './statistics.js';
import type { Stretch, TrialMetrics } from './trial-metrics.js';

/** vx, vy, wz. */
export type PerAxis<Value> = readonly [Value, Value, Value];

export interface ConditionSummary {
  readonly trials: number;
  readonly falls: Proportion;
  readonly survival_s: Estimate | null;
  readonly tracking_m: Estimate | null;
  /** Tracking error as a share of the teacher's in the same trials; null without a teacher. */
  readonly trackingOfTeacher: Estimate | null;
  /** Mean absolute error of the mean velocity: m/s, m/s, rad/s. */
  readonly velocityError: PerAxis<Estimate | null>;
  /** Slope of achieved on commanded velocity: 1 is perfect, less is under-shoot; null where the command never varies. */
  readonly slope: PerAxis<Estimate | null>;
  readonly actionRate_radps: Estimate | null;
  readonly torque_Nm: Estimate | null;
}

export interface SummaryOptions {
  readonly resamples: number;
  readonly seed: number;
  /** The teacher's trials by number. */
  readonly teacher?: ReadonlyMap<number, TrialMetrics>;
}

export function summariseTrials(
  trials: readonly (TrialMetrics & { readonly number: number })[],
  { resamples, seed, teacher }: SummaryOptions,
): ConditionSummary {
  // One stream for each metric: the same resamples for every contender, so that differences are not those of the dice.
  const stream = (metric: string) => new Random(seed).split('bootstrap', metric);
  const mean = (metric: string, value: (trial: TrialMetrics) => number | null) =>
    estimateMean(
      trials.map(value).filter((one) => one !== null),
      resamples,
      stream(metric),
    );
  const perAxis = <Value>(make: (axis: number) => Value): PerAxis<Value> => [make(0), make(1), make(2)];
  const shared = trials.filter(({ number }) => teacher?.has(number));
  return {
    trials: trials.length,
    falls: proportion(trials.filter(({ fell }) => fell).length, trials.length),
    survival_s: mean('survival', (trial) => trial.survival_s),
    tracking_m: mean('tracking', (trial) => trial.tracking_m),
    trackingOfTeacher: estimateRatio(
      shared.map((trial) => trial.tracking_m),
      shared.map(({ number }) => teacher!.get(number)!.tracking_m),
      resamples,
      stream('tracking'),
    ),
    velocityError: perAxis((axis) => mean(`velocity error ${axis}`, (trial) => trial.velocityError?.[axis] ?? null)),
    slope: perAxis((axis) => estimateSlope(trials, axis, resamples, stream(`slope ${axis}`))),
    actionRate_radps: mean('action rate', (trial) => trial.actionRate_radps),
    torque_Nm: mean('torque', (trial) => trial.torque_Nm),
  };
}

/** Slope over all stretches of constant command; trials are resampled, not stretches. */
function estimateSlope(
  trials: readonly TrialMetrics[],
  axis: number,
  resamples: number,
  random: Random,
): Estimate | null {
  const slopeOf = (stretches: readonly Stretch[]) =>
    fitLine(
      stretches.map(({ commanded }) => commanded[axis]),
      stretches.map(({ achieved }) => achieved[axis]),
      stretches.map(({ duration_s }) => duration_s),
    )?.slope ?? null;
  const mean = slopeOf(trials.flatMap(({ stretches }) => stretches));
  if (mean === null) return null;
  const interval95 = bootstrapInterval(trials.length, resamples, random, (pick) => {
    const stretches: Stretch[] = [];
    for (const at of pick) stretches.push(...trials[at].stretches);
    // A resample of one trial many times has no slope of its own; the estimate says nothing against it.
    return slopeOf(stretches) ?? mean;
  });
  return { mean, interval95, count: trials.length };
}
