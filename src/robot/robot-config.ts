// The robot config: what a model file does not say about a robot, as validated YAML (configs/robots/*.yaml).
//
// Tables by joint name take patterns (see name-patterns.ts). What is absent is taken from the model: gains of position
// actuators, armature, friction loss, torque limits.

import { z } from 'zod';

const byName = z.union([z.number(), z.record(z.string(), z.number()).describe('a table by joint')]);

export const robotConfigSchema = z.strictObject({
  /** Name that datasets and bundles carry. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/i, 'expected letters, digits, - and _'),
  about: z.string().optional(),
  /** MJCF or URDF file, relative to this config file or to a folder of the NEXTGAIT_ROBOTS list. */
  model: z.string(),
  /** Actuated joints in the order that all data has; absent: the model's actuator order, else its joint order. */
  joints: z.array(z.string()).min(1).optional(),
  /** Joints fixed at their default position. They are no part of the joint order. */
  lockedJoints: z.array(z.string()).default([]),
  defaultPose: z
    .strictObject({
      /** Keyframe of the model to start from; joint entries go over it. */
      keyframe: z.string().optional(),
      /** Joint positions (rad); joints that are not named stand at the keyframe's value, or the model's zero. */
      joints_rad: z.record(z.string(), z.number()).default({}),
    })
    .default({ joints_rad: {} }),
  pd: z.strictObject({
    mode: z.enum(['implicit', 'explicit', 'position-actuator']),
    /** Required unless the model's own position actuators are used. */
    stiffness_Nmprad: byName.optional(),
    damping_Nmsprad: byName.optional(),
  }),
  armature_kgm2: byName.optional(),
  frictionLoss_Nm: byName.optional(),
  /** Damping of the joints themselves, beside the controller's. */
  passiveDamping_Nmsprad: byName.optional(),
  torqueLimit_Nm: byName.optional(),
  velocityLimit_radps: byName,
  /** Foot bodies, left before right. */
  feet: z.array(z.string()).min(1),
  /** Body that carries an added payload; absent: the base. */
  torso: z.string().optional(),
  keypoints: z
    .record(
      z.string(),
      z.strictObject({ body: z.string(), offset_m: z.tuple([z.number(), z.number(), z.number()]).default([0, 0, 0]) }),
    )
    .default({}),
  control: z
    .strictObject({
      rate_hz: z.number().positive().default(50),
      physicsTimestep_s: z.number().positive().max(0.02).default(0.002),
    })
    .default({ rate_hz: 50, physicsTimestep_s: 0.002 }),
  floor: z.strictObject({ friction: z.number().positive().default(1) }).default({ friction: 1 }),
});

export type RobotConfig = z.output<typeof robotConfigSchema>;
