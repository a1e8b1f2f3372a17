// MuJoCo as oracle of kinematics: random configurations of any model, and what MuJoCo makes of them.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../src/base/random.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import type { Simulation } from '../../src/sim/mujoco.js';

/** Robots that are not bundled; tests that need them are skipped where the folder is absent. */
export const SHARED_ROBOTS = join(import.meta.dirname, '../../../shared/data/robots');
export const HAS_SHARED_ROBOTS = existsSync(SHARED_ROBOTS);

type Tree = Pick<RobotModel, 'joints' | 'positionSize' | 'velocitySize'>;

/** A whole qpos: positions within 2 m, angles within ±2.5 rad, unit quaternions of any direction. */
export function randomConfiguration(tree: Tree, random: Random): Float64Array {
  const configuration = new Float64Array(tree.positionSize);
  for (const joint of tree.joints) {
    const at = joint.qposAddress;
    if (joint.type === 'free') {
      for (let k = 0; k < 3; k++) configuration[at + k] = random.uniform(-2, 2);
      configuration.set(randomQuaternion(random), at + 3);
    } else if (joint.type === 'ball') configuration.set(randomQuaternion(random), at);
    else configuration[at] = random.uniform(-2.5, 2.5);
  }
  return configuration;
}

export function randomQuaternion(random: Random): number[] {
  const parts = [random.normal(), random.normal(), random.normal(), random.normal()];
  const length = Math.hypot(...parts);
  return parts.map((part) => part / length);
}

/** Runs mj_kinematics and mj_comPos, which Jacobians need, at a configuration. */
export function placeOracle(simulation: Simulation, configuration: Float64Array): void {
  const { module } = simulation.engine;
  simulation.views().qpos.set(configuration);
  module.mj_kinematics(simulation.model, simulation.data);
  module.mj_comPos(simulation.model, simulation.data);
}

/** mj_jacBody as [6, velocitySize]: linear rows, then angular ones. @param body numbered as in RobotModel */
export function oracleJacobian(simulation: Simulation, body: number): Float64Array {
  const { module } = simulation.engine;
  const size = 3 * simulation.model.nv;
  const linear = new module.DoubleBuffer(size);
  const angular = new module.DoubleBuffer(size);
  try {
    module.mj_jacBody(simulation.model, simulation.data, linear, angular, body + 1);
    const jacobian = new Float64Array(2 * size);
    jacobian.set(linear.GetView());
    jacobian.set(angular.GetView(), size);
    return jacobian;
  } finally {
    linear.delete();
    angular.delete();
  }
}

/** Largest absolute difference; NaN counts as infinite. */
export function largestDifference(left: ArrayLike<number>, right: ArrayLike<number>): number {
  if (left.length !== right.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let at = 0; at < left.length; at++) {
    const difference = Math.abs(left[at] - right[at]);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}
