// The loader of Node: batches are cut by a worker thread, some steps ahead, into memory that both threads see.
//
// ONNX Runtime's run holds the thread that calls it, so that only another thread can read and cut meanwhile. The worker
// has several steps to do at any time: it goes on while this thread is held.

import { existsSync } from 'node:fs';
import { packagePath } from '../base/files.js';
import { startWorkerPool } from '../base/worker-pool.js';
import { allocateBatch, type BatchBuffers } from '../tokens/batch.js';
import type { BatchJob, BatchServerData, CutBatch } from './batch-server.js';
import type { Batch } from './batches.js';
import type { BatchLoader } from './loader.js';

/** Compiled: a worker runs no TypeScript. */
const SCRIPT = 'dist/src/train/batch-worker.js';

/** Sets of buffers: one for the step that the engine is at, the others for the steps after it. */
const SETS = 4;

/** False where the package was not built, as in tests of its sources: then batches are cut on the thread that trains. */
export function canPoolBatches(): boolean {
  return existsSync(packagePath(SCRIPT));
}

/** @throws DataError where the worker cannot open the data */
export async function pooledLoader(data: Omit<BatchServerData, 'sets'>, firstStep: number): Promise<BatchLoader> {
  const { batch, accumulate, steps } = data.config.train;
  const sets = Array.from({ length: SETS }, () =>
    Array.from({ length: accumulate }, () => shared(allocateBatch(data.tokens, batch))),
  );
  const pool = await startWorkerPool<BatchServerData, BatchJob, readonly CutBatch[]>(
    SCRIPT,
    { ...data, sets },
    1,
    SETS,
  );
  const underWay: Promise<readonly Batch[]>[] = [];
  let asked = firstStep; // steps that the worker was asked for so far
  const ask = () => {
    if (asked >= steps) return;
    const step = asked++;
    const set = step % SETS;
    const cut = pool
      .run({ step, set })
      .then((passes) => passes.map((pass, at): Batch => ({ buffers: sets[set][at], ...pass })));
    // A failure is seen where its step is asked for.
    cut.catch(() => {});
    underWay.push(cut);
  };
  // next() asks for one more: by then the set of the step before is free.
  for (let at = 0; at < SETS - 1; at++) ask();
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
