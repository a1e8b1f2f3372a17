// Model-based walking as a Controller: torques at every physics step from planned steps and whole-body inverse dynamics.
//
// It knows the robot's own description (masses, inertias, rotor inertias) and the true state; hidden dynamics of an
// episode, such as a payload, are unknown to it. Its commands are torques, so a log of it has no action.

import { DataError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { multiplyQuaternions, rotate, rotateInverse, rotationVector, yawOf } from '../math/quaternion.js';
import type { Controller, RobotState } from '../policy/controller.js';
import { matchingIndices } from '../robot/name-patterns.js';
import { identityOf, type RobotModel } from '../robot/robot-model.js';
import type { Sole } from './contact-wrench.js';
import { pendulumFrequency } from './dcm.js';
import { clamp } from './footsteps.js';
import type { ModelBasedConfig, ModelBasedRobot } from './model-based-config.js';
import { createRigidBody, GRAVITY_MPS2, updateRigidBody } from './rigid-body.js';
import { advanceWalker, resetWalker } from './walker.js';
import { createWalker, type Walker, type WalkerInput, type WalkerSettings } from './walker-state.js';
import { createWholeBody, type FootTask, solveWholeBody, updateFeet, type WholeBody } from './whole-body.js';

/** Wished accelerations stop here (m/s², rad/s²): after a blow one task must not throw the others over. */
const GREATEST_ACCELERATION = 80;

export interface ModelBasedOptions {
  readonly config: ModelBasedConfig;
  readonly robot: RobotModel;
  readonly slotCount: number;
  /** Told of each tick, for those who tune it. */
  readonly onTick?: (slot: number, walker: Walker, body: WholeBody) => void;
}

interface Slot {
  readonly walker: Walker;
  settings: WalkerSettings;
  readonly command: Float64Array;
  readonly torques: Float64Array;
  started: boolean;
  /** Physics steps since the reset. */
  stepCount: number;
  ground_m: number;
}

/** @throws DataError where the config does not describe the robot */
export function createModelBasedController(options: ModelBasedOptions): Controller {
  const { config, robot, slotCount, onTick } = options;
  const about = robotSettings(config, robot);
  const rigid = createRigidBody(robot);
  const body = createWholeBody(robot, rigid, solesOf(robot, about));
  const legs = new Set(about.legs.flatMap((pattern) => matchingIndices(pattern, robot.jointNames)));
  const positions = Float64Array.from(robot.defaultConfiguration);
  const velocities = new Float64Array(robot.velocitySize);
  updateRigidBody(rigid, positions, velocities);
  updateFeet(body);
  const floor = Math.min(...body.feet.map((foot) => foot.position_m[2]));
  const height_m = about.heightShare * (rigid.centreOfMass_m[2] - floor);
  const base = robot.joints.find((joint) => joint.type === 'free')!;
  const addresses = robot.jointIndices.map((index) => robot.joints[index]);
  const torqueLimit = robot.torqueLimit_Nm;
  const dcm = new Float64Array(2);
  const turn = new Float64Array(16);

  const slots = Array.from(
    { length: slotCount },
    (): Slot => ({
      walker: createWalker(),
      settings: walkerSettings(config, about, height_m, undefined),
      command: new Float64Array(3),
      torques: new Float64Array(robot.jointNames.length),
      started: false,
      stepCount: 0,
      ground_m: 0,
    }),
  );

  const readState = (state: RobotState): void => {
    const { qposAddress: place, dofAddress: dof } = base;
    for (let axis = 0; axis < 3; axis++) {
      positions[place + axis] = state.basePosition_m[axis];
      velocities[dof + 3 + axis] = state.baseAngularVelocity_radps[axis];
    }
    for (let k = 0; k < 4; k++) positions[place + 3 + k] = state.baseQuaternion[k];
    rotate(velocities, dof, state.baseQuaternion, 0, state.baseLinearVelocity_mps, 0);
    for (let joint = 0; joint < addresses.length; joint++) {
      positions[addresses[joint].qposAddress] = state.jointPosition_rad[joint];
      velocities[addresses[joint].dofAddress] = state.jointVelocity_radps[joint];
    }
    updateRigidBody(rigid, positions, velocities);
    updateFeet(body);
  };

  const compute = (slot: number, state: RobotState, step_s: number, torques: Float64Array): void => {
    const own = slots[slot];
    if (own.stepCount++ % config.period_steps === 0) think(slot, state, step_s * config.period_steps);
    torques.set(own.torques);
  };

  const think = (slot: number, state: RobotState, tick_s: number): void => {
    const own = slots[slot];
    const { walker, settings } = own;
    readState(state);
    for (let axis = 0; axis < 2; axis++) {
      dcm[axis] = rigid.centreOfMass_m[axis] + rigid.centreOfMassVelocity_mps[axis] / settings.omega;
    }
    const input: WalkerInput = {
      dcm_m: dcm,
      feet: body.feet,
      contact: state.footContact,
      heading_rad: yawOf(state.baseQuaternion, 0),
      command: own.command,
    };
    if (!own.started) {
      resetWalker(walker, input);
      own.ground_m = walker.ground_m;
      own.started = true;
    }
    advanceWalker(walker, settings, input, tick_s);
    // The centre of mass follows a change of ground within a step.
    own.ground_m += (walker.ground_m - own.ground_m) * Math.min(1, tick_s / 0.2);
    setTasks(own, state);
    if (solveWholeBody(body, config.weights, about, own.torques)) {
      for (let joint = 0; joint < own.torques.length; joint++) {
        const damping = about.dampedJoints ? robot.damping_Nmsprad[joint] * state.jointVelocity_radps[joint] : 0;
        own.torques[joint] = clamp(own.torques[joint] + damping, -torqueLimit[joint], torqueLimit[joint]);
      }
    }
    // Without a solution the torques of the tick before hold.
    onTick?.(slot, walker, body);
  };

  const setTasks = ({ walker, settings, ground_m }: Slot, state: RobotState): void => {
    const { feedback, weights } = config;
    const { omega } = settings;
    const centre = rigid.centreOfMass_m;
    for (let axis = 0; axis < 2; axis++) {
      body.centreOfMassAcceleration[axis] = omega * omega * (centre[axis] - walker.zmp_m[axis]);
    }
    body.centreOfMassAcceleration[2] =
      feedback.height[0] * (ground_m + height_m - centre[2]) - feedback.height[1] * rigid.centreOfMassVelocity_mps[2];
    for (let axis = 0; axis < 3; axis++) body.angularMomentumRate[axis] = -5 * rigid.angularMomentum[axis];
    setBase(walker, state);
    body.feet.forEach((foot, index) => {
      setFoot(foot, index, walker, settings);
    });
    for (let joint = 0; joint < addresses.length; joint++) {
      const error = robot.defaultPosition_rad[joint] - state.jointPosition_rad[joint];
      body.jointAcceleration[joint] =
        feedback.posture[0] * error - feedback.posture[1] * state.jointVelocity_radps[joint];
      body.jointWeight[joint] = legs.has(joint) ? weights.legPosture : weights.posture;
    }
  };

  const setBase = (walker: Walker, state: RobotState): void => {
    const [stiffness, damping] = config.feedback.base;
    const { heading_rad } = walker;
    turn.set([state.baseQuaternion[0], -state.baseQuaternion[1], -state.baseQuaternion[2], -state.baseQuaternion[3]]);
    turn.set([Math.cos(heading_rad / 2), 0, 0, Math.sin(heading_rad / 2)], 4);
    multiplyQuaternions(turn, 8, turn, 0, turn, 4);
    rotationVector(turn, 12, turn, 8);
    turn.set([0, 0, walker.command[2]], 4);
    rotateInverse(turn, 4, state.baseQuaternion, 0, turn, 4);
    for (let axis = 0; axis < 3; axis++) {
      const wanted = stiffness * turn[12 + axis] + damping * (turn[4 + axis] - state.baseAngularVelocity_radps[axis]);
      body.baseAngularAcceleration[axis] = clamp(wanted, -GREATEST_ACCELERATION, GREATEST_ACCELERATION);
    }
  };

  const setFoot = (foot: FootTask, index: number, walker: Walker, settings: WalkerSettings): void => {
    const { feedback, weights } = config;
    const weight_N = rigid.totalMass_kg * GRAVITY_MPS2;
    const swings = walker.phase === 'single' && index !== walker.stance;
    foot.inContact = !swings;
    foot.weight = swings ? weights.swing : weights.stance;
    foot.greatestForce_N = 3 * weight_N;
    if (!swings) {
      for (let k = 0; k < 6; k++) foot.acceleration[k] = -feedback.stanceDamping * foot.velocity[k];
      if (index !== walker.stance && walker.phase !== 'stand')
        foot.greatestForce_N = leavingForce(walker, settings) * weight_N;
      return;
    }
    const [stiffness, damping] = feedback.swing;
    for (let axis = 0; axis < 3; axis++) {
      const { position, velocity, acceleration } = walker.swing[axis];
      foot.acceleration[axis] =
        acceleration + stiffness * (position - foot.position_m[axis]) + damping * (velocity - foot.velocity[axis]);
    }
    // Sole level, toes along the heading: error as a rotation in the world frame.
    const { position, velocity, acceleration } = walker.swing[3];
    const at = 4 * foot.sole.body;
    const quaternion = rigid.pose.quaternion;
    turn.set([Math.cos(position / 2), 0, 0, Math.sin(position / 2)]);
    turn.set([quaternion[at], -quaternion[at + 1], -quaternion[at + 2], -quaternion[at + 3]], 4);
    multiplyQuaternions(turn, 8, turn, 0, turn, 4);
    rotationVector(turn, 12, turn, 8);
    for (let axis = 0; axis < 3; axis++) {
      const rate = axis === 2 ? velocity : 0;
      foot.acceleration[3 + axis] =
        (axis === 2 ? acceleration : 0) + stiffness * turn[12 + axis] + damping * (rate - foot.velocity[3 + axis]);
    }
    limit(foot.acceleration);
  };

  const limit = (values: Float64Array): void => {
    for (let k = 0; k < values.length; k++) {
      values[k] = clamp(values[k], -GREATEST_ACCELERATION, GREATEST_ACCELERATION);
    }
  };

  return {
    name: config.name,
    robot: identityOf(robot),
    rate_hz: robot.control.rate_hz,
    slotCount,
    commandRange: about.commands,
    reset(slot, random) {
      const own = slots[slot];
      own.settings = walkerSettings(config, about, height_m, random);
      own.torques.fill(0);
      own.started = false;
      own.stepCount = 0;
    },
    async act(active, _states, commands, actions) {
      for (const slot of active) {
        for (let axis = 0; axis < 3; axis++) slots[slot].command[axis] = commands[3 * slot + axis];
        actions.fill(0, slot * addresses.length, (slot + 1) * addresses.length);
      }
    },
    torques: compute,
    executed: () => {},
    dispose: async () => {},
  };
}

/** Greatest force of the foot that is about to leave the ground, as a share of the weight. */
function leavingForce({ phase, time_s }: Walker, { timing, shift_s }: WalkerSettings): number {
  const duration = phase === 'shift' ? shift_s : timing.doubleSupport_s;
  return Math.max(0.02, 1.5 * (1 - time_s / duration));
}

function walkerSettings(
  config: ModelBasedConfig,
  about: ModelBasedRobot,
  height_m: number,
  random: Random | undefined,
): WalkerSettings {
  const { gait, randomisation } = config;
  const drawn = (name: keyof ModelBasedConfig['randomisation']): number => {
    const range = randomisation[name];
    // One stream each: one range does not change what the others draw.
    return range === undefined || random === undefined ? gait[name] : random.split(name).uniform(...range);
  };
  const { sole, soleShare } = about;
  return {
    timing: { singleSupport_s: drawn('singleSupport_s'), doubleSupport_s: drawn('doubleSupport_s') },
    stepHeight_m: drawn('stepHeight_m'),
    groundHeight_m: drawn('groundHeight_m'),
    shift_s: gait.shift_s,
    acceleration: gait.acceleration,
    omega: pendulumFrequency(height_m, GRAVITY_MPS2),
    dcmGain: config.feedback.dcm,
    step: config.step,
    stride: about,
    halfLength_m: soleShare * sole.halfLength_m,
    halfWidth_m: soleShare * sole.halfWidth_m,
  };
}

function robotSettings(config: ModelBasedConfig, robot: RobotModel): ModelBasedRobot {
  const about = config.robots[robot.name];
  if (about === undefined) {
    throw new DataError({
      where: `controller ${config.name}: robots`,
      what: 'robot that it has no settings for',
      expected: `one of ${Object.keys(config.robots).join(', ')}`,
      found: robot.name,
      fix: 'Copy the config and describe the robot there.',
    });
  }
  const actuated = robot.jointIndices.length;
  const isTree = robot.velocitySize === actuated + 6;
  if (!isTree || robot.feet.length !== 2) {
    throw new DataError({
      where: `controller ${config.name}: robot ${robot.name}`,
      what: 'robot that it cannot walk',
      expected: 'a free base, two feet, and a motor at every joint',
      found: `${robot.feet.length} feet, ${robot.velocitySize - 6} joint coordinates, ${actuated} motors`,
    });
  }
  return about;
}

function solesOf(robot: RobotModel, { sole }: ModelBasedRobot): Sole[] {
  const [x, y, z] = sole.centre_m;
  return robot.feet.map((body, index) => ({ ...sole, body, centre_m: [x, index === 0 ? y : -y, z] }));
}
