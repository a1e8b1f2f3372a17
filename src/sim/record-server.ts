// What records episodes: a controller (and perhaps its teacher) and an environment, made from plain data, in a worker
// thread or in this one.

import { Random } from '../base/random.js';
import type { JobServer } from '../base/worker-pool.js';
import { Environment } from './environment.js';
import { loadController } from './load-controller.js';
import type { LoadedRobot } from './load-robot.js';
import { buffersOf, type RecordedEpisode, type RecordPlan, recordEpisode } from './record.js';
import { relabellingController } from './relabel.js';
import { loadTeacher } from './teacher.js';

export interface RecordServerData {
  readonly plan: RecordPlan;
  readonly loaded: LoadedRobot;
  readonly controller: ControllerReference;
  /** Who labels, where `plan.teacher` says that somebody does. */
  readonly teacher?: ControllerReference;
}

export interface ControllerReference {
  readonly reference: string;
  readonly weights?: string;
}

/** Sets up a recorder; its jobs are episode numbers. */
export async function recordServer(data: RecordServerData): Promise<JobServer<number, RecordedEpisode>> {
  const { plan, loaded, teacher } = data;
  const load = ({ reference, weights }: ControllerReference, slots = 1) =>
    loadController(reference, { robot: loaded.robot, weights, slots });
  const driver = await load(data.controller);
  const relabelling =
    teacher &&
    relabellingController(driver, await loadTeacher((slots) => load(teacher, slots)), plan.teacher?.share ?? 0);
  const controller = relabelling ?? driver;
  const environment = await Environment.create(loaded, { sensors: controller.sensors });
  return {
    async run(number) {
      relabelling?.begin(new Random(plan.seed).split('driver', number));
      const result = await recordEpisode(plan, environment, controller, number, relabelling?.label);
      return { result, transfer: buffersOf(result) };
    },
    async dispose() {
      environment.dispose();
      await controller.dispose();
    },
  };
}
