// Phase clock: the gait phases that some policies observe, advancing at a fixed frequency from given offsets.

import type { Numbers } from '../base/arrays.js';
import type { PhaseConfig } from './foreign-config.js';

/**
 * Writes the phases of control step `frame` after a reset, in [-π, π).
 * While the command is nearly zero a standing policy is shown fixed phases; the clock runs on, so that the legs
 * keep their offset when the robot starts again.
 */
export function writePhases(
  out: Float64Array,
  config: PhaseConfig,
  frame: number,
  rate_hz: number,
  command: Numbers,
): void {
  const standing = config.standing;
  if (standing !== undefined && Math.hypot(command[0], command[1], command[2]) < standing.commandBelow) {
    out.set(standing.phases_rad);
    return;
  }
  const turns = (config.frequency_hz * frame) / rate_hz;
  // Whole turns are dropped before the multiplication by 2π, so that hours of clock lose no digits.
  const advance = 2 * Math.PI * (turns - Math.floor(turns));
  for (let leg = 0; leg < out.length; leg++) {
    const phase = config.offsets_rad[leg] + advance;
    out[leg] = phase - 2 * Math.PI * Math.floor((phase + Math.PI) / (2 * Math.PI));
  }
}
