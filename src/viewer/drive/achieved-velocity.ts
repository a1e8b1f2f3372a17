// How fast the robot goes in the frame that commands are given in: forward, left, and turning; now and on average.
//
// A walking base sways with every step, so that a velocity at one moment says little: the mean over a gait cycle or more
// is what a command asks for.

import { rotate, yawOf } from '../../math/quaternion.js';
import type { RobotState } from '../../policy/controller.js';

export type Velocity = [vx_mps: number, vy_mps: number, wz_radps: number];

/** Velocity of the base in its heading frame at this moment. */
export function headingVelocity(
  state: Pick<RobotState, 'baseQuaternion' | 'baseLinearVelocity_mps' | 'baseAngularVelocity_radps'>,
): Velocity {
  const world = new Float64Array(6);
  rotate(world, 0, state.baseQuaternion, 0, state.baseLinearVelocity_mps, 0);
  rotate(world, 3, state.baseQuaternion, 0, state.baseAngularVelocity_radps, 0);
  const yaw = yawOf(state.baseQuaternion, 0);
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  return [c * world[0] + s * world[1], -s * world[0] + c * world[1], world[5]];
}

export interface VelocityMean {
  add(velocity: Readonly<Velocity>): void;
  /** Mean of what was added last, as many steps as the mean is over. */
  mean(): Velocity;
  reset(): void;
}

/** @param steps control steps that the mean is over */
export function createVelocityMean(steps: number): VelocityMean {
  const ring = new Float64Array(3 * steps);
  let count = 0;
  return {
    add(velocity) {
      ring.set(velocity, 3 * (count++ % steps));
    },
    mean() {
      const held = Math.min(count, steps);
      const sums: Velocity = [0, 0, 0];
      for (let step = 0; step < held; step++) for (let axis = 0; axis < 3; axis++) sums[axis] += ring[3 * step + axis];
      return held === 0 ? sums : [sums[0] / held, sums[1] / held, sums[2] / held];
    },
    reset() {
      count = 0;
    },
  };
}
