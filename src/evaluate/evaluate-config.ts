// Configuration of an evaluation (configs/evaluate/*.yaml): read once, validated, frozen, written into its result.

import { z } from 'zod';
import { commandSamplingSchema } from '../sim/command-schedule.js';

const interval = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'lower end above upper end');

export const COMMAND_SETS = ['range', 'paper', 'paper-yaw'] as const;
export type CommandSetName = (typeof COMMAND_SETS)[number];

export const evaluateConfigSchema = z
  .strictObject({
    /** Trials of each contender and condition. */
    trials: z.int().min(1).default(100),
    duration_s: z.number().min(1).default(10),
    /** Time after the start and each change of command that velocities are not judged (s). */
    settle_s: z.number().min(0).default(1),
    commands: z
      .strictObject({
        set: z.enum(COMMAND_SETS).default('range'),
        ranges: commandSamplingSchema.shape.ranges,
        /** Time from one command to the next (s); one command a trial where absent. */
        resample_s: interval.refine(([low]) => low > 0, 'must be above 0').optional(),
      })
      .prefault({}),
    kicks: z
      .strictObject({
        enabled: z.boolean().default(true),
        count: z.int().min(1).default(2),
        /** Change of the base's horizontal velocity (m/s). */
        speed_mps: z.number().nonnegative().default(0.5),
      })
      .prefault({}),
    prediction: z
      .strictObject({
        windows: z.int().min(1).default(4096),
        split: z.enum(['held-out', 'all']).default('held-out'),
      })
      .prefault({}),
    /** The model-based controller takes part, where it can walk the robot. */
    modelBased: z.boolean().default(true),
    /** Resamples behind each 95 % interval. */
    bootstrap: z.int().min(100).default(2000),
    /** Robots simulated side by side in one worker. */
    slots: z.int().min(1).default(25),
  })
  .refine(({ settle_s, duration_s }) => settle_s < duration_s, {
    path: ['duration_s'],
    message: 'not above settle_s, the time that velocities are not judged',
  });

export type EvaluateConfig = z.output<typeof evaluateConfigSchema>;
