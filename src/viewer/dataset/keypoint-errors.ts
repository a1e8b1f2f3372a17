// How far the robot's keypoints are from the person's, frame by frame.

import type { Channel, ChannelName } from '../../motion/episode.js';
import { createPose, forwardKinematics, kinematicTree, pointPosition } from '../../robot/kinematics.js';
import type { RobotModel } from '../../robot/robot-model.js';
import { positionAt } from '../scene/skeleton-view.js';
import type { SourceSkeleton } from '../scene/source-skeleton.js';

export interface KeypointErrors {
  /** The robot's keypoints that are compared. */
  readonly names: readonly string[];
  /** Distances (m) [frame, name]; NaN where the robot's pose is masked. */
  readonly distances_m: Float32Array;
}

export function keypointErrors(
  robot: RobotModel,
  channels: Readonly<Partial<Record<ChannelName, Channel>>>,
  frames: number,
  skeleton: SourceSkeleton,
): KeypointErrors | undefined {
  const { basePosition, baseQuaternion, jointPosition } = channels;
  const compared = skeleton.robotKeypoints.flatMap((name, column) =>
    name === null || robot.keypoints[name] === undefined ? [] : [{ name, column, ...robot.keypoints[name] }],
  );
  const base = robot.joints.find(({ type, body }) => type === 'free' && body === robot.baseBody);
  if (!basePosition || !baseQuaternion || !jointPosition || compared.length === 0 || base === undefined)
    return undefined;
  const tree = kinematicTree(robot);
  const pose = createPose(tree);
  const configuration = Float64Array.from(robot.defaultConfiguration);
  const addresses = robot.jointIndices.map((joint) => robot.joints[joint].qposAddress);
  const distances_m = new Float32Array(frames * compared.length).fill(Number.NaN);
  const point = new Float64Array(3);
  for (let frame = 0; frame < frames; frame++) {
    if ([basePosition, baseQuaternion, jointPosition].some(({ valid }) => valid?.[frame] === 0)) continue;
    for (let k = 0; k < 3; k++) configuration[base.qposAddress + k] = basePosition.data[3 * frame + k];
    for (let k = 0; k < 4; k++) configuration[base.qposAddress + 3 + k] = baseQuaternion.data[4 * frame + k];
    addresses.forEach((address, joint) => {
      configuration[address] = jointPosition.data[frame * addresses.length + joint];
    });
    forwardKinematics(tree, configuration, 0, pose);
    for (const [at, { body, offset_m, column }] of compared.entries()) {
      pointPosition(point, 0, pose, body, offset_m, 0);
      const [x, y, z] = positionAt(skeleton.positions, skeleton.keypoints.length, skeleton.frameCount, frame, column);
      distances_m[frame * compared.length + at] = Math.hypot(point[0] - x, point[1] - y, point[2] - z);
    }
  }
  return { names: compared.map(({ name }) => name), distances_m };
}
