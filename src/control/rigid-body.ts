// Rigid-body dynamics of a robot's tree: mass matrix, bias forces and momentum, from the robot's own plain data.
//
// Every spatial quantity is written about one point (the base's origin) in world axes, so that composite inertias simply
// add up and no transforms are needed: Featherstone, "Rigid Body Dynamics Algorithms" (2008), chapters 5 and 6, in
// that one frame. Coordinates and conventions are those of kinematics.ts (and MuJoCo); tests hold the results equal to
// mj_fullM, qfrc_bias and mj_inverse. Allocation-free after createRigidBody; runs in a browser.

import type { Numbers } from '../base/arrays.js';
import { multiplyQuaternions, rotate } from '../math/quaternion.js';
import {
  createPose,
  FREE,
  forwardKinematics,
  HINGE,
  type KinematicTree,
  kinematicTree,
  type Pose,
  SLIDE,
} from '../robot/kinematics.js';
import type { RobotModel } from '../robot/robot-model.js';
import { addScaled, crossForce, crossMotion, dot6, momentumOf } from './spatial.js';

export const GRAVITY_MPS2 = 9.81;

/** A robot's inertias, and the workspace and results of updateRigidBody. One a thread; overwritten by each call. */
export interface RigidBody {
  readonly tree: KinematicTree;
  readonly pose: Pose;
  readonly totalMass_kg: number;
  readonly dofCount: number;
  /** Body that each degree of freedom moves. */
  readonly dofBody: Int32Array; // [dof]
  readonly armature_kgm2: Float64Array; // [dof]
  /** Mass matrix, rotor inertias included. */
  readonly massMatrix: Float64Array; // [dof, dof]
  /** Coriolis, centrifugal and gravity forces: massMatrix · acceleration + bias = applied forces. */
  readonly bias: Float64Array; // [dof]
  /** World position of the centre of mass (m) and its velocity (m/s). */
  readonly centreOfMass_m: Float64Array; // [3]
  readonly centreOfMassVelocity_mps: Float64Array; // [3]
  /** Momentum of a unit velocity of each degree of freedom: angular about the centre of mass, then linear. */
  readonly momentumMatrix: Float64Array; // [6, dof]
  /** Angular momentum about the centre of mass (kg m²/s). */
  readonly angularMomentum: Float64Array; // [3]
  /** Rate of change of momentum at zero acceleration, without gravity: angular about the centre of mass, then linear. */
  readonly momentumBias: Float64Array; // [6]
  readonly work: Work;
}

interface Work {
  readonly masses_kg: Float64Array; // [body]
  readonly centres_m: Float64Array; // [body, 3] in the body's frame
  readonly principal_kgm2: Float64Array; // [body, 3]
  readonly principalAxes: Float64Array; // [body, 4] in the body's frame
  /** Of each body with all that hangs on it: mass, mass times centre (3), inertia about the reference (xx yy zz xy xz yz). */
  readonly composite: Float64Array; // [body, 10]
  readonly motion: Float64Array; // [dof, 6] angular, linear
  readonly velocity: Float64Array; // [body, 6]
  readonly acceleration: Float64Array; // [body, 6] at zero joint acceleration, without gravity
  readonly force: Float64Array; // [body, 6] that the acceleration above needs, summed over what hangs on the body
  readonly dofForce: Float64Array; // [dof, 6] momentum of a unit velocity, about the reference
  readonly scratch: Float64Array; // [24]
}

const SIZE = 10;

export function createRigidBody(robot: RobotModel): RigidBody {
  const tree = kinematicTree(robot);
  const { bodies } = robot;
  const dofCount = robot.velocitySize;
  const dofBody = new Int32Array(dofCount);
  for (const { type, body, dofAddress } of robot.joints) {
    const width = type === 'free' ? 6 : type === 'ball' ? 3 : 1;
    dofBody.fill(body, dofAddress, dofAddress + width);
  }
  const armature = new Float64Array(dofCount);
  robot.jointIndices.forEach((index, joint) => {
    armature[robot.joints[index].dofAddress] = robot.armature_kgm2[joint];
  });
  return {
    tree,
    pose: createPose(tree),
    totalMass_kg: bodies.reduce((sum, body) => sum + body.mass_kg, 0),
    dofCount,
    dofBody,
    armature_kgm2: armature,
    massMatrix: new Float64Array(dofCount * dofCount),
    bias: new Float64Array(dofCount),
    centreOfMass_m: new Float64Array(3),
    centreOfMassVelocity_mps: new Float64Array(3),
    momentumMatrix: new Float64Array(6 * dofCount),
    angularMomentum: new Float64Array(3),
    momentumBias: new Float64Array(6),
    work: {
      masses_kg: Float64Array.from(bodies, (body) => body.mass_kg),
      centres_m: Float64Array.from(bodies.flatMap((body) => body.centreOfMass_m)),
      principal_kgm2: Float64Array.from(bodies.flatMap((body) => body.inertia_kgm2)),
      principalAxes: Float64Array.from(bodies.flatMap((body) => body.inertiaQuaternion)),
      composite: new Float64Array(SIZE * bodies.length),
      motion: new Float64Array(6 * dofCount),
      velocity: new Float64Array(6 * bodies.length),
      acceleration: new Float64Array(6 * bodies.length),
      force: new Float64Array(6 * bodies.length),
      dofForce: new Float64Array(6 * dofCount),
      scratch: new Float64Array(24),
    },
  };
}

/**
 * Computes everything for one state.
 * @param positions qpos [positionSize]
 * @param velocities qvel [velocitySize]
 */
export function updateRigidBody(body: RigidBody, positions: Numbers, velocities: Numbers): void {
  forwardKinematics(body.tree, positions, 0, body.pose);
  writeMotions(body);
  writeInertias(body);
  passVelocities(body, velocities);
  gather(body);
  writeMassMatrix(body);
  writeMomentum(body, velocities);
}

/** Acceleration of a point that moves with a body, at zero joint acceleration: what the Jacobian's change contributes. */
export function biasAcceleration(rigid: RigidBody, body: number, point: Numbers, out: Float64Array, o: number): void {
  const { velocity, acceleration } = rigid.work;
  const v = 6 * body;
  const origin = rigid.pose.position_m;
  const [rx, ry, rz] = [point[0] - origin[0], point[1] - origin[1], point[2] - origin[2]];
  const [wx, wy, wz] = [velocity[v], velocity[v + 1], velocity[v + 2]];
  const [ax, ay, az] = [acceleration[v], acceleration[v + 1], acceleration[v + 2]];
  const vx = velocity[v + 3] + wy * rz - wz * ry;
  const vy = velocity[v + 4] + wz * rx - wx * rz;
  const vz = velocity[v + 5] + wx * ry - wy * rx;
  out[o] = acceleration[v + 3] + ay * rz - az * ry + wy * vz - wz * vy;
  out[o + 1] = acceleration[v + 4] + az * rx - ax * rz + wz * vx - wx * vz;
  out[o + 2] = acceleration[v + 5] + ax * ry - ay * rx + wx * vy - wy * vx;
  out[o + 3] = ax;
  out[o + 4] = ay;
  out[o + 5] = az;
}

/** Velocity of a point that moves with a body: linear (m/s), then angular (rad/s), world axes. */
export function pointVelocity(rigid: RigidBody, body: number, point: Numbers, out: Float64Array, o: number): void {
  const { velocity } = rigid.work;
  const v = 6 * body;
  const origin = rigid.pose.position_m;
  const [rx, ry, rz] = [point[0] - origin[0], point[1] - origin[1], point[2] - origin[2]];
  const [wx, wy, wz] = [velocity[v], velocity[v + 1], velocity[v + 2]];
  out[o] = velocity[v + 3] + wy * rz - wz * ry;
  out[o + 1] = velocity[v + 4] + wz * rx - wx * rz;
  out[o + 2] = velocity[v + 5] + wx * ry - wy * rx;
  out[o + 3] = wx;
  out[o + 4] = wy;
  out[o + 5] = wz;
}

/** Unit motions of the degrees of freedom: angular velocity, and linear velocity at the reference point. */
function writeMotions({ tree, pose, work }: RigidBody): void {
  const { motion } = work;
  for (let joint = 0; joint < tree.types.length; joint++) {
    const dof = tree.dofAddresses[joint];
    const own = 3 * joint;
    if (tree.types[joint] === HINGE) {
      writeTurn(motion, dof, pose.axis[own], pose.axis[own + 1], pose.axis[own + 2], pose.anchor_m, own, pose);
    } else if (tree.types[joint] === SLIDE) {
      motion.fill(0, 6 * dof, 6 * dof + 3);
      for (let k = 0; k < 3; k++) motion[6 * dof + 3 + k] = pose.axis[own + k];
    } else {
      const first = tree.types[joint] === FREE ? dof + 3 : dof;
      if (first !== dof) {
        motion.fill(0, 6 * dof, 6 * dof + 18);
        for (let k = 0; k < 3; k++) motion[6 * (dof + k) + 3 + k] = 1;
      }
      const body = bodyOfJoint(tree, joint);
      const axis = work.scratch;
      for (let k = 0; k < 3; k++) {
        axis.fill(0, 0, 3);
        axis[k] = 1;
        rotate(axis, 3, pose.quaternion, 4 * body, axis, 0);
        writeTurn(motion, first + k, axis[3], axis[4], axis[5], pose.anchor_m, own, pose);
      }
    }
  }
}

function bodyOfJoint(tree: KinematicTree, joint: number): number {
  let body = 0;
  while (tree.firstJoint[body + 1] <= joint) body++;
  return body;
}

function writeTurn(
  motion: Float64Array,
  dof: number,
  x: number,
  y: number,
  z: number,
  anchor: Numbers,
  a: number,
  pose: Pose,
): void {
  const origin = pose.position_m;
  const [rx, ry, rz] = [anchor[a] - origin[0], anchor[a + 1] - origin[1], anchor[a + 2] - origin[2]];
  const at = 6 * dof;
  motion[at] = x;
  motion[at + 1] = y;
  motion[at + 2] = z;
  motion[at + 3] = ry * z - rz * y;
  motion[at + 4] = rz * x - rx * z;
  motion[at + 5] = rx * y - ry * x;
}

/** Inertia of every body about the reference point, world axes. */
function writeInertias({ tree, pose, work }: RigidBody): void {
  const { composite, masses_kg, centres_m, principal_kgm2, principalAxes, scratch } = work;
  const origin = pose.position_m;
  for (let body = 0; body < tree.bodyCount; body++) {
    const at = SIZE * body;
    const mass = masses_kg[body];
    rotate(scratch, 0, pose.quaternion, 4 * body, centres_m, 3 * body);
    const x = scratch[0] + pose.position_m[3 * body] - origin[0];
    const y = scratch[1] + pose.position_m[3 * body + 1] - origin[1];
    const z = scratch[2] + pose.position_m[3 * body + 2] - origin[2];
    composite[at] = mass;
    composite[at + 1] = mass * x;
    composite[at + 2] = mass * y;
    composite[at + 3] = mass * z;
    composite[at + 4] = mass * (y * y + z * z);
    composite[at + 5] = mass * (x * x + z * z);
    composite[at + 6] = mass * (x * x + y * y);
    composite[at + 7] = -mass * x * y;
    composite[at + 8] = -mass * x * z;
    composite[at + 9] = -mass * y * z;
    multiplyQuaternions(scratch, 0, pose.quaternion, 4 * body, principalAxes, 4 * body);
    for (let k = 0; k < 3; k++) {
      scratch.fill(0, 4, 7);
      scratch[4 + k] = 1;
      rotate(scratch, 7, scratch, 0, scratch, 4);
      const moment = principal_kgm2[3 * body + k];
      const [ux, uy, uz] = [scratch[7], scratch[8], scratch[9]];
      composite[at + 4] += moment * ux * ux;
      composite[at + 5] += moment * uy * uy;
      composite[at + 6] += moment * uz * uz;
      composite[at + 7] += moment * ux * uy;
      composite[at + 8] += moment * ux * uz;
      composite[at + 9] += moment * uy * uz;
    }
  }
}

/** From the root outwards: velocities, accelerations at zero joint acceleration, and the forces these need. */
function passVelocities({ tree, work }: RigidBody, velocities: Numbers): void {
  const { motion, velocity, acceleration, force, composite, scratch } = work;
  for (let body = 0; body < tree.bodyCount; body++) {
    const at = 6 * body;
    const parent = tree.parents[body];
    for (let k = 0; k < 6; k++) {
      velocity[at + k] = parent < 0 ? 0 : velocity[6 * parent + k];
      acceleration[at + k] = parent < 0 ? 0 : acceleration[6 * parent + k];
    }
    for (let joint = tree.firstJoint[body]; joint < tree.firstJoint[body + 1]; joint++) {
      const type = tree.types[joint];
      const first = tree.dofAddresses[joint];
      if (type === FREE) {
        // The translations' directions stay; they come first.
        for (let k = 0; k < 3; k++) velocity[at + 3 + k] += velocities[first + k];
      }
      const begin = type === FREE ? first + 3 : first;
      const end = type === HINGE || type === SLIDE ? first + 1 : begin + 3;
      for (let dof = begin; dof < end; dof++) addScaled(velocity, at, motion, 6 * dof, velocities[dof]);
      for (let dof = begin; dof < end; dof++) {
        crossMotion(scratch, 0, velocity, at, motion, 6 * dof);
        addScaled(acceleration, at, scratch, 0, velocities[dof]);
      }
    }
    // force = I a + v ×* (I v)
    momentumOf(scratch, 0, composite, SIZE * body, acceleration, at);
    momentumOf(scratch, 6, composite, SIZE * body, velocity, at);
    crossForce(scratch, 12, velocity, at, scratch, 6);
    for (let k = 0; k < 6; k++) force[at + k] = scratch[k] + scratch[12 + k];
  }
}

/** From the leaves inwards: what hangs on a body counts with it. */
function gather({ tree, work }: RigidBody): void {
  const { composite, force } = work;
  for (let body = tree.bodyCount - 1; body > 0; body--) {
    const parent = tree.parents[body];
    if (parent < 0) continue;
    for (let k = 0; k < SIZE; k++) composite[SIZE * parent + k] += composite[SIZE * body + k];
    for (let k = 0; k < 6; k++) force[6 * parent + k] += force[6 * body + k];
  }
}

function writeMassMatrix(rigid: RigidBody): void {
  const { tree, work, massMatrix, bias, dofBody, dofCount, armature_kgm2 } = rigid;
  const { motion, composite, force, dofForce } = work;
  massMatrix.fill(0);
  for (let dof = 0; dof < dofCount; dof++) {
    const body = dofBody[dof];
    momentumOf(dofForce, 6 * dof, composite, SIZE * body, motion, 6 * dof);
    for (let link = body; link >= 0; link = tree.parents[link]) {
      for (let other = lastDof(rigid, link, dof); other >= 0 && dofBody[other] === link; other--) {
        const value = dot6(motion, 6 * other, dofForce, 6 * dof);
        massMatrix[dof * dofCount + other] = value;
        massMatrix[other * dofCount + dof] = value;
      }
    }
    massMatrix[dof * dofCount + dof] += armature_kgm2[dof];
    // Gravity is an acceleration of the whole tree upwards.
    const weight = composite[SIZE * body];
    bias[dof] =
      dot6(motion, 6 * dof, force, 6 * body) +
      GRAVITY_MPS2 *
        (motion[6 * dof] * composite[SIZE * body + 2] -
          motion[6 * dof + 1] * composite[SIZE * body + 1] +
          motion[6 * dof + 5] * weight);
  }
}

/** Last degree of freedom of a body that is not after `dof`; -1 where it has none. */
function lastDof({ tree, dofBody, dofCount }: RigidBody, body: number, dof: number): number {
  if (dofBody[dof] === body) {
    let last = dof;
    while (last + 1 < dofCount && dofBody[last + 1] === body) last++;
    return last;
  }
  const end = tree.firstJoint[body + 1];
  if (end === tree.firstJoint[body]) return -1;
  const type = tree.types[end - 1];
  return tree.dofAddresses[end - 1] + (type === FREE ? 5 : type === HINGE || type === SLIDE ? 0 : 2);
}

function writeMomentum(rigid: RigidBody, velocities: Numbers): void {
  const { work, pose, totalMass_kg, dofCount, momentumMatrix, momentumBias, angularMomentum, tree } = rigid;
  const { composite, dofForce, force } = work;
  const centre = rigid.centreOfMass_m;
  const moment = work.scratch;
  const total = momentumBias;
  moment.fill(0, 0, 3);
  total.fill(0);
  for (let body = 0; body < tree.bodyCount; body++) {
    if (tree.parents[body] >= 0) continue;
    for (let k = 0; k < 3; k++) moment[k] += composite[SIZE * body + 1 + k];
    for (let k = 0; k < 6; k++) total[k] += force[6 * body + k];
  }
  const [x, y, z] = [moment[0] / totalMass_kg, moment[1] / totalMass_kg, moment[2] / totalMass_kg];
  centre[0] = pose.position_m[0] + x;
  centre[1] = pose.position_m[1] + y;
  centre[2] = pose.position_m[2] + z;
  total[0] -= y * total[5] - z * total[4];
  total[1] -= z * total[3] - x * total[5];
  total[2] -= x * total[4] - y * total[3];
  angularMomentum.fill(0);
  rigid.centreOfMassVelocity_mps.fill(0);
  for (let dof = 0; dof < dofCount; dof++) {
    const at = 6 * dof;
    const [px, py, pz] = [dofForce[at + 3], dofForce[at + 4], dofForce[at + 5]];
    momentumMatrix[dof] = dofForce[at] - (y * pz - z * py);
    momentumMatrix[dofCount + dof] = dofForce[at + 1] - (z * px - x * pz);
    momentumMatrix[2 * dofCount + dof] = dofForce[at + 2] - (x * py - y * px);
    momentumMatrix[3 * dofCount + dof] = px;
    momentumMatrix[4 * dofCount + dof] = py;
    momentumMatrix[5 * dofCount + dof] = pz;
    for (let k = 0; k < 3; k++) {
      angularMomentum[k] += momentumMatrix[k * dofCount + dof] * velocities[dof];
      rigid.centreOfMassVelocity_mps[k] += (momentumMatrix[(3 + k) * dofCount + dof] * velocities[dof]) / totalMass_kg;
    }
  }
}
