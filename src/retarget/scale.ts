// From a person's keypoints to targets that the robot can reach: limb by limb, by measured lengths.
//
// Hips and feet keep their world positions, scaled as a whole by the ratio of the legs' lengths, with the ankles' own
// heights over the sole exchanged, so that feet that stand still still do. Knees are where the robot's own bones meet,
// on the side to which the person's bend. Arms are laid out with the robot's own lengths along the person's directions.
// Orientations are the person's segments', times how the robot's bodies stand when it stands as an upright person.

import type { FloatArray, Numbers } from '../base/arrays.js';
import { multiplyQuaternions, normalizeQuaternion, rotate } from '../math/quaternion.js';
import { type HumanKeypoint, type HumanMotion, keypointIndex } from '../motion/human-motion.js';
import type { SolverModel } from './problem.js';
import { segmentFrames } from './scale-frames.js';
import { distance, type RobotStance } from './scale-stance.js';

/** Points that are laid out; robots' keypoints have the same names. */
export const LAID_OUT = [
  'pelvis',
  'torso',
  'head',
  'left_hip',
  'left_knee',
  'left_foot',
  'left_shoulder',
  'left_elbow',
  'left_hand',
  'right_hip',
  'right_knee',
  'right_foot',
  'right_shoulder',
  'right_elbow',
  'right_hand',
] as const satisfies readonly HumanKeypoint[];
export type LaidOut = (typeof LAID_OUT)[number];

export interface ScaledMotion {
  readonly scale: number;
  readonly frameCount: number;
  /** Positions (m) [frame, LAID_OUT, 3]. */
  readonly positions_m: Float64Array;
  /** Orientation of a robot keypoint's body [frame, 4]; undefined where the person's segment has none. */
  readonly orientation: (keypoint: string, human: HumanKeypoint) => Float64Array | undefined;
}

/** Size of the robot's motion against the person's: leg over leg. */
export function legScale(human: HumanMotion, stance: RobotStance): number {
  const { thigh, shank } = human.segments_m;
  // Hip to ankle is 0.491 of stature (Drillis and Contini).
  const leg_m = thigh !== undefined && shank !== undefined ? thigh + shank : 0.491 * human.height_m;
  return stance.leg_m / leg_m;
}

/** Lays the person's motion out on the robot's lengths. Arrays are new. */
export function scaleMotion(
  human: HumanMotion,
  model: SolverModel,
  stance: RobotStance,
  wantedScale: number | 'auto',
): ScaledMotion {
  const scale = wantedScale === 'auto' ? legScale(human, stance) : wantedScale;
  const { frameCount } = human;
  const { writers } = segmentFrames(human);
  const positions_m = new Float64Array(frameCount * LAID_OUT.length * 3);
  const layOut = createLayout(human, stance, scale);
  const turns = new Float64Array(8);
  for (let frame = 0; frame < frameCount; frame++) {
    writers.get('pelvis')!(frame, turns, 0);
    writers.get('torso')!(frame, turns, 4);
    layOut(frame, turns, positions_m, frame * LAID_OUT.length * 3);
  }
  return {
    scale,
    frameCount,
    positions_m,
    orientation: (keypoint, name) => {
      const write = writers.get(name);
      if (write === undefined) return undefined;
      const out = new Float64Array(4 * frameCount);
      const { body } = model.robot.keypoints[keypoint];
      for (let frame = 0; frame < frameCount; frame++) {
        write(frame, turns, 0);
        multiplyQuaternions(out, 4 * frame, turns, 0, stance.quaternions, 4 * body);
        normalizeQuaternion(out, 4 * frame);
      }
      return out;
    },
  };
}

type LayOut = (frame: number, turns: Float64Array, out: Float64Array, o: number) => void;

const FORWARD = [1, 0, 0];

/** Writes one frame's points; `turns` has the pelvis's and the torso's orientation. */
function createLayout(human: HumanMotion, stance: RobotStance, scale: number): LayOut {
  const robot = stance.positions_m;
  const from = human.positions_m;
  const width = 3 * human.keypoints.length;
  const humanAnkle_m = ankleHeight(human);
  const place = (out: FloatArray, o: number, at: number) => {
    out[o] = scale * from[at];
    out[o + 1] = scale * from[at + 1];
    out[o + 2] = scale * (from[at + 2] - humanAnkle_m) + stance.ankle_m;
  };
  const slot = (name: LaidOut) => 3 * LAID_OUT.indexOf(name);
  const column = (name: HumanKeypoint) => 3 * keypointIndex(human, name);
  const hips = [column('left_hip'), column('right_hip')];
  // Standing offsets from the pelvis, and from the middle of the hips to it.
  const over = Float64Array.from(robot.pelvis, (x, k) => x - 0.5 * (robot.left_hip[k] + robot.right_hip[k]));
  const offset = (name: string) => Float64Array.from(robot[name] ?? robot.pelvis, (x, k) => x - robot.pelvis[k]);
  const hung = (['torso', 'head', 'left_shoulder', 'right_shoulder'] as const).map((name) => ({
    to: slot(name),
    offset: offset(name),
  }));
  const sides = (['left', 'right'] as const).map((side) => ({
    hip: { to: slot(`${side}_hip`), offset: offset(`${side}_hip`) },
    foot: { to: slot(`${side}_foot`), at: column(`${side}_foot`) },
    knee: {
      to: slot(`${side}_knee`),
      at: column(`${side}_knee`),
      hip: column(`${side}_hip`),
      thigh: distance(robot[`${side}_hip`], robot[`${side}_knee`]),
      shank: distance(robot[`${side}_knee`], robot[`${side}_foot`]),
    },
    bones: (
      [
        ['shoulder', 'elbow'],
        ['elbow', 'hand'],
      ] as const
    ).map(([a, b]) => ({
      length: distance(robot[`${side}_${a}`], robot[`${side}_${b}`]),
      start: slot(`${side}_${a}`),
      to: slot(`${side}_${b}`),
      a: column(`${side}_${a}`),
      b: column(`${side}_${b}`),
    })),
  }));
  const pelvis = slot('pelvis');
  const side = new Float64Array(3);
  return (frame, turns, out, o) => {
    const row = frame * width;
    place(out, o + pelvis, row + hips[0]);
    const left = [out[o + pelvis], out[o + pelvis + 1], out[o + pelvis + 2]];
    place(out, o + pelvis, row + hips[1]);
    for (let k = 0; k < 3; k++) out[o + pelvis + k] = 0.5 * (out[o + pelvis + k] + left[k]);
    hang(out, o + pelvis, out, o + pelvis, turns, 0, over);
    for (const { to, offset } of hung) hang(out, o + to, out, o + pelvis, turns, 4, offset);
    for (const { hip, foot, knee, bones } of sides) {
      hang(out, o + hip.to, out, o + pelvis, turns, 0, hip.offset);
      place(out, o + foot.to, row + foot.at);
      rotate(side, 0, turns, 0, FORWARD, 0);
      addBend(side, from, row + knee.hip, row + knee.at, row + foot.at);
      meet(out, o + knee.to, o + hip.to, o + foot.to, side, knee.thigh, knee.shank);
      for (const { length, start, to, a, b } of bones) along(out, o + to, o + start, from, row + a, row + b, length);
    }
  };
}

/** Ankle over sole (m), of stature where it was not measured (Drillis and Contini). */
function ankleHeight(human: HumanMotion): number {
  const { left_foot: left, right_foot: right } = human.soles_m;
  const either = left ?? right ?? 0.039 * human.height_m;
  return ((left ?? either) + (right ?? either)) / 2;
}

/** out = point + offset turned by a quaternion. */
function hang(
  out: Float64Array,
  o: number,
  point: Float64Array,
  p: number,
  turns: Float64Array,
  q: number,
  offset: Float64Array,
): void {
  const [x, y, z] = [point[p], point[p + 1], point[p + 2]];
  rotate(out, o, turns, q, offset, 0);
  out[o] += x;
  out[o + 1] += y;
  out[o + 2] += z;
}

/** Shorter than this (m), a knee's distance from the line hip to foot does not tell where the leg bends to. */
const STRAIGHT_M = 0.01;

/** side = where the middle lies off the line a to b, and a little of what `side` was: a straight leg bends forward. */
function addBend(side: Float64Array, from: Numbers, a: number, middle: number, b: number): void {
  let [along, length2] = [0, 1e-12];
  for (let k = 0; k < 3; k++) {
    along += (from[middle + k] - from[a + k]) * (from[b + k] - from[a + k]);
    length2 += (from[b + k] - from[a + k]) ** 2;
  }
  for (let k = 0; k < 3; k++) {
    const line = (along / length2) * (from[b + k] - from[a + k]);
    side[k] = STRAIGHT_M * side[k] + from[middle + k] - from[a + k] - line;
  }
}

/** out[to] is where two bones meet that begin at out[start] and end at out[end], on the given side of the line. */
function meet(
  out: Float64Array,
  to: number,
  start: number,
  end: number,
  side: Float64Array,
  first: number,
  second: number,
): void {
  const [x, y, z] = [0, 1, 2].map((k) => out[end + k] - out[start + k]);
  const length = Math.max(1e-6, Math.sqrt(x * x + y * y + z * z));
  // Law of cosines; where the bones do not reach, they lie on the line.
  const foot = Math.max(-first, Math.min(first, (first * first - second * second + length * length) / (2 * length)));
  const off = Math.sqrt(Math.max(0, first * first - foot * foot));
  const dot = (side[0] * x + side[1] * y + side[2] * z) / (length * length);
  const [u, v, w] = [side[0] - dot * x, side[1] - dot * y, side[2] - dot * z];
  const scale = off / Math.max(1e-9, Math.sqrt(u * u + v * v + w * w));
  out[to] = out[start] + (foot / length) * x + scale * u;
  out[to + 1] = out[start + 1] + (foot / length) * y + scale * v;
  out[to + 2] = out[start + 2] + (foot / length) * z + scale * w;
}

/** out[to] = out[start] + length along a to b. */
function along(
  out: Float64Array,
  to: number,
  start: number,
  from: Numbers,
  a: number,
  b: number,
  length: number,
): void {
  const x = from[b] - from[a];
  const y = from[b + 1] - from[a + 1];
  const z = from[b + 2] - from[a + 2];
  const scale = length / Math.max(1e-9, Math.sqrt(x * x + y * y + z * z));
  out[to] = out[start] + scale * x;
  out[to + 1] = out[start + 1] + scale * y;
  out[to + 2] = out[start + 2] + scale * z;
}
