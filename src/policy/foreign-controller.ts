// ForeignController: a policy trained elsewhere, run from its config (foreign-config.ts) and its ONNX network.
//
// It translates both ways: sensor values to the policy's observation, network output to joint targets as NextGait
// means them (target minus the robot's default position, in the robot's joint order). Histories, last actions and
// phase clocks are kept for each slot.

import { DataError, listNames } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { indexByName } from '../robot/index-by-name.js';
import { identityOf, type RobotIdentity, type RobotModel } from '../robot/robot-model.js';
import type { CommandRange, Controller, RobotState } from './controller.js';
import type { ForeignPolicyConfig } from './foreign-config.js';
import { ForeignNetwork, type OnnxModule } from './foreign-session.js';
import { advanceObservation, compileObservation, type ObservationLayout } from './observation-terms.js';
import { resolvePerJoint } from './per-joint.js';
import { PhaseClock } from './phase-clock.js';
import { checkRobot } from './robot-requirements.js';

export interface ForeignControllerOptions {
  readonly config: ForeignPolicyConfig;
  /** Names the config in messages. */
  readonly where: string;
  readonly robot: RobotModel;
  /** The ONNX file's content. */
  readonly network: Uint8Array;
  /** onnxruntime-node or onnxruntime-web. */
  readonly onnx: OnnxModule;
  readonly slotCount: number;
}

interface Slot {
  /** The whole observation, history included: [layout.size]. */
  readonly observation: Float32Array;
  /** Previous network output, clipped, in the policy's joint order. */
  readonly lastAction: Float64Array;
  readonly phases: Float64Array;
  readonly clock: PhaseClock | undefined;
  /** Whether it has acted since reset. */
  hasActed: boolean;
}

export class ForeignController implements Controller {
  readonly name: string;
  readonly robot: RobotIdentity;
  readonly rate_hz: number;
  readonly slotCount: number;
  readonly commandRange: CommandRange;
  readonly sensors: readonly string[];
  readonly #config: ForeignPolicyConfig;
  readonly #network: ForeignNetwork;
  readonly #layout: ObservationLayout;
  readonly #slots: readonly Slot[];
  readonly #jointCount: number;
  /** Index in the robot's joint order of each of the policy's joints. */
  readonly #robotIndices: Int32Array;
  readonly #scale: Float64Array;
  /** The policy's default minus the robot's default, in the policy's joint order (rad). */
  readonly #offset_rad: Float64Array;

  private constructor(options: ForeignControllerOptions, plan: Plan, network: ForeignNetwork) {
    const { config, robot, slotCount } = options;
    this.name = config.name;
    this.robot = identityOf(robot);
    this.rate_hz = config.rate_hz;
    this.slotCount = slotCount;
    this.commandRange = config.commands;
    this.sensors = plan.layout.sensors;
    this.#config = config;
    this.#network = network;
    this.#layout = plan.layout;
    this.#jointCount = robot.jointNames.length;
    this.#robotIndices = plan.robotIndices;
    this.#scale = plan.scale;
    this.#offset_rad = plan.defaultPosition_rad.map(
      (position, joint) => position - robot.defaultPosition_rad[plan.robotIndices[joint]],
    );
    this.#slots = Array.from({ length: slotCount }, () => ({
      observation: new Float32Array(plan.layout.size),
      lastAction: new Float64Array(config.joints.length),
      phases: new Float64Array(config.phase?.offsets_rad.length ?? 0),
      clock: config.phase && new PhaseClock(config.phase, config.rate_hz),
      hasActed: false,
    }));
  }

  /** @throws DataError or FindingsError where config, network and robot do not fit together */
  static async load(options: ForeignControllerOptions): Promise<ForeignController> {
    const plan = makePlan(options);
    const network = await ForeignNetwork.load(options.onnx, options.network, {
      input: options.config.onnx.input,
      output: options.config.onnx.output,
      inputSize: plan.layout.size,
      outputSize: options.config.joints.length,
      rowCount: options.slotCount,
      where: `${options.where}: onnx`,
    });
    return new ForeignController(options, plan, network);
  }

  reset(slot: number): void {
    const { clock, lastAction } = this.#slots[slot];
    clock?.reset();
    lastAction.fill(0);
    this.#slots[slot].hasActed = false;
  }

  clock(slot: number): PhaseClock | undefined {
    return this.#slots[slot].clock;
  }

  async act(
    slots: readonly number[],
    states: readonly RobotState[],
    commands: Float64Array,
    actions: Float64Array,
  ): Promise<void> {
    const size = this.#layout.size;
    for (let row = 0; row < slots.length; row++) {
      const number = slots[row];
      const command = commands.subarray(3 * number, 3 * number + 3);
      this.#network.input.set(this.#observe(this.#slots[number], states[number], command), row * size);
    }
    await this.#network.run(slots.length);
    const policyJointCount = this.#robotIndices.length;
    const [low, high] = this.#config.action.clip ?? [-Infinity, Infinity];
    for (let row = 0; row < slots.length; row++) {
      const slot = this.#slots[slots[row]];
      const at = slots[row] * this.#jointCount;
      actions.fill(0, at, at + this.#jointCount);
      for (let joint = 0; joint < policyJointCount; joint++) {
        const raw = Math.min(high, Math.max(low, this.#network.output[row * policyJointCount + joint]));
        slot.lastAction[joint] = raw;
        actions[at + this.#robotIndices[joint]] = this.#scale[joint] * raw + this.#offset_rad[joint];
      }
      slot.hasActed = true;
    }
  }

  executed(slots: readonly number[], actions: Float64Array): void {
    if (this.#config.action.remembers === 'own') return;
    for (const number of slots) {
      const { lastAction } = this.#slots[number];
      for (let joint = 0; joint < lastAction.length; joint++) {
        const action = actions[number * this.#jointCount + this.#robotIndices[joint]];
        lastAction[joint] = (action - this.#offset_rad[joint]) / this.#scale[joint];
      }
    }
  }

  /** The observation that the slot's last action was computed from: a view, valid until the next act(). */
  observation(slot: number): Float32Array {
    return this.#slots[slot].observation;
  }

  async dispose(): Promise<void> {
    await this.#network.dispose();
  }

  #observe(slot: Slot, state: RobotState, command: Float64Array): Float32Array {
    const { observation, lastAction, phases, clock, hasActed } = slot;
    clock?.tick(command, phases);
    advanceObservation(this.#layout, observation, { state, command, lastAction, phases }, !hasActed);
    return observation;
  }
}

interface Plan {
  readonly layout: ObservationLayout;
  readonly robotIndices: Int32Array;
  readonly scale: Float64Array;
  readonly defaultPosition_rad: Float64Array;
}

/** Everything that follows from config and robot alone. */
function makePlan({ config, where, robot }: ForeignControllerOptions): Plan {
  const robotIndices = jointMap(config, robot, where);
  const standing = config.phase?.standing;
  if (standing !== undefined && standing.phases_rad.length !== config.phase?.offsets_rad.length) {
    throw new DataError({
      where: `${where}: phase.standing.phases_rad`,
      what: 'number of phases',
      expected: `${config.phase?.offsets_rad.length}, as offsets_rad`,
      found: String(standing.phases_rad.length),
    });
  }
  if (config.rate_hz !== robot.control.rate_hz) {
    throw new DataError({
      where: `${where}: rate_hz`,
      what: `control rate of robot ${robot.name}`,
      expected: `${config.rate_hz} Hz`,
      found: `${robot.control.rate_hz} Hz`,
    });
  }
  checkRobot(config.requires, robot, config.joints, robotIndices, where);
  const scale = resolvePerJoint(config.action.scale, config.joints, `${where}: action.scale`);
  if (config.action.remembers === 'executed' && scale.includes(0)) {
    throw new DataError({
      where: `${where}: action.scale`,
      what: 'scale 0 cannot be inverted to remember what was executed',
    });
  }
  const defaultPosition_rad =
    config.defaultPosition_rad === 'robot'
      ? Float64Array.from(robotIndices, (joint) => robot.defaultPosition_rad[joint])
      : resolvePerJoint(config.defaultPosition_rad, config.joints, `${where}: defaultPosition_rad`, 0);
  const layout = compileObservation(config.observation, {
    joints: config.joints,
    robotIndices,
    defaultPosition_rad,
    phaseCount: config.phase?.offsets_rad.length ?? 0,
    where,
  });
  return { layout, robotIndices, scale, defaultPosition_rad };
}

function jointMap(config: ForeignPolicyConfig, robot: RobotModel, where: string): Int32Array {
  if (config.otherJoints === 'refuse')
    return indexByName(robot.jointNames, config.joints, `${where}: joints, on robot ${robot.name}`);
  const repeated = config.joints.filter((name, index) => config.joints.indexOf(name) !== index);
  if (repeated.length > 0)
    throw new DataError({ where: `${where}: joints`, what: 'repeated joints', found: listNames(repeated) });
  return Int32Array.from(config.joints, (name) => {
    const index = robot.jointNames.indexOf(name);
    if (index >= 0) return index;
    const near = nearest(name, robot.jointNames);
    throw new DataError({
      where: `${where}: joints`,
      what: `joint that robot ${robot.name} does not have`,
      found: name,
      fix: near === undefined ? undefined : `Did you mean "${near}"?`,
    });
  });
}
