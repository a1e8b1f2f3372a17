// Whole-body inverse dynamics: joint torques that bring about wished accelerations with forces the ground can give.
//
// Wanted are joint accelerations a and contact wrenches f that minimise Σ weight |J a + J̇q̇ - target|² + ε |f|² subject to the
// six equations of the free base, M_b a + h_b = J_bᵀ f, and to the wrench cones. For given f the best a is linear in f, so
// a is eliminated: what is left is a quadratic program in f alone, 6 variables a foot. Torque is then M a + h - Jᵀ f.
// The elimination is exact; torque limits are not in the program and clip its result.

import { yawOf } from '../math/quaternion.js';
import { pointJacobian, pointPosition } from '../robot/kinematics.js';
import type { RobotModel } from '../robot/robot-model.js';
import { factorise, solveFactored } from './cholesky.js';
import { type Sole, WRENCH_CONSTRAINTS, writeWrenchCone } from './contact-wrench.js';
import { createProgram, type QuadraticProgram, solveProgram } from './quadratic-program.js';
import { biasAcceleration, pointVelocity, type RigidBody } from './rigid-body.js';

/** A foot's sole in the world, and what is wanted of it. */
export interface FootTask {
  readonly sole: Sole;
  readonly position_m: Float64Array; // [3]
  /** Linear, then angular. */
  readonly velocity: Float64Array; // [6]
  heading_rad: number;
  readonly jacobian: Float64Array; // [6, dof]
  readonly bias: Float64Array; // [6]
  readonly columns: Int32Array;
  /** Wished acceleration: linear (m/s²), then angular (rad/s²). */
  readonly acceleration: Float64Array; // [6]
  weight: number;
  inContact: boolean;
  greatestForce_N: number;
  /** Result: wrench on the foot at the sole's centre in its heading frame. */
  readonly wrench: Float64Array; // [6]
}

export interface WholeBodyWeights {
  readonly centreOfMass: number;
  readonly angularMomentum: number;
  readonly baseOrientation: number;
  readonly baseYaw: number;
  readonly wrench: number;
}

export interface WholeBody {
  readonly rigid: RigidBody;
  readonly baseDof: number;
  /** Degree of freedom of each joint. */
  readonly jointDofs: Int32Array; // [joint]
  readonly feet: readonly FootTask[];
  /** Wished accelerations. */
  readonly centreOfMassAcceleration: Float64Array; // [3]
  readonly baseAngularAcceleration: Float64Array; // [3] base frame
  readonly angularMomentumRate: Float64Array; // [3]
  readonly jointAcceleration: Float64Array; // [joint]
  readonly jointWeight: Float64Array; // [joint]
  /** Result: accelerations of all degrees of freedom. */
  readonly acceleration: Float64Array; // [dof]
  readonly room: Room;
}

interface Room {
  readonly normal: Float64Array; // [dof, dof]
  readonly linear: Float64Array; // [dof]
  readonly row: Float64Array; // [dof]
  readonly allColumns: Int32Array;
  readonly baseResponse: Float64Array; // [6, dof] H⁻¹ M_bᵀ, column by column
  readonly baseCost: Float64Array; // [6, 6]
  readonly inverse: Float64Array; // [6, 6]
  readonly wrenchMap: Float64Array; // [6, 12]
  readonly residual: Float64Array; // [6]
  readonly weighted: Float64Array; // [6]
  /** By the number of feet on the ground less one. */
  readonly programs: readonly QuadraticProgram[];
}

export function createWholeBody(robot: RobotModel, rigid: RigidBody, soles: readonly Sole[]): WholeBody {
  const { dofCount, tree } = rigid;
  const base = robot.joints.find((joint) => joint.type === 'free')!;
  const columnsOf = (body: number): Int32Array => {
    const chain = new Set<number>();
    for (let link = body; link >= 0; link = tree.parents[link]) chain.add(link);
    return Int32Array.from(
      Array.from({ length: dofCount }, (_, dof) => dof).filter((dof) => chain.has(rigid.dofBody[dof])),
    );
  };
  const jointCount = robot.jointNames.length;
  return {
    rigid,
    baseDof: base.dofAddress,
    jointDofs: Int32Array.from(robot.jointIndices, (index) => robot.joints[index].dofAddress),
    feet: soles.map((sole) => ({
      sole,
      position_m: new Float64Array(3),
      velocity: new Float64Array(6),
      heading_rad: 0,
      jacobian: new Float64Array(6 * dofCount),
      bias: new Float64Array(6),
      columns: columnsOf(sole.body),
      acceleration: new Float64Array(6),
      weight: 1,
      inContact: true,
      greatestForce_N: Number.POSITIVE_INFINITY,
      wrench: new Float64Array(6),
    })),
    centreOfMassAcceleration: new Float64Array(3),
    baseAngularAcceleration: new Float64Array(3),
    angularMomentumRate: new Float64Array(3),
    jointAcceleration: new Float64Array(jointCount),
    jointWeight: new Float64Array(jointCount),
    acceleration: new Float64Array(dofCount),
    room: {
      normal: new Float64Array(dofCount * dofCount),
      linear: new Float64Array(dofCount),
      row: new Float64Array(dofCount),
      allColumns: Int32Array.from({ length: dofCount }, (_, dof) => dof),
      baseResponse: new Float64Array(6 * dofCount),
      baseCost: new Float64Array(36),
      inverse: new Float64Array(36),
      wrenchMap: new Float64Array(6 * 6 * soles.length),
      residual: new Float64Array(6),
      weighted: new Float64Array(6),
      programs: soles.map((_, at) => createProgram(6 * (at + 1), WRENCH_CONSTRAINTS * (at + 1))),
    },
  };
}

/** Reads where the feet are, after updateRigidBody. */
export function updateFeet({ rigid, feet }: WholeBody): void {
  for (const foot of feet) {
    const { body, centre_m } = foot.sole;
    pointPosition(foot.position_m, 0, rigid.pose, body, centre_m, 0);
    pointJacobian(rigid.tree, rigid.pose, body, foot.position_m, 0, foot.jacobian);
    biasAcceleration(rigid, body, foot.position_m, foot.bias, 0);
    pointVelocity(rigid, body, foot.position_m, foot.velocity, 0);
    foot.heading_rad = yawOf(rigid.pose.quaternion, 4 * body);
  }
}

/**
 * Solves for torques from what the tasks of `body` say.
 * @param torques written: [joint] N m, not yet limited
 * @returns false where no solution was found; torques are then untouched
 */
export function solveWholeBody(
  body: WholeBody,
  weights: WholeBodyWeights,
  ground: { readonly friction: number; readonly soleShare: number },
  torques: Float64Array,
): boolean {
  const { room, rigid } = body;
  writeNormalEquations(body, weights);
  if (!factorise(room.normal, rigid.dofCount)) return false;
  body.acceleration.set(room.linear);
  solveFactored(room.normal, rigid.dofCount, body.acceleration);
  if (!reduceToBase(body)) return false;
  if (!solveWrenches(body, weights, ground)) return false;
  writeTorques(body, torques);
  return true;
}

function writeNormalEquations(body: WholeBody, weights: WholeBodyWeights): void {
  const { rigid, room, feet, baseDof, jointDofs } = body;
  const { dofCount, momentumMatrix, momentumBias, totalMass_kg } = rigid;
  const { normal, linear, row, allColumns } = room;
  normal.fill(0);
  linear.fill(0);
  for (let axis = 0; axis < 3; axis++) {
    for (let dof = 0; dof < dofCount; dof++) row[dof] = momentumMatrix[(3 + axis) * dofCount + dof] / totalMass_kg;
    const target = body.centreOfMassAcceleration[axis] - momentumBias[3 + axis] / totalMass_kg;
    addRow(room, row, 0, allColumns, weights.centreOfMass, target, dofCount);
    if (weights.angularMomentum > 0) {
      const rate = body.angularMomentumRate[axis] - momentumBias[axis];
      addRow(room, momentumMatrix, axis * dofCount, allColumns, weights.angularMomentum, rate, dofCount);
    }
    // The free joint's angular velocity is in the base's own frame.
    const turn = baseDof + 3 + axis;
    const weight = axis < 2 ? weights.baseOrientation : weights.baseYaw;
    normal[turn * dofCount + turn] += weight;
    linear[turn] += weight * body.baseAngularAcceleration[axis];
  }
  for (const foot of feet) {
    for (let k = 0; k < 6; k++) {
      addRow(
        room,
        foot.jacobian,
        k * dofCount,
        foot.columns,
        foot.weight,
        foot.acceleration[k] - foot.bias[k],
        dofCount,
      );
    }
  }
  for (let joint = 0; joint < jointDofs.length; joint++) {
    const dof = jointDofs[joint];
    normal[dof * dofCount + dof] += body.jointWeight[joint];
    linear[dof] += body.jointWeight[joint] * body.jointAcceleration[joint];
  }
}

/** Adds weight · (row · a - target)² to the lower triangle. */
function addRow(
  { normal, linear }: Room,
  row: Float64Array,
  at: number,
  columns: Int32Array,
  weight: number,
  target: number,
  dofCount: number,
): void {
  for (let i = 0; i < columns.length; i++) {
    const dof = columns[i];
    const value = weight * row[at + dof];
    if (value === 0) continue;
    linear[dof] += value * target;
    const from = dof * dofCount;
    for (let j = 0; j <= i; j++) normal[from + columns[j]] += value * row[at + columns[j]];
  }
}

/** How the base's equations answer to forces: cost of a residual of M_b a + h_b = force, for the best a. */
function reduceToBase({ rigid, room, baseDof }: WholeBody): boolean {
  const { dofCount, massMatrix } = rigid;
  const { normal, baseResponse, baseCost, inverse } = room;
  for (let row = 0; row < 6; row++) {
    const from = (baseDof + row) * dofCount;
    for (let dof = 0; dof < dofCount; dof++) baseResponse[row * dofCount + dof] = massMatrix[from + dof];
    solveFactored(normal, dofCount, baseResponse, row * dofCount);
  }
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < 6; j++) {
      let sum = 0;
      for (let dof = 0; dof < dofCount; dof++) {
        sum += massMatrix[(baseDof + i) * dofCount + dof] * baseResponse[j * dofCount + dof];
      }
      baseCost[6 * i + j] = sum;
      inverse[6 * i + j] = i === j ? 1 : 0;
    }
  }
  if (!factorise(baseCost, 6)) return false;
  for (let row = 0; row < 6; row++) solveFactored(baseCost, 6, inverse, 6 * row);
  return true;
}

/** The program in the wrenches; then the accelerations that go with them. */
function solveWrenches(
  body: WholeBody,
  weights: WholeBodyWeights,
  ground: { readonly friction: number; readonly soleShare: number },
): boolean {
  const { rigid, room, feet, baseDof, acceleration } = body;
  const { dofCount, massMatrix, bias } = rigid;
  const { wrenchMap, residual, weighted, inverse, baseResponse } = room;
  const contacts = feet.filter((foot) => foot.inContact);
  const size = 6 * contacts.length;
  for (let row = 0; row < 6; row++) {
    let sum = bias[baseDof + row];
    for (let dof = 0; dof < dofCount; dof++) sum += massMatrix[(baseDof + row) * dofCount + dof] * acceleration[dof];
    residual[row] = sum;
  }
  const program = room.programs[contacts.length - 1];
  if (program !== undefined) {
    program.constraints.fill(0);
    contacts.forEach((foot, at) => {
      writeWrenchMap(wrenchMap, size, 6 * at, foot, dofCount, baseDof);
      const limits = { ...ground, least_N: 0, greatest_N: foot.greatestForce_N };
      writeWrenchCone(program.constraints, program.bounds, size, WRENCH_CONSTRAINTS * at, 6 * at, foot.sole, limits);
    });
    for (let i = 0; i < size; i++) {
      for (let row = 0; row < 6; row++) {
        let sum = 0;
        for (let k = 0; k < 6; k++) sum += inverse[6 * row + k] * wrenchMap[k * size + i];
        weighted[row] = sum;
      }
      let gradient = 0;
      for (let row = 0; row < 6; row++) gradient -= weighted[row] * residual[row];
      program.gradient[i] = gradient;
      for (let j = 0; j < size; j++) {
        let sum = 0;
        for (let row = 0; row < 6; row++) sum += weighted[row] * wrenchMap[row * size + j];
        program.hessian[i * size + j] = sum;
      }
      // A moment counts like the force at a lever of a fifth of a metre.
      program.hessian[i * size + i] += weights.wrench * (i % 6 < 3 ? 1 : 25);
    }
    const outcome = solveProgram(program);
    if (outcome === 'infeasible' || outcome === 'indefinite') return false;
  }
  for (let row = 0; row < 6; row++) {
    let force = -residual[row];
    for (let i = 0; i < size; i++) force += wrenchMap[row * size + i] * program.solution[i];
    residual[row] = force;
  }
  for (let row = 0; row < 6; row++) {
    let factor = 0;
    for (let k = 0; k < 6; k++) factor += inverse[6 * row + k] * residual[k];
    for (let dof = 0; dof < dofCount; dof++) acceleration[dof] += factor * baseResponse[row * dofCount + dof];
  }
  for (const foot of feet) foot.wrench.fill(0);
  contacts.forEach((foot, at) => {
    foot.wrench.set(program.solution.subarray(6 * at, 6 * at + 6));
  });
  return true;
}

/** Columns of J_bᵀ R: forces on the base's equations by a unit wrench in the foot's heading frame. */
function writeWrenchMap(
  map: Float64Array,
  width: number,
  column: number,
  foot: FootTask,
  dofCount: number,
  baseDof: number,
): void {
  const [cosine, sine] = [Math.cos(foot.heading_rad), Math.sin(foot.heading_rad)];
  for (let row = 0; row < 6; row++) {
    const dof = baseDof + row;
    for (const part of [0, 3]) {
      const x = foot.jacobian[part * dofCount + dof];
      const y = foot.jacobian[(part + 1) * dofCount + dof];
      map[row * width + column + part] = cosine * x + sine * y;
      map[row * width + column + part + 1] = cosine * y - sine * x;
      map[row * width + column + part + 2] = foot.jacobian[(part + 2) * dofCount + dof];
    }
  }
}

function writeTorques({ rigid, jointDofs, acceleration, feet }: WholeBody, torques: Float64Array): void {
  const { dofCount, massMatrix, bias } = rigid;
  for (let joint = 0; joint < jointDofs.length; joint++) {
    const dof = jointDofs[joint];
    let torque = bias[dof];
    for (let other = 0; other < dofCount; other++) torque += massMatrix[dof * dofCount + other] * acceleration[other];
    for (const { inContact, wrench, heading_rad, jacobian } of feet) {
      if (!inContact) continue;
      const [cosine, sine] = [Math.cos(heading_rad), Math.sin(heading_rad)];
      for (const part of [0, 3]) {
        const x = cosine * wrench[part] - sine * wrench[part + 1];
        const y = sine * wrench[part] + cosine * wrench[part + 1];
        torque -= jacobian[part * dofCount + dof] * x;
        torque -= jacobian[(part + 1) * dofCount + dof] * y;
        torque -= jacobian[(part + 2) * dofCount + dof] * wrench[part + 2];
      }
    }
    torques[joint] = torque;
  }
}
