// From the joints of a file to the keypoints of a person: positions, and orientations in the segments' common frames.
//
// A joint's own axes mean something else in every rig. Where the zero pose is a standing person, it says what a joint's
// orientation would be for that person: the segment's frame is turned along with the shortest rotation that takes the
// segment from how it stands there (arms out, legs apart) to where it hangs in the reference stance. Where the zero pose
// means nothing, the rig file names the axes.

import type { Numbers } from '../base/arrays.js';
import { multiplyQuaternions } from '../math/quaternion.js';
import { fromAxes, fromTo } from '../math/rotation.js';
import type { HumanKeypoint } from '../motion/human-motion.js';
import type { Axis, RigMatch } from './rig.js';

/** Keypoints over time in the file's own frame and unit; quaternions already from segment to the file's world. */
export interface KeypointTrack {
  readonly rate_hz: number;
  readonly frameCount: number;
  readonly keypoints: readonly HumanKeypoint[];
  readonly positions: Float64Array; // [frame, keypoint, 3]
  readonly quaternions: Float64Array; // [frame, keypoint, 4]
  readonly oriented: Uint8Array; // [keypoint]
  readonly valid: Uint8Array; // [frame] 1 measured, 0 filled in
  readonly seen?: Uint8Array; // [frame, keypoint]
}

/** Where each keypoint's segment points: keypoint at its other end, for segments that hang straight down at rest. */
const HANGING: Readonly<Partial<Record<HumanKeypoint, HumanKeypoint>>> = {
  left_hip: 'left_knee',
  left_knee: 'left_foot',
  right_hip: 'right_knee',
  right_knee: 'right_foot',
  left_shoulder: 'left_elbow',
  left_elbow: 'left_hand',
  right_shoulder: 'right_elbow',
  right_elbow: 'right_hand',
};
/** Hands follow the direction of their forearm at rest. */
const HANDS: Readonly<Partial<Record<HumanKeypoint, HumanKeypoint>>> = {
  left_hand: 'left_elbow',
  right_hand: 'right_elbow',
};
const FEET: Readonly<Partial<Record<HumanKeypoint, HumanKeypoint>>> = {
  left_foot: 'left_toe',
  right_foot: 'right_toe',
  left_toe: 'left_foot',
  right_toe: 'right_foot',
};
/** A leg within this of straight down still stands (60°). */
const STANDING_COSINE = 0.5;
/** An axis of the file within this of a measured direction is that direction (25°). */
const SNAP_COSINE = Math.cos((25 * Math.PI) / 180);

type Vector = readonly [number, number, number];

/** Forward, left and up of a standing zero pose, in the file's frame; undefined where the pose does not stand. */
export function restAxes(match: RigMatch, rest: Numbers): { forward: Vector; left: Vector; up: Vector } | undefined {
  const at = (name: HumanKeypoint) => restPosition(match, rest, name);
  const hips = middle(at('left_hip'), at('right_hip'));
  const shoulders = middle(at('left_shoulder'), at('right_shoulder'));
  const up = snap(unit(minus(shoulders, hips)));
  const across = minus(at('left_hip'), at('right_hip'));
  const left = snap(unit(minus(across, scaled(up, dot(across, up)))));
  const legs = [minus(at('left_foot'), at('left_hip')), minus(at('right_foot'), at('right_hip'))];
  const stands = legs.every((leg) => -dot(unit(leg), up) > STANDING_COSINE) && Math.abs(dot(left, up)) < 0.2;
  if (!stands || !Number.isFinite(up[0] + left[0])) return undefined;
  const flat = unit(minus(left, scaled(up, dot(left, up))));
  return { forward: cross(flat, up), left: flat, up };
}

/**
 * Per keypoint, the rotation from its segment's frame to its joint's own frame (w x y z).
 * @param rest joint positions of the zero pose [joint, 3]; undefined for files of positions
 * @returns quaternions [keypoint, 4], and which keypoints have one
 */
export function segmentFrames(
  match: RigMatch,
  rest: Numbers | undefined,
): { quaternions: Float64Array; oriented: Uint8Array } {
  const { keypoints, joints, rig } = match;
  const quaternions = new Float64Array(keypoints.length * 4);
  const oriented = new Uint8Array(keypoints.length);
  const axes = rest === undefined ? undefined : restAxes(match, rest);
  for (const [k, keypoint] of keypoints.entries()) {
    quaternions[k * 4] = 1;
    // The middle between two joints has a position and no orientation.
    if (rest === undefined || joints[k].length !== 1) continue;
    const named = rig.frames[keypoint];
    if (named !== undefined) {
      const x = axisVector(named.forward);
      const z = axisVector(named.up);
      fromAxes(quaternions, k * 4, x, cross(z, x), z);
    } else if (axes !== undefined && rig.zeroPose === 'standing') {
      standingFrame(quaternions, k * 4, keypoint, match, rest, axes);
    } else continue;
    oriented[k] = 1;
  }
  return { quaternions, oriented };
}

function standingFrame(
  out: Float64Array,
  o: number,
  keypoint: HumanKeypoint,
  match: RigMatch,
  rest: Numbers,
  { forward, left, up }: { forward: Vector; left: Vector; up: Vector },
): void {
  const base = new Float64Array(4);
  fromAxes(base, 0, forward, left, up);
  const turn = new Float64Array([1, 0, 0, 0]);
  const from = HANDS[keypoint] ?? keypoint;
  const end = HANGING[from] ?? FEET[from];
  if (end !== undefined && match.keypoints.includes(end)) {
    let direction = minus(restPosition(match, rest, end), restPosition(match, rest, from));
    if (Math.hypot(...direction) < 1e-9) {
      // A joint at its parent's place has no direction: it keeps the stance's.
    } else if (HANGING[from] !== undefined) {
      fromTo(turn, 0, scaled(up, -1), unit(direction));
    } else {
      // Feet only turn about the vertical, towards their own toes: at rest they are flat.
      if (keypoint.endsWith('toe')) direction = scaled(direction, -1);
      const flat = minus(direction, scaled(up, dot(direction, up)));
      if (dot(flat, forward) > 0) fromTo(turn, 0, forward, unit(flat));
    }
  }
  multiplyQuaternions(out, o, turn, 0, base, 0);
}

/**
 * Writes one frame of keypoints from joint positions and orientations.
 * @param position [joint, 3], quaternion [joint, 4]: joint to world
 */
export function writeKeypoints(
  track: Pick<KeypointTrack, 'positions' | 'quaternions' | 'oriented'>,
  frame: number,
  match: RigMatch,
  frames: Float64Array,
  position: Numbers,
  quaternion: Numbers | undefined,
): void {
  const { joints } = match;
  for (let k = 0; k < joints.length; k++) {
    const at = (frame * joints.length + k) * 3;
    const sources = joints[k];
    for (let axis = 0; axis < 3; axis++) {
      let sum = 0;
      for (let s = 0; s < sources.length; s++) sum += position[sources[s] * 3 + axis];
      track.positions[at + axis] = sum / sources.length;
    }
    const q = (frame * joints.length + k) * 4;
    if (quaternion !== undefined && track.oriented[k] === 1) {
      multiplyQuaternions(track.quaternions, q, quaternion, sources[0] * 4, frames, k * 4);
    } else track.quaternions[q] = 1;
  }
}

function restPosition(match: RigMatch, rest: Numbers, keypoint: HumanKeypoint): Vector {
  const joints = match.joints[match.keypoints.indexOf(keypoint)];
  const points = joints.map((joint): Vector => [rest[joint * 3], rest[joint * 3 + 1], rest[joint * 3 + 2]]);
  return points.length === 2 ? middle(points[0], points[1]) : points[0];
}

export function axisVector(name: Axis): Vector {
  const sign = name[0] === '-' ? -1 : 1;
  return [name[1] === 'x' ? sign : 0, name[1] === 'y' ? sign : 0, name[1] === 'z' ? sign : 0];
}

/** The axis of the file that is nearly v, or v itself. */
function snap(v: Vector): Vector {
  const largest = [0, 1, 2].reduce((best, k) => (Math.abs(v[k]) > Math.abs(v[best]) ? k : best), 0);
  if (Math.abs(v[largest]) < SNAP_COSINE) return v;
  const axis: [number, number, number] = [0, 0, 0];
  axis[largest] = Math.sign(v[largest]);
  return axis;
}

const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const scaled = (a: Vector, s: number): Vector => [a[0] * s, a[1] * s, a[2] * s];
const middle = (a: Vector, b: Vector): Vector => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const unit = (a: Vector): Vector => scaled(a, 1 / Math.hypot(a[0], a[1], a[2]));
