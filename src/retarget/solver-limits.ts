// Makes joint position and velocity limits certain, whatever the iteration left.
//
// Positions are clamped. A sequence is within its speed limit where neighbours differ by at most d; the mean of the
// greatest such sequence below it and the least above it (the two Lipschitz envelopes) is one too, stays within the
// range of the values, and is the sequence itself where that is within the limit already.

import type { SolverModel } from './problem.js';

/** Brings control points [row, qpos] within position and speed limits, in place. */
export function enforceLimits(model: SolverModel, controls: Float64Array, count: number, rate_hz: number): void {
  const { addresses, lower, upper, speedLimit } = model;
  const width = model.rest.length;
  const above = new Float64Array(count);
  const below = new Float64Array(count);
  for (let joint = 0; joint < addresses.length; joint++) {
    const at = addresses[joint];
    const most = speedLimit[joint] / rate_hz;
    let tooFast = false;
    for (let row = 0; row < count; row++) {
      const value = Math.max(lower[joint], Math.min(upper[joint], controls[row * width + at]));
      controls[row * width + at] = value;
      above[row] = value;
      below[row] = value;
      if (row > 0 && Math.abs(value - above[row - 1]) > most) tooFast = true;
    }
    if (!tooFast) continue;
    for (let row = 1; row < count; row++) {
      above[row] = Math.max(above[row], above[row - 1] - most);
      below[row] = Math.min(below[row], below[row - 1] + most);
    }
    for (let row = count - 2; row >= 0; row--) {
      above[row] = Math.max(above[row], above[row + 1] - most);
      below[row] = Math.min(below[row], below[row + 1] + most);
    }
    for (let row = 0; row < count; row++) controls[row * width + at] = 0.5 * (above[row] + below[row]);
  }
}
