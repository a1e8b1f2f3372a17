// Where a robot's joints, motors, feet and sensors are in MuJoCo's numbering, and a state with room for them.

import { DataError, listNames } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import type { RobotState } from '../policy/controller.js';
import type { RobotModel } from '../robot/robot-model.js';
import { FOOT_SENSOR } from './build-model.js';
import type { LoadedRobot } from './load-robot.js';
import { namesAt, type Simulation } from './mujoco.js';
import type { DynamicsMap } from './randomisation.js';
import { actuatorOf } from './read-actuation.js';

/** MuJoCo's indices of what a control step touches. */
export interface Addresses extends DynamicsMap {
  readonly basePosition: number;
  readonly baseVelocity: number;
  readonly jointPosition: Int32Array; // [joint]
  readonly jointVelocity: Int32Array; // [joint]
  readonly footSensor: Int32Array; // [foot]
  readonly sensors: readonly { readonly name: string; readonly address: number; readonly width: number }[];
}

/** Buffers that the environment overwrites at each step. */
export function emptyState(robot: RobotModel, addresses: Addresses): RobotState {
  const jointCount = robot.jointNames.length;
  return {
    time_s: 0,
    basePosition_m: new Float64Array(3),
    baseQuaternion: new Float64Array(4),
    baseAngularVelocity_radps: new Float64Array(3),
    baseLinearVelocity_mps: new Float64Array(3),
    projectedGravity: new Float64Array(3),
    jointPosition_rad: new Float64Array(jointCount),
    jointVelocity_radps: new Float64Array(jointCount),
    torque_Nm: new Float64Array(jointCount),
    footContact: new Float64Array(robot.feet.length),
    sensors: Object.fromEntries(addresses.sensors.map(({ name, width }) => [name, new Float64Array(width)])),
  };
}

/** @throws DataError for a sensor that the model does not have */
export function findAddresses(
  { robot, config }: LoadedRobot,
  { model }: Simulation,
  sensors: readonly string[],
): Addresses {
  const joints = robot.jointIndices.map((index) => robot.joints[index]);
  const base = robot.joints.find((joint) => joint.type === 'free')!;
  const sensorNames = namesAt(model, model.name_sensoradr);
  const sensorAt = (name: string): number => {
    const sensor = sensorNames.indexOf(name);
    if (sensor >= 0) return sensor;
    const known = sensorNames.filter((one) => !one.startsWith(FOOT_SENSOR));
    const near = nearest(name, known);
    throw new DataError({
      where: `robot ${robot.name}`,
      what: 'sensor that the model does not have',
      found: name,
      fix: near === undefined ? `The model has: ${listNames(known, 20)}` : `Did you mean "${near}"?`,
    });
  };
  return {
    basePosition: base.qposAddress,
    baseVelocity: base.dofAddress,
    jointPosition: Int32Array.from(joints, (joint) => joint.qposAddress),
    jointVelocity: Int32Array.from(joints, (joint) => joint.dofAddress),
    joints: robot.jointIndices,
    actuators: robot.jointIndices.map((index) => actuatorOf(model, index)!),
    torso:
      1 + (config.torso === undefined ? robot.baseBody : robot.bodies.findIndex((one) => one.name === config.torso)),
    footSensor: Int32Array.from(
      robot.feet,
      (foot) => model.sensor_adr[sensorAt(FOOT_SENSOR + robot.bodies[foot].name)],
    ),
    sensors: sensors.map((name) => {
      const sensor = sensorAt(name);
      return { name, address: model.sensor_adr[sensor], width: model.sensor_dim[sensor] };
    }),
  };
}
