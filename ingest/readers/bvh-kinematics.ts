// Forward kinematics of a BVH skeleton: world positions and orientations of every joint and End Site in one frame.
//
// A joint's frame is its parent's, moved by OFFSET plus its position channels and turned by its rotation channels in
// the order in which the file lists them. No allocation per frame. Units are the file's (lengths) and radians.
// Position channels of joints other than a root are added to OFFSET, as three's BVHLoader does; some exporters write
// the whole translation there instead, and `translation: 'replace'` is for their files.

import type { FloatArray, Numbers } from '../../src/base/arrays.js';
import type { BvhChannel, BvhJoint } from './bvh-header.js';

export interface BvhPose {
  readonly position: FloatArray; // [joint, 3] in the world
  readonly quaternion: FloatArray; // [joint, 4] w x y z: joint frame to world
}

/** How position channels of joints that are not roots combine with OFFSET. */
export type BvhTranslation = 'add' | 'replace';

const HALF_RADIAN_PER_DEGREE = Math.PI / 360;
const CHANNEL_AXIS: Readonly<Record<BvhChannel, number>> = {
  Xposition: 0,
  Yposition: 1,
  Zposition: 2,
  Xrotation: 3,
  Yrotation: 4,
  Zrotation: 5,
};

export function createBvhPose(joints: readonly BvhJoint[], precision: 'float64' | 'float32' = 'float64'): BvhPose {
  const make = (length: number) => (precision === 'float32' ? new Float32Array(length) : new Float64Array(length));
  return { position: make(joints.length * 3), quaternion: make(joints.length * 4) };
}

/**
 * Fills `pose` from the row of channel values that begins at values[at].
 * @param values degrees and the file's length unit, as `BvhFrames.values` has them
 */
export function computeBvhPose(
  joints: readonly BvhJoint[],
  values: Numbers,
  at: number,
  pose: BvhPose,
  translation: BvhTranslation = 'add',
): void {
  const { position, quaternion } = pose;
  for (let joint = 0; joint < joints.length; joint++) {
    const { parent, offset, channels, firstChannel } = joints[joint];
    const replace = translation === 'replace' && parent >= 0;
    let px = offset[0];
    let py = offset[1];
    let pz = offset[2];
    let w = 1;
    let x = 0;
    let y = 0;
    let z = 0;
    for (let k = 0; k < channels.length; k++) {
      const value = values[at + firstChannel + k];
      const axis = CHANNEL_AXIS[channels[k]];
      if (axis === 0) px = replace ? value : offset[0] + value;
      else if (axis === 1) py = replace ? value : offset[1] + value;
      else if (axis === 2) pz = replace ? value : offset[2] + value;
      else {
        const half = value * HALF_RADIAN_PER_DEGREE;
        const c = Math.cos(half);
        const s = Math.sin(half);
        const w0 = w;
        const x0 = x;
        const y0 = y;
        const z0 = z;
        if (axis === 3) {
          w = w0 * c - x0 * s;
          x = w0 * s + x0 * c;
          y = y0 * c + z0 * s;
          z = z0 * c - y0 * s;
        } else if (axis === 4) {
          w = w0 * c - y0 * s;
          x = x0 * c - z0 * s;
          y = w0 * s + y0 * c;
          z = x0 * s + z0 * c;
        } else {
          w = w0 * c - z0 * s;
          x = x0 * c + y0 * s;
          y = y0 * c - x0 * s;
          z = w0 * s + z0 * c;
        }
      }
    }
    const p = joint * 3;
    const q = joint * 4;
    if (parent < 0) {
      position[p] = px;
      position[p + 1] = py;
      position[p + 2] = pz;
      quaternion[q] = w;
      quaternion[q + 1] = x;
      quaternion[q + 2] = y;
      quaternion[q + 3] = z;
      continue;
    }
    const i = parent * 3;
    const j = parent * 4;
    const pw = quaternion[j];
    const ax = quaternion[j + 1];
    const ay = quaternion[j + 2];
    const az = quaternion[j + 3];
    const tx = 2 * (ay * pz - az * py);
    const ty = 2 * (az * px - ax * pz);
    const tz = 2 * (ax * py - ay * px);
    position[p] = position[i] + px + pw * tx + ay * tz - az * ty;
    position[p + 1] = position[i + 1] + py + pw * ty + az * tx - ax * tz;
    position[p + 2] = position[i + 2] + pz + pw * tz + ax * ty - ay * tx;
    quaternion[q] = pw * w - ax * x - ay * y - az * z;
    quaternion[q + 1] = pw * x + ax * w + ay * z - az * y;
    quaternion[q + 2] = pw * y - ax * z + ay * w + az * x;
    quaternion[q + 3] = pw * z + ax * y - ay * x + az * w;
  }
}
