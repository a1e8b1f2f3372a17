// What a compiled model says about driving its joints: limits, and the gains of its own position actuators.
//
// Torque limits and gains are those at the joint: actuators count with their gear.

import type { RobotJoint } from '../robot/robot-model.js';
import type { LimitFlags } from './build-model.js';
import { type MjModel, namesAt } from './mujoco.js';

// MuJoCo's mjTRN_JOINT, and the widths of its parameter rows.
const JOINT_TRANSMISSION = 0;
const PARAMETERS = 10;
const GEARS = 6;

/** Joints that actuators drive, in the actuators' order, each once. */
export function drivenJoints(model: MjModel): number[] {
  const driven: number[] = [];
  for (let actuator = 0; actuator < model.nu; actuator++) {
    if (model.actuator_trntype[actuator] === JOINT_TRANSMISSION) driven.push(model.actuator_trnid[2 * actuator]);
  }
  return [...new Set(driven)];
}

/** The first actuator that drives a joint; undefined where none does. */
export function actuatorOf(model: MjModel, joint: number): number | undefined {
  for (let actuator = 0; actuator < model.nu; actuator++) {
    const isJoint = model.actuator_trntype[actuator] === JOINT_TRANSMISSION;
    if (isJoint && model.actuator_trnid[2 * actuator] === joint) return actuator;
  }
  return undefined;
}

/** Lower and upper position limit (rad, or m for a slide); infinite where the joint has none. */
export function positionLimits(
  model: MjModel,
  limits: LimitFlags,
  joints: readonly RobotJoint[],
  joint: number,
): [number, number] {
  if (!limits.position.has(joints[joint].name)) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return [model.jnt_range[2 * joint], model.jnt_range[2 * joint + 1]];
}

/** The least of the joint's own limit and what its actuator can give (N m); infinite where neither is limited. */
export function torqueLimit(model: MjModel, limits: LimitFlags, joints: readonly RobotJoint[], joint: number): number {
  const ofJoint = limits.torque.has(joints[joint].name) ? (model.jnt_actfrcrange[2 * joint + 1] as number) : Infinity;
  const actuator = actuatorOf(model, joint);
  if (actuator === undefined) return ofJoint;
  const name = namesAt(model, model.name_actuatoradr)[actuator];
  const gear = Math.abs(model.actuator_gear[GEARS * actuator]);
  const ofForce = limits.force.has(name) ? model.actuator_forcerange[2 * actuator + 1] * gear : Infinity;
  // A motor's control is a force; a position actuator's is a position, and says nothing about torque.
  const isMotor = model.actuator_biasprm[PARAMETERS * actuator + 1] === 0;
  const greatest = model.actuator_ctrlrange[2 * actuator + 1] * model.actuator_gainprm[PARAMETERS * actuator] * gear;
  const ofControl = isMotor && limits.control.has(name) ? greatest : Infinity;
  return Math.min(ofJoint, ofForce, ofControl);
}

/** Stiffness of the joint's own position actuator (N m/rad). */
export function actuatorStiffness(model: MjModel, actuator: number): number {
  return -model.actuator_biasprm[PARAMETERS * actuator + 1] * model.actuator_gear[GEARS * actuator] ** 2;
}

/** Damping of the joint and its own position actuator together (N m s/rad). */
export function actuatorDamping(model: MjModel, actuator: number, joint: RobotJoint): number {
  const ofActuator = -model.actuator_biasprm[PARAMETERS * actuator + 2] * model.actuator_gear[GEARS * actuator] ** 2;
  return model.dof_damping[joint.dofAddress] + ofActuator;
}
