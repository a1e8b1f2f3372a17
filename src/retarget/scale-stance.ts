// How a robot stands when it stands as an upright person does: where its keypoints are and how its bodies are turned.
//
// Segment lengths of the robot, and the constant turn between a person's segment and the robot's body, come from here.

import type { Numbers } from '../base/arrays.js';
import { createPose, forwardKinematics, pointPosition } from '../robot/kinematics.js';
import type { Sole } from './contact.js';
import type { SolverModel } from './problem.js';

export interface RobotStance {
  /** Keypoint positions (m), base at the origin facing +x. */
  readonly positions_m: Readonly<Record<string, Float64Array>>;
  /** Orientation of each body [body, 4]. */
  readonly quaternions: Float64Array;
  /** Height of the foot keypoints over the soles (m). */
  readonly ankle_m: number;
  /** Hip to knee to foot (m), mean of both sides. */
  readonly leg_m: number;
}

/** @param standing_rad joint positions in the robot's joint order */
export function robotStance(model: SolverModel, standing_rad: readonly number[], soles: readonly Sole[]): RobotStance {
  const configuration = model.rest.slice();
  configuration.set([0, 0, 0, 1, 0, 0, 0], model.baseAddress);
  model.addresses.forEach((address, at) => {
    configuration[address] = standing_rad[model.columns[at]];
  });
  const pose = createPose(model.tree);
  forwardKinematics(model.tree, configuration, 0, pose);
  const positions_m: Record<string, Float64Array> = {};
  for (const [name, { body, offset_m }] of Object.entries(model.robot.keypoints)) {
    positions_m[name] = new Float64Array(3);
    pointPosition(positions_m[name], 0, pose, body, offset_m, 0);
  }
  const corner = new Float64Array(3);
  let lowest = Number.POSITIVE_INFINITY;
  for (const { body, corners_m } of soles) {
    for (const offset of corners_m) {
      pointPosition(corner, 0, pose, body, offset, 0);
      lowest = Math.min(lowest, corner[2]);
    }
  }
  const mean = (value: (side: string) => number) => (value('left') + value('right')) / 2;
  const part = (side: string, name: string) => positions_m[`${side}_${name}`];
  return {
    positions_m,
    quaternions: pose.quaternion.slice(),
    ankle_m: mean((side) => part(side, 'foot')[2]) - lowest,
    leg_m: mean(
      (side) => distance(part(side, 'hip'), part(side, 'knee')) + distance(part(side, 'knee'), part(side, 'foot')),
    ),
  };
}

export function distance(a: Numbers, b: Numbers): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
