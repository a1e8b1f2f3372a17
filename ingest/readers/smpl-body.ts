// The skeleton of SMPL, SMPL-H and SMPL-X bodies: 22 joints, without the licensed body model.
//
// Rotations are the producer's; lengths are published fractions of stature (src/retarget/skeleton-fractions.ts), or the
// rest joints that a user takes from a model of their own. Model axes: X left, Y up, Z forward; the T-pose is the zero pose.

import type { FloatArray, Numbers } from '../../src/base/arrays.js';
import { DataError } from '../../src/base/errors.js';
import { multiplyQuaternions, rotate } from '../../src/math/quaternion.js';
import { BALL_HEIGHT, FRACTIONS, HALF_HIPS } from '../../src/retarget/skeleton-fractions.js';

export const BODY_JOINTS = [
  'pelvis',
  'left_hip',
  'right_hip',
  'spine1',
  'left_knee',
  'right_knee',
  'spine2',
  'left_ankle',
  'right_ankle',
  'spine3',
  'left_foot',
  'right_foot',
  'neck',
  'left_collar',
  'right_collar',
  'head',
  'left_shoulder',
  'right_shoulder',
  'left_elbow',
  'right_elbow',
  'left_wrist',
  'right_wrist',
] as const;
export const BODY_JOINT_COUNT = BODY_JOINTS.length;

const PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19] as const;

/** Height of the models' origin above their pelvis joint, as a fraction of stature: it lies in the chest. */
const ORIGIN_ABOVE_PELVIS = 0.13;
/** Heights of joints without a published figure, interpolated between hips, shoulders and chin. */
const PELVIS = FRACTIONS.hipHeight + 0.3 * 0.14;
const NECK = 0.85;
const HEAD = 0.9;
/** Ankle to ball of the foot, forwards: the ankle stands over a quarter of the foot's length, the ball at 0.7 of it. */
const ANKLE_TO_BALL = 0.45 * FRACTIONS.footLength;

/** Rest joint positions [joint, 3] of a body of the given stature (m), in model axes about the model's origin. */
export function genericRest(stature_m: number): Float64Array {
  const arm = FRACTIONS.halfShoulders;
  const points: Record<string, readonly [x: number, y: number, z: number]> = {
    pelvis: [0, PELVIS, 0],
    left_hip: [HALF_HIPS, FRACTIONS.hipHeight, 0],
    left_knee: [HALF_HIPS, FRACTIONS.kneeHeight, 0],
    left_ankle: [HALF_HIPS, FRACTIONS.ankleHeight, 0],
    left_foot: [HALF_HIPS, BALL_HEIGHT, ANKLE_TO_BALL],
    spine1: [0, PELVIS + 0.06, 0],
    spine2: [0, PELVIS + 0.13, 0],
    spine3: [0, PELVIS + 0.18, 0],
    neck: [0, NECK, 0],
    head: [0, HEAD, 0],
    left_collar: [0.03, 0.8, 0],
    left_shoulder: [arm, FRACTIONS.shoulderHeight, 0],
    left_elbow: [arm + FRACTIONS.upperArm, FRACTIONS.shoulderHeight, 0],
    left_wrist: [arm + FRACTIONS.upperArm + FRACTIONS.forearm, FRACTIONS.shoulderHeight, 0],
  };
  const rest = new Float64Array(BODY_JOINT_COUNT * 3);
  const origin = PELVIS + ORIGIN_ABOVE_PELVIS;
  for (const [joint, name] of BODY_JOINTS.entries()) {
    const [x, y, z] = points[name.replace('right', 'left')];
    rest[joint * 3] = (name.startsWith('right') ? -x : x) * stature_m;
    rest[joint * 3 + 1] = (y - origin) * stature_m;
    rest[joint * 3 + 2] = z * stature_m;
  }
  return rest;
}

/** Stature (m) of a body with these rest joints: hips, knees, ankles and shoulders against published heights. */
export function statureOfRest(rest: Numbers): number {
  const at = (name: (typeof BODY_JOINTS)[number]) => BODY_JOINTS.indexOf(name) * 3;
  const length = (a: number, b: number) =>
    Math.hypot(rest[a] - rest[b], rest[a + 1] - rest[b + 1], rest[a + 2] - rest[b + 2]);
  const leg = length(at('left_hip'), at('left_knee')) + length(at('left_knee'), at('left_ankle'));
  const trunk = rest[at('left_shoulder') + 1] - rest[at('left_hip') + 1];
  return (leg + trunk) / (FRACTIONS.shoulderHeight - FRACTIONS.ankleHeight);
}

/** Checks rest joints that a user gives: [22 or more, 3] in metres, model axes. @throws DataError */
export function checkRest(shape: readonly number[], values: Float64Array, where: string): Float64Array {
  const isTable = shape.length === 2 && shape[0] >= BODY_JOINT_COUNT && shape[1] === 3;
  if (!isTable) {
    const expected = `joint positions (${BODY_JOINT_COUNT} or more, 3) in SMPL's order`;
    throw new DataError({ where, what: 'rest joints', expected, found: `shape (${shape.join(', ')})` });
  }
  const rest = values.slice(0, BODY_JOINT_COUNT * 3);
  const stature = statureOfRest(rest);
  if (!(stature > 0.5 && stature < 3)) {
    const expected = 'metres, Y up, arms out (a stature of 0.5 to 3 m)';
    throw new DataError({ where, what: 'rest joints', expected, found: `${stature.toPrecision(3)} m` });
  }
  return rest;
}

/**
 * Forward kinematics of one frame.
 * @param rotations local joint rotations [joint, 4] at rotations[at], the first from model axes to the file's world
 * @param out position [joint, 3] with the pelvis at the origin, and quaternion [joint, 4] to the file's world
 */
export function poseBody(
  rest: Numbers,
  rotations: Numbers,
  at: number,
  out: { readonly position: FloatArray; readonly quaternion: FloatArray },
): void {
  const { position, quaternion } = out;
  for (let k = 0; k < 4; k++) quaternion[k] = rotations[at + k];
  position.fill(0, 0, 3);
  for (let joint = 1; joint < BODY_JOINT_COUNT; joint++) {
    const parent = PARENTS[joint];
    const i = joint * 3;
    for (let k = 0; k < 3; k++) position[i + k] = rest[i + k] - rest[parent * 3 + k];
    rotate(position, i, quaternion, parent * 4, position, i);
    for (let k = 0; k < 3; k++) position[i + k] += position[parent * 3 + k];
    multiplyQuaternions(quaternion, joint * 4, quaternion, parent * 4, rotations, at + joint * 4);
  }
}
