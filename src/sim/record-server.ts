// What records episodes: a controller and an environment, made from plain data, in a worker thread or in this one.

import { Environment } from './environment.js';
import { loadController } from './load-controller.js';
import type { LoadedRobot } from './load-robot.js';
import { buffersOf, type RecordedEpisode, type RecordPlan, recordEpisode } from './record.js';
import type { JobServer } from './worker-pool.js';

export interface RecordServerData {
  readonly plan: RecordPlan;
  readonly loaded: LoadedRobot;
  readonly controller: { readonly reference: string; readonly weights?: string };
}

/** Sets up a recorder; its jobs are episode numbers. */
export async function recordServer(data: RecordServerData): Promise<JobServer<number, RecordedEpisode>> {
  const { plan, loaded, controller: source } = data;
  const controller = await loadController(source.reference, { robot: loaded.robot, weights: source.weights });
  const environment = await Environment.create(loaded, { sensors: controller.sensors });
  return {
    async run(number) {
      const result = await recordEpisode(plan, environment, controller, number);
      return { result, transfer: buffersOf(result) };
    },
    async dispose() {
      environment.dispose();
      await controller.dispose();
    },
  };
}
