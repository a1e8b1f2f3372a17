// Whether joint angles are those joints' at all: a robot keeps its joints within their limits and the foot that it
// stands on flat. With columns in another order it does neither.

import { upperMedian } from '../math/median.js';
import { rotate, rotateInverse } from '../math/quaternion.js';
import { createPose, forwardKinematics, type KinematicTree, kinematicTree, type Pose } from '../robot/kinematics.js';
import type { RobotModel } from '../robot/robot-model.js';
import { type Column, isValidAt } from './columns.js';

export interface SupportInput {
  readonly frameCount: number;
  /** In the robot's joint order (rad). */
  readonly jointPosition: Column;
  readonly basePosition?: Column;
  readonly baseQuaternion?: Column;
}

export interface Support {
  /** Share of joint angles that lie more than 0.1 rad past a limit. */
  readonly pastLimits: number;
  /** Median angle between the lowest foot and how it lies in the default pose (rad); absent without base or feet. */
  readonly footTilt_rad?: number;
}

/** How far past its limit a joint may be and still be within it (rad): soft limits, noise, calibration. */
const MARGIN_RAD = 0.1;
/** Frames that are looked at, evenly taken. */
const MOST_FRAMES = 200;

export function measureSupport(input: SupportInput, robot: RobotModel): Support {
  const { jointPosition, basePosition, baseQuaternion, frameCount } = input;
  const jointCount = robot.jointNames.length;
  const hasFeet = basePosition !== undefined && baseQuaternion !== undefined && robot.feet.length > 0;
  const tree = hasFeet && robot.bodies.length > 0 ? kinematicTree(robot) : undefined;
  const pose = tree && createPose(tree);
  const configuration = Float64Array.from(robot.defaultConfiguration);
  const flat = tree && pose && flatDirections(robot, tree, pose);
  const tilts: number[] = [];
  let past = 0;
  let count = 0;
  const step = Math.max(1, Math.floor(frameCount / MOST_FRAMES));
  for (let frame = 0; frame < frameCount; frame += step) {
    if (!isValidAt(jointPosition, frame)) continue;
    for (let joint = 0; joint < jointCount; joint++) {
      const value = jointPosition.data[frame * jointCount + joint];
      count++;
      if (value < robot.lower_rad[joint] - MARGIN_RAD || value > robot.upper_rad[joint] + MARGIN_RAD) past++;
      if (tree) configuration[robot.joints[robot.jointIndices[joint]].qposAddress] = value;
    }
    if (!tree || !pose || !flat || !basePosition || !baseQuaternion) continue;
    if (!isValidAt(basePosition, frame) || !isValidAt(baseQuaternion, frame)) continue;
    for (let k = 0; k < 3; k++) configuration[k] = basePosition.data[frame * 3 + k];
    for (let k = 0; k < 4; k++) configuration[3 + k] = baseQuaternion.data[frame * 4 + k];
    forwardKinematics(tree, configuration, 0, pose);
    tilts.push(lowestFootTilt(robot, pose, flat));
  }
  return {
    pastLimits: count === 0 ? 0 : past / count,
    ...(tilts.length > 0 ? { footTilt_rad: upperMedian(tilts) } : {}),
  };
}

/** The world's up direction in the frame of each foot while the robot is in its default pose [foot, 3]. */
function flatDirections(robot: RobotModel, tree: KinematicTree, pose: Pose): Float64Array {
  forwardKinematics(tree, robot.defaultConfiguration, 0, pose);
  const directions = new Float64Array(3 * robot.feet.length);
  robot.feet.forEach((body, foot) => {
    rotateInverse(directions, 3 * foot, pose.quaternion, 4 * body, UP, 0);
  });
  return directions;
}

const UP = [0, 0, 1] as const;

function lowestFootTilt({ feet }: RobotModel, pose: Pose, flat: Float64Array): number {
  const height = (foot: number) => pose.position_m[3 * feet[foot] + 2];
  let lowest = 0;
  for (let foot = 1; foot < feet.length; foot++) if (height(foot) < height(lowest)) lowest = foot;
  const up = new Float64Array(3);
  rotate(up, 0, pose.quaternion, 4 * feet[lowest], flat, 3 * lowest);
  return Math.acos(Math.max(-1, Math.min(1, up[2])));
}

/** What one order of joints must be worse by, to be wrong beyond doubt. */
const CLEAR = { pastLimits: 0.02, footTilt_rad: 0.3, share: 0.2 } as const;

/** True where `other` is how the robot stands and moves and `mapped` is not. */
export function isClearlyBetter(other: Support, mapped: Support): boolean {
  if (mapped.pastLimits > CLEAR.pastLimits) return other.pastLimits < CLEAR.share * mapped.pastLimits;
  if (mapped.footTilt_rad === undefined || other.footTilt_rad === undefined) return false;
  if (other.pastLimits > mapped.pastLimits + CLEAR.pastLimits / 4) return false;
  return mapped.footTilt_rad > CLEAR.footTilt_rad && other.footTilt_rad < CLEAR.share * mapped.footTilt_rad;
}
