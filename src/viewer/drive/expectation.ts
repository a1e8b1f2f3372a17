// What the model expects to see next, as a pose that can be drawn, and how far what came was from it.
//
// An observation has no place and no heading. The ghost stands where the robot will be if it keeps its velocity; its
// tilt, turn and joints are the model's. Surprise is the root mean square of the error in units of the normaliser: 1 is
// as wrong as guessing the mean.

import { multiplyQuaternions, rotate, yawOf } from '../../math/quaternion.js';
import type { PolicyBundle } from '../../policy/bundle.js';
import type { RobotState } from '../../policy/controller.js';
import { createObservationWriter } from '../../policy/observation.js';

export interface GhostPose {
  readonly basePosition_m: Float64Array; // [3]
  readonly baseQuaternion: Float64Array; // [4]
  readonly jointPosition_rad: Float64Array; // [joint]
}

export interface ExpectationReader {
  /** False where the observation lacks what a pose needs. */
  readonly hasPose: boolean;
  /** The pose one control step ahead. @param expected [m] raw units. The result is overwritten by the next call. */
  pose(expected: ArrayLike<number>, state: RobotState): GhostPose;
  /** How far the observation of a state is from what was expected of it; the command, which is the user's, left out. */
  surprise(expected: ArrayLike<number>, state: RobotState): number;
}

export function createExpectationReader({ tokens, robot, normaliser }: PolicyBundle): ExpectationReader {
  const offsetOf = (name: (typeof tokens.channels)[number]['name']) =>
    tokens.channels.find((channel) => channel.name === name)?.offset;
  const joints = offsetOf('jointPosition');
  const gravity = offsetOf('projectedGravity');
  const gyro = offsetOf('baseAngularVelocity');
  const step_s = 1 / tokens.rate_hz;
  const ghost: GhostPose = {
    basePosition_m: new Float64Array(3),
    baseQuaternion: new Float64Array(4),
    jointPosition_rad: new Float64Array(robot.jointNames.length),
  };
  const world = new Float64Array(3);
  const tilt = new Float64Array(4);
  const writeObservation = createObservationWriter(tokens, robot);
  const seen = new Float64Array(tokens.observationWidth);
  const noCommand = new Float64Array(3);
  const judged = tokens.channels
    .filter(({ name }) => name !== 'command')
    .flatMap(({ offset, width }) => Array.from({ length: width }, (_, at) => offset + at));

  return {
    hasPose: joints !== undefined && gravity !== undefined,
    pose(expected, state) {
      rotate(world, 0, state.baseQuaternion, 0, state.baseLinearVelocity_mps, 0);
      for (let axis = 0; axis < 3; axis++) {
        ghost.basePosition_m[axis] = state.basePosition_m[axis] + step_s * world[axis];
      }
      if (gyro === undefined) world.fill(0);
      else
        rotate(
          world,
          0,
          state.baseQuaternion,
          0,
          Array.from({ length: 3 }, (_, axis) => expected[gyro + axis]),
          0,
        );
      const yaw = yawOf(state.baseQuaternion, 0) + step_s * world[2];
      tiltOfGravity(tilt, expected, gravity ?? 0);
      multiplyQuaternions(ghost.baseQuaternion, 0, [Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)], 0, tilt, 0);
      for (let joint = 0; joint < ghost.jointPosition_rad.length; joint++) {
        ghost.jointPosition_rad[joint] = robot.defaultPosition_rad[joint] + expected[(joints ?? 0) + joint];
      }
      return ghost;
    },
    surprise(expected, state) {
      writeObservation(state, noCommand, 0, seen, 0);
      let sum = 0;
      for (const at of judged) sum += ((expected[at] - seen[at]) / normaliser.deviation[at]) ** 2;
      return Math.sqrt(sum / judged.length);
    },
  };
}

/** The orientation without heading under which gravity points as given, in the base frame: pitch, then roll. */
export function tiltOfGravity(out: Float64Array, gravity: ArrayLike<number>, at: number): void {
  const length = Math.hypot(gravity[at], gravity[at + 1], gravity[at + 2]) || 1;
  const pitch = Math.asin(Math.min(1, Math.max(-1, gravity[at] / length)));
  const roll = Math.atan2(-gravity[at + 1], -gravity[at + 2]);
  const aboutY = [Math.cos(pitch / 2), 0, Math.sin(pitch / 2), 0];
  const aboutX = [Math.cos(roll / 2), Math.sin(roll / 2), 0, 0];
  multiplyQuaternions(out, 0, aboutY, 0, aboutX, 0);
}
