// The loader of Node: batches are cut by worker threads, some steps ahead, into memory that all threads see.
//
// ONNX Runtime's run holds the thread that calls it, so that only another thread can read and cut meanwhile. A worker has
// several steps to do at any time: it goes on while this thread is held. One worker cuts far faster than a step where the
// data is in memory. Where it is not, a batch is some hundred small reads, each of which may wait for the disk: several
// workers wait side by side.

import { existsSync } from 'node:fs';
import { packagePath } from '../base/files.js';
import { startWorkerPool } from '../base/worker-pool.js';
import { DATASET_DEFAULTS } from '../dataset/dataset.js';
import { allocateBatch, type BatchBuffers } from '../tokens/batch.js';
import type { BatchJob, BatchServerData, CutBatch } from './batch-server.js';
import type { Batch } from './batches.js';
import type { BatchLoader } from './loader.js';

/** Compiled: a worker runs no TypeScript. */
const SCRIPT = 'dist/src/train/batch-worker.js';

/** Workers that read data which is not in memory. */
const READERS = 4;

/** Share of the memory that is free that one worker may fill with the data. */
const MEMORY_SHARE = 1 / 4;

/** Steps that are cut ahead of those that the engine takes next, beside one for each worker. */
const LEAD = 1;

export interface LoaderPlan {
  readonly workers: number;
  /** Of each worker, for data. */
  readonly memoryBytes: number;
}

/** One worker with all data in memory where that leaves most of it free, else several that read. */
export function planLoader(dataBytes: number, freeBytes: number): LoaderPlan {
  if (dataBytes <= freeBytes * MEMORY_SHARE) return { workers: 1, memoryBytes: dataBytes };
  return { workers: READERS, memoryBytes: Math.min(DATASET_DEFAULTS.memoryBytes, freeBytes * MEMORY_SHARE) / READERS };
}

/** False where the package was not built, as in tests of its sources: then batches are cut on the thread that trains. */
export function canPoolBatches(): boolean {
  return existsSync(packagePath(SCRIPT));
}

/** @throws DataError where a worker cannot open the data */
export async function pooledLoader(
  data: Omit<BatchServerData, 'sets' | 'memoryBytes'>,
  { workers, memoryBytes }: LoaderPlan,
  firstStep: number,
  stepsPerCall: number,
): Promise<BatchLoader> {
  // One set of buffers for the step that was asked for last, the others for those after it: while the engine is at its
  // steps nobody asks, and all that it takes next are cut.
  const setCount = 1 + stepsPerCall + LEAD + workers;
  const { batch, accumulate, steps } = data.config.train;
  const sets = Array.from({ length: setCount }, () =>
    Array.from({ length: accumulate }, () => shared(allocateBatch(data.tokens, batch))),
  );
  const pool = await startWorkerPool<BatchServerData, BatchJob, readonly CutBatch[]>(
    SCRIPT,
    { ...data, sets, memoryBytes },
    workers,
    setCount,
  );
  const underWay: Promise<readonly Batch[]>[] = [];
  let asked = firstStep; // the step that the workers are asked for next
  const ask = () => {
    if (asked >= steps) return;
    const step = asked++;
    const set = step % setCount;
    const cut = pool
      .run({ step, set })
      .then((passes) => passes.map((pass, at): Batch => ({ buffers: sets[set][at], ...pass })));
    // A failure is seen where its step is asked for.
    cut.catch(() => {});
    underWay.push(cut);
  };
  // next() asks for one more: by then the set of the step before is free.
  for (let at = 0; at < setCount - 1; at++) ask();
  return {
    async next() {
      ask();
      const batches = await underWay.shift();
      if (batches === undefined) throw new Error('no step is left');
      return batches;
    },
    ahead() {},
    dispose: () => pool.dispose(),
  };
}

function shared(buffers: BatchBuffers): BatchBuffers {
  const share = ({ length }: BatchBuffers['values']) => new Float32Array(new SharedArrayBuffer(4 * length));
  return {
    values: share(buffers.values),
    present: share(buffers.present),
    targets: share(buffers.targets),
    weights: share(buffers.weights),
  };
}
