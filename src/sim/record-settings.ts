// Settings of a recording, validated; configs/record/default.yaml writes the defaults out with their reasons.

import { z } from 'zod';
import { commandSamplingSchema } from './command-schedule.js';
import { disturbanceSchema } from './disturbance.js';
import { randomisationSchema } from './randomisation.js';

const fallSchema = z.strictObject({
  /** Keep the failing end of an episode that fell, and mark the episode as fallen. */
  keep: z.boolean().default(false),
  /** Otherwise this much before the fall is cut off (s): by then the robot cannot be saved. */
  cut_s: z.number().nonnegative().default(1),
  /** What remains is dropped where it is shorter than this (s). */
  minimum_s: z.number().positive().default(2),
});

const startSchema = z.strictObject({
  /** Joint positions start this far from the default at most (rad). */
  jointNoise_rad: z.number().nonnegative().default(0.05),
  /** Joint velocities start this far from zero at most (rad/s). */
  jointVelocityNoise_radps: z.number().nonnegative().default(0),
  /** Heading at the start (rad), or `random`. */
  yaw_rad: z.union([z.number(), z.literal('random')]).default(0),
});

export const recordSchema = z.strictObject({
  episodes: z.int().positive().default(300),
  duration_s: z.number().positive().max(3600).default(10),
  /** Share of episodes written without actions, as a source of their own: `<source>-actionfree`. */
  dropActions: z.number().min(0).max(1).default(0),
  falls: fallSchema.prefault({}),
  commands: commandSamplingSchema.prefault({}),
  disturbance: disturbanceSchema.prefault({}),
  start: startSchema.prefault({}),
  randomisation: randomisationSchema.prefault({}),
});
export type RecordSettings = z.output<typeof recordSchema>;
