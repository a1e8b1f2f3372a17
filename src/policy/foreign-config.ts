// The description of a foreign ONNX velocity policy: everything that its network leaves unsaid, as data.
//
// A policy trained elsewhere is a network plus conventions: which sensor values in which order and scale, how much
// history and how it is laid out, the joint order, what its output means, on which robot properties it relies. A
// YAML file in configs/policies/ states them, so that a new policy needs a new file and no code.

import { z } from 'zod';

const finite = z.number();
const interval = z.tuple([finite, finite]).refine(([low, high]) => low <= high, 'lower end above upper end');

/**
 * A value per joint: one number for all, a list in the policy's joint order, or a table of names and patterns in
 * which later entries override earlier ones (src/robot/name-patterns.ts).
 */
const perJointSchema = z.union([finite, z.array(finite), z.record(z.string(), finite).describe('a table by joint')]);
export type PerJoint = z.infer<typeof perJointSchema>;

const common = {
  /** Factor on the value, after clipping: one number, or one for each entry of the term. */
  scale: z.union([finite, z.array(finite)]).default(1),
  /** Limits of the raw value. */
  clip: interval.optional(),
  /** Frames of history of this term, the current one included; the observation's `history` where absent. */
  history: z.int().min(1).max(1000).optional(),
};
const sensor = {
  /** Name of a sensor of the model to read in place of the base's own value. */
  sensor: z.string().optional(),
};
const joints = {
  /** Joints of this term, in its order; all of the policy's joints where absent. */
  joints: z.array(z.string()).min(1).optional(),
  /** Joints whose entries are always 0: the policy was trained without them. */
  zeroed: z.array(z.string()).default([]),
};

const termSchema = z.discriminatedUnion('term', [
  z.strictObject({ term: z.literal('baseAngularVelocity'), ...common, ...sensor }),
  z.strictObject({ term: z.literal('baseLinearVelocity'), ...common, ...sensor }),
  /** The sensor, where named, is a frame quaternion: gravity's direction in that frame. */
  z.strictObject({ term: z.literal('projectedGravity'), ...common, ...sensor }),
  z.strictObject({ term: z.literal('command'), ...common }),
  /** Joint position minus the policy's default position. */
  z.strictObject({ term: z.literal('jointPositionOffset'), ...common, ...joints }),
  z.strictObject({ term: z.literal('jointPosition'), ...common, ...joints }),
  z.strictObject({ term: z.literal('jointVelocity'), ...common, ...joints }),
  /** The network's previous output (clipped, unscaled); 0 at reset. */
  z.strictObject({ term: z.literal('lastAction'), ...common, ...joints }),
  /** Cosine, or sine, of every phase of the clock. */
  z.strictObject({ term: z.literal('phaseCosine'), ...common }),
  z.strictObject({ term: z.literal('phaseSine'), ...common }),
  z.strictObject({ term: z.literal('constant'), values: z.array(finite).min(1), ...common }),
]);
export type ObservationTerm = z.infer<typeof termSchema>;

const observationSchema = z.strictObject({
  /** Frames of history of every term that does not say otherwise. */
  history: z.int().min(1).max(1000).default(1),
  /** `term`: all frames of the first term, then of the next. `frame`: all terms of a frame, then the next frame. */
  grouping: z.enum(['term', 'frame']).default('term'),
  order: z.enum(['oldest-first', 'newest-first']).default('oldest-first'),
  /** What the history holds after a reset: copies of the first frame, or zeros before it. */
  fill: z.enum(['first', 'zero']).default('first'),
  /** Limits of every entry after scaling. */
  clip: interval.optional(),
  terms: z.array(termSchema).min(1),
});
export type ObservationConfig = z.infer<typeof observationSchema>;

const phaseSchema = z.strictObject({
  frequency_hz: z.number().positive(),
  /** Phase of each entry at reset (rad): one for each leg, usually. */
  offsets_rad: z.array(finite).min(1),
  /** Phases shown in place of the clock's while the command is nearly zero; the clock begins anew afterwards. */
  standing: z.strictObject({ commandBelow: z.number().positive(), phases_rad: z.array(finite).min(1) }).optional(),
});
export type PhaseConfig = z.infer<typeof phaseSchema>;

const actionSchema = z.strictObject({
  /** Radians of joint target for each unit of network output. */
  scale: perJointSchema,
  /** Limits of the raw network output; `lastAction` carries the clipped value. */
  clip: interval.optional(),
  /**
   * What `lastAction` remembers where the executed action differed from the policy's own (exploration noise).
   * `executed` makes the policy's answer, the label, a function of what a student sees too; the policy walks as well
   * with it. `own` leaves it something hidden.
   */
  remembers: z.enum(['executed', 'own']).default('executed'),
});

const requirementSchema = z.strictObject({
  pdMode: z.array(z.enum(['implicit', 'explicit', 'position-actuator'])).optional(),
  stiffness_Nmprad: perJointSchema.optional(),
  damping_Nmsprad: perJointSchema.optional(),
  armature_kgm2: perJointSchema.optional(),
});
export type RobotRequirement = z.infer<typeof requirementSchema>;

export const foreignPolicySchema = z.strictObject({
  name: z.string().min(1),
  /** One line for people: who trained it, under which licence. */
  about: z.string().default(''),
  /** The robot it was trained for: a name in configs/robots, or a robot config file. */
  robot: z.string().min(1),
  rate_hz: z.number().positive(),
  onnx: z.strictObject({
    /** Path relative to this file, or to a folder listed in NEXTGAIT_POLICIES. */
    file: z.string().min(1),
    input: z.string().min(1),
    output: z.string().min(1),
    /** SHA-256 of the file these conventions were checked with; another file is refused. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
      .optional(),
    /** Where a user gets the file. */
    url: z.string().optional(),
  }),
  /** Joint names in the order of the network's output. */
  joints: z.array(z.string()).min(1),
  /** `hold`: joints of the robot that the policy does not know stay at the robot's default position. */
  otherJoints: z.enum(['refuse', 'hold']).default('refuse'),
  /** The pose that observations and targets are relative to; `robot`: the robot's own default. Absent names are 0. */
  defaultPosition_rad: z.union([z.literal('robot'), perJointSchema]),
  action: actionSchema,
  observation: observationSchema,
  phase: phaseSchema.optional(),
  requires: requirementSchema.default({}),
  /** Velocity commands it was trained for. */
  commands: z.strictObject({ vx_mps: interval, vy_mps: interval, wz_radps: interval }),
});
export type ForeignPolicyConfig = z.infer<typeof foreignPolicySchema>;
