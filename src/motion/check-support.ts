// Whether joint angles are those joints' at all: the lowest foot of a robot that walks stays near one height, and its
// joints within their limits. Columns in another order, or in degrees, do neither.

import { createPose, forwardKinematics, kinematicTree } from '../robot/kinematics.js';
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
  /** Spread of the lowest foot's height (m): the median distance from its median; absent without base or feet. */
  readonly spread_m?: number;
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
  const heights: number[] = [];
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
    if (!tree || !pose || !basePosition || !baseQuaternion) continue;
    if (!isValidAt(basePosition, frame) || !isValidAt(baseQuaternion, frame)) continue;
    for (let k = 0; k < 3; k++) configuration[k] = basePosition.data[frame * 3 + k];
    for (let k = 0; k < 4; k++) configuration[3 + k] = baseQuaternion.data[frame * 4 + k];
    forwardKinematics(tree, configuration, 0, pose);
    heights.push(robot.feet.reduce((low, body) => Math.min(low, pose.position_m[3 * body + 2]), Infinity));
  }
  return {
    pastLimits: count === 0 ? 0 : past / count,
    ...(heights.length > 1 ? { spread_m: medianDeviation(heights) } : {}),
  };
}

/** Limits and heights by which one order of joints is better than another beyond doubt. */
const CLEAR = { pastLimits: 0.02, spreadRatio: 0.4, spread_m: 0.015 } as const;

/** True where `other` is how the robot stands and moves and `mapped` is not. */
export function isClearlyBetter(other: Support, mapped: Support): boolean {
  if (other.pastLimits > mapped.pastLimits + 0.005) return false;
  if (mapped.spread_m !== undefined && other.spread_m !== undefined) {
    return mapped.spread_m > CLEAR.spread_m && other.spread_m < CLEAR.spreadRatio * mapped.spread_m;
  }
  return mapped.pastLimits > CLEAR.pastLimits && other.pastLimits < mapped.pastLimits / 5;
}

function medianDeviation(values: readonly number[]): number {
  const middle = median(values);
  return median(values.map((value) => Math.abs(value - middle)));
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1];
}
