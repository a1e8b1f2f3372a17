// Bodies and joints of a compiled model as plain data, in MuJoCo's order without the world body.

import type { JointType, RobotBody, RobotJoint } from '../robot/robot-model.js';
import { type MjModel, namesAt } from './mujoco.js';

// MuJoCo's mjtJoint.
const JOINT_TYPES: readonly JointType[] = ['free', 'ball', 'slide', 'hinge'];

export function readBodies(model: MjModel): RobotBody[] {
  const names = namesAt(model, model.name_bodyadr);
  return Array.from({ length: model.nbody - 1 }, (_, index) => {
    const body = index + 1;
    return {
      name: names[body],
      parent: model.body_parentid[body] - 1,
      position_m: three(model.body_pos, body),
      quaternion: four(model.body_quat, body),
      mass_kg: model.body_mass[body],
      centreOfMass_m: three(model.body_ipos, body),
      inertia_kgm2: three(model.body_inertia, body),
      inertiaQuaternion: four(model.body_iquat, body),
    };
  });
}

export function readJoints(model: MjModel): RobotJoint[] {
  const names = namesAt(model, model.name_jntadr);
  return Array.from({ length: model.njnt }, (_, joint) => ({
    name: names[joint],
    type: JOINT_TYPES[model.jnt_type[joint]],
    body: model.jnt_bodyid[joint] - 1,
    qposAddress: model.jnt_qposadr[joint],
    dofAddress: model.jnt_dofadr[joint],
    axis: three(model.jnt_axis, joint),
    anchor_m: three(model.jnt_pos, joint),
    reference: model.qpos0[model.jnt_qposadr[joint]],
  }));
}

function three(array: ArrayLike<number>, index: number): [number, number, number] {
  return [array[3 * index], array[3 * index + 1], array[3 * index + 2]];
}

function four(array: ArrayLike<number>, index: number): [number, number, number, number] {
  return [array[4 * index], array[4 * index + 1], array[4 * index + 2], array[4 * index + 3]];
}
