// Environment: one robot in MuJoCo, stepped at its control rate by actions (joint target minus default position, rad).
//
// PD gains, torque limits and armature are in the compiled model (build-model.ts), so a control step crosses into WASM
// twice per physics step and copies the state out once. The state is exact at the control instant: contacts and
// position and velocity sensors are those of the new state; torque and acceleration sensors those of the last physics
// step. The same seed gives the same bits.

import { deepFreeze } from '../base/config.js';
import { DataError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { multiplyQuaternions, projectedGravity, rotate, rotateInverse } from '../math/quaternion.js';
import type { RobotState } from '../policy/controller.js';
import type { RobotModel } from '../robot/robot-model.js';
import { type Addresses, emptyState, findAddresses } from './addresses.js';
import { buildModel } from './build-model.js';
import { contactShapes, lowestPoint } from './contact-geometry.js';
import type { LoadedRobot } from './load-robot.js';
import { Engine, Simulation } from './mujoco.js';
import { applyRandomisation, type NominalDynamics, type Randomisation, readNominal } from './randomisation.js';
import type { TerrainKind } from './terrain.js';
import { applyDrive, type Drive, readControlRange } from './torque-drive.js';

export interface FallCriteria {
  /** Tilt of the base from upright (rad). */
  readonly tilt_rad: number;
  /** Height of the base as a share of its standing height. */
  readonly heightShare: number;
}

export const FALL_CRITERIA: FallCriteria = deepFreeze({ tilt_rad: Math.PI / 3, heightShare: 0.5 });

export interface EnvironmentOptions {
  /** Engine to simulate with; a new one where absent. Environments of one thread may share it. */
  readonly engine?: Engine;
  /** Sensors of the model to read into `state.sensors`, by name. */
  readonly sensors?: readonly string[];
  readonly fall?: Partial<FallCriteria>;
  /** The ground; flat where absent. */
  readonly terrain?: TerrainKind;
}

export interface ResetOptions {
  /** Needed where something below is random. */
  readonly random?: Random;
  /** Joint positions start this far from the default at most, evenly drawn and within limits (rad). */
  readonly jointNoise_rad?: number;
  /** Joint velocities start this far from zero at most (rad/s). */
  readonly jointVelocityNoise_radps?: number;
  /** Heading at the start (rad); `random` for any. */
  readonly yaw_rad?: number | 'random';
  /** Dynamics of the episode; the model's own where absent. */
  readonly randomisation?: Randomisation;
  /** What the motors take until the next reset: step() for `targets`, the default; stepTorques() for `torques`. */
  readonly drive?: Drive;
}

export class Environment {
  readonly robot: RobotModel;
  /** Overwritten by reset(), step(), push() and setConfiguration(). */
  readonly state: RobotState;
  /** Physics steps in a control step. */
  readonly substepCount: number;
  readonly #simulation: Simulation;
  readonly #addresses: Addresses;
  readonly #nominal: NominalDynamics;
  readonly #controlRange: Float64Array;
  readonly #shapes: ReturnType<typeof contactShapes>;
  readonly #fall: FallCriteria;
  readonly #target_rad: Float64Array;
  #delayed: Float64Array[] = [];
  #drive: Drive = 'targets';
  #stepCount = 0;

  private constructor(loaded: LoadedRobot, simulation: Simulation, options: EnvironmentOptions) {
    const { robot } = loaded;
    this.robot = robot;
    this.substepCount = Math.round(1 / (robot.control.rate_hz * robot.control.physicsTimestep_s));
    this.#simulation = simulation;
    this.#addresses = findAddresses(loaded, simulation, options.sensors ?? []);
    this.#nominal = readNominal(simulation.model);
    this.#controlRange = readControlRange(simulation.model);
    this.#shapes = contactShapes(simulation.model);
    this.#fall = { ...FALL_CRITERIA, ...options.fall };
    this.#target_rad = new Float64Array(robot.jointNames.length);
    this.state = emptyState(robot, this.#addresses);
    this.reset();
  }

  /** @throws DataError for a sensor that the model does not have */
  static async create(loaded: LoadedRobot, options: EnvironmentOptions = {}): Promise<Environment> {
    const engine = options.engine ?? (await Engine.load());
    const { model } = buildModel(engine, loaded.source, loaded.config, loaded.robot, options.terrain);
    const simulation = new Simulation(engine, model);
    try {
      return new Environment(loaded, simulation, options);
    } catch (error) {
      simulation.dispose();
      throw error;
    }
  }

  /** Default pose, feet on the floor, at rest, with the options' variations. */
  reset(options: ResetOptions = {}): void {
    const { robot } = this;
    const simulation = this.#simulation;
    const drawn = options.randomisation ?? {};
    this.#drive = options.drive ?? 'targets';
    if (this.#applyDynamics(drawn)) simulation.updateConstants();
    simulation.reset();
    const { qpos, qvel } = simulation.views();
    qpos.set(robot.defaultConfiguration);
    this.#varyStart(qpos, qvel, options);
    this.#delayed = Array.from(
      { length: drawn.actionDelay_steps ?? 0 },
      () => new Float64Array(robot.jointNames.length),
    );
    if (this.#drive === 'targets') this.#writeTargets(this.#target_rad.fill(0), 0);
    this.#stepCount = 0;
    simulation.forward();
    this.#readState();
  }

  /**
   * One control step.
   * @param actions joint target minus default position (rad), in the robot's joint order, from `offset` on
   * @throws DataError where one is not finite
   */
  step(actions: Float64Array, offset = 0): void {
    this.#writeTargets(actions, offset);
    this.#simulation.step(this.substepCount);
    this.#stepCount++;
    this.#readState();
  }

  /**
   * One control step of a robot whose motors take torques (see ResetOptions.drive).
   * @param law writes the torques wanted (N m), in the robot's joint order, from `state`, which is exact at each call
   * @throws DataError where one is not finite
   */
  stepTorques(law: (torques: Float64Array) => void): void {
    const { physicsTimestep_s } = this.robot.control;
    const start_s = this.state.time_s;
    for (let substep = 0; substep < this.substepCount; substep++) {
      this.state.time_s = start_s + substep * physicsTimestep_s;
      law(this.#target_rad);
      this.#writeTorques(this.#target_rad);
      this.#simulation.step(1);
      if (substep === this.substepCount - 1) this.#stepCount++;
      this.#readState();
    }
  }

  /** Adds to the base's linear velocity (m/s, world frame): x, y and, where given, z. */
  push(velocityChange_mps: ArrayLike<number>): void {
    const { qvel } = this.#simulation.views();
    const count = Math.min(3, velocityChange_mps.length);
    for (let axis = 0; axis < count; axis++) qvel[this.#addresses.baseVelocity + axis] += velocityChange_mps[axis];
    this.#simulation.updateState();
    this.#readState();
  }

  /**
   * A force on a body (N, world frame) that acts at a point of it during the steps that follow, until the next call for
   * that body or reset().
   * @param body index in the robot's bodies
   * @param point_m in the body's frame
   */
  applyForce(body: number, point_m: ArrayLike<number>, force_N: ArrayLike<number>): void {
    const { data } = this.#simulation;
    const id = body + 1;
    const arm = new Float64Array(3);
    rotate(arm, 0, data.xquat as Float64Array, 4 * id, point_m, 0);
    for (let axis = 0; axis < 3; axis++) arm[axis] += data.xpos[3 * id + axis] - data.xipos[3 * id + axis];
    const [x, y, z] = arm;
    const [fx, fy, fz] = [force_N[0], force_N[1], force_N[2]];
    // Force and torque about the body's centre of mass.
    const wrench = [fx, fy, fz, y * fz - z * fy, z * fx - x * fz, x * fy - y * fx];
    (data.xfrc_applied as Float64Array).set(wrench, 6 * id);
  }

  /** Changes friction, payload and motor strength in the midst of an episode; an action delay needs a reset(). */
  setDynamics(dynamics: Omit<Randomisation, 'actionDelay_steps'>): void {
    const simulation = this.#simulation;
    const configuration = this.configuration();
    const velocity = this.velocity();
    if (!this.#applyDynamics(dynamics)) return;
    simulation.updateConstants();
    this.setConfiguration(configuration, velocity);
  }

  /** True where the base is tilted or low beyond the fall criteria, and where the simulation has diverged. */
  get fallen(): boolean {
    const upright = -this.state.projectedGravity[2];
    const height = this.state.basePosition_m[2];
    // Written so that a NaN counts as a fall.
    return !(
      upright >= Math.cos(this.#fall.tilt_rad) && height >= this.#fall.heightShare * this.robot.standingHeight_m
    );
  }

  /** A copy of the whole qpos [positionSize]. */
  configuration(): Float64Array {
    return this.#simulation.views().qpos.slice();
  }

  /** A copy of the whole qvel [velocitySize]. */
  velocity(): Float64Array {
    return this.#simulation.views().qvel.slice();
  }

  /** Puts the robot into a state; the velocity is zero where it is not given. */
  setConfiguration(configuration: ArrayLike<number>, velocity?: ArrayLike<number>): void {
    const { qpos, qvel } = this.#simulation.views();
    qpos.set(configuration);
    if (velocity === undefined) qvel.fill(0);
    else qvel.set(velocity);
    this.#simulation.forward();
    this.#readState();
  }

  /** Frees the model and its data. The environment must not be used after. */
  dispose(): void {
    this.#simulation.dispose();
  }

  #varyStart(qpos: Float64Array, qvel: Float64Array, options: ResetOptions): void {
    const { jointNoise_rad = 0, jointVelocityNoise_radps = 0, yaw_rad = 0, random } = options;
    if (random === undefined && (jointNoise_rad > 0 || jointVelocityNoise_radps > 0 || yaw_rad === 'random')) {
      throw new Error('Environment.reset: a random start needs options.random');
    }
    const { basePosition, jointPosition, jointVelocity } = this.#addresses;
    const { lower_rad, upper_rad } = this.robot;
    // Each variation has its own stream: one option does not change what the others draw.
    const yaw = yaw_rad === 'random' ? random!.split('yaw').uniform(-Math.PI, Math.PI) : yaw_rad;
    if (yaw !== 0) {
      const turn = [Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)];
      multiplyQuaternions(qpos, basePosition + 3, turn, 0, qpos.slice(basePosition + 3, basePosition + 7), 0);
    }
    if (jointNoise_rad > 0) {
      const positions = random!.split('joint position');
      for (let joint = 0; joint < jointPosition.length; joint++) {
        const varied = qpos[jointPosition[joint]] + positions.uniform(-jointNoise_rad, jointNoise_rad);
        qpos[jointPosition[joint]] = Math.min(upper_rad[joint], Math.max(lower_rad[joint], varied));
      }
      this.#standOnFloor(qpos);
    }
    if (jointVelocityNoise_radps > 0) {
      const velocities = random!.split('joint velocity');
      for (let joint = 0; joint < jointVelocity.length; joint++) {
        qvel[jointVelocity[joint]] = velocities.uniform(-jointVelocityNoise_radps, jointVelocityNoise_radps);
      }
    }
  }

  #standOnFloor(qpos: Float64Array): void {
    this.#simulation.updateState();
    const lowest = lowestPoint(this.#simulation, this.#shapes);
    if (!Number.isNaN(lowest)) qpos[this.#addresses.basePosition + 2] -= lowest;
  }

  /** @returns true where the model's derived constants must be computed again */
  #applyDynamics(drawn: Randomisation): boolean {
    const { model } = this.#simulation;
    const changed = applyRandomisation(model, this.#nominal, this.#addresses, drawn);
    applyDrive(model, this.#controlRange, this.#addresses, drawn, this.#drive);
    return changed;
  }

  #writeTorques(torques: Float64Array): void {
    const { ctrl } = this.#simulation.views();
    const { actuators } = this.#addresses;
    for (let joint = 0; joint < actuators.length; joint++) {
      if (!Number.isFinite(torques[joint])) this.#refuse(torques[joint], joint);
      ctrl[actuators[joint]] = torques[joint];
    }
  }

  /** Control of every actuator: default plus action, late by the episode's delay. */
  #writeTargets(actions: Float64Array, offset: number): void {
    const { ctrl } = this.#simulation.views();
    const { actuators } = this.#addresses;
    const { defaultPosition_rad } = this.robot;
    let source = actions;
    let from = offset;
    const oldest = this.#delayed.shift();
    if (oldest !== undefined) {
      this.#target_rad.set(oldest);
      oldest.set(actions.subarray(offset, offset + oldest.length));
      this.#delayed.push(oldest);
      source = this.#target_rad;
      from = 0;
    }
    for (let joint = 0; joint < actuators.length; joint++) {
      const target = defaultPosition_rad[joint] + source[from + joint];
      if (!Number.isFinite(target)) this.#refuse(source[from + joint], joint);
      ctrl[actuators[joint]] = target;
    }
  }

  /** MuJoCo would replace every control by zero and go on. */
  #refuse(action: number, joint: number): never {
    throw new DataError({
      where: `robot ${this.robot.name}: action of ${this.robot.jointNames[joint]} at ${this.state.time_s} s`,
      what: 'joint target',
      expected: 'a finite number',
      found: String(action),
      fix: 'The policy has diverged, or was given what it was not trained for.',
    });
  }

  #readState(): void {
    const { qpos, qvel, actuatorForceOfDof, sensordata } = this.#simulation.views();
    const { basePosition, baseVelocity, jointPosition, jointVelocity, footSensor, sensors } = this.#addresses;
    const { state } = this;
    state.time_s = this.#stepCount / this.robot.control.rate_hz;
    for (let axis = 0; axis < 3; axis++) {
      state.basePosition_m[axis] = qpos[basePosition + axis];
      // MuJoCo's free joint has its angular velocity in the body frame, its linear velocity in the world frame.
      state.baseAngularVelocity_radps[axis] = qvel[baseVelocity + 3 + axis];
    }
    for (let k = 0; k < 4; k++) state.baseQuaternion[k] = qpos[basePosition + 3 + k];
    rotateInverse(state.baseLinearVelocity_mps, 0, state.baseQuaternion, 0, qvel, baseVelocity);
    projectedGravity(state.projectedGravity, 0, state.baseQuaternion, 0);
    for (let joint = 0; joint < jointPosition.length; joint++) {
      state.jointPosition_rad[joint] = qpos[jointPosition[joint]];
      state.jointVelocity_radps[joint] = qvel[jointVelocity[joint]];
      state.torque_Nm[joint] = actuatorForceOfDof[jointVelocity[joint]];
    }
    for (let foot = 0; foot < footSensor.length; foot++)
      state.footContact[foot] = sensordata[footSensor[foot]] > 0 ? 1 : 0;
    for (const { name, address, width } of sensors) {
      const values = state.sensors[name];
      for (let k = 0; k < width; k++) values[k] = sensordata[address + k];
    }
  }
}
