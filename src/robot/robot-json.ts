// RobotModel to and from JSON: shards, checkpoints and bundles carry the whole robot.
//
// JSON has no infinity: an absent limit is null there and ±Infinity here.

import { z } from 'zod';
import { parseConfig } from '../base/config.js';
import { DataError } from '../base/errors.js';
import type { RobotModel } from './robot-model.js';

const vector3 = z.tuple([z.number(), z.number(), z.number()]);
const quaternion = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const below = z.array(
  z
    .number()
    .nullable()
    .transform((value) => value ?? Number.NEGATIVE_INFINITY),
);
const above = z.array(
  z
    .number()
    .nullable()
    .transform((value) => value ?? Number.POSITIVE_INFINITY),
);

// Unknown keys are kept: a newer version's robot is still this robot.
const robotSchema = z.looseObject({
  name: z.string(),
  hash: z.string(),
  jointNames: z.array(z.string()).min(1),
  jointIndices: z.array(z.int()),
  lower_rad: below,
  upper_rad: above,
  velocityLimit_radps: above,
  torqueLimit_Nm: above,
  defaultPosition_rad: z.array(z.number()),
  stiffness_Nmprad: z.array(z.number()),
  damping_Nmsprad: z.array(z.number()),
  armature_kgm2: z.array(z.number()),
  pdMode: z.enum(['implicit', 'explicit', 'position-actuator']),
  control: z.looseObject({ rate_hz: z.number().positive(), physicsTimestep_s: z.number().positive() }),
  bodies: z.array(
    z.looseObject({
      name: z.string(),
      parent: z.int(),
      position_m: vector3,
      quaternion,
      mass_kg: z.number(),
      centreOfMass_m: vector3,
      inertia_kgm2: vector3,
      inertiaQuaternion: quaternion,
    }),
  ),
  joints: z.array(
    z.looseObject({
      name: z.string(),
      type: z.enum(['free', 'ball', 'hinge', 'slide']),
      body: z.int(),
      qposAddress: z.int(),
      dofAddress: z.int(),
      axis: vector3,
      anchor_m: vector3,
      reference: z.number(),
    }),
  ),
  positionSize: z.int(),
  velocitySize: z.int(),
  defaultConfiguration: z.array(z.number()),
  baseBody: z.int(),
  standingHeight_m: z.number(),
  totalMass_kg: z.number(),
  feet: z.array(z.int()),
  keypoints: z.record(z.string(), z.looseObject({ body: z.int(), offset_m: z.array(z.number()) })),
});

const PER_JOINT = [
  'jointIndices',
  'lower_rad',
  'upper_rad',
  'velocityLimit_radps',
  'torqueLimit_Nm',
  'defaultPosition_rad',
  'stiffness_Nmprad',
  'damping_Nmsprad',
  'armature_kgm2',
] as const;

/**
 * @param where file and key, for messages
 * @throws FindingsError or DataError naming what does not fit
 */
export function robotFromJson(raw: unknown, where: string): RobotModel {
  const robot = parseConfig(robotSchema, raw, `${where}: robot`);
  for (const key of PER_JOINT) {
    if (robot[key].length === robot.jointNames.length) continue;
    throw new DataError({
      where: `${where}: robot.${key}`,
      what: 'number of joints',
      expected: String(robot.jointNames.length),
      found: String(robot[key].length),
    });
  }
  return robot;
}
