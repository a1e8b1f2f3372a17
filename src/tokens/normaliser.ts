// Normaliser: per entry of the token row, from the training split, with floors in physical units.
//
// Narrow data with a plain z-score divides by almost nothing: small deviations become huge inputs, and the policy
// falls. The floors say how small a spread still means something on a robot. The normaliser is part of every
// checkpoint and is inside every export.

import { z } from 'zod';
import { DataError } from '../base/errors.js';
import type { ChannelName } from '../motion/episode.js';
import { rowWidth, type TokenSpec } from './token-spec.js';

/** Least standard deviation by channel, in the channel's unit. */
export const DEVIATION_FLOORS: Readonly<Partial<Record<ChannelName, number>>> = {
  baseAngularVelocity: 0.5, // rad/s
  projectedGravity: 0.05, // 1
  command: 0.1, // m/s, rad/s
  jointPosition: 0.05, // rad
  jointVelocity: 0.5, // rad/s
  baseLinearVelocity: 0.1, // m/s
  footContact: 0.5, // 1
  torque: 5, // N m
  action: 0.1, // rad
};

export interface Normaliser {
  /** [m + n] in the token row's order and units. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** A normaliser as it stands in files; checkNormaliser() checks its numbers. */
export const normaliserSchema = z.looseObject({ mean: z.array(z.number()), deviation: z.array(z.number()) });

/** Count, mean and variance of every entry, one pass, missing entries left out (Welford). */
export class NormaliserStatistics {
  readonly #count: Float64Array;
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;

  constructor(width: number) {
    this.#count = new Float64Array(width);
    this.#mean = new Float64Array(width);
    this.#squares = new Float64Array(width);
  }

  /** Adds values [width] to the entries from `offset` on. */
  add(offset: number, values: Float32Array, first: number, width: number): void {
    for (let entry = 0; entry < width; entry++) {
      const at = offset + entry;
      const value = values[first + entry];
      const delta = value - this.#mean[at];
      this.#count[at] += 1;
      this.#mean[at] += delta / this.#count[at];
      this.#squares[at] += delta * (value - this.#mean[at]);
    }
  }

  /**
   * @throws DataError where a channel was never seen: nothing could be said about it
   */
  finish(spec: TokenSpec): Normaliser {
    const floors = new Float64Array(rowWidth(spec)).fill(DEVIATION_FLOORS.action!, spec.observationWidth);
    for (const channel of spec.channels) {
      floors.fill(DEVIATION_FLOORS[channel.name]!, channel.offset, channel.offset + channel.width);
      if (this.#count[channel.offset] === 0) {
        throw new DataError({
          where: 'training data',
          what: `channel ${channel.name} is in no training episode`,
          fix: `Remove it from tokens.observation, or add a source that has it`,
        });
      }
    }
    const mean = Array.from(this.#mean, Math.fround);
    const deviation = Array.from(this.#squares, (squares, at) =>
      Math.fround(Math.max(floors[at], Math.sqrt(squares / Math.max(1, this.#count[at])))),
    );
    return { mean, deviation };
  }
}

/** Checks a normaliser that came from a file against the tokens it is used with. */
export function checkNormaliser(normaliser: Normaliser, spec: TokenSpec, where: string): void {
  const width = rowWidth(spec);
  for (const key of ['mean', 'deviation'] as const) {
    const values = normaliser[key];
    const bad = values.findIndex((value) => !Number.isFinite(value) || (key === 'deviation' && value <= 0));
    if (values.length !== width || bad >= 0) {
      throw new DataError({
        where,
        what: `normaliser.${key}`,
        expected: `${width} finite numbers`,
        found: bad < 0 ? `${values.length}` : `${values[bad]} at entry ${bad}`,
      });
    }
  }
}
