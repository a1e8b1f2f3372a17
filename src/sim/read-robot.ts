// From a compiled model and a robot config to a RobotModel: plain data, in MuJoCo's order without the world body.
//
// Every mistake of the config that only the model can show (a joint that is not there, a table that misses a joint) is
// collected and thrown together.

import { type DataErrorDetail, FindingsError, listNames } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { type ByName, valuesByName } from '../robot/name-patterns.js';
import type { RobotConfig } from '../robot/robot-config.js';
import { hashRobot } from '../robot/robot-hash.js';
import type { JointType, RobotBody, RobotJoint, RobotModel } from '../robot/robot-model.js';
import type { BuiltModel } from './build-model.js';
import { contactShapes, lowestPoint } from './contact-geometry.js';
import { type Engine, type MjModel, namesAt, Simulation } from './mujoco.js';

const JOINT_TYPES: readonly JointType[] = ['free', 'ball', 'slide', 'hinge'];
/** mjTRN_JOINT: an actuator that drives a joint. */
const JOINT_TRANSMISSION = 0;

/**
 * Reads the robot. Takes over `built.model` and deletes it.
 * @param where config file, for messages
 * @throws FindingsError
 */
export function readRobot(engine: Engine, built: BuiltModel, config: RobotConfig, where: string): RobotModel {
  const simulation = new Simulation(engine, built.model);
  try {
    return new RobotReader(simulation, built, config, where).read();
  } finally {
    simulation.dispose();
  }
}

class RobotReader {
  readonly #simulation: Simulation;
  readonly #model: MjModel;
  readonly #limits: BuiltModel['limits'];
  readonly #config: RobotConfig;
  readonly #where: string;
  readonly #findings: DataErrorDetail[] = [];
  readonly #bodies: RobotBody[];
  readonly #joints: RobotJoint[];
  readonly #actuatorNames: string[];

  constructor(simulation: Simulation, built: BuiltModel, config: RobotConfig, where: string) {
    this.#simulation = simulation;
    this.#model = built.model;
    this.#limits = built.limits;
    this.#config = config;
    this.#where = where;
    this.#bodies = readBodies(built.model);
    this.#joints = readJoints(built.model);
    this.#actuatorNames = namesAt(built.model, built.model.name_actuatoradr);
  }

  read(): RobotModel {
    const config = this.#config;
    const indices = this.#jointOrder();
    const names = indices.map((index) => this.#joints[index].name);
    const locked = config.lockedJoints.map((name) => this.#jointIndex(name, 'lockedJoints'));
    const feet = config.feet.map((name) => this.#bodyIndex(name, 'feet'));
    const keypoints = Object.fromEntries(
      Object.entries(config.keypoints).map(([name, { body, offset_m }]) => [
        name,
        { body: this.#bodyIndex(body, `keypoints.${name}.body`), offset_m },
      ]),
    );
    if (config.torso !== undefined) this.#bodyIndex(config.torso, 'torso');
    this.#stop();

    const configuration = this.#defaultConfiguration(locked.concat(indices));
    const velocityLimit = this.#required(config.velocityLimit_radps, names, 'velocityLimit_radps');
    const own = config.pd.mode === 'position-actuator';
    const stiffness = this.#gains(
      config.pd.stiffness_Nmprad,
      names,
      'pd.stiffness_Nmprad',
      own,
      (actuator) => -this.#model.actuator_biasprm[10 * actuator + 1] * this.#model.actuator_gear[6 * actuator] ** 2,
    );
    const damping = this.#gains(config.pd.damping_Nmsprad, names, 'pd.damping_Nmsprad', own, (actuator, joint) => {
      const gear = this.#model.actuator_gear[6 * actuator];
      const ofJoint = this.#model.dof_damping[this.#joints[joint].dofAddress];
      return ofJoint - this.#model.actuator_biasprm[10 * actuator + 2] * gear ** 2;
    });
    const modelTorque = indices.map((index) => this.#torqueLimit(index));
    const modelArmature = indices.map((index) => this.#model.dof_armature[this.#joints[index].dofAddress] as number);
    const torqueLimit = this.#optional(config.torqueLimit_Nm, names, 'torqueLimit_Nm', modelTorque);
    const armature = this.#optional(config.armature_kgm2, names, 'armature_kgm2', modelArmature);
    this.#optional(config.frictionLoss_Nm, names, 'frictionLoss_Nm', modelArmature);
    this.#optional(config.passiveDamping_Nmsprad, names, 'passiveDamping_Nmsprad', modelArmature);
    this.#stop();

    const base = this.#joints.find((joint) => joint.type === 'free')!;
    const robot = {
      name: config.name,
      jointNames: names,
      jointIndices: indices,
      lower_rad: indices.map((index) => this.#positionLimit(index, 0)),
      upper_rad: indices.map((index) => this.#positionLimit(index, 1)),
      velocityLimit_radps: velocityLimit,
      torqueLimit_Nm: torqueLimit,
      defaultPosition_rad: indices.map((index) => configuration[this.#joints[index].qposAddress]),
      stiffness_Nmprad: stiffness,
      damping_Nmsprad: damping,
      armature_kgm2: armature,
      pdMode: config.pd.mode,
      control: { rate_hz: config.control.rate_hz, physicsTimestep_s: config.control.physicsTimestep_s },
      bodies: this.#bodies,
      joints: this.#joints,
      positionSize: this.#model.nq,
      velocitySize: this.#model.nv,
      defaultConfiguration: configuration,
      baseBody: base.body,
      standingHeight_m: configuration[base.qposAddress + 2],
      totalMass_kg: this.#bodies.reduce((sum, body) => sum + body.mass_kg, 0),
      feet,
      keypoints,
    };
    return { ...robot, hash: hashRobot(robot) };
  }

  /** The config's order, else the actuators', else the tree's. */
  #jointOrder(): number[] {
    const { joints: named, lockedJoints } = this.#config;
    if (named !== undefined) return named.map((name) => this.#jointIndex(name, 'joints'));
    const driven = Array.from({ length: this.#model.nu }, (_, actuator) => actuator)
      .filter((actuator) => this.#model.actuator_trntype[actuator] === JOINT_TRANSMISSION)
      .map((actuator) => this.#model.actuator_trnid[2 * actuator] as number);
    const all = driven.length > 0 ? [...new Set(driven)] : this.#joints.map((_, index) => index);
    return all.filter((index) => {
      const { name, type } = this.#joints[index];
      return (type === 'hinge' || type === 'slide') && !lockedJoints.includes(name);
    });
  }

  /** The keyframe or the model's zero, the config's joints over it, and the base set down on its feet. */
  #defaultConfiguration(settable: readonly number[]): number[] {
    const { keyframe, joints_rad: table } = this.#config.defaultPose;
    const configuration = Array.from(this.#model.qpos0 as Float64Array);
    if (keyframe !== undefined) {
      const key = namesAt(this.#model, this.#model.name_keyadr).indexOf(keyframe);
      if (key < 0) this.#unknown('defaultPose.keyframe', keyframe, namesAt(this.#model, this.#model.name_keyadr));
      else
        configuration.splice(
          0,
          this.#model.nq,
          ...this.#model.key_qpos.slice(key * this.#model.nq, (key + 1) * this.#model.nq),
        );
    }
    const values = this.#values(
      table,
      settable.map((index) => this.#joints[index].name),
      'defaultPose.joints_rad',
    );
    settable.forEach((index, at) => {
      configuration[this.#joints[index].qposAddress] = values[at] ?? configuration[this.#joints[index].qposAddress];
    });
    this.#stop();
    const base = this.#joints.find((joint) => joint.type === 'free')!.qposAddress;
    configuration.splice(base, 2, 0, 0);
    const { qpos } = this.#simulation.views();
    qpos.set(configuration);
    this.#simulation.forward();
    const lowest = lowestPoint(this.#simulation, contactShapes(this.#model));
    if (!Number.isNaN(lowest)) configuration[base + 2] -= lowest;
    return configuration;
  }

  #positionLimit(index: number, side: 0 | 1): number {
    if (this.#limits.position.has(this.#joints[index].name)) return this.#model.jnt_range[2 * index + side];
    return side === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  /** The least of the joint's own limit and what its actuators can give. */
  #torqueLimit(index: number): number {
    const model = this.#model;
    const ofJoint = this.#limits.torque.has(this.#joints[index].name)
      ? (model.jnt_actfrcrange[2 * index + 1] as number)
      : Number.POSITIVE_INFINITY;
    const actuator = this.#actuatorOf(index);
    if (actuator === undefined) return ofJoint;
    const name = this.#actuatorNames[actuator];
    const gear = Math.abs(model.actuator_gear[6 * actuator]);
    const ofForce = this.#limits.force.has(name) ? model.actuator_forcerange[2 * actuator + 1] * gear : Infinity;
    const motor = model.actuator_biasprm[10 * actuator + 1] === 0;
    const ofControl =
      motor && this.#limits.control.has(name)
        ? model.actuator_ctrlrange[2 * actuator + 1] * model.actuator_gainprm[10 * actuator] * gear
        : Infinity;
    return Math.min(ofJoint, ofForce, ofControl);
  }

  #actuatorOf(index: number): number | undefined {
    for (let actuator = 0; actuator < this.#model.nu; actuator++) {
      const drives = this.#model.actuator_trntype[actuator] === JOINT_TRANSMISSION;
      if (drives && this.#model.actuator_trnid[2 * actuator] === index) return actuator;
    }
    return undefined;
  }

  #gains(
    table: ByName | undefined,
    names: readonly string[],
    key: string,
    fromModel: boolean,
    read: (actuator: number, joint: number) => number,
  ): number[] {
    if (!fromModel) return this.#required(table ?? {}, names, key);
    if (table !== undefined) {
      this.#findings.push({
        where: `${this.#where}: ${key}`,
        what: 'gains beside pd.mode position-actuator',
        expected: "none: the model's own position actuators are used as they are",
        fix: 'Remove them, or use pd.mode implicit.',
      });
    }
    return names.map((name) => {
      const joint = this.#joints.findIndex((one) => one.name === name);
      const actuator = this.#actuatorOf(joint);
      if (actuator !== undefined) return read(actuator, joint);
      this.#findings.push({ where: `${this.#where}: pd.mode`, what: `no actuator drives joint ${name}` });
      return Number.NaN;
    });
  }

  #required(table: ByName, names: readonly string[], key: string): number[] {
    const values = this.#values(table, names, key);
    const missing = names.filter((_, index) => values[index] === undefined);
    if (missing.length > 0) {
      this.#findings.push({
        where: `${this.#where}: ${key}`,
        what: 'joints without a value',
        found: listNames(missing),
        fix: 'Begin the table with a rule for all: "*".',
      });
    }
    return values.map((value) => value ?? Number.NaN);
  }

  #optional(table: ByName | undefined, names: readonly string[], key: string, model: readonly number[]): number[] {
    if (table === undefined) return [...model];
    return this.#values(table, names, key).map((value, index) => value ?? model[index]);
  }

  #values(table: ByName, names: readonly string[], key: string): readonly (number | undefined)[] {
    const { values, findings } = valuesByName(table, names, `${this.#where}: ${key}`);
    this.#findings.push(...findings);
    return values;
  }

  #jointIndex(name: string, key: string): number {
    const index = this.#joints.findIndex((joint) => joint.name === name);
    const single = this.#joints.filter((joint) => joint.type === 'hinge' || joint.type === 'slide');
    if (index < 0 || !single.includes(this.#joints[index])) {
      this.#unknown(
        key,
        name,
        single.map((joint) => joint.name),
      );
    }
    return index;
  }

  #bodyIndex(name: string, key: string): number {
    const index = this.#bodies.findIndex((body) => body.name === name);
    if (index < 0)
      this.#unknown(
        key,
        name,
        this.#bodies.map((body) => body.name),
      );
    return index;
  }

  #unknown(key: string, name: string, known: readonly string[]): void {
    const near = nearest(name, known);
    this.#findings.push({
      where: `${this.#where}: ${key}`,
      what: 'name that the model does not have',
      found: name,
      fix: near === undefined ? `The model has: ${listNames(known, 40)}` : `Did you mean "${near}"?`,
    });
  }

  #stop(): void {
    if (this.#findings.length > 0) throw new FindingsError(this.#findings);
  }
}

function readBodies(model: MjModel): RobotBody[] {
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

function readJoints(model: MjModel): RobotJoint[] {
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
