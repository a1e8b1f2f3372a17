// Orientations of a person's segments, frame by frame: the file's own where it has them, else what positions tell.
//
// A file's own are trued first, by a constant turn each: limbs so that they lie along their bones, feet so that they are
// level while they stand. Zero poses with legs apart or toes pointing down leave such turns behind.
// Without orientations the hips' line and the trunk make the pelvis's, the shoulders' line and the trunk the torso's, and
// ankle and toe with the shank's side the feet's. Arms and legs have none then: a line does not say how it is twisted.

import { multiplyQuaternions, rotateInverse } from '../math/quaternion.js';
import { fromAxes, fromTo } from '../math/rotation.js';
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
    const truing = truingTurn(motion, name);
    writers.set(name, (frame, out, o) => {
      multiplyQuaternions(out, o, quaternions, 4 * (frame * keypoints.length + column), truing, 0);
    });
  });
  const column = (name: HumanKeypoint) => keypointIndex(motion, name);
  const line = (a: HumanKeypoint, b: HumanKeypoint) => middleLine(motion, [column(a)], [column(b)]);
  const hips = [column('left_hip'), column('right_hip')];
  const shoulders = [column('left_shoulder'), column('right_shoulder')];
  const trunk = middleLine(motion, hips, shoulders);
  if (!writers.has('pelvis')) writers.set('pelvis', uprightFrame(line('right_hip', 'left_hip'), trunk));
  // A robot's trunk is one piece: it leans as hips to shoulders do, not as the chest on a bent back.
  writers.set('torso', uprightFrame(line('right_shoulder', 'left_shoulder'), trunk));
  for (const side of ['left', 'right'] as const) {
    if (writers.has(`${side}_foot`) || column(`${side}_toe`) < 0) continue;
    const from = column(`${side}_heel`) < 0 ? `${side}_foot` : `${side}_heel`;
    const sole = line(from as HumanKeypoint, `${side}_toe`);
    const drop = from.endsWith('heel') ? 0 : soleSlope(motion, side);
    writers.set(`${side}_foot`, footFrame(sole, line(`${side}_foot`, `${side}_knee`), drop));
  }
  return { motion, writers };
}

/** Segments that hang down in a standing person, and the keypoint at their end. */
const BONES: Partial<Record<HumanKeypoint, HumanKeypoint>> = {
  left_hip: 'left_knee',
  left_knee: 'left_foot',
  left_shoulder: 'left_elbow',
  left_elbow: 'left_hand',
  right_hip: 'right_knee',
  right_knee: 'right_foot',
  right_shoulder: 'right_elbow',
  right_elbow: 'right_hand',
};

/** A foot whose ankle is slower than this, and this near to its standing height, stands (m/s, m). */
const STANDING_MPS = 0.2;
const STANDING_M = 0.03;
/** Fewest standing frames that tell how a foot is turned. */
const FEWEST_STANDING = 5;

/** The constant turn from a segment's true axes to those of the file. */
function truingTurn(motion: HumanMotion, name: HumanKeypoint): Float64Array {
  const turn = Float64Array.of(1, 0, 0, 0);
  const end = BONES[name];
  const isFoot = name === 'left_foot' || name === 'right_foot';
  if (end === undefined && !isFoot) return turn;
  const { keypoints, quaternions, frameCount } = motion;
  const column = keypointIndex(motion, name);
  const bone = end === undefined ? undefined : middleLine(motion, [column], [keypointIndex(motion, end)]);
  const [direction, own, mean] = [new Float64Array(3), new Float64Array(3), new Float64Array(3)];
  let count = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    if (bone !== undefined) bone(frame, direction);
    else if (stands(motion, column, frame)) direction.set([0, 0, -1]);
    else continue;
    normalise(direction);
    rotateInverse(own, 0, quaternions, 4 * (frame * keypoints.length + column), direction, 0);
    for (let k = 0; k < 3; k++) mean[k] += own[k];
    count++;
  }
  // A mean much shorter than one: no constant turn explains it.
  if (count < FEWEST_STANDING || Math.hypot(...mean) < 0.8 * count) return turn;
  normalise(mean);
  fromTo(turn, 0, [0, 0, -1], mean);
  return turn;
}

function stands(motion: HumanMotion, column: number, frame: number): boolean {
  const { positions_m, keypoints, frameCount, rate_hz, soles_m } = motion;
  if (frame === 0 || frame + 1 >= frameCount) return false;
  const at = 3 * (frame * keypoints.length + column);
  const step = 3 * keypoints.length;
  const speed = (k: number) => 0.5 * rate_hz * (positions_m[at + step + k] - positions_m[at - step + k]);
  const height = positions_m[at + 2] - (soles_m[keypoints[column]] ?? 0.039 * motion.height_m);
  return Math.hypot(speed(0), speed(1), speed(2)) < STANDING_MPS && height < STANDING_M;
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
