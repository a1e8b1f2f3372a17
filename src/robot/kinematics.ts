// Forward kinematics and Jacobians of a robot's tree, allocation-free: where bodies are, and how they move with joints.
//
// The same rules as MuJoCo's mj_kinematics and mj_jacBody, for free, ball, hinge and slide joints, in float64; tests
// hold them equal. Loop closures are not solved: the caller's coordinates decide. Runs in a browser.
// Coordinates are MuJoCo's: qpos (quaternions w, x, y, z) and qvel (a free joint's linear velocity in the world frame,
// angular velocities of free and ball joints in the body frame).

import type { FloatArray, Numbers } from '../base/arrays.js';
import { multiplyQuaternions, normalizeQuaternion, rotate } from '../math/quaternion.js';
import type { RobotModel } from './robot-model.js';

export const FREE = 0;
export const BALL = 1;
export const SLIDE = 2;
export const HINGE = 3;
const TYPE_CODES = { free: FREE, ball: BALL, slide: SLIDE, hinge: HINGE } as const;

/** A robot's tree as flat arrays. Bodies and joints are numbered as in RobotModel; parents come before children. */
export interface KinematicTree {
  readonly bodyCount: number;
  readonly positionSize: number;
  readonly velocitySize: number;
  readonly parents: Int32Array; // [body], -1: the world
  readonly framePosition_m: Float64Array; // [body, 3] in the parent's frame
  readonly frameQuaternion: Float64Array; // [body, 4] in the parent's frame
  readonly firstJoint: Int32Array; // [body + 1]: body b has joints firstJoint[b] .. firstJoint[b + 1] - 1
  readonly types: Uint8Array; // [joint]
  readonly qposAddresses: Int32Array; // [joint]
  readonly dofAddresses: Int32Array; // [joint]
  readonly axes: Float64Array; // [joint, 3] in the body's frame
  readonly anchors_m: Float64Array; // [joint, 3] in the body's frame
  readonly references: Float64Array; // [joint]
}

/** Workspace and result of forward kinematics, in the world frame. One a thread; overwritten by each call. */
export interface Pose {
  readonly position_m: Float64Array; // [body, 3] origins of the body frames
  readonly quaternion: Float64Array; // [body, 4]
  readonly axis: Float64Array; // [joint, 3]
  readonly anchor_m: Float64Array; // [joint, 3]
}

export function kinematicTree(
  robot: Pick<RobotModel, 'bodies' | 'joints' | 'positionSize' | 'velocitySize'>,
): KinematicTree {
  const { bodies, joints } = robot;
  const firstJoint = new Int32Array(bodies.length + 1);
  for (const joint of joints) firstJoint[joint.body + 1]++;
  for (let body = 0; body < bodies.length; body++) firstJoint[body + 1] += firstJoint[body];
  return {
    bodyCount: bodies.length,
    positionSize: robot.positionSize,
    velocitySize: robot.velocitySize,
    parents: Int32Array.from(bodies, (body) => body.parent),
    framePosition_m: Float64Array.from(bodies.flatMap((body) => body.position_m)),
    frameQuaternion: Float64Array.from(bodies.flatMap((body) => body.quaternion)),
    firstJoint,
    types: Uint8Array.from(joints, (joint) => TYPE_CODES[joint.type]),
    qposAddresses: Int32Array.from(joints, (joint) => joint.qposAddress),
    dofAddresses: Int32Array.from(joints, (joint) => joint.dofAddress),
    axes: Float64Array.from(joints.flatMap((joint) => joint.axis)),
    anchors_m: Float64Array.from(joints.flatMap((joint) => joint.anchor_m)),
    references: Float64Array.from(joints, (joint) => joint.reference),
  };
}

export function createPose(tree: KinematicTree): Pose {
  return {
    position_m: new Float64Array(3 * tree.bodyCount),
    quaternion: new Float64Array(4 * tree.bodyCount),
    axis: new Float64Array(3 * tree.types.length),
    anchor_m: new Float64Array(3 * tree.types.length),
  };
}

/**
 * Computes where every body is.
 * @param positions qpos of one frame from `offset` on (a row of a trajectory, say); its quaternions need not be unit
 * @param pose overwritten
 */
export function forwardKinematics(tree: KinematicTree, positions: Numbers, offset: number, pose: Pose): void {
  const { parents, framePosition_m, frameQuaternion, firstJoint } = tree;
  const { position_m, quaternion } = pose;
  for (let body = 0; body < tree.bodyCount; body++) {
    const first = firstJoint[body];
    const end = firstJoint[body + 1];
    if (first < end && tree.types[first] === FREE) {
      placeFree(tree, first, positions, offset, pose, body);
      continue;
    }
    const at = 3 * body;
    const turn = 4 * body;
    const parent = parents[body];
    if (parent < 0) {
      for (let k = 0; k < 3; k++) position_m[at + k] = framePosition_m[at + k];
      for (let k = 0; k < 4; k++) quaternion[turn + k] = frameQuaternion[turn + k];
    } else {
      rotate(position_m, at, quaternion, 4 * parent, framePosition_m, at);
      for (let k = 0; k < 3; k++) position_m[at + k] += position_m[3 * parent + k];
      multiplyQuaternions(quaternion, turn, quaternion, 4 * parent, frameQuaternion, turn);
    }
    for (let joint = first; joint < end; joint++) moveJoint(tree, joint, positions, offset, pose, body);
    if (first < end) normalizeQuaternion(quaternion, turn);
  }
}

/** A free body is where its coordinates say; its frame in the model has no part in it. */
function placeFree(
  tree: KinematicTree,
  joint: number,
  positions: Numbers,
  offset: number,
  pose: Pose,
  body: number,
): void {
  const from = offset + tree.qposAddresses[joint];
  for (let k = 0; k < 3; k++) {
    pose.position_m[3 * body + k] = positions[from + k];
    pose.anchor_m[3 * joint + k] = positions[from + k];
  }
  for (let k = 0; k < 4; k++) pose.quaternion[4 * body + k] = positions[from + 3 + k];
  normalizeQuaternion(pose.quaternion, 4 * body);
  rotate(pose.axis, 3 * joint, pose.quaternion, 4 * body, tree.axes, 3 * joint);
}

/** Carries a body over one of its joints: anchor and axis from before the motion, then the motion. */
function moveJoint(
  tree: KinematicTree,
  joint: number,
  positions: Numbers,
  offset: number,
  pose: Pose,
  body: number,
): void {
  const { axes, anchors_m } = tree;
  const { position_m, quaternion, axis, anchor_m } = pose;
  const at = 3 * body;
  const turn = 4 * body;
  const own = 3 * joint;
  const type = tree.types[joint];
  const address = offset + tree.qposAddresses[joint];
  rotate(axis, own, quaternion, turn, axes, own);
  rotate(anchor_m, own, quaternion, turn, anchors_m, own);
  for (let k = 0; k < 3; k++) anchor_m[own + k] += position_m[at + k];
  if (type === SLIDE) {
    const distance = positions[address] - tree.references[joint];
    for (let k = 0; k < 3; k++) position_m[at + k] += distance * axis[own + k];
    return;
  }
  if (type === HINGE) {
    turnAboutAxis(quaternion, turn, axes, own, positions[address] - tree.references[joint]);
  } else {
    multiplyQuaternions(quaternion, turn, quaternion, turn, positions, address);
    normalizeQuaternion(quaternion, turn);
  }
  // The anchor stays where it was; the body's origin swings about it.
  rotate(position_m, at, quaternion, turn, anchors_m, own);
  for (let k = 0; k < 3; k++) position_m[at + k] = anchor_m[own + k] - position_m[at + k];
}

/** q = q ⊗ (rotation by `angle` about an axis of the inner frame). */
function turnAboutAxis(q: FloatArray, i: number, axes: Numbers, j: number, angle: number): void {
  const sine = Math.sin(angle / 2);
  const w = Math.cos(angle / 2);
  const x = axes[j] * sine;
  const y = axes[j + 1] * sine;
  const z = axes[j + 2] * sine;
  const qw = q[i];
  const qx = q[i + 1];
  const qy = q[i + 2];
  const qz = q[i + 3];
  q[i] = qw * w - qx * x - qy * y - qz * z;
  q[i + 1] = qw * x + qx * w + qy * z - qz * y;
  q[i + 2] = qw * y - qx * z + qy * w + qz * x;
  q[i + 3] = qw * z + qx * y - qy * x + qz * w;
}

/** out = world position (m) of a point given in a body's frame (m). */
export function pointPosition(out: FloatArray, o: number, pose: Pose, body: number, point: Numbers, p: number): void {
  rotate(out, o, pose.quaternion, 4 * body, point, p);
  for (let k = 0; k < 3; k++) out[o + k] += pose.position_m[3 * body + k];
}

/**
 * Jacobian of a body's frame: rows 0-2 linear velocity of its origin, rows 3-5 angular velocity, world frame.
 * @param out overwritten: [6, velocitySize], row by row
 */
export function bodyJacobian(tree: KinematicTree, pose: Pose, body: number, out: FloatArray): void {
  pointJacobian(tree, pose, body, pose.position_m, 3 * body, out);
}

/**
 * Jacobian of a point that moves with a body.
 * @param point world position (m) of the point, from `p` on
 * @param out overwritten: [6, velocitySize]
 */
export function pointJacobian(
  tree: KinematicTree,
  pose: Pose,
  body: number,
  point: Numbers,
  p: number,
  out: FloatArray,
): void {
  out.fill(0, 0, 6 * tree.velocitySize);
  for (let link = body; link >= 0; link = tree.parents[link]) {
    for (let joint = tree.firstJoint[link]; joint < tree.firstJoint[link + 1]; joint++) {
      writeColumns(tree, pose, link, joint, point, p, out);
    }
  }
}

function writeColumns(
  tree: KinematicTree,
  pose: Pose,
  body: number,
  joint: number,
  point: Numbers,
  p: number,
  out: FloatArray,
): void {
  const width = tree.velocitySize;
  const dof = tree.dofAddresses[joint];
  const { axis, anchor_m } = pose;
  const own = 3 * joint;
  switch (tree.types[joint]) {
    case HINGE:
      writeRotation(out, width, dof, axis[own], axis[own + 1], axis[own + 2], anchor_m, own, point, p);
      return;
    case SLIDE:
      for (let k = 0; k < 3; k++) out[k * width + dof] = axis[own + k];
      return;
    case BALL:
      writeBodyRotations(out, width, dof, pose, body, anchor_m, own, point, p);
      return;
    default:
      for (let k = 0; k < 3; k++) out[k * width + dof + k] = 1;
      writeBodyRotations(out, width, dof + 3, pose, body, anchor_m, own, point, p);
  }
}

/** Three columns: rotations about the body's own axes, the columns of its rotation matrix. */
function writeBodyRotations(
  out: FloatArray,
  width: number,
  dof: number,
  pose: Pose,
  body: number,
  anchor: Numbers,
  a: number,
  point: Numbers,
  p: number,
): void {
  const w = pose.quaternion[4 * body];
  const x = pose.quaternion[4 * body + 1];
  const y = pose.quaternion[4 * body + 2];
  const z = pose.quaternion[4 * body + 3];
  const xx = 1 - 2 * (y * y + z * z);
  const yx = 2 * (x * y + w * z);
  const zx = 2 * (x * z - w * y);
  writeRotation(out, width, dof, xx, yx, zx, anchor, a, point, p);
  const xy = 2 * (x * y - w * z);
  const yy = 1 - 2 * (x * x + z * z);
  const zy = 2 * (y * z + w * x);
  writeRotation(out, width, dof + 1, xy, yy, zy, anchor, a, point, p);
  // The third is the cross product of the first two.
  writeRotation(out, width, dof + 2, yx * zy - zx * yy, zx * xy - xx * zy, xx * yy - yx * xy, anchor, a, point, p);
}

/** One column: rotation about an axis through an anchor, angular rows and axis × (point - anchor). */
function writeRotation(
  out: FloatArray,
  width: number,
  dof: number,
  x: number,
  y: number,
  z: number,
  anchor: Numbers,
  a: number,
  point: Numbers,
  p: number,
): void {
  const rx = point[p] - anchor[a];
  const ry = point[p + 1] - anchor[a + 1];
  const rz = point[p + 2] - anchor[a + 2];
  out[dof] = y * rz - z * ry;
  out[width + dof] = z * rx - x * rz;
  out[2 * width + dof] = x * ry - y * rx;
  out[3 * width + dof] = x;
  out[4 * width + dof] = y;
  out[5 * width + dof] = z;
}
