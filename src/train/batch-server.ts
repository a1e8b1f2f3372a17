// What cuts batches: a dataset and its labels, set up from plain data in a worker thread, one step's batches a job.

import type { JobServer } from '../base/worker-pool.js';
import { openDatasets } from '../dataset/dataset.js';
import type { RobotModel } from '../robot/robot-model.js';
import type { BatchBuffers } from '../tokens/batch.js';
import type { TokenSpec } from '../tokens/token-spec.js';
import { type Batch, createBatchMaker } from './batches.js';
import { heldOutBy } from './held-out.js';
import { type SharedCommands, withSharedCommands } from './shared-commands.js';
import type { TrainConfig } from './train-config.js';

export interface BatchServerData {
  readonly config: TrainConfig;
  readonly tokens: TokenSpec;
  readonly robot: RobotModel;
  /** Labels that replace recorded commands; absent where these are kept. */
  readonly commands?: SharedCommands;
  /** [set][pass], in shared memory: what jobs fill. */
  readonly sets: readonly (readonly BatchBuffers[])[];
  /** How much of the data may be held in memory. */
  readonly memoryBytes: number;
}

export interface BatchJob {
  readonly step: number;
  /** Buffers to fill. */
  readonly set: number;
}

/** Of each pass; its values are in the shared buffers. */
export type CutBatch = Pick<Batch, 'windows' | 'weight'>;

export async function batchServer(data: BatchServerData): Promise<JobServer<BatchJob, readonly CutBatch[]>> {
  const { config, tokens, robot, commands, sets, memoryBytes } = data;
  const { folders, sources } = config.data;
  // Every episode was checked when the statistics were taken; what is cut short since shows in reading.
  const dataset = await openDatasets(folders, { verify: 'never', memoryBytes });
  try {
    const source = commands === undefined ? dataset : withSharedCommands(dataset, commands);
    const maker = createBatchMaker(config.train, tokens, robot, source, {
      sourceWeights: sources,
      heldOut: heldOutBy(config),
    });
    return {
      async run({ step, set }) {
        const result = sets[set].map((buffers, pass): CutBatch => {
          const batch: Batch = { buffers, windows: [], weight: 0 };
          maker.fill(batch, step, pass);
          return { windows: batch.windows, weight: batch.weight };
        });
        return { result, transfer: [] };
      },
      dispose: async () => dataset.close(),
    };
  } catch (error) {
    dataset.close();
    throw error;
  }
}
