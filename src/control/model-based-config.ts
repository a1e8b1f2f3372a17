// Settings of the model-based walking controller, as in configs/controllers/*.yaml.
//
// A value that is drawn anew for each episode is written as a range under `randomisation`.

import { z } from 'zod';

const range = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'lower end above upper end');

const gaitSchema = z.strictObject({
  /** Time on one foot, and on both while weight goes over (s). */
  singleSupport_s: z.number().positive().max(2).default(0.35),
  doubleSupport_s: z.number().min(0.01).max(1).default(0.05),
  /** Height of the swing foot's sole at mid-swing (m). */
  stepHeight_m: z.number().positive().max(0.3).default(0.06),
  /** Height at which the controller believes the ground to be, beside the foot it stands on (m). */
  groundHeight_m: z.number().min(-0.1).max(0.1).default(0),
  /** First shift of weight from standing (s). */
  shift_s: z.number().positive().max(2).default(0.35),
  /** Commands change no faster than this (m/s², rad/s²). */
  acceleration: z.number().positive().default(0.6),
});
export type GaitSettings = z.output<typeof gaitSchema>;

const feedbackSchema = z.strictObject({
  /** Rate at which the divergent component of motion returns to its path (1/s). */
  dcm: z.number().nonnegative().default(4),
  /** Proportional (1/s²) and derivative (1/s) gains of accelerations. */
  height: z.tuple([z.number(), z.number()]).default([60, 12]),
  base: z.tuple([z.number(), z.number()]).default([150, 20]),
  swing: z.tuple([z.number(), z.number()]).default([800, 55]),
  stanceDamping: z.number().nonnegative().default(20),
  posture: z.tuple([z.number(), z.number()]).default([100, 20]),
});

const weightsSchema = z.strictObject({
  centreOfMass: z.number().positive().default(60),
  angularMomentum: z.number().nonnegative().default(0.2),
  /** Of roll and pitch; of yaw, which the torsion of one foot can hardly hold against a fast swing. */
  baseOrientation: z.number().positive().default(2),
  baseYaw: z.number().positive().default(5),
  stance: z.number().positive().default(2000),
  swing: z.number().positive().default(40),
  /** Of all joints; of the legs, whose motion the other tasks decide. */
  posture: z.number().positive().default(1),
  legPosture: z.number().positive().default(0.01),
  wrench: z.number().positive().default(1e-4),
});

const stepSchema = z.strictObject({
  /** Costs of moving the landing (1/m²), of its time, and of missing the DCM offset (1/m²). */
  foot: z.number().positive().default(1),
  timing: z.number().positive().default(5),
  offset: z.number().positive().default(1000),
  /** The swing may end this much earlier or later than planned, as a share of single support. */
  shortest: z.number().min(0.1).max(1).default(0.6),
  longest: z.number().min(1).max(3).default(1.3),
  /** Within this time of landing the foot's target is left alone (s). */
  freeze_s: z.number().nonnegative().default(0.1),
});

const soleSchema = z.strictObject({
  /** Centre of the sole in the foot body's frame (m). */
  centre_m: z.tuple([z.number(), z.number(), z.number()]),
  halfLength_m: z.number().positive(),
  halfWidth_m: z.number().positive(),
});

const robotSchema = z.strictObject({
  sole: soleSchema,
  /** Height of the centre of mass over the ground as a share of that in the default pose. */
  heightShare: z.number().positive().max(1.2).default(0.93),
  /** Distance of the feet across (m): when stepping in place, least, greatest. */
  width_m: z.number().positive(),
  leastWidth_m: z.number().positive(),
  greatestWidth_m: z.number().positive(),
  /** Longest step forward and backward (m), measured between the feet. */
  stride_m: z.number().positive(),
  /** Joints that carry the legs, as name patterns. */
  legs: z.array(z.string()).min(1),
  /** Friction of the ground that the controller counts on, and the share of the sole that it uses. */
  friction: z.number().positive().default(0.6),
  soleShare: z.number().positive().max(1).default(0.9),
  /** True where the robot's damping is that of its joints and not of its motors: torques then make up for it. */
  dampedJoints: z.boolean().default(false),
  commands: z.strictObject({ vx_mps: range, vy_mps: range, wz_radps: range }),
});
export type ModelBasedRobot = z.output<typeof robotSchema>;

export const modelBasedSchema = z.strictObject({
  name: z.string().min(1),
  about: z.string().default(''),
  kind: z.literal('model-based'),
  /** Robot that it drives where none is named. */
  robot: z.string().min(1),
  /** New torques at every so many physics steps. */
  period_steps: z.int().min(1).max(10).default(1),
  gait: gaitSchema.prefault({}),
  /** Drawn for each episode from these ranges, in place of the gait's own value. */
  randomisation: z
    .strictObject({
      singleSupport_s: range.optional(),
      doubleSupport_s: range.optional(),
      stepHeight_m: range.optional(),
      groundHeight_m: range.optional(),
    })
    .default({}),
  feedback: feedbackSchema.prefault({}),
  weights: weightsSchema.prefault({}),
  step: stepSchema.prefault({}),
  robots: z.record(z.string(), robotSchema),
});
export type ModelBasedConfig = z.output<typeof modelBasedSchema>;
