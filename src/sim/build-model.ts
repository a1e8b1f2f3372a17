// From model files and a robot config to a compiled MuJoCo model, by editing MuJoCo's own spec.
//
// First pass (no robot yet): what the file lacks is added - a floor, a free joint. Second pass: PD gains, torque limits,
// armature and friction loss are written into the model, so that a control step needs one write of targets, and the
// integrator can treat damping implicitly. Torque is clipped as a whole, stiffness and damping together.

import { DataError } from '../base/errors.js';
import { valuesByName } from '../robot/name-patterns.js';
import type { RobotConfig } from '../robot/robot-config.js';
import type { PdMode, RobotModel } from '../robot/robot-model.js';
import { addTerrain } from './add-terrain.js';
import type { Engine, MjModel, MjSpec, ModelFiles, MujocoModule } from './mujoco.js';
import type { TerrainKind } from './terrain.js';

export const FLOOR_NAME = 'floor';
/** Prefix of the sensors that are added, one for each foot. */
export const FOOT_SENSOR = 'nextgait_contact_';

/** Limits of joints and actuators that the bindings cannot read from a compiled model, by element name. */
export interface LimitFlags {
  readonly position: ReadonlySet<string>;
  readonly torque: ReadonlySet<string>;
  readonly control: ReadonlySet<string>;
  readonly force: ReadonlySet<string>;
}

export interface BuiltModel {
  readonly model: MjModel;
  readonly limits: LimitFlags;
}

/**
 * Compiles a model. The caller owns it.
 * @param robot absent in the first pass, which reads the robot; given, its gains and limits are written
 * @param terrain what is on the floor; nothing where absent
 */
export function buildModel(
  engine: Engine,
  source: ModelFiles,
  config: RobotConfig,
  robot?: RobotModel,
  terrain: TerrainKind = 'flat',
): BuiltModel {
  const spec = engine.parse(source);
  try {
    const { module } = engine;
    if (/\.urdf$/i.test(source.main)) keepUrdfAsWritten(spec);
    addFreeJoint(module, spec, source.main);
    addFloor(module, spec, config.floor.friction);
    addTerrain(module, spec, terrain);
    spec.option.timestep = config.control.physicsTimestep_s;
    // A diverged state must stay visible: MuJoCo would silently put the robot back to its initial pose.
    spec.option.disableflags |= enumerationValue(module.mjtDisableBit.mjDSBL_AUTORESET);
    const limits = readLimitFlags(module, spec);
    if (robot !== undefined) {
      writeIntegrator(module, spec, robot, source.main);
      const joints = jointSettings(robot, config);
      for (const joint of joints) writeJoint(module, spec, joint, robot.pdMode);
      for (const name of config.lockedJoints) lockJoint(module, spec, name, robot);
      for (const foot of robot.feet) addFootSensor(module, spec, robot.bodies[foot].name);
    }
    return { model: engine.compile(spec, source.main), limits };
  } finally {
    spec.delete();
  }
}

/** The bindings give enumeration members as objects with a value. */
function enumerationValue(member: unknown): number {
  return (member as { readonly value: number }).value;
}

/** Links behind fixed joints stay bodies, and meshes are where model-source.ts found them. */
function keepUrdfAsWritten(spec: MjSpec): void {
  spec.compiler.fusestatic = false;
  spec.compiler.meshdir = '';
  spec.strippath = false;
}

function addFreeJoint(module: MujocoModule, spec: MjSpec, where: string): void {
  const free = elements(module, spec, module.mjtObj.mjOBJ_JOINT)
    .map((element) => module.mjs_asJoint(element)!)
    .some((joint) => enumerationValue(joint.type) === enumerationValue(module.mjtJoint.mjJNT_FREE));
  if (free) return;
  const world = module.mjs_findBody(spec, 'world')!;
  const first = module.mjs_firstChild(world, module.mjtObj.mjOBJ_BODY, 0);
  if (!first) throw new DataError({ where, what: 'number of bodies', expected: 'at least one', found: 'none' });
  const joint = module.mjs_addFreeJoint(module.mjs_asBody(first)!)!;
  module.mjs_setName(joint.element, 'floating_base');
}

function addFloor(module: MujocoModule, spec: MjSpec, friction: number): void {
  const world = module.mjs_findBody(spec, 'world')!;
  if (module.mjs_firstChild(world, module.mjtObj.mjOBJ_GEOM, 0)) return;
  const defaults = module.mjs_getSpecDefault(spec)!;
  const floor = module.mjs_addGeom(world, defaults)!;
  module.mjs_setName(floor.element, FLOOR_NAME);
  floor.type = module.mjtGeom.mjGEOM_PLANE;
  floor.size.set([0, 0, 1]);
  floor.contype = 1;
  floor.conaffinity = 1;
  floor.condim = 3;
  floor.friction[0] = friction;
}

/** The second half of the step alone knows Euler and the implicit integrators. */
function writeIntegrator(module: MujocoModule, spec: MjSpec, robot: RobotModel, where: string): void {
  const { mjINT_EULER, mjINT_IMPLICITFAST, mjINT_RK4 } = module.mjtIntegrator;
  if (robot.pdMode === 'implicit') spec.option.integrator = enumerationValue(mjINT_IMPLICITFAST);
  else if (robot.pdMode === 'explicit') spec.option.integrator = enumerationValue(mjINT_EULER);
  else if (spec.option.integrator === enumerationValue(mjINT_RK4)) {
    throw new DataError({
      where,
      what: 'integrator',
      expected: 'Euler, implicit or implicitfast',
      found: 'RK4',
      fix: 'Change the integrator in the model, or use another pd.mode, which sets it.',
    });
  }
}

interface JointSettings {
  readonly name: string;
  readonly stiffness_Nmprad: number;
  readonly damping_Nmsprad: number;
  readonly armature_kgm2: number;
  readonly torqueLimit_Nm: number;
  /** Absent: the model's own. */
  readonly frictionLoss_Nm?: number;
  readonly passiveDamping_Nmsprad?: number;
}

function jointSettings(robot: RobotModel, config: RobotConfig): JointSettings[] {
  const { jointNames } = robot;
  const friction = valuesByName(config.frictionLoss_Nm ?? {}, jointNames, '').values;
  const damping = valuesByName(config.passiveDamping_Nmsprad ?? {}, jointNames, '').values;
  return jointNames.map((name, joint) => ({
    name,
    stiffness_Nmprad: robot.stiffness_Nmprad[joint],
    damping_Nmsprad: robot.damping_Nmsprad[joint],
    armature_kgm2: robot.armature_kgm2[joint],
    torqueLimit_Nm: robot.torqueLimit_Nm[joint],
    frictionLoss_Nm: friction[joint],
    passiveDamping_Nmsprad: damping[joint],
  }));
}

function writeJoint(module: MujocoModule, spec: MjSpec, settings: JointSettings, mode: PdMode): void {
  const { name, stiffness_Nmprad: stiffness, damping_Nmsprad: damping, torqueLimit_Nm: limit } = settings;
  const joint = module.mjs_asJoint(module.mjs_findElement(spec, module.mjtObj.mjOBJ_JOINT, name)!)!;
  joint.armature = settings.armature_kgm2;
  if (settings.frictionLoss_Nm !== undefined) joint.frictionloss = settings.frictionLoss_Nm;
  if (settings.passiveDamping_Nmsprad !== undefined) fill(joint.damping, [settings.passiveDamping_Nmsprad]);
  if (mode === 'position-actuator') return;

  const { mjLIMITED_FALSE, mjLIMITED_TRUE } = module.mjtLimited;
  joint.actfrclimited = mjLIMITED_FALSE;
  const [first, ...others] = actuatorsOf(module, spec, name);
  for (const other of others) module.mjs_delete(spec, other.element);
  const actuator = first ?? module.mjs_addActuator(spec, module.mjs_getSpecDefault(spec)!)!;
  if (first === undefined) {
    module.mjs_setName(actuator.element, name);
    actuator.target = name;
    actuator.trntype = module.mjtTrn.mjTRN_JOINT;
  }
  actuator.dyntype = module.mjtDyn.mjDYN_NONE;
  actuator.gaintype = module.mjtGain.mjGAIN_FIXED;
  actuator.biastype = module.mjtBias.mjBIAS_AFFINE;
  fill(actuator.gainprm, [stiffness]);
  fill(actuator.biasprm, [0, -stiffness, -damping]);
  fill(actuator.gear, [1]);
  fill(actuator.damping, []);
  actuator.armature = 0;
  actuator.inheritrange = 0;
  actuator.ctrllimited = mjLIMITED_FALSE;
  actuator.forcelimited = Number.isFinite(limit) ? mjLIMITED_TRUE : mjLIMITED_FALSE;
  if (Number.isFinite(limit)) fill(actuator.forcerange, [-limit, limit]);
}

/** An equality constraint holds the joint at its default position. */
function lockJoint(module: MujocoModule, spec: MjSpec, name: string, robot: RobotModel): void {
  const joint = robot.joints.find((one) => one.name === name)!;
  const lock = module.mjs_addEquality(spec, module.mjs_getSpecDefault(spec)!)!;
  lock.type = module.mjtEq.mjEQ_JOINT;
  lock.objtype = module.mjtObj.mjOBJ_JOINT;
  lock.name1 = name;
  // Offset from the model's reference position.
  fill(lock.data, [robot.defaultConfiguration[joint.qposAddress] - joint.reference]);
}

function actuatorsOf(module: MujocoModule, spec: MjSpec, joint: string) {
  return elements(module, spec, module.mjtObj.mjOBJ_ACTUATOR)
    .map((element) => module.mjs_asActuator(element)!)
    .filter(
      (one) => one.target === joint && enumerationValue(one.trntype) === enumerationValue(module.mjtTrn.mjTRN_JOINT),
    );
}

function addFootSensor(module: MujocoModule, spec: MjSpec, body: string): void {
  const sensor = module.mjs_addSensor(spec)!;
  module.mjs_setName(sensor.element, FOOT_SENSOR + body);
  sensor.type = module.mjtSensor.mjSENS_CONTACT;
  // The foot and what hangs on it, against what belongs to the world.
  sensor.objtype = module.mjtObj.mjOBJ_XBODY;
  sensor.objname = body;
  sensor.reftype = module.mjtObj.mjOBJ_BODY;
  sensor.refname = 'world';
  // Data: whether a contact was found (bit 0); no reduction; one slot.
  sensor.intprm.set([1, 0, 1]);
}

function readLimitFlags(module: MujocoModule, spec: MjSpec): LimitFlags {
  const automatic = spec.compiler.autolimits;
  const limited = (flag: unknown, range: ArrayLike<number>) =>
    enumerationValue(flag) === enumerationValue(module.mjtLimited.mjLIMITED_TRUE) ||
    (enumerationValue(flag) === enumerationValue(module.mjtLimited.mjLIMITED_AUTO) &&
      automatic &&
      range[0] !== range[1]);
  const { mjOBJ_JOINT, mjOBJ_ACTUATOR } = module.mjtObj;
  const joints = elements(module, spec, mjOBJ_JOINT).map((element) => module.mjs_asJoint(element)!);
  const actuators = elements(module, spec, mjOBJ_ACTUATOR).map((element) => module.mjs_asActuator(element)!);
  const names = <T extends { element: Parameters<typeof module.mjs_getName>[0] }>(
    all: T[],
    test: (one: T) => boolean,
  ) => new Set(all.filter(test).map((one) => module.mjs_getName(one.element)));
  return {
    position: names(joints, (one) => limited(one.limited, one.range)),
    torque: names(joints, (one) => limited(one.actfrclimited, one.actfrcrange)),
    control: names(actuators, (one) => limited(one.ctrllimited, one.ctrlrange) || one.inheritrange > 0),
    force: names(actuators, (one) => limited(one.forcelimited, one.forcerange)),
  };
}

function elements(module: MujocoModule, spec: MjSpec, type: Parameters<typeof module.mjs_firstElement>[1]) {
  const all = [];
  for (let at = module.mjs_firstElement(spec, type); at; at = module.mjs_nextElement(spec, at)) all.push(at);
  return all;
}

function fill(target: Float64Array, values: readonly number[]): void {
  target.fill(0);
  target.set(values);
}
