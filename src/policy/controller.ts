// Controller: what turns a robot's state and a velocity command into joint targets, for one robot or many at once.
//
// Foreign ONNX policies, NextGait bundles and baselines all implement it; recording and evaluation know nothing else.

import type { Random } from '../base/random.js';
import type { RobotIdentity } from '../robot/robot-model.js';

/** Sensor view of one robot at one control step. The arrays are views that the environment overwrites each step. */
export interface RobotState {
  /** Seconds since reset. */
  time_s: number;
  readonly basePosition_m: Float64Array; // [3] world
  readonly baseQuaternion: Float64Array; // [4] w x y z
  readonly baseAngularVelocity_radps: Float64Array; // [3] base frame
  readonly baseLinearVelocity_mps: Float64Array; // [3] base frame
  readonly projectedGravity: Float64Array; // [3] base frame
  readonly jointPosition_rad: Float64Array; // [joint]
  readonly jointVelocity_radps: Float64Array; // [joint]
  readonly torque_Nm: Float64Array; // [joint]
  readonly footContact: Float64Array; // [foot], 1 or 0
  /** Values of the model's named sensors that a controller asked for (an IMU in the torso, say). */
  readonly sensors: Readonly<Record<string, Float64Array>>;
}

/** Velocity commands as lower and upper ends: vx (m/s, forward), vy (m/s, left), wz (rad/s, counter-clockwise). */
export interface CommandRange {
  readonly vx_mps: readonly [number, number];
  readonly vy_mps: readonly [number, number];
  readonly wz_radps: readonly [number, number];
}

export interface Controller {
  readonly name: string;
  readonly robot: RobotIdentity;
  readonly rate_hz: number;
  /** How many robots one call serves at most; slots are numbered 0 .. slotCount - 1. */
  readonly slotCount: number;
  /** Commands it was made for; absent where that is not known. */
  readonly commandRange?: CommandRange;
  /** Names of the model's sensors that it reads from RobotState.sensors; absent where it reads none. */
  readonly sensors?: readonly string[];
  /**
   * Forgets the history of a slot. Call before the first act() of an episode.
   * @param random for what the controller itself draws anew in each episode; without it, nothing is drawn
   */
  reset(slot: number, random?: Random): void;
  /**
   * Computes the actions of `slots` from their states and commands.
   * @param slots which slots act now
   * @param states state by slot number
   * @param commands [slot, 3]: vx (m/s), vy (m/s), wz (rad/s)
   * @param actions written: [slot, joint] joint target minus default position (rad), in the robot's joint order
   */
  act(
    slots: readonly number[],
    states: readonly RobotState[],
    commands: Float64Array,
    actions: Float64Array,
  ): Promise<void>;
  /** The phase clock of a slot, where the controller walks by one: its phase can be read and set (rad). */
  clock?(slot: number): { advance_rad: number } | undefined;
  /**
   * A controller that commands torques has this: joint torques of one robot, wanted at every physics step. Its actions
   * are then zero, mean nothing and are not executed.
   * @param tick_s time since the torques before (s)
   * @param torques written: [joint] N m, in the robot's joint order
   */
  torques?(slot: number, state: RobotState, tick_s: number, torques: Float64Array): void;
  /**
   * Tells the controller what was executed in place of its last action (exploration noise, clipping), where it was
   * not the action itself: [slot, joint]. Its history must carry the executed action.
   */
  executed(slots: readonly number[], actions: Float64Array): void;
  dispose(): Promise<void>;
}
