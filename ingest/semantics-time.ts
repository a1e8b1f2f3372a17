// What the time of a file is, before and after it is resampled: stamps in another unit than the map's, a clock that is
// off by a few hundredths, and a rate that is the map's word alone.

import { upperMedian } from '../src/math/median.js';
import type { Finding } from '../src/motion/episode.js';
import { ContradictionError } from './contradiction-error.js';
import type { FieldMap } from './field-map.js';
import type { SemanticsInput } from './semantics.js';
import { clockDrift, isTimeConfirmed } from './semantics-velocity.js';
import { UNITS } from './units.js';

/** Time between frames (s) that no recorder of a robot has: faster than 12 kHz, slower than 2 Hz. */
const SHORTEST_STEP_S = 8e-5;
const LONGEST_STEP_S = 0.5;

/** Each a thousandth of the one before. */
const TIME_UNITS: readonly string[] = Object.keys(UNITS.time);

/**
 * The rate of the stamps (Hz): one over their median step.
 * @throws ContradictionError where a recorder cannot have made them, and another unit of time explains them
 */
export function checkStamps(time_s: ArrayLike<number>, { time, trust }: FieldMap, where: string): number {
  const steps = Float64Array.from({ length: Math.max(0, time_s.length - 1) }, (_, at) => time_s[at + 1] - time_s[at]);
  const step = upperMedian(steps);
  const isOdd = step > 0 && (step < SHORTEST_STEP_S || step > LONGEST_STEP_S);
  const isStamped = time.rate_hz === undefined && time.rateArray === undefined;
  if (!isOdd || !isStamped || trust.includes('rate')) return 1 / step;
  // The unit that brings the step nearest to a hundredth of a second.
  const unit = TIME_UNITS[TIME_UNITS.indexOf(time.unit) + Math.round(Math.log10(step / 0.01) / 3)];
  if (unit === undefined) return 1 / step;
  const setting = `time.unit=${unit}`;
  throw new ContradictionError(
    [
      {
        where,
        what: `time is in ${unit}, not ${time.unit}: its stamps are ${step.toPrecision(2)} s apart`,
        fix: `Mend the map: --set ${setting}; or, if it is right after all: --set trust=[rate]`,
      },
    ],
    [setting],
  );
}

/** What is not certain of time: a clock that drifts, or a rate that nothing in the file confirms. */
export function timeFindings(input: SemanticsInput): Finding[] {
  const drift = clockDrift(input);
  const { rate_hz } = input.map.time;
  if (drift !== undefined) {
    const percent = ((drift.ratio - 1) * 100).toFixed(1);
    const message = `velocities are ${percent} % off the derivative by the time stamps: the clock drifts, or the rate is about ${drift.rate_hz} Hz`;
    return [{ kind: 'clock', severity: 'warning', message }];
  }
  if (rate_hz === undefined || isTimeConfirmed(input)) return [];
  const message = `${rate_hz} Hz is the map's word, the file has no rate and no velocity that confirms it: --set time.rate_hz=... where it is another`;
  return [{ kind: 'assumed-rate', severity: 'info', message }];
}
