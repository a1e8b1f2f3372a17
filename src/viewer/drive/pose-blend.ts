// Poses between two control steps: the screen has its own rate, and a robot that jumps at 50 Hz looks broken at 60.

import { normalizeQuaternion } from '../../math/quaternion.js';

/** A pose as one array: base position 3, base quaternion 4, joints. */
export type FlatPose = Float32Array;

export function flatPose(pose: {
  readonly basePosition_m: ArrayLike<number>;
  readonly baseQuaternion: ArrayLike<number>;
  readonly jointPosition_rad: ArrayLike<number>;
}): FlatPose {
  const flat = new Float32Array(7 + pose.jointPosition_rad.length);
  flat.set(pose.basePosition_m, 0);
  flat.set(pose.baseQuaternion, 3);
  flat.set(pose.jointPosition_rad, 7);
  return flat;
}

/** out = from + share (to - from), quaternions along the shorter arc. Close poses: a straight line is as good as an arc. */
export function blendPoses(out: FlatPose, from: FlatPose, to: FlatPose, share: number): void {
  let alike = 0;
  for (let k = 3; k < 7; k++) alike += from[k] * to[k];
  const sign = alike < 0 ? -1 : 1;
  for (let at = 0; at < out.length; at++) {
    const end = at >= 3 && at < 7 ? sign * to[at] : to[at];
    out[at] = from[at] + share * (end - from[at]);
  }
  normalizeQuaternion(out, 3);
}
