// The whole-trajectory retargeting problem as data: which variables a robot has, what is tracked, and how strongly.
//
//   minimise over q[t], v[t]:  Σ_t  Σ_i w_i |x_i(q) - x_i*|² + Σ_i w_i |angle between R_i(q) and R_i*|²
//                              + posture + joint and base velocity + joint and base acceleration + penetration
//   subject to  q[t+1] = q[t] + (v[t] + v[t+1]) Δt / 2,  lower <= q <= upper,  |v| <= limit
//
// (arXiv 2402.19469, section 4.2, with contact terms added.) The integration rule is met by construction: with control
// points c, q[t] = (c[t] + c[t+1]) / 2 and v[t] = (c[t+1] - c[t]) / Δt satisfy it exactly, whatever c is: a quadratic
// spline. The base's orientation does the same on the sphere (midpoint of the shorter arc). Limits are put on c, which
// implies them for q. Weights are per frame, so that a missing keypoint or a contact is a weight, not a case.

import type { Numbers } from '../base/arrays.js';
import { DataError } from '../base/errors.js';
import { type KinematicTree, kinematicTree } from '../robot/kinematics.js';
import type { RobotModel } from '../robot/robot-model.js';

/** Variables a frame: base translation (world) 0-2, base rotation (world) 3-5, then one for each actuated joint. */
export const BASE_VARIABLES = 6;

export interface SolverModel {
  readonly robot: RobotModel;
  readonly tree: KinematicTree;
  /** Variables of one frame. */
  readonly size: number;
  readonly baseBody: number;
  /** First index of the base's coordinates in qpos. */
  readonly baseAddress: number;
  /** Per joint variable (variable - BASE_VARIABLES), in tree order: */
  readonly joints: Int32Array; // index in robot.joints
  readonly bodies: Int32Array; // body that it moves
  readonly addresses: Int32Array; // in qpos
  readonly columns: Int32Array; // index in robot.jointNames
  readonly lower: Float64Array; // rad
  readonly upper: Float64Array; // rad
  readonly margin: Float64Array; // rad, width of the strip before each limit
  readonly speedLimit: Float64Array; // rad/s, infinite where there is none
  /** Joint variables between variable j and the base, nearest first: ancestors[firstAncestor[j] ..]. */
  readonly ancestors: Int32Array;
  readonly firstAncestor: Int32Array; // [joint variables + 1]
  /** qpos in which everything that is no variable has its value. */
  readonly rest: Float64Array;
}

/** A point of a body to be led along a path. */
export interface TrackedPoint {
  readonly name: string;
  readonly body: number;
  readonly offset_m: Numbers;
}

/** A body whose orientation is to be led. */
export interface TrackedFrame {
  readonly name: string;
  readonly body: number;
}

export interface Targets {
  readonly rate_hz: number;
  readonly frameCount: number;
  readonly points: readonly TrackedPoint[];
  /** World positions (m) [frame, point, 3]; without meaning where the weight is 0. */
  readonly pointTarget_m: Float64Array;
  /** Weights (1/m²) [frame, point]; 0 where there is no target. */
  readonly pointWeight: Float64Array;
  readonly frames: readonly TrackedFrame[];
  /** Unit quaternions [frame, tracked frame, 4]. */
  readonly frameTarget: Float64Array;
  /** Weights (1/rad²) [frame, tracked frame]. */
  readonly frameWeight: Float64Array;
}

/** Points that must not go under the floor. */
export interface GroundPoints {
  readonly points: readonly TrackedPoint[];
  /** Height of the floor (m), and how far above it each point has to stay: the radius of what is around it. */
  readonly height_m: number;
  readonly clearance_m: Float64Array; // [point]
}

/** Regularisation, as the size at which a term costs as much as a keypoint off by its tolerance. */
export interface Smoothness {
  /** Joint posture: weight (1/rad²) per joint variable, and where it leads. */
  readonly postureWeight: Float64Array;
  readonly posture_rad: Float64Array;
  /** Weights (s²/rad²) and (s⁴/rad²) per variable; base translation in metres. */
  readonly velocityWeight: Float64Array; // [size]
  readonly accelerationWeight: Float64Array; // [size]
  /** Weight (1/m²) of a point under the floor. */
  readonly groundWeight: number;
}

export interface Problem {
  readonly model: SolverModel;
  readonly targets: Targets;
  readonly ground: GroundPoints;
  readonly smoothness: Smoothness;
}

export interface SolverModelOptions {
  /** Width of the strip before each joint limit in which the joint is held back (rad); at most a tenth of its range. */
  readonly limitMargin_rad: number;
  /** Share of each joint's velocity limit that may be used. */
  readonly speedShare: number;
}

export const SOLVER_MODEL_DEFAULTS: SolverModelOptions = { limitMargin_rad: 0.03, speedShare: 0.95 };

/** Rounding to float32 must not carry a joint over its limit (rad). */
const ROUNDING_rad = 1e-6;

/**
 * Lays out the variables of a robot.
 * @throws DataError where the robot has no free base, or a joint that does not turn
 */
export function solverModel(robot: RobotModel, options: Partial<SolverModelOptions> = {}): SolverModel {
  const { limitMargin_rad, speedShare } = { ...SOLVER_MODEL_DEFAULTS, ...options };
  const where = `robot ${robot.name}`;
  const base = robot.joints.find((joint) => joint.body === robot.baseBody && joint.type === 'free');
  if (base === undefined) throw new DataError({ where, what: 'base', expected: 'a body with a free joint' });
  const columnOf = new Map(robot.jointIndices.map((joint, column) => [joint, column]));
  const joints = [...columnOf.keys()].sort((a, b) => a - b);
  for (const joint of joints) {
    const { name, type } = robot.joints[joint];
    if (type === 'hinge') continue;
    throw new DataError({ where, what: `joint ${name}`, expected: 'a joint that turns', found: type });
  }
  const columns = joints.map((joint) => columnOf.get(joint)!);
  const margin = columns.map((column) =>
    Math.min(limitMargin_rad, (robot.upper_rad[column] - robot.lower_rad[column]) / 10),
  );
  const { ancestors, firstAncestor } = ancestry(robot, joints);
  return {
    robot,
    tree: kinematicTree(robot),
    size: BASE_VARIABLES + joints.length,
    baseBody: robot.baseBody,
    baseAddress: base.qposAddress,
    joints: Int32Array.from(joints),
    bodies: Int32Array.from(joints, (joint) => robot.joints[joint].body),
    addresses: Int32Array.from(joints, (joint) => robot.joints[joint].qposAddress),
    columns: Int32Array.from(columns),
    lower: Float64Array.from(columns, (column) => robot.lower_rad[column] + ROUNDING_rad),
    upper: Float64Array.from(columns, (column) => robot.upper_rad[column] - ROUNDING_rad),
    margin: Float64Array.from(margin),
    speedLimit: Float64Array.from(columns, (column) => {
      const limit = robot.velocityLimit_radps[column];
      return limit > 0 ? limit * speedShare : Number.POSITIVE_INFINITY;
    }),
    ancestors,
    firstAncestor,
    rest: Float64Array.from(robot.defaultConfiguration),
  };
}

/** For each joint variable, those between it and the base, nearest first. */
function ancestry(robot: RobotModel, joints: readonly number[]) {
  const lists = joints.map((joint, variable) => {
    const list: number[] = [];
    // Of several joints on one body the earlier ones carry the later.
    for (let at = variable - 1; at >= 0; at--) {
      const above = robot.joints[joints[at]].body;
      if (above === robot.joints[joint].body || isAbove(robot, above, robot.joints[joint].body)) list.push(at);
    }
    return list;
  });
  const firstAncestor = new Int32Array(joints.length + 1);
  lists.forEach((list, at) => {
    firstAncestor[at + 1] = firstAncestor[at] + list.length;
  });
  return { ancestors: Int32Array.from(lists.flat()), firstAncestor };
}

function isAbove(robot: RobotModel, above: number, body: number): boolean {
  for (let link = robot.bodies[body].parent; link >= 0; link = robot.bodies[link].parent) {
    if (link === above) return true;
  }
  return false;
}
