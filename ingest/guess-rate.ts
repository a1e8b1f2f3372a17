// The rate of a file that has none: the one at which positions differentiate into the velocities beside them.

import { fitTravel, fitVelocity } from '../src/motion/check-velocity.js';
import type { Guess } from './guess-fields.js';

const USUAL_HZ = [20, 25, 30, 50, 60, 100, 120, 200, 250, 400, 500, 1000];
/** How near a usual rate must be to what was measured (share of it). */
const NEAR = 0.08;

export function guessRate(guesses: readonly Guess[], notes: string[]): { rate_hz: number } {
  const values = (channel: Guess['channel']) => guesses.find((guess) => guess.channel === channel)?.values;
  const [position, velocity] = [values('jointPosition'), values('jointVelocity')];
  const [base, travel] = [values('basePosition'), values('baseLinearVelocity')];
  const rows = (field: { width: number; data: Float64Array }) => field.data.length / field.width;
  const fit =
    position && velocity && rows(position) === rows(velocity)
      ? fitVelocity(position, velocity, rows(position), 1)
      : base && travel && rows(base) === rows(travel)
        ? fitTravel(base, travel, undefined, rows(base), 1)
        : undefined;
  if (fit !== undefined && fit.correlation > 0.8) {
    const rate = USUAL_HZ.find((usual) => Math.abs(fit.ratio / usual - 1) < NEAR);
    if (rate !== undefined) {
      notes.push(`the file has no times: ${rate} Hz is the rate at which positions give the velocities`);
      return { rate_hz: rate };
    }
  }
  notes.push('the file has no times and nothing tells the rate: 50 Hz is a mere assumption (time.rate_hz)');
  return { rate_hz: 50 };
}
