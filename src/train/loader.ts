// Loader: the batches of one step after another, cut ahead of the step.
//
// Which windows make a batch is a function of seed, step and pass alone (batches.ts), so that every loader gives the same
// bits. This one cuts on the thread that trains, in a browser too; loader-pool.ts cuts in a worker thread.

import type { Batch, BatchMaker } from './batches.js';
import type { OptimiserConfig } from './train-config.js';

export interface BatchLoader {
  /**
   * The passes of the next step. They stay as they are until the next call.
   * @throws DataError where data cannot be read
   */
  next(): Promise<readonly Batch[]>;
  /** Told once the engine works on the batches of next(): a good moment to cut those after them. */
  ahead(): void;
  /** Ends what the loader started. */
  dispose(): Promise<void>;
}

/** Makes a loader whose first batches are those of `firstStep`, for an engine that takes so many steps at a time. */
export type OpenLoader = (firstStep: number, stepsPerCall: number) => Promise<BatchLoader>;

/** Cuts on this thread: an engine that does not hold it, as a GPU does, works meanwhile. */
export function localLoader(maker: BatchMaker, optimiser: OptimiserConfig, firstStep: number): BatchLoader {
  const allocate = () => Array.from({ length: optimiser.accumulate }, () => maker.allocate());
  let [current, upcoming] = [allocate(), allocate()];
  let step = firstStep; // of the batches that next() gives
  let cut = firstStep - 1; // last step that was cut
  const ahead = () => {
    if (cut === step || step >= optimiser.steps) return;
    for (const [pass, batch] of upcoming.entries()) maker.fill(batch, step, pass);
    cut = step;
  };
  return {
    ahead,
    async next() {
      ahead();
      [current, upcoming] = [upcoming, current];
      step += 1;
      return current;
    },
    async dispose() {},
  };
}
