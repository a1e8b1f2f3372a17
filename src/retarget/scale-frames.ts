// Orientations of a person's segments, frame by frame: the file's own where it has them, else what positions tell.
//
// Without orientations the hips' line and the trunk make the pelvis's, the shoulders' line and the trunk the torso's, and
// ankle and toe with the shank's side the feet's. Arms and legs have none then: a line does not say how it is twisted.

import { fromAxes } from '../math/rotation.js';
import { type HumanKeypoint, type HumanMotion, keypointIndex } from '../motion/human-motion.js';

export interface SegmentFrames {
  readonly motion: HumanMotion;
  /** Keypoints that have an orientation, and how each gets it. */
  readonly writers: ReadonlyMap<HumanKeypoint, (frame: number, out: Float64Array, o: number) => void>;
}

export function segmentFrames(motion: HumanMotion): SegmentFrames {
  const writers = new Map<HumanKeypoint, (frame: number, out: Float64Array, o: number) => void>();
  const { keypoints, quaternions, oriented } = motion;
  keypoints.forEach((name, column) => {
    if (oriented[column] === 0) return;
    writers.set(name, (frame, out, o) => {
      const at = 4 * (frame * keypoints.length + column);
      for (let k = 0; k < 4; k++) out[o + k] = quaternions[at + k];
    });
  });
  const column = (name: HumanKeypoint) => keypointIndex(motion, name);
  const line = (a: HumanKeypoint, b: HumanKeypoint) => middleLine(motion, [column(a)], [column(b)]);
  const hips = [column('left_hip'), column('right_hip')];
  const shoulders = [column('left_shoulder'), column('right_shoulder')];
  const trunk = middleLine(motion, hips, shoulders);
  if (!writers.has('pelvis')) writers.set('pelvis', uprightFrame(line('right_hip', 'left_hip'), trunk));
  if (!writers.has('torso')) writers.set('torso', uprightFrame(line('right_shoulder', 'left_shoulder'), trunk));
  for (const side of ['left', 'right'] as const) {
    if (writers.has(`${side}_foot`) || column(`${side}_toe`) < 0) continue;
    const from = column(`${side}_heel`) < 0 ? `${side}_foot` : `${side}_heel`;
    const sole = line(from as HumanKeypoint, `${side}_toe`);
    const drop = from.endsWith('heel') ? 0 : soleSlope(motion, side);
    writers.set(`${side}_foot`, footFrame(sole, line(`${side}_foot`, `${side}_knee`), drop));
  }
  return { motion, writers };
}

type Line = (frame: number, out: Float64Array) => void;

/** Vector from the middle of some keypoints to the middle of others. */
function middleLine(motion: HumanMotion, from: readonly number[], to: readonly number[]): Line {
  const { positions_m, keypoints } = motion;
  return (frame, out) => {
    out.fill(0);
    const row = 3 * frame * keypoints.length;
    for (const column of to) for (let k = 0; k < 3; k++) out[k] += positions_m[row + 3 * column + k] / to.length;
    for (const column of from) for (let k = 0; k < 3; k++) out[k] -= positions_m[row + 3 * column + k] / from.length;
  };
}

/** Y along the line to the left, Z as near to `up` as it can be. */
function uprightFrame(left: Line, up: Line) {
  const [x, y, z] = [new Float64Array(3), new Float64Array(3), new Float64Array(3)];
  return (frame: number, out: Float64Array, o: number) => {
    left(frame, y);
    up(frame, z);
    normalise(y);
    cross(x, y, z);
    normalise(x);
    cross(z, x, y);
    fromAxes(out, o, x, y, z);
  };
}

/** X along the sole, its slope of a flat foot taken off; Z as near to the shank as it can be. */
function footFrame(sole: Line, shank: Line, slope: number) {
  const [x, y, z] = [new Float64Array(3), new Float64Array(3), new Float64Array(3)];
  const flat = new Float64Array(3);
  return (frame: number, out: Float64Array, o: number) => {
    sole(frame, flat);
    shank(frame, z);
    normalise(flat);
    cross(y, z, flat);
    normalise(y);
    cross(z, flat, y);
    for (let k = 0; k < 3; k++) x[k] = Math.cos(slope) * flat[k] + Math.sin(slope) * z[k];
    cross(z, x, y);
    fromAxes(out, o, x, y, z);
  };
}

/** Angle by which ankle to toe points down in a flat foot (rad). */
function soleSlope(motion: HumanMotion, side: 'left' | 'right'): number {
  const ankle = motion.soles_m[`${side}_foot`] ?? 0.039 * motion.height_m;
  const toe = motion.soles_m[`${side}_toe`] ?? 0.015 * motion.height_m;
  // Ankle to ball of the foot: 0.11 of stature, about 0.72 of the foot's 0.152.
  const length = motion.segments_m.foot ?? 0.11 * motion.height_m;
  return Math.asin(Math.max(-0.9, Math.min(0.9, (ankle - toe) / length)));
}

function cross(out: Float64Array, a: Float64Array, b: Float64Array): void {
  out[0] = a[1] * b[2] - a[2] * b[1];
  out[1] = a[2] * b[0] - a[0] * b[2];
  out[2] = a[0] * b[1] - a[1] * b[0];
}

function normalise(v: Float64Array): void {
  const length = Math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  if (length > 0) for (let k = 0; k < 3; k++) v[k] /= length;
}
