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
  /** Zero where absent, as for an IMU: how a foot lies does not depend on it. */
  readonly basePosition?: Column;
  readonly baseQuaternion?: Column;
  /** Joints whose limits are looked at: those that the file has; all where absent. */
  readonly joints?: readonly number[];
}

export interface Support {
  /** Share of joint angles that lie more than 0.1 rad past a limit. */
  readonly pastLimits: number;
  /** Median angle between the lowest foot and how it lies in the default pose (rad); absent without orientation or feet. */
  readonly footTilt_rad?: number;
}

/** How far past its limit a joint may be and still be within it (rad): soft limits, noise, calibration. */
const MARGIN_RAD = 0.1;
/** Frames that are looked at, evenly taken. */
const MOST_FRAMES = 200;

export function measureSupport(input: SupportInput, robot: RobotModel): Support {
  const { jointPosition, basePosition, baseQuaternion, frameCount } = input;
  const jointCount = robot.jointNames.length;
  const looked = input.joints ?? robot.jointNames.map((_, joint) => joint);
  const hasFeet = baseQuaternion !== undefined && robot.feet.length > 0;
  const tree = hasFeet && robot.bodies.length > 0 ? kinematicTree(robot) : undefined;
  const pose = tree && createPose(tree);
  const configuration = Float64Array.from(robot.defaultConfiguration);
  configuration.fill(0, 0, tree ? 3 : 0);
  const flat = tree && pose && flatDirections(robot, tree, pose);
  const tilts: number[] = [];
  let past = 0;
  let count = 0;
  const step = Math.max(1, Math.floor(frameCount / MOST_FRAMES));
  for (let frame = 0; frame < frameCount; frame += step) {
    if (!isValidAt(jointPosition, frame)) continue;
    for (const joint of looked) {
      const value = jointPosition.data[frame * jointCount + joint];
      count++;
      if (value < robot.lower_rad[joint] - MARGIN_RAD || value > robot.upper_rad[joint] + MARGIN_RAD) past++;
    }
    if (!tree || !pose || !flat || !baseQuaternion || !isValidAt(baseQuaternion, frame)) continue;
    if (basePosition && !isValidAt(basePosition, frame)) continue;
    for (let joint = 0; joint < jointCount; joint++) {
      configuration[robot.joints[robot.jointIndices[joint]].qposAddress] =
        jointPosition.data[frame * jointCount + joint];
    }
    for (let k = 0; basePosition && k < 3; k++) configuration[k] = basePosition.data[frame * 3 + k];
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
/** A smaller tilt tells as much where the other order has the foot lie dead flat: chance does not do that. */
const FLAT = { footTilt_rad: 0.1, other_rad: 0.02, share: 0.1 } as const;

/** True where joints are past their limits or a foot is tilted so that another order may be the right one. */
export function isDoubtful({ pastLimits, footTilt_rad = 0 }: Support): boolean {
  return pastLimits > CLEAR.pastLimits || footTilt_rad > FLAT.footTilt_rad;
}

/** True where the robot neither keeps to its limits nor stands on a flat foot. */
export function isImpossible({ pastLimits, footTilt_rad = 0 }: Support): boolean {
  return pastLimits > CLEAR.pastLimits && footTilt_rad > CLEAR.footTilt_rad;
}

/** True where `other` is how the robot stands and moves and `mapped` is not. */
export function isClearlyBetter(other: Support, mapped: Support): boolean {
  if (mapped.pastLimits > CLEAR.pastLimits) return other.pastLimits < CLEAR.share * mapped.pastLimits;
  const { footTilt_rad: tilt } = mapped;
  const { footTilt_rad: better } = other;
  if (tilt === undefined || better === undefined) return false;
  if (other.pastLimits > mapped.pastLimits + CLEAR.pastLimits / 4) return false;
  if (tilt > CLEAR.footTilt_rad && better < CLEAR.share * tilt) return true;
  return tilt > FLAT.footTilt_rad && better < FLAT.other_rad && better < FLAT.share * tilt;
}
