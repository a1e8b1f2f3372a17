// Cost of one frame's configuration with its gradient and Gauss-Newton matrix: keypoints, orientations, posture, floor.
//
// Each term is a quadratic form in the velocity (angular, linear) of the body it holds. The forms of a body and of all
// that it carries add up, exactly as the inertias of a composite body do, so that the whole matrix costs one sweep from
// the leaves to the base, whatever the number of keypoints (Featherstone's composite-rigid-body scheme, with stiffness
// in the place of mass). Moments are taken about the base's origin, which keeps digits where the robot is far away.

import type { FloatArray, Numbers } from '../base/arrays.js';
import { rotate } from '../math/quaternion.js';
import { createPose, forwardKinematics, type Pose } from '../robot/kinematics.js';
import { BASE_VARIABLES, type Problem, type TrackedPoint } from './problem.js';

/** Entries of a stiffness: angular-angular xx yy zz xy xz yz, angular-linear by rows, linear-linear as the first. */
const STIFFNESS = 21;
const ANGULAR_LINEAR = 6;
const LINEAR = 15;
/** Entries of a force: moment, force. */
const FORCE = 6;

export interface FrameTerms {
  readonly problem: Problem;
  readonly pose: Pose;
  /** Gradient over the frame's variables [size]. */
  readonly gradient: Float64Array;
  /** Lower triangle of the Gauss-Newton matrix [size, size]; entries between separate limbs stay zero. */
  readonly matrix: Float64Array;
  readonly stiffness: Float64Array; // [body, STIFFNESS]
  readonly force: Float64Array; // [body, FORCE]
  /** Velocity (angular, linear at the base's origin) that a unit of joint velocity gives what it carries. */
  readonly motion: Float64Array; // [joint variable, 6]
  readonly offsets: Float64Array; // [tracked points, then ground points; 3]
  readonly scratch: Float64Array;
}

export function createFrameTerms(problem: Problem): FrameTerms {
  const { model, targets, ground } = problem;
  const bodyCount = model.tree.bodyCount;
  const offsets = [...targets.points, ...ground.points].flatMap((point: TrackedPoint) => Array.from(point.offset_m));
  return {
    problem,
    pose: createPose(model.tree),
    gradient: new Float64Array(model.size),
    matrix: new Float64Array(model.size * model.size),
    stiffness: new Float64Array(bodyCount * STIFFNESS),
    force: new Float64Array(bodyCount * FORCE),
    motion: new Float64Array((model.size - BASE_VARIABLES) * 6),
    offsets: Float64Array.from(offsets),
    scratch: new Float64Array(8),
  };
}

/**
 * Evaluates the terms of `frame` at a configuration. `gradient` (and `matrix`, if wanted) are overwritten.
 * @param configuration qpos from `offset` on
 * @returns the cost, half the weighted sum of squares
 */
export function evaluateFrame(
  terms: FrameTerms,
  configuration: Float64Array,
  offset: number,
  frame: number,
  withMatrix: boolean,
): number {
  const { model } = terms.problem;
  forwardKinematics(model.tree, configuration, offset, terms.pose);
  terms.stiffness.fill(0);
  terms.force.fill(0);
  const cost = addPoints(terms, frame) + addFrames(terms, frame) + addGround(terms);
  writeMotions(terms);
  carryToBase(terms);
  if (withMatrix) writeMatrix(terms);
  writeGradient(terms);
  return cost + addPosture(terms, configuration, offset, withMatrix);
}

function addPoints(terms: FrameTerms, frame: number): number {
  const { pose, scratch, offsets } = terms;
  const { model, targets } = terms.problem;
  const { points, pointTarget_m, pointWeight } = targets;
  const o = 3 * model.baseBody;
  let cost = 0;
  for (let point = 0; point < points.length; point++) {
    const at = frame * points.length + point;
    const weight = pointWeight[at];
    if (weight === 0) continue;
    const body = points[point].body;
    rotate(scratch, 0, pose.quaternion, 4 * body, offsets, 3 * point);
    const x = scratch[0] + pose.position_m[3 * body];
    const y = scratch[1] + pose.position_m[3 * body + 1];
    const z = scratch[2] + pose.position_m[3 * body + 2];
    const ex = x - pointTarget_m[3 * at];
    const ey = y - pointTarget_m[3 * at + 1];
    const ez = z - pointTarget_m[3 * at + 2];
    cost += 0.5 * weight * (ex * ex + ey * ey + ez * ez);
    const rx = x - pose.position_m[o];
    const ry = y - pose.position_m[o + 1];
    const rz = z - pose.position_m[o + 2];
    const f = body * FORCE;
    const { force, stiffness } = terms;
    force[f] += weight * (ry * ez - rz * ey);
    force[f + 1] += weight * (rz * ex - rx * ez);
    force[f + 2] += weight * (rx * ey - ry * ex);
    force[f + 3] += weight * ex;
    force[f + 4] += weight * ey;
    force[f + 5] += weight * ez;
    const k = body * STIFFNESS;
    stiffness[k] += weight * (ry * ry + rz * rz);
    stiffness[k + 1] += weight * (rx * rx + rz * rz);
    stiffness[k + 2] += weight * (rx * rx + ry * ry);
    stiffness[k + 3] -= weight * rx * ry;
    stiffness[k + 4] -= weight * rx * rz;
    stiffness[k + 5] -= weight * ry * rz;
    stiffness[k + 7] -= weight * rz;
    stiffness[k + 8] += weight * ry;
    stiffness[k + 9] += weight * rz;
    stiffness[k + 11] -= weight * rx;
    stiffness[k + 12] -= weight * ry;
    stiffness[k + 13] += weight * rx;
    stiffness[k + 15] += weight;
    stiffness[k + 16] += weight;
    stiffness[k + 17] += weight;
  }
  return cost;
}

/** Orientations: the error is the rotation vector from target to body; its gradient is itself, exactly. */
function addFrames(terms: FrameTerms, frame: number): number {
  const { pose, scratch, force, stiffness } = terms;
  const { frames, frameTarget, frameWeight } = terms.problem.targets;
  let cost = 0;
  for (let index = 0; index < frames.length; index++) {
    const at = frame * frames.length + index;
    const weight = frameWeight[at];
    if (weight === 0) continue;
    const body = frames[index].body;
    turnBetween(scratch, 0, frameTarget, 4 * at, pose.quaternion, 4 * body);
    const x = scratch[0];
    const y = scratch[1];
    const z = scratch[2];
    cost += 0.5 * weight * (x * x + y * y + z * z);
    const f = body * FORCE;
    force[f] += weight * x;
    force[f + 1] += weight * y;
    force[f + 2] += weight * z;
    const k = body * STIFFNESS;
    stiffness[k] += weight;
    stiffness[k + 1] += weight;
    stiffness[k + 2] += weight;
  }
  return cost;
}

/** out = rotation vector, in the outer frame, that turns a into b: log(b a*). */
export function turnBetween(out: FloatArray, o: number, a: Numbers, i: number, b: Numbers, j: number): void {
  const aw = a[i];
  const ax = -a[i + 1];
  const ay = -a[i + 2];
  const az = -a[i + 3];
  const bw = b[j];
  const bx = b[j + 1];
  const by = b[j + 2];
  const bz = b[j + 3];
  const w = bw * aw - bx * ax - by * ay - bz * az;
  const x = bw * ax + bx * aw + by * az - bz * ay;
  const y = bw * ay - bx * az + by * aw + bz * ax;
  const z = bw * az + bx * ay - by * ax + bz * aw;
  const sign = w < 0 ? -1 : 1;
  const sine = Math.sqrt(x * x + y * y + z * z);
  const factor = sign * (sine < 1e-9 ? 2 : (2 * Math.atan2(sine, sign * w)) / sine);
  out[o] = x * factor;
  out[o + 1] = y * factor;
  out[o + 2] = z * factor;
}

/** Points under the floor are pushed up; points above it feel nothing. */
function addGround(terms: FrameTerms): number {
  const { pose, scratch, offsets, force, stiffness } = terms;
  const { model, ground, targets, smoothness } = terms.problem;
  const weight = smoothness.groundWeight;
  if (weight === 0) return 0;
  const o = 3 * model.baseBody;
  let cost = 0;
  for (let point = 0; point < ground.points.length; point++) {
    const body = ground.points[point].body;
    rotate(scratch, 0, pose.quaternion, 4 * body, offsets, 3 * (targets.points.length + point));
    const depth = scratch[2] + pose.position_m[3 * body + 2] - ground.height_m - ground.clearance_m[point];
    if (depth >= 0) continue;
    const rx = scratch[0] + pose.position_m[3 * body] - pose.position_m[o];
    const ry = scratch[1] + pose.position_m[3 * body + 1] - pose.position_m[o + 1];
    cost += 0.5 * weight * depth * depth;
    const f = body * FORCE;
    force[f] += weight * ry * depth;
    force[f + 1] -= weight * rx * depth;
    force[f + 5] += weight * depth;
    const k = body * STIFFNESS;
    stiffness[k] += weight * ry * ry;
    stiffness[k + 1] += weight * rx * rx;
    stiffness[k + 3] -= weight * rx * ry;
    stiffness[k + 8] += weight * ry;
    stiffness[k + 11] -= weight * rx;
    stiffness[k + 17] += weight;
  }
  return cost;
}

function writeMotions(terms: FrameTerms): void {
  const { pose, motion } = terms;
  const { joints, baseBody } = terms.problem.model;
  const ox = pose.position_m[3 * baseBody];
  const oy = pose.position_m[3 * baseBody + 1];
  const oz = pose.position_m[3 * baseBody + 2];
  for (let at = 0; at < joints.length; at++) {
    const own = 3 * joints[at];
    const ax = pose.axis[own];
    const ay = pose.axis[own + 1];
    const az = pose.axis[own + 2];
    const rx = pose.anchor_m[own] - ox;
    const ry = pose.anchor_m[own + 1] - oy;
    const rz = pose.anchor_m[own + 2] - oz;
    const m = 6 * at;
    motion[m] = ax;
    motion[m + 1] = ay;
    motion[m + 2] = az;
    motion[m + 3] = ry * az - rz * ay;
    motion[m + 4] = rz * ax - rx * az;
    motion[m + 5] = rx * ay - ry * ax;
  }
}

/** Adds each body's stiffness and force to its parent's, leaves first. */
function carryToBase(terms: FrameTerms): void {
  const { stiffness, force } = terms;
  const { tree, baseBody } = terms.problem.model;
  for (let body = tree.bodyCount - 1; body > baseBody; body--) {
    const parent = tree.parents[body];
    if (parent < 0) continue;
    const k = body * STIFFNESS;
    const up = parent * STIFFNESS;
    for (let at = 0; at < STIFFNESS; at++) stiffness[up + at] += stiffness[k + at];
    for (let at = 0; at < FORCE; at++) force[parent * FORCE + at] += force[body * FORCE + at];
  }
}

function writeMatrix(terms: FrameTerms): void {
  const { stiffness: s, motion, matrix } = terms;
  const { size, bodies, ancestors, firstAncestor, baseBody } = terms.problem.model;
  for (let at = 0; at < bodies.length; at++) {
    const k = bodies[at] * STIFFNESS;
    const m = 6 * at;
    const ax = motion[m];
    const ay = motion[m + 1];
    const az = motion[m + 2];
    const lx = motion[m + 3];
    const ly = motion[m + 4];
    const lz = motion[m + 5];
    const c = k + ANGULAR_LINEAR;
    const l = k + LINEAR;
    const fax = s[k] * ax + s[k + 3] * ay + s[k + 4] * az + s[c] * lx + s[c + 1] * ly + s[c + 2] * lz;
    const fay = s[k + 3] * ax + s[k + 1] * ay + s[k + 5] * az + s[c + 3] * lx + s[c + 4] * ly + s[c + 5] * lz;
    const faz = s[k + 4] * ax + s[k + 5] * ay + s[k + 2] * az + s[c + 6] * lx + s[c + 7] * ly + s[c + 8] * lz;
    const flx = s[c] * ax + s[c + 3] * ay + s[c + 6] * az + s[l] * lx + s[l + 3] * ly + s[l + 4] * lz;
    const fly = s[c + 1] * ax + s[c + 4] * ay + s[c + 7] * az + s[l + 3] * lx + s[l + 1] * ly + s[l + 5] * lz;
    const flz = s[c + 2] * ax + s[c + 5] * ay + s[c + 8] * az + s[l + 4] * lx + s[l + 5] * ly + s[l + 2] * lz;
    const row = (BASE_VARIABLES + at) * size;
    matrix[row] = flx;
    matrix[row + 1] = fly;
    matrix[row + 2] = flz;
    matrix[row + 3] = fax;
    matrix[row + 4] = fay;
    matrix[row + 5] = faz;
    matrix[row + BASE_VARIABLES + at] = fax * ax + fay * ay + faz * az + flx * lx + fly * ly + flz * lz;
    for (let up = firstAncestor[at]; up < firstAncestor[at + 1]; up++) {
      const n = 6 * ancestors[up];
      matrix[row + BASE_VARIABLES + ancestors[up]] =
        fax * motion[n] +
        fay * motion[n + 1] +
        faz * motion[n + 2] +
        flx * motion[n + 3] +
        fly * motion[n + 4] +
        flz * motion[n + 5];
    }
  }
  const k = baseBody * STIFFNESS;
  const l = k + LINEAR;
  const c = k + ANGULAR_LINEAR;
  writeSymmetric(matrix, size, 0, s, l);
  writeSymmetric(matrix, size, 3, s, k);
  for (let angular = 0; angular < 3; angular++) {
    for (let linear = 0; linear < 3; linear++) matrix[(3 + angular) * size + linear] = s[c + 3 * angular + linear];
  }
}

function writeSymmetric(matrix: Float64Array, size: number, at: number, s: Float64Array, k: number): void {
  matrix[at * size + at] = s[k];
  matrix[(at + 1) * size + at + 1] = s[k + 1];
  matrix[(at + 2) * size + at + 2] = s[k + 2];
  matrix[(at + 1) * size + at] = s[k + 3];
  matrix[(at + 2) * size + at] = s[k + 4];
  matrix[(at + 2) * size + at + 1] = s[k + 5];
}

function writeGradient(terms: FrameTerms): void {
  const { force, motion, gradient } = terms;
  const { bodies, baseBody } = terms.problem.model;
  for (let k = 0; k < 3; k++) {
    gradient[k] = force[baseBody * FORCE + 3 + k];
    gradient[3 + k] = force[baseBody * FORCE + k];
  }
  for (let at = 0; at < bodies.length; at++) {
    const f = bodies[at] * FORCE;
    const m = 6 * at;
    gradient[BASE_VARIABLES + at] =
      force[f] * motion[m] +
      force[f + 1] * motion[m + 1] +
      force[f + 2] * motion[m + 2] +
      force[f + 3] * motion[m + 3] +
      force[f + 4] * motion[m + 4] +
      force[f + 5] * motion[m + 5];
  }
}

function addPosture(terms: FrameTerms, configuration: Float64Array, offset: number, withMatrix: boolean): number {
  const { gradient, matrix } = terms;
  const { model, smoothness } = terms.problem;
  const { postureWeight, posture_rad } = smoothness;
  let cost = 0;
  for (let at = 0; at < model.joints.length; at++) {
    const weight = postureWeight[at];
    const error = configuration[offset + model.addresses[at]] - posture_rad[at];
    cost += 0.5 * weight * error * error;
    gradient[BASE_VARIABLES + at] += weight * error;
    if (withMatrix) matrix[(BASE_VARIABLES + at) * (model.size + 1)] += weight;
  }
  return cost;
}
