// Could the robot do it: zero-moment point and joint torques of a motion, from its configurations alone.
//
// Newton and Euler, body by body in the world frame, with accelerations by differences of neighbouring frames. The
// ground's force is what the whole body's motion asks for; it is put at the zero-moment point and, where both feet
// stand, shared by how near that point is to each. Joint torques are what remains on each joint's axis.
// Limits: the split between two feet is one of many, and hands on walls or chairs are not seen.

import { multiplyQuaternions, normalizeQuaternion, rotate, rotateInverse } from '../math/quaternion.js';
import type { Pose } from '../robot/kinematics.js';
import { BASE_VARIABLES, type SolverModel } from './problem.js';
import { turnBetween } from './residual-frame.js';

export const GRAVITY = 9.81;

/** Bodies' state over three frames in a row, and what the motion asks for in the middle one. */
export interface Dynamics {
  readonly model: SolverModel;
  readonly rate_hz: number;
  readonly masses: Float64Array; // [body]
  readonly centres_m: Float64Array; // [body, 3] in the body frame
  readonly inertias: Float64Array; // [body, 3] principal
  readonly inertiaTurns: Float64Array; // [body, 4]
  /** Centres of mass and orientations of frames t-1, t, t+1 (rolled on). */
  readonly positions: readonly Float64Array[]; // [body, 3]
  readonly turns: readonly Float64Array[]; // [body, 4]
  /** Angular momentum about the centre of mass between t-1 and t, and between t and t+1. */
  readonly momenta: readonly Float64Array[]; // [body, 3]
  /** Force and moment about the world's origin that each body, then its whole subtree, needs beside gravity. */
  readonly wrenches: Float64Array; // [body, 6]: force, moment
  readonly scratch: Float64Array;
}

export function createDynamics(model: SolverModel, rate_hz: number): Dynamics {
  const { bodies } = model.robot;
  const count = bodies.length;
  return {
    model,
    rate_hz,
    masses: Float64Array.from(bodies, (body) => body.mass_kg),
    centres_m: Float64Array.from(bodies.flatMap((body) => body.centreOfMass_m)),
    inertias: Float64Array.from(bodies.flatMap((body) => body.inertia_kgm2)),
    inertiaTurns: Float64Array.from(bodies.flatMap((body) => body.inertiaQuaternion)),
    positions: [0, 1, 2].map(() => new Float64Array(3 * count)),
    turns: [0, 1, 2].map(() => new Float64Array(4 * count)),
    momenta: [0, 1].map(() => new Float64Array(3 * count)),
    wrenches: new Float64Array(6 * count),
    scratch: new Float64Array(16),
  };
}

/** Takes in the next frame's pose. After three of them `balance` is about the one before. */
export function pushPose(dynamics: Dynamics, pose: Pose): void {
  const { positions, turns, momenta, centres_m } = dynamics;
  for (const history of [positions, turns, momenta]) {
    for (let at = 0; at + 1 < history.length; at++) history[at].set(history[at + 1]);
  }
  const count = dynamics.masses.length;
  for (let body = 0; body < count; body++) {
    rotate(positions[2], 3 * body, pose.quaternion, 4 * body, centres_m, 3 * body);
    for (let k = 0; k < 3; k++) positions[2][3 * body + k] += pose.position_m[3 * body + k];
  }
  turns[2].set(pose.quaternion);
  writeMomenta(dynamics);
}

/** Angular momenta in the middle of the last two frames: R I Rᵀ ω. */
function writeMomenta({ turns, momenta, inertias, inertiaTurns, rate_hz, scratch }: Dynamics): void {
  const [from, to] = [turns[1], turns[2]];
  for (let body = 0; body < inertias.length / 3; body++) {
    const q = 4 * body;
    turnBetween(scratch, 0, from, q, to, q);
    let cosine = 0;
    for (let k = 0; k < 4; k++) cosine += from[q + k] * to[q + k];
    for (let k = 0; k < 4; k++) scratch[4 + k] = to[q + k] + (cosine < 0 ? -1 : 1) * from[q + k];
    normalizeQuaternion(scratch, 4);
    multiplyQuaternions(scratch, 8, scratch, 4, inertiaTurns, q);
    rotateInverse(scratch, 12, scratch, 8, scratch, 0);
    for (let k = 0; k < 3; k++) scratch[12 + k] *= inertias[3 * body + k] * rate_hz;
    rotate(momenta[1], 3 * body, scratch, 8, scratch, 12);
  }
}

/** The whole body's demand on the ground: force (N) and moment about the world's origin (N m), as [6]. */
export function balance(dynamics: Dynamics): Float64Array {
  const { masses, positions, momenta, wrenches, rate_hz, model } = dynamics;
  const rate2 = rate_hz * rate_hz;
  const [before, now, after] = positions;
  const { parents } = model.tree;
  for (let body = 0; body < masses.length; body++) {
    const mass = masses[body];
    const p = 3 * body;
    const w = 6 * body;
    const fx = mass * rate2 * (after[p] - 2 * now[p] + before[p]);
    const fy = mass * rate2 * (after[p + 1] - 2 * now[p + 1] + before[p + 1]);
    const fz = mass * (rate2 * (after[p + 2] - 2 * now[p + 2] + before[p + 2]) + GRAVITY);
    wrenches[w] = fx;
    wrenches[w + 1] = fy;
    wrenches[w + 2] = fz;
    wrenches[w + 3] = now[p + 1] * fz - now[p + 2] * fy + rate_hz * (momenta[1][p] - momenta[0][p]);
    wrenches[w + 4] = now[p + 2] * fx - now[p] * fz + rate_hz * (momenta[1][p + 1] - momenta[0][p + 1]);
    wrenches[w + 5] = now[p] * fy - now[p + 1] * fx + rate_hz * (momenta[1][p + 2] - momenta[0][p + 2]);
  }
  for (let body = masses.length - 1; body > model.baseBody; body--) {
    const parent = parents[body];
    if (parent < 0) continue;
    for (let k = 0; k < 6; k++) wrenches[6 * parent + k] += wrenches[6 * body + k];
  }
  return wrenches.subarray(6 * model.baseBody, 6 * model.baseBody + 6);
}

/** A force (N) of the ground on a body, at a point (m), with a moment about the vertical through it (N m). */
export interface GroundForce {
  readonly body: number;
  readonly force_N: readonly number[];
  readonly point_m: readonly number[];
  readonly turn_Nm: number;
}

/**
 * Joint torques (N m) of the frame that `balance` was last called for, in tree order.
 * @param pose of that frame
 * @param accelerations joint accelerations (rad/s²), for the rotors' own inertia; tree order from `a` on
 */
export function writeTorques(
  dynamics: Dynamics,
  pose: Pose,
  ground: readonly GroundForce[],
  accelerations: Float64Array,
  out: Float64Array,
): void {
  const { model, wrenches } = dynamics;
  const { tree, robot } = model;
  for (const { body, force_N: f, point_m: p, turn_Nm } of ground) {
    // What the ground gives, no joint between it and the base has to.
    for (let link = body; link >= 0; link = tree.parents[link]) {
      const w = 6 * link;
      for (let k = 0; k < 3; k++) wrenches[w + k] -= f[k];
      wrenches[w + 3] -= p[1] * f[2] - p[2] * f[1];
      wrenches[w + 4] -= p[2] * f[0] - p[0] * f[2];
      wrenches[w + 5] -= p[0] * f[1] - p[1] * f[0] + turn_Nm;
    }
  }
  for (let at = 0; at < model.size - BASE_VARIABLES; at++) {
    const w = 6 * model.bodies[at];
    const j = 3 * model.joints[at];
    const { axis, anchor_m: o } = pose;
    // Moment about the joint's anchor: that about the origin less anchor × force.
    const mx = wrenches[w + 3] - (o[j + 1] * wrenches[w + 2] - o[j + 2] * wrenches[w + 1]);
    const my = wrenches[w + 4] - (o[j + 2] * wrenches[w] - o[j] * wrenches[w + 2]);
    const mz = wrenches[w + 5] - (o[j] * wrenches[w + 1] - o[j + 1] * wrenches[w]);
    const rotor = robot.armature_kgm2[model.columns[at]] * accelerations[at];
    out[at] = axis[j] * mx + axis[j + 1] * my + axis[j + 2] * mz + rotor;
  }
}
