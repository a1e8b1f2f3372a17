// The retargeting problem of one clip: scaled targets with their weights, contacts, floor and smoothness, from a plan.

import { multiplyQuaternions, normalizeQuaternion, rotate, yawOf } from '../math/quaternion.js';
import { type HumanKeypoint, type HumanMotion, keypointIndex } from '../motion/human-motion.js';
import type { RobotModel } from '../robot/robot-model.js';
import type { Band } from './banded.js';
import {
  type Contact,
  cornerPaths,
  type FootPath,
  findContacts,
  floorShift,
  type Sole,
  solePoints,
  writeContactTargets,
} from './contact.js';
import {
  BASE_VARIABLES,
  type GroundPoints,
  type Problem,
  type Smoothness,
  type SolverModel,
  solverModel,
  type Targets,
  type TrackedPoint,
} from './problem.js';
import type { RetargetConfig, RetargetPlan } from './retarget-config.js';
import { LAID_OUT, type LaidOut, type ScaledMotion, scaleMotion } from './scale.js';
import { type RobotStance, robotStance } from './scale-stance.js';
import { windowBand } from './solver-window.js';

/** What is the same for every clip of a robot. */
export interface Retargeter {
  readonly plan: RetargetPlan;
  readonly model: SolverModel;
  readonly soles: readonly Sole[];
  readonly stance: RobotStance;
  readonly ground: GroundPoints;
  readonly smoothness: Smoothness;
  /** Room for one window's matrix, used by one clip after another. */
  readonly band: Band;
}

export interface ClipProblem {
  readonly problem: Problem;
  readonly scale: number;
  readonly soles: readonly Sole[];
  readonly contacts: readonly Contact[];
  /** Target paths of the soles' corners, one a foot [frame, 4, 3]. */
  readonly corners: readonly Float64Array[];
  /** By how much each frame's targets were lowered on to the floor (m). */
  readonly shift_m: Float64Array;
  /** Index of the first sole corner among the tracked points. */
  readonly firstCorner: number;
}

/** Share of its weight that a keypoint keeps in frames in which it was filled in, not measured. */
const FILLED_SHARE = 0.1;
const FLOOR_M = 0;

export function createRetargeter(plan: RetargetPlan): Retargeter {
  const { config, robot } = plan;
  const { limits, tolerances } = config;
  const model = solverModel(robot, { limitMargin_rad: limits.margin_rad, speedShare: limits.speedShare });
  const soles = config.soles.map((sole): Sole => {
    const [heel, toe, half] = [sole.heel_m, sole.toe_m, sole.halfWidth_m];
    return {
      name: sole.body,
      body: robot.bodies.findIndex(({ name }) => name === sole.body),
      corners_m: [heel, heel, toe, toe].map(([x, y, z], corner) =>
        Float64Array.of(x, corner % 2 === 0 ? y + half : y - half, z),
      ),
    };
  });
  const clear = Object.keys(config.clearance_m).map((name) => trackedPoint(robot, name));
  const points = [...solePoints(soles), ...clear];
  const clearance_m = new Float64Array(points.length);
  clear.forEach(({ name }, at) => {
    clearance_m[4 * soles.length + at] = config.clearance_m[name];
  });
  return {
    plan,
    model,
    soles,
    stance: robotStance(model, plan.standing_rad, soles),
    ground: { points, height_m: FLOOR_M, clearance_m },
    smoothness: smoothnessOf(model, tolerances),
    band: windowBand(model, config.solver.windowFrames + 1),
  };
}

/** A keypoint as a tracked point. Float64Array throughout: one kind of array keeps the hot functions fast. */
function trackedPoint({ keypoints }: RobotModel, name: string): TrackedPoint {
  const { body, offset_m } = keypoints[name];
  return { name, body, offset_m: Float64Array.from(offset_m) };
}

function smoothnessOf(model: SolverModel, tolerances: RetargetConfig['tolerances']): Smoothness {
  const perVariable = (linear: number, turn: number, joint: number) =>
    Float64Array.from({ length: model.size }, (_, at) =>
      weightOf(at < 3 ? linear : at < BASE_VARIABLES ? turn : joint),
    );
  return {
    postureWeight: new Float64Array(model.joints.length).fill(weightOf(tolerances.posture_rad)),
    posture_rad: Float64Array.from(model.columns, (column) => model.robot.defaultPosition_rad[column]),
    velocityWeight: perVariable(tolerances.baseVelocity_mps, tolerances.baseTurn_radps, tolerances.jointVelocity_radps),
    accelerationWeight: perVariable(
      tolerances.baseAcceleration_mps2,
      tolerances.baseTurnAcceleration_radps2,
      tolerances.jointAcceleration_radps2,
    ),
    groundWeight: weightOf(tolerances.floor_m),
  };
}

function weightOf(tolerance: number): number {
  return 1 / (tolerance * tolerance);
}

/** Makes the problem of one clip, which has the rate that the robot's motion is to have. */
export function clipProblem(retargeter: Retargeter, human: HumanMotion): ClipProblem {
  const { plan, model, soles, stance, ground, smoothness } = retargeter;
  const { config, robot } = plan;
  const { frameCount, rate_hz } = human;
  const scaled = scaleMotion(human, model, stance, config.scale);
  const named = Object.entries(config.keypoints).map(([name, keypoint]) => ({
    ...keypoint,
    name,
    human: (keypoint.human ?? name) as HumanKeypoint,
    seen: seenFrames(human, (keypoint.human ?? name) as HumanKeypoint),
  }));
  const feet = soles.map((sole) => footPath(retargeter, human, scaled, sole));

  const tracked = named.filter(({ position_m }) => position_m !== undefined);
  const points: TrackedPoint[] = [...tracked.map(({ name }) => trackedPoint(robot, name)), ...solePoints(soles)];
  const turned = named.flatMap((keypoint) => {
    if (keypoint.orientation_rad === undefined) return [];
    const foot = soles.findIndex(({ body }) => body === robot.keypoints[keypoint.name].body);
    const path = foot >= 0 ? feet[foot].quaternion : scaled.orientation(keypoint.name, keypoint.human);
    return path === undefined ? [] : [{ ...keypoint, path, tolerance: keypoint.orientation_rad }];
  });
  const targets: Targets = {
    rate_hz,
    frameCount,
    points,
    pointTarget_m: new Float64Array(frameCount * points.length * 3),
    pointWeight: new Float64Array(frameCount * points.length),
    frames: turned.map(({ name }) => ({ name, body: robot.keypoints[name].body })),
    frameTarget: new Float64Array(frameCount * turned.length * 4),
    frameWeight: new Float64Array(frameCount * turned.length),
  };
  const { contacts, corners, shift_m } = settle(feet, soles, frameCount, rate_hz, config);
  for (const [column, { human: keypoint, seen, position_m }] of tracked.entries()) {
    const from = 3 * LAID_OUT.indexOf(keypoint as LaidOut);
    for (let frame = 0; frame < frameCount; frame++) {
      const at = frame * points.length + column;
      const row = frame * LAID_OUT.length * 3 + from;
      for (let k = 0; k < 3; k++) targets.pointTarget_m[3 * at + k] = scaled.positions_m[row + k];
      targets.pointTarget_m[3 * at + 2] -= shift_m[frame];
      targets.pointWeight[at] = weightOf(position_m!) * (seen?.[frame] === 0 ? FILLED_SHARE : 1);
    }
  }
  for (const [column, { path, tolerance, seen }] of turned.entries()) {
    for (let frame = 0; frame < frameCount; frame++) {
      const at = frame * turned.length + column;
      for (let k = 0; k < 4; k++) targets.frameTarget[4 * at + k] = path[4 * frame + k];
      targets.frameWeight[at] = weightOf(tolerance) * (seen?.[frame] === 0 ? FILLED_SHARE : 1);
    }
  }
  const firstCorner = tracked.length;
  writeContactTargets(targets, firstCorner, contacts, corners, FLOOR_M, config.contact);
  const problem = { model, targets, ground, smoothness };
  return { problem, scale: scaled.scale, soles, contacts, corners, shift_m, firstCorner };
}

/** Frames in which a keypoint was measured; undefined where it always was. */
function seenFrames(human: HumanMotion, keypoint: HumanKeypoint): Uint8Array | undefined {
  const { seen, valid, frameCount } = human;
  const width = human.keypoints.length;
  const column = keypointIndex(human, keypoint);
  const own = Uint8Array.from({ length: frameCount }, (_, frame) =>
    seen === undefined || column < 0 ? valid[frame] : valid[frame] & seen[frame * width + column],
  );
  return own.includes(0) ? own : undefined;
}

/** Where a foot's body is led. Feet whose direction the source does not give stand flat and point as the pelvis does. */
function footPath({ plan, model, stance }: Retargeter, human: HumanMotion, scaled: ScaledMotion, sole: Sole): FootPath {
  const { keypoints } = plan.robot;
  const side = keypoints.left_foot.body === sole.body ? 'left' : 'right';
  const keypoint = `${side}_foot` as const;
  const quaternion =
    scaled.orientation(keypoint, keypoint) ?? flatFeet(scaled.orientation('pelvis', 'pelvis')!, stance, sole.body);
  const position_m = new Float64Array(3 * human.frameCount);
  const from = 3 * LAID_OUT.indexOf(keypoint);
  const { offset_m } = trackedPoint(model.robot, keypoint);
  for (let frame = 0; frame < human.frameCount; frame++) {
    rotate(position_m, 3 * frame, quaternion, 4 * frame, offset_m, 0);
    for (let k = 0; k < 3; k++) {
      position_m[3 * frame + k] =
        scaled.positions_m[3 * frame * LAID_OUT.length + from + k] - position_m[3 * frame + k];
    }
  }
  return { position_m, quaternion };
}

function flatFeet(pelvis: Float64Array, stance: RobotStance, body: number): Float64Array {
  const out = new Float64Array(pelvis.length);
  const turn = new Float64Array(4);
  for (let at = 0; at < out.length; at += 4) {
    const yaw = yawOf(pelvis, at);
    turn[0] = Math.cos(yaw / 2);
    turn[3] = Math.sin(yaw / 2);
    multiplyQuaternions(out, at, turn, 0, stance.quaternions, 4 * body);
    normalizeQuaternion(out, at);
  }
  return out;
}

/** Finds contacts and, where soles are to be on the floor, lowers the paths on to it. */
function settle(
  feet: readonly FootPath[],
  soles: readonly Sole[],
  frameCount: number,
  rate_hz: number,
  config: RetargetConfig,
) {
  const corners = feet.map((path, foot) => cornerPaths(path, soles[foot], frameCount));
  const contacts = findContacts(corners, frameCount, rate_hz, FLOOR_M, config.contact);
  if (config.contact.height === 'kept') return { corners, contacts, shift_m: new Float64Array(frameCount) };
  const shift_m = floorShift(contacts, corners, frameCount, FLOOR_M, config.contact);
  for (const path of corners) {
    for (let frame = 0; frame < frameCount; frame++) {
      for (let corner = 0; corner < 4; corner++) path[12 * frame + 3 * corner + 2] -= shift_m[frame];
    }
  }
  return { corners, contacts, shift_m };
}
