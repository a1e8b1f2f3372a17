// Rollouts: a controller in physics under command schedules and disturbances, many robots at once.
//
// Recording and evaluation are this one loop with different callbacks. Trials queue over the environments; at each
// control step the controller serves all robots that are under way in one call. What happens in a trial follows from
// the trial alone: not from the environment that runs it, nor from its neighbours (as far as the controller's own
// arithmetic is independent of them).

import type { Random } from '../base/random.js';
import type { Controller, RobotState } from '../policy/controller.js';
import { type CommandSchedule, commandAt } from './command-schedule.js';
import { actionNoiseSource, addSensorNoise, type Disturbance } from './disturbance.js';
import type { Environment, ResetOptions } from './environment.js';

export interface Trial {
  readonly duration_s: number;
  readonly commands: CommandSchedule;
  readonly disturbance: Disturbance;
  /** Everything random in the trial is drawn from streams split from this. */
  readonly random: Random;
  /** Start and dynamics; its random stream is set from the trial's. */
  readonly start?: Omit<ResetOptions, 'random'>;
}

/** One control step, before physics acts on it. Arrays are views that hold during the callback only. */
export interface RolloutStep<T extends Trial> {
  readonly trial: T;
  readonly slot: number;
  /** Control steps since the reset. */
  readonly frame: number;
  /** The true state. */
  readonly state: RobotState;
  /** The state as the controller saw it: with sensor noise, where the trial has any. */
  readonly observed: RobotState;
  /** vx (m/s), vy (m/s), wz (rad/s). */
  readonly command: Float64Array;
  /** The controller's action: joint target minus default position (rad). */
  readonly action: Float64Array;
  /** The action with noise, as it goes to the motors. */
  readonly executedAction: Float64Array;
}

export interface RolloutEnd<T extends Trial> {
  readonly trial: T;
  readonly slot: number;
  /** Control steps made. */
  readonly frameCount: number;
  /** True where the robot fell, which ends a trial early. */
  readonly fell: boolean;
  /** The true state after the last step; a view, valid until the callback's result is settled. */
  readonly state: RobotState;
}

export interface RollOutOptions<T extends Trial> {
  /** As many robots as are simulated side by side. They must have what the controller's `sensors` name. */
  readonly environments: readonly Environment[];
  /** Serves slots 0 .. environments.length - 1. */
  readonly controller: Controller;
  readonly trials: Iterable<T>;
  readonly onStep?: (step: RolloutStep<T>) => void;
  readonly onEnd?: (end: RolloutEnd<T>) => void | Promise<void>;
  /** Once aborted, no further trial is begun; those that are under way are finished. */
  readonly signal?: AbortSignal;
}

/** Runs every trial to its end. Allocates per trial, not per step. */
export async function rollOut<T extends Trial>(options: RollOutOptions<T>): Promise<void> {
  const { environments, controller, onStep, onEnd, signal } = options;
  requireFit(environments, controller);
  const jointCount = controller.robot.jointNames.length;
  const commands = new Float64Array(3 * environments.length);
  const actions = new Float64Array(jointCount * environments.length);
  const executed = actions.slice();
  const noise = new Float64Array(jointCount);
  const runs = new Array<Run<T> | undefined>(environments.length).fill(undefined);
  const queue = options.trials[Symbol.iterator]();

  const begin = (slot: number): Run<T> | undefined => {
    const next = signal?.aborted ? undefined : queue.next();
    if (next === undefined || next.done) return undefined;
    controller.reset(slot, next.value.random.split('controller'));
    return beginRun(next.value, slot, environments[slot], controller, { commands, actions, executed });
  };

  for (;;) {
    for (let slot = 0; slot < runs.length; slot++) runs[slot] ??= begin(slot);
    const active = runs.filter((run) => run !== undefined);
    if (active.length === 0) return;
    const slots = active.map((run) => run.slot);
    for (const run of active) observe(run, commands, controller.rate_hz);
    // By slot number: slots without a trial are not among `slots`, so their state is never read.
    const observed = environments.map((environment, slot) => runs[slot]?.observed ?? environment.state);
    await controller.act(slots, observed, commands, actions);
    executed.set(actions);
    for (const run of active) disturbAction(run, noise);
    controller.executed(slots, executed);
    for (const run of active) {
      onStep?.(run);
      advance(run, controller);
      const { slot, environment } = run;
      if (run.frame < run.frameCount && !environment.fallen) continue;
      runs[slot] = undefined;
      await onEnd?.({ trial: run.trial, slot, frameCount: run.frame, fell: environment.fallen, state: run.state });
    }
  }
}

/** A trial under way. It is its own RolloutStep, so that a step makes no object. */
interface Run<T extends Trial> extends RolloutStep<T> {
  readonly environment: Environment;
  readonly frameCount: number;
  readonly sensorRandom: Random;
  readonly actionNoise: ((out: Float64Array) => void) | undefined;
  frame: number;
  kicksDone: number;
}

interface Buffers {
  readonly commands: Float64Array;
  readonly actions: Float64Array;
  readonly executed: Float64Array;
}

function beginRun<T extends Trial>(
  trial: T,
  slot: number,
  environment: Environment,
  controller: Controller,
  { commands, actions, executed }: Buffers,
): Run<T> {
  const jointCount = controller.robot.jointNames.length;
  const drive = controller.torques === undefined ? 'targets' : 'torques';
  environment.reset({ ...trial.start, drive, random: trial.random.split('start') });
  const { actionNoise, sensorNoise } = trial.disturbance;
  const { state } = environment;
  return {
    trial,
    slot,
    environment,
    frame: 0,
    frameCount: Math.max(1, Math.round(trial.duration_s * environment.robot.control.rate_hz)),
    state,
    observed: sensorNoise === undefined ? state : withOwnSensors(state),
    command: commands.subarray(3 * slot, 3 * slot + 3),
    action: actions.subarray(jointCount * slot, jointCount * (slot + 1)),
    executedAction: executed.subarray(jointCount * slot, jointCount * (slot + 1)),
    sensorRandom: trial.random.split('sensor noise'),
    actionNoise: actionNoise && actionNoiseSource(actionNoise, jointCount, trial.random.split('action noise')),
    kicksDone: 0,
  };
}

/** A state whose noisy channels have arrays of their own; the others stay the environment's. */
function withOwnSensors(state: RobotState): RobotState {
  return {
    ...state,
    baseAngularVelocity_radps: state.baseAngularVelocity_radps.slice(),
    projectedGravity: state.projectedGravity.slice(),
    jointPosition_rad: state.jointPosition_rad.slice(),
    jointVelocity_radps: state.jointVelocity_radps.slice(),
  };
}

function observe<T extends Trial>(run: Run<T>, commands: Float64Array, rate_hz: number): void {
  commandAt(run.trial.commands, run.frame / rate_hz, commands, 3 * run.slot);
  const { sensorNoise } = run.trial.disturbance;
  if (sensorNoise === undefined) return;
  run.observed.time_s = run.state.time_s;
  addSensorNoise(run.observed, run.state, sensorNoise, run.sensorRandom);
}

function disturbAction<T extends Trial>(run: Run<T>, noise: Float64Array): void {
  if (run.actionNoise === undefined) return;
  run.actionNoise(noise);
  for (let joint = 0; joint < noise.length; joint++) run.executedAction[joint] += noise[joint];
}

/** Kicks that fall due, then one control step of physics. */
function advance<T extends Trial>(run: Run<T>, controller: Controller): void {
  const { rate_hz } = controller;
  const { kicks } = run.trial.disturbance;
  const time_s = run.frame / rate_hz;
  while (run.kicksDone < kicks.length && kicks[run.kicksDone].time_s <= time_s + 1e-9) {
    run.environment.push(kicks[run.kicksDone].velocityChange_mps);
    run.kicksDone++;
  }
  if (controller.torques === undefined) run.environment.step(run.executedAction);
  else stepByTorques(run, controller);
  run.frame++;
}

/** Torques follow the true state at every physics step: noise of the sensors does not reach them. */
function stepByTorques<T extends Trial>({ slot, environment, state }: Run<T>, controller: Controller): void {
  const tick_s = environment.robot.control.physicsTimestep_s;
  environment.stepTorques((torques) => controller.torques!(slot, state, tick_s, torques));
}

function requireFit(environments: readonly Environment[], controller: Controller): void {
  if (environments.length > controller.slotCount) {
    throw new RangeError(`${environments.length} environments for a controller of ${controller.slotCount} slots`);
  }
  for (const { robot, state } of environments) {
    if (robot.hash !== controller.robot.hash) {
      throw new Error(`controller ${controller.name} is for robot ${controller.robot.name}, not this ${robot.name}`);
    }
    if (robot.control.rate_hz !== controller.rate_hz) {
      throw new Error(
        `controller ${controller.name} runs at ${controller.rate_hz} Hz, the robot at ${robot.control.rate_hz}`,
      );
    }
    const missing = controller.sensors?.filter((name) => state.sensors[name] === undefined) ?? [];
    if (missing.length > 0) throw new Error(`environment without the sensors ${missing.join(', ')}`);
  }
}
