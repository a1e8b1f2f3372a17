// Ticks of a logarithmic axis whose ends are the data's own and no powers of ten.

import { ticksOf } from '../../evaluate/scale.js';

/** Fewer ticks than these, and evenly spaced ones say more. */
const LEAST_TICKS = 2;
const MOST_DECADES = 7;

/** Powers of ten within (low, high), and some values between them where there are few. Both ends above 0. */
export function logarithmicTicks(low: number, high: number): number[] {
  if (!(low > 0) || !(high > low) || !Number.isFinite(high)) return [];
  const first = Math.floor(Math.log10(low));
  const last = Math.floor(Math.log10(high));
  const decades = last - first;
  const leading = decades >= 3 ? [1] : decades === 2 ? [1, 3] : [1, 2, 3, 5, 7];
  const every = Math.ceil(Math.max(1, decades) / MOST_DECADES);
  const ticks: number[] = [];
  for (let power = first; power <= last; power++) {
    if (power % every !== 0) continue;
    // From text: the tick that is labelled 0.003 is exactly that number.
    ticks.push(...leading.map((digit) => Number(`${digit}e${power}`)).filter((tick) => tick >= low && tick <= high));
  }
  return ticks.length < LEAST_TICKS ? ticksOf([low, high], 4) : ticks;
}
