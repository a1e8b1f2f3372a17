// How a robot takes over human motion, as data: configs/retarget/<robot>.yaml.
//
// Weights are written as tolerances: how far a keypoint may be off, a joint may move, a sole may slip, at the cost of
// one. Half the tolerance is four times the weight. What a robot's file leaves out has the default that stands here.

import { z } from 'zod';
import { type DataErrorDetail, FindingsError, listNames } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { HUMAN_KEYPOINTS } from '../motion/human-motion.js';
import { matchingIndices, noMatch, valuesByName } from '../robot/name-patterns.js';
import type { RobotModel } from '../robot/robot-model.js';
import { CONTACT_DEFAULTS } from './contact.js';
import { SOLVER_MODEL_DEFAULTS } from './problem.js';
import { SOLVER_DEFAULTS } from './solver.js';

const positive = z.number().positive();
const three = z.tuple([z.number(), z.number(), z.number()]);

const keypointSchema = z.strictObject({
  /** Human keypoint that it follows; absent: the one of the same name. */
  human: z.enum(HUMAN_KEYPOINTS).optional(),
  /** Tolerances; absent: not tracked so. */
  position_m: positive.optional(),
  orientation_rad: positive.optional(),
});

export const retargetSchema = z.strictObject({
  about: z.string().optional(),
  /** Joint positions (rad) in which the robot stands as an upright person does, arms hanging, palms to the thighs. */
  standing_rad: z.record(z.string(), z.number()).default({}),
  /** Narrower joint ranges (rad) than the robot's own. */
  ranges_rad: z.record(z.string(), z.tuple([z.number(), z.number()])).default({}),
  /** Soles, left before right: middles of the heel's and the toe's edge in the foot body's frame, and half the width. */
  soles: z.array(z.strictObject({ body: z.string(), heel_m: three, toe_m: three, halfWidth_m: positive })).min(1),
  /** Size of the motion against the person's; auto: length of the robot's legs over that of the person's. */
  scale: z.union([z.literal('auto'), positive]).default('auto'),
  /** Robot keypoints that follow. */
  keypoints: z.record(z.string(), keypointSchema),
  /** Bodies that must not go under the floor beside the soles, as keypoints, with their radius (m). */
  clearance_m: z.record(z.string(), z.number().nonnegative()).default({}),
  tolerances: z
    .strictObject({
      /** Of every joint from the default pose (rad). */
      posture_rad: positive.default(2),
      jointVelocity_radps: positive.default(30),
      jointAcceleration_radps2: positive.default(60),
      baseVelocity_mps: positive.default(10),
      baseAcceleration_mps2: positive.default(10),
      baseTurn_radps: positive.default(30),
      baseTurnAcceleration_radps2: positive.default(60),
      /** Of a sole under the floor (m). */
      floor_m: positive.default(0.002),
    })
    .prefault({}),
  limits: z
    .strictObject({
      margin_rad: z.number().positive().default(SOLVER_MODEL_DEFAULTS.limitMargin_rad),
      speedShare: z.number().positive().max(1).default(SOLVER_MODEL_DEFAULTS.speedShare),
    })
    .prefault({}),
  contact: z
    .strictObject({
      slow_mps: positive.default(CONTACT_DEFAULTS.slow_mps),
      fast_mps: positive.default(CONTACT_DEFAULTS.fast_mps),
      low_m: positive.default(CONTACT_DEFAULTS.low_m),
      high_m: positive.default(CONTACT_DEFAULTS.high_m),
      minimum_s: positive.default(CONTACT_DEFAULTS.minimum_s),
      radius_m: positive.default(CONTACT_DEFAULTS.radius_m),
      ramp_s: positive.default(CONTACT_DEFAULTS.ramp_s),
      tolerance_m: positive.default(CONTACT_DEFAULTS.tolerance_m),
      height: z.enum(['floor', 'kept']).default(CONTACT_DEFAULTS.height),
      levelling_m: z.number().nonnegative().default(CONTACT_DEFAULTS.levelling_m),
    })
    .prefault({}),
  solver: z
    .strictObject({
      windowFrames: z.int().min(8).default(SOLVER_DEFAULTS.windowFrames),
      overlapFrames: z.int().min(3).default(SOLVER_DEFAULTS.overlapFrames),
      startIterations: z.int().min(1).default(SOLVER_DEFAULTS.startIterations),
      firstIterations: z.int().min(1).default(SOLVER_DEFAULTS.firstIterations),
      startDamping: positive.default(SOLVER_DEFAULTS.startDamping),
      iterations: z.int().min(1).default(SOLVER_DEFAULTS.iterations),
      refinements: z.int().min(0).default(SOLVER_DEFAULTS.refinements),
      tolerance: positive.default(SOLVER_DEFAULTS.tolerance),
      damping: z.number().nonnegative().default(SOLVER_DEFAULTS.damping),
    })
    .prefault({}),
  /** Clips that the robot cannot follow are refused: most that a frame may cost on average, and that a foot may slip. */
  filter: z
    .strictObject({
      cost: positive.default(30),
      keypoint_m: positive.default(0.15),
    })
    .prefault({}),
});

export type RetargetConfig = z.output<typeof retargetSchema>;

/** What a config says about one robot, names resolved. */
export interface RetargetPlan {
  readonly config: RetargetConfig;
  /** The robot with its joint ranges narrowed. */
  readonly robot: RobotModel;
  /** Standing posture in the robot's joint order (rad). */
  readonly standing_rad: readonly number[];
}

/**
 * Resolves a config's names on a robot.
 * @throws FindingsError with every name that the robot does not have
 */
export function planRetarget(robot: RobotModel, config: RetargetConfig, where: string): RetargetPlan {
  const findings: DataErrorDetail[] = [];
  const standing = valuesByName(config.standing_rad, robot.jointNames, `${where}: standing_rad`);
  findings.push(...standing.findings);
  const lower = [...robot.lower_rad];
  const upper = [...robot.upper_rad];
  for (const [pattern, [low, high]] of Object.entries(config.ranges_rad)) {
    const matched = matchingIndices(pattern, robot.jointNames);
    if (matched.length === 0) findings.push(noMatch(pattern, robot.jointNames, `${where}: ranges_rad`));
    for (const joint of matched) {
      lower[joint] = Math.max(lower[joint], low);
      upper[joint] = Math.min(upper[joint], high);
      if (lower[joint] >= upper[joint]) {
        findings.push({ where: `${where}: ranges_rad.${pattern}`, what: `leaves ${robot.jointNames[joint]} no range` });
      }
    }
  }
  const bodies = robot.bodies.map(({ name }) => name);
  for (const [at, { body }] of config.soles.entries()) checkName(`soles.${at}.body`, body, bodies);
  for (const key of ['keypoints', 'clearance_m'] as const) {
    for (const name of Object.keys(config[key])) checkName(`${key}.${name}`, name, Object.keys(robot.keypoints));
  }
  for (const [name, { human }] of Object.entries(config.keypoints)) {
    if (human === undefined) checkName(`keypoints.${name}.human`, name, HUMAN_KEYPOINTS);
  }
  if (findings.length > 0) throw new FindingsError(findings);
  return {
    config,
    robot: { ...robot, lower_rad: lower, upper_rad: upper },
    standing_rad: standing.values.map((value) => value ?? 0),
  };

  function checkName(key: string, name: string, known: readonly string[]): void {
    if (known.includes(name)) return;
    const near = nearest(name, known);
    findings.push({
      where: `${where}: ${key}`,
      what: 'name that there is not',
      found: name,
      fix: near === undefined ? `There are: ${listNames(known, 40)}` : `Did you mean "${near}"?`,
    });
  }
}
