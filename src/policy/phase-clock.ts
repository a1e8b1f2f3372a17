// Phase clock: the gait phases that some policies observe, advancing at a fixed frequency from given offsets.
//
// While the command is nearly zero a standing policy is shown fixed phases, and the clock waits at its start: the first
// step after standing is then always the same one, which somebody who does not see the clock can foretell.

import type { Numbers } from '../base/arrays.js';
import { wrapAngle } from '../math/angle.js';
import type { PhaseConfig } from './foreign-config.js';

export class PhaseClock {
  readonly #config: PhaseConfig;
  /** Turns a control step. */
  readonly #pace: number;
  /** Turns since the start, whole ones dropped, so that hours of clock lose no digits. */
  #turns = 0;

  constructor(config: PhaseConfig, rate_hz: number) {
    this.#config = config;
    this.#pace = config.frequency_hz / rate_hz;
  }

  reset(): void {
    this.#turns = 0;
  }

  /** How far it is from its start (rad), in [0, 2π). */
  get advance_rad(): number {
    return 2 * Math.PI * this.#turns;
  }

  set advance_rad(radians: number) {
    this.#set(radians / (2 * Math.PI));
  }

  /** Writes the phases of this control step, in [-π, π), and goes on to the next. */
  tick(command: Numbers, phases: Float64Array): void {
    const { standing, offsets_rad } = this.#config;
    if (standing !== undefined && Math.hypot(command[0], command[1], command[2]) < standing.commandBelow) {
      phases.set(standing.phases_rad);
      this.#turns = 0;
      return;
    }
    for (let leg = 0; leg < phases.length; leg++) {
      phases[leg] = wrapAngle(offsets_rad[leg] + 2 * Math.PI * this.#turns);
    }
    this.#set(this.#turns + this.#pace);
  }

  #set(turns: number): void {
    this.#turns = turns - Math.floor(turns);
  }
}
