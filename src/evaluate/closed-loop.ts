// Closed loop: every contender through the same trials in physics, spread over worker threads.
//
// Jobs go block of trials by block of trials through all contenders, so that an interrupted evaluation has compared them
// on the same trials, only fewer.

import { inOrder, startWorkerPool } from '../base/worker-pool.js';
import { CONDITIONS, type PlannedTrial } from './trial-plan.js';
import type { Trace } from './trial-recorder.js';
import { createTrialServer, type TrialJob, type TrialOutcome, type TrialServerData } from './trial-server.js';

export interface ClosedLoopOptions extends TrialServerData {
  readonly trials: readonly PlannedTrial[];
  /** Trials whose traces are wanted, and of which contenders. */
  readonly traced: readonly PlannedTrial[];
  readonly tracedContenders: readonly string[];
  /** A trial for traces alone, of the contenders above. */
  readonly extra?: PlannedTrial;
  /** Told of the first `count` trials of each condition of the contenders above, in an order that is always the same. */
  readonly save?: { readonly count: number; readonly onTrial: (trial: TracedTrial) => Promise<void> };
  readonly workers: number;
  /** Awaited once, when the first trials are done and before anybody is told of them. */
  readonly onFirst?: () => Promise<unknown>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (trialsDone: number, trialsInAll: number) => void;
}

export interface TracedTrial {
  /** Key of the contender. */
  readonly contender: string;
  readonly planned: PlannedTrial;
  readonly trace: Trace;
}

export interface ClosedLoopResult {
  /** A trial of a contender that was run to its end. */
  readonly outcomes: readonly (TrialOutcome & { readonly contender: string; readonly planned: PlannedTrial })[];
  readonly complete: boolean;
}

export async function runClosedLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
  const jobs = planJobs(options);
  const trialsInAll = jobs.reduce((sum, job) => sum + job.trials.length, 0);
  const outcomes: ClosedLoopResult['outcomes'][number][] = [];
  const { robot, contenders, engine, slots, duration_s, settle_s } = options;
  // Fewer trials than slots need fewer robots; as many for every job.
  const most = Math.max(...jobs.map((job) => job.trials.length));
  const data = { robot, contenders, engine, slots: Math.min(slots, most), duration_s, settle_s };
  const server = await startServer(data, Math.min(options.workers, jobs.length));
  try {
    let finished = 0;
    for await (const results of inOrder(jobs, server.run, server.size, options.signal)) {
      if (finished === 0) await options.onFirst?.();
      const { contender, trials, traced, saved } = jobs[finished++];
      for (const result of results) {
        const planned = trials.find(({ number }) => number === result.number)!;
        const { trace } = result;
        if (saved.includes(result.number) && trace !== undefined) {
          await options.save?.onTrial({ contender, planned, trace });
        }
        outcomes.push({ ...result, contender, planned, trace: traced.includes(result.number) ? trace : undefined });
      }
      options.onProgress?.(outcomes.length, trialsInAll);
    }
    return { outcomes, complete: finished === jobs.length };
  } finally {
    await server.dispose();
  }
}

function planJobs(options: ClosedLoopOptions): TrialJob[] {
  const { trials, traced, tracedContenders, contenders, slots, extra } = options;
  const jobs: TrialJob[] = [];
  const saveCount = options.save?.count ?? 0;
  const last = Math.max(...trials.map(({ number }) => number));
  for (let from = 0; from <= last; from += slots) {
    for (const condition of CONDITIONS) {
      const block = trials.filter(
        (one) => one.condition === condition && one.number >= from && one.number < from + slots,
      );
      if (block.length === 0) continue;
      for (const { key } of contenders) {
        const isTraced = tracedContenders.includes(key);
        const numbers = traced.filter((one) => isTraced && block.includes(one)).map(({ number }) => number);
        const saved = isTraced ? block.map(({ number }) => number).filter((number) => number < saveCount) : [];
        jobs.push({ contender: key, trials: block, traced: numbers, saved });
      }
    }
  }
  if (extra !== undefined) {
    for (const contender of tracedContenders)
      jobs.push({ contender, trials: [extra], traced: [extra.number], saved: [] });
  }
  return jobs;
}

interface Server {
  readonly size: number;
  run(job: TrialJob): Promise<TrialOutcome[]>;
  dispose(): Promise<void>;
}

/** One worker is this thread itself. */
async function startServer(data: TrialServerData, workers: number): Promise<Server> {
  if (workers > 1) return startWorkerPool('dist/src/evaluate/evaluate-worker.js', data, workers);
  const server = await createTrialServer(data);
  return { size: 1, run: async (job) => (await server.run(job)).result, dispose: server.dispose };
}
