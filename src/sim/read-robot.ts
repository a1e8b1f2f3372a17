// From a compiled model and a robot config to a RobotModel: plain data that data sets and policies carry.
//
// Mistakes of the config that only the model can show (a joint that is not there, a table that misses one) are
// collected and thrown together.

import { type DataErrorDetail, FindingsError, listNames } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { type ByName, valuesByName } from '../robot/name-patterns.js';
import type { RobotConfig } from '../robot/robot-config.js';
import { hashRobot } from '../robot/robot-hash.js';
import type { RobotBody, RobotJoint, RobotModel } from '../robot/robot-model.js';
import type { BuiltModel, LimitFlags } from './build-model.js';
import { contactShapes, lowestPoint } from './contact-geometry.js';
import { type Engine, type MjModel, namesAt, Simulation } from './mujoco.js';
import {
  actuatorDamping,
  actuatorOf,
  actuatorStiffness,
  drivenJoints,
  positionLimits,
  torqueLimit,
} from './read-actuation.js';
import { readBodies, readJoints } from './read-tree.js';

/** What the steps of one reading share. */
interface Reading {
  readonly model: MjModel;
  readonly limits: LimitFlags;
  readonly config: RobotConfig;
  /** Config file, for messages. */
  readonly where: string;
  readonly bodies: readonly RobotBody[];
  readonly joints: readonly RobotJoint[];
  readonly findings: DataErrorDetail[];
}

/**
 * Reads the robot. Takes over `built.model` and deletes it.
 * @param where config file, for messages
 * @throws FindingsError
 */
export function readRobot(engine: Engine, built: BuiltModel, config: RobotConfig, where: string): RobotModel {
  const { model, limits } = built;
  const simulation = new Simulation(engine, model);
  try {
    const tree = { bodies: readBodies(model), joints: readJoints(model) };
    const reading: Reading = { model, limits, config, where, ...tree, findings: [] };
    const parts = readNames(reading);
    stopIfWrong(reading);
    const configuration = defaultConfiguration(reading, parts, simulation);
    const values = readJointValues(reading, parts.jointIndices);
    stopIfWrong(reading);
    return assemble(reading, parts, configuration, values);
  } finally {
    simulation.dispose();
  }
}

interface NamedParts {
  readonly jointIndices: readonly number[];
  readonly lockedJoints: readonly number[];
  readonly feet: readonly number[];
  readonly keypoints: RobotModel['keypoints'];
}

function readNames(reading: Reading): NamedParts {
  const { config } = reading;
  if (config.torso !== undefined) bodyIndex(reading, config.torso, 'torso');
  return {
    jointIndices: jointOrder(reading),
    lockedJoints: config.lockedJoints.map((name) => jointIndex(reading, name, 'lockedJoints')),
    feet: config.feet.map((name) => bodyIndex(reading, name, 'feet')),
    keypoints: Object.fromEntries(
      Object.entries(config.keypoints).map(([name, { body, offset_m }]) => [
        name,
        { body: bodyIndex(reading, body, `keypoints.${name}.body`), offset_m },
      ]),
    ),
  };
}

/** The config's order, else the actuators', else the tree's. */
function jointOrder(reading: Reading): number[] {
  const { config, joints, model } = reading;
  if (config.joints !== undefined) return config.joints.map((name) => jointIndex(reading, name, 'joints'));
  const driven = drivenJoints(model);
  const all = driven.length > 0 ? driven : joints.map((_, index) => index);
  return all.filter((index) => isSingle(joints[index]) && !config.lockedJoints.includes(joints[index].name));
}

/** The keyframe or the model's zero, the config's joints over it, and the base set down on its feet. */
function defaultConfiguration(reading: Reading, parts: NamedParts, simulation: Simulation): number[] {
  const { model, config, joints } = reading;
  const configuration = startConfiguration(reading);
  const settable = [...parts.jointIndices, ...parts.lockedJoints];
  const names = settable.map((index) => joints[index].name);
  resolve(reading, config.defaultPose.joints_rad, names, 'defaultPose.joints_rad').forEach((value, at) => {
    if (value !== undefined) configuration[joints[settable[at]].qposAddress] = value;
  });
  const base = freeJoint(reading).qposAddress;
  configuration.splice(base, 2, 0, 0);
  simulation.views().qpos.set(configuration);
  simulation.forward();
  const lowest = lowestPoint(simulation, contactShapes(model));
  if (!Number.isNaN(lowest)) configuration[base + 2] -= lowest;
  return configuration;
}

function startConfiguration(reading: Reading): number[] {
  const { model, config } = reading;
  const { keyframe } = config.defaultPose;
  if (keyframe === undefined) return Array.from(model.qpos0 as Float64Array);
  const known = namesAt(model, model.name_keyadr);
  const key = known.indexOf(keyframe);
  if (key < 0) {
    reading.findings.push(unknownName(reading, 'defaultPose.keyframe', keyframe, known));
    stopIfWrong(reading);
  }
  return Array.from((model.key_qpos as Float64Array).subarray(key * model.nq, (key + 1) * model.nq));
}

interface JointValues {
  readonly velocityLimit: readonly number[];
  readonly stiffness: readonly number[];
  readonly damping: readonly number[];
  readonly torqueLimit: readonly number[];
  readonly armature: readonly number[];
}

function readJointValues(reading: Reading, indices: readonly number[]): JointValues {
  const { model, limits, config, joints } = reading;
  const names = indices.map((index) => joints[index].name);
  const torque = indices.map((index) => torqueLimit(model, limits, joints, index));
  const armature = indices.map((index) => model.dof_armature[joints[index].dofAddress] as number);
  // These two are written into the model by build-model.ts; here they are only checked.
  resolve(reading, config.frictionLoss_Nm ?? {}, names, 'frictionLoss_Nm');
  resolve(reading, config.passiveDamping_Nmsprad ?? {}, names, 'passiveDamping_Nmsprad');
  return {
    velocityLimit: required(reading, config.velocityLimit_radps, names, 'velocityLimit_radps'),
    ...readGains(reading, indices, names),
    torqueLimit: optional(reading, config.torqueLimit_Nm, names, 'torqueLimit_Nm', torque),
    armature: optional(reading, config.armature_kgm2, names, 'armature_kgm2', armature),
  };
}

function readGains(
  reading: Reading,
  indices: readonly number[],
  names: readonly string[],
): Pick<JointValues, 'stiffness' | 'damping'> {
  const { model, joints, where, findings } = reading;
  const { mode, stiffness_Nmprad, damping_Nmsprad } = reading.config.pd;
  if (mode !== 'position-actuator') {
    return {
      stiffness: required(reading, stiffness_Nmprad ?? {}, names, 'pd.stiffness_Nmprad'),
      damping: required(reading, damping_Nmsprad ?? {}, names, 'pd.damping_Nmsprad'),
    };
  }
  if (stiffness_Nmprad !== undefined || damping_Nmsprad !== undefined) {
    findings.push({
      where: `${where}: pd`,
      what: 'gains beside mode position-actuator, which uses those of the model',
      fix: 'Remove them, or use mode implicit.',
    });
  }
  const actuators = indices.map((index) => actuatorOf(model, index));
  const undriven = names.filter((_, at) => actuators[at] === undefined);
  if (undriven.length > 0) {
    findings.push({ where: `${where}: pd.mode`, what: 'joints without an actuator', found: listNames(undriven) });
  }
  return {
    stiffness: actuators.map((one) => (one === undefined ? 0 : actuatorStiffness(model, one))),
    damping: actuators.map((one, at) => (one === undefined ? 0 : actuatorDamping(model, one, joints[indices[at]]))),
  };
}

function assemble(
  reading: Reading,
  parts: NamedParts,
  configuration: readonly number[],
  values: JointValues,
): RobotModel {
  const { model, limits, config, bodies, joints } = reading;
  const { jointIndices, feet, keypoints } = parts;
  const positions = jointIndices.map((index) => positionLimits(model, limits, joints, index));
  const base = freeJoint(reading);
  const robot = {
    name: config.name,
    jointNames: jointIndices.map((index) => joints[index].name),
    jointIndices,
    lower_rad: positions.map(([lower]) => lower),
    upper_rad: positions.map(([, upper]) => upper),
    velocityLimit_radps: values.velocityLimit,
    torqueLimit_Nm: values.torqueLimit,
    defaultPosition_rad: jointIndices.map((index) => configuration[joints[index].qposAddress]),
    stiffness_Nmprad: values.stiffness,
    damping_Nmsprad: values.damping,
    armature_kgm2: values.armature,
    pdMode: config.pd.mode,
    control: config.control,
    bodies,
    joints,
    positionSize: model.nq,
    velocitySize: model.nv,
    defaultConfiguration: configuration,
    baseBody: base.body,
    standingHeight_m: configuration[base.qposAddress + 2],
    totalMass_kg: bodies.reduce((sum, body) => sum + body.mass_kg, 0),
    feet,
    keypoints,
  };
  return { ...robot, hash: hashRobot(robot) };
}

/** buildModel adds a free joint where a model has none. */
function freeJoint({ joints }: Reading): RobotJoint {
  return joints.find((joint) => joint.type === 'free')!;
}

function isSingle(joint: RobotJoint | undefined): boolean {
  return joint?.type === 'hinge' || joint?.type === 'slide';
}

function resolve(
  reading: Reading,
  table: ByName,
  names: readonly string[],
  key: string,
): readonly (number | undefined)[] {
  const { values, findings } = valuesByName(table, names, `${reading.where}: ${key}`);
  reading.findings.push(...findings);
  return values;
}

function required(reading: Reading, table: ByName, names: readonly string[], key: string): number[] {
  const values = resolve(reading, table, names, key);
  const missing = names.filter((_, index) => values[index] === undefined);
  if (missing.length > 0) {
    reading.findings.push({
      where: `${reading.where}: ${key}`,
      what: 'joints without a value',
      found: listNames(missing),
      fix: 'Begin the table with a rule for all: "*".',
    });
  }
  return values.map((value) => value ?? Number.NaN);
}

function optional(
  reading: Reading,
  table: ByName | undefined,
  names: readonly string[],
  key: string,
  fromModel: readonly number[],
): number[] {
  return resolve(reading, table ?? {}, names, key).map((value, index) => value ?? fromModel[index]);
}

function jointIndex(reading: Reading, name: string, key: string): number {
  const index = reading.joints.findIndex((joint) => joint.name === name);
  if (isSingle(reading.joints[index])) return index;
  const known = reading.joints.filter(isSingle).map((joint) => joint.name);
  reading.findings.push(unknownName(reading, key, name, known));
  return -1;
}

function bodyIndex(reading: Reading, name: string, key: string): number {
  const known = reading.bodies.map((body) => body.name);
  const index = known.indexOf(name);
  if (index < 0) reading.findings.push(unknownName(reading, key, name, known));
  return index;
}

function unknownName(reading: Reading, key: string, name: string, known: readonly string[]): DataErrorDetail {
  const near = nearest(name, known);
  return {
    where: `${reading.where}: ${key}`,
    what: 'name that the model does not have',
    found: name,
    fix: near === undefined ? `The model has: ${listNames(known, 40)}` : `Did you mean "${near}"?`,
  };
}

function stopIfWrong(reading: Reading): void {
  if (reading.findings.length > 0) throw new FindingsError(reading.findings);
}
