// The robots of the development data, where it is beside the checkout.

import { join } from 'node:path';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';

export const DEVELOPMENT_DATA = join(import.meta.dirname, '../../../shared/data');

/** Compiles two models: slow on a busy machine. */
export async function loadDevelopmentRobots(): Promise<{ readonly t1: RobotModel; readonly g1: RobotModel }> {
  const t1 = await loadRobot('t1', { folders: [join(DEVELOPMENT_DATA, 'robots')] });
  const g1 = await loadRobot('g1');
  return { t1: t1.robot, g1: g1.robot };
}
