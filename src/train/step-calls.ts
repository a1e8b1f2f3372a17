// Training steps as calls of the program: batches and scalars in, losses and errors out, one or several steps a call.
//
// Several steps a call are the same steps, to the bit. They pay where a call has a price of its own: onnxruntime-node
// copies the next state once a call.

import { DataError, listNames } from '../base/errors.js';
import { partOf } from '../runtime/runs-per-call.js';
import type { Program, Runtime } from '../runtime/runtime.js';
import type { TokenSpec } from '../tokens/token-spec.js';
import type { WindowSource } from '../tokens/window-source.js';
import { adamWScalars } from './adamw.js';
import { addErrors, type BatchTally, feedBatch, tallyOf } from './batches.js';
import type { BatchLoader } from './loader.js';
import type { ErrorSums } from './metrics.js';
import { learningRate } from './schedule.js';
import type { OptimiserConfig, TrainConfig } from './train-config.js';

/** Steps of one call: as many as the config says, or as make the engine's best number of runs, up to a line of metrics. */
export function stepsPerCallOf({ runtime: { stepsPerCall }, train, log }: TrainConfig, engine: Runtime): number {
  const best = Math.max(1, Math.floor((engine.bestRunsPerCall ?? 1) / train.accumulate));
  return Math.min(stepsPerCall ?? best, log.metricsEvery);
}

export interface StepCalls {
  readonly program: Program;
  readonly loader: BatchLoader;
  readonly optimiser: OptimiserConfig;
  readonly tokens: TokenSpec;
  readonly source: WindowSource;
  /** Where the errors go. */
  readonly sums: ErrorSums;
  /** The run's folder or name, for messages. */
  readonly run: string;
}

export interface StepOutcome {
  readonly rate: number;
  /** 0 where no window had a target. */
  readonly gradientNorm: number;
}

/** A step whose passes are in the program's feeds. */
interface FedStep {
  readonly rate: number;
  /** Of each pass; none where no window has a target. */
  readonly passes: readonly BatchTally[];
}

/**
 * Makes steps `first` to `first + count - 1` in one call; what the last of them gave.
 * @throws DataError with the episodes of a step whose loss is not finite
 */
export async function callSteps(calls: StepCalls, first: number, count: number): Promise<StepOutcome> {
  const { program, loader, tokens, sums } = calls;
  const steps = await feedSteps(calls, first, count);
  const runs = steps.reduce((sum, { passes }) => sum + passes.length, 0);
  if (runs > 0) {
    const running = program.run(runs);
    loader.ahead();
    await running;
  }
  const { loss: losses, gradientNorm: norms, errors } = program.results;
  const errorsLength = 2 * calls.optimiser.batch * tokens.context;
  let gradientNorm = 0;
  let run = 0;
  for (const [index, { passes }] of steps.entries()) {
    let loss = 0;
    gradientNorm = 0;
    for (const tally of passes) {
      loss += losses[run];
      gradientNorm = norms[run];
      addErrors(sums, tokens.context, tally, partOf(errors, run, errorsLength));
      run += 1;
    }
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw nonFinite(calls.run, first + index + 1, loss, gradientNorm, passes);
    }
  }
  return { rate: steps[count - 1].rate, gradientNorm };
}

async function feedSteps(calls: StepCalls, first: number, count: number): Promise<FedStep[]> {
  const { program, loader, optimiser, tokens, source } = calls;
  const steps: FedStep[] = [];
  let run = 0;
  for (let step = first; step < first + count; step++) {
    const batches = await loader.next();
    const rate = learningRate(optimiser, step);
    const weight = batches.reduce((sum, batch) => sum + batch.weight, 0);
    // Windows without any target (action-free ones where actions alone are predicted) teach nothing: a step of nothing
    // else leaves weights and moments as they are, weight decay included.
    const taught = weight > 0 ? batches : [];
    for (const [pass, batch] of taught.entries()) {
      feedBatch(program.feeds, batch, run);
      feedScalars(program, { ...adamWScalars(optimiser, rate, step), inverseWeight: 1 / weight }, run);
      if (batches.length > 1) feedScalars(program, { apply: Number(pass === batches.length - 1) }, run);
      run += 1;
    }
    steps.push({ rate, passes: taught.map((batch) => tallyOf(tokens, source, batch)) });
  }
  return steps;
}

/** Writes scalars to the place of run `at` of a call. */
export function feedScalars(program: Program, scalars: object, at = 0): void {
  for (const [name, value] of Object.entries(scalars)) program.feeds[name][at] = value;
}

function nonFinite(
  run: string,
  step: number,
  loss: number,
  gradientNorm: number,
  passes: readonly BatchTally[],
): DataError {
  const ids = new Set(passes.flat().map(({ episode }) => episode));
  return new DataError({
    where: `${run}: step ${step}`,
    what: 'the loss is not finite',
    found: `loss ${loss}, gradient norm ${gradientNorm}, with windows of the episodes ${listNames([...ids], 64)}`,
    fix:
      'Inspect these episodes (nextgait inspect), or start a new run with a lower train.learningRate or train.clipNorm ' +
      '(--set). --resume comes to the same step again; the last checkpoint is unharmed',
  });
}
