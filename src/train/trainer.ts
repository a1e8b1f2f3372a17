// The training loop: draw, cut, step (step-calls.ts), measure, save. Everything else is in the files it calls.
//
// Batches are cut ahead of the step (loader.ts). A run is a folder; killing it at any moment loses
// at most the steps since the last checkpoint, and resuming repeats them to the bit. The loop knows no files: a browser
// trains with it too.

import { TOOL } from '../base/version.js';
import type { RobotModel } from '../robot/robot-model.js';
import type { Program, Runtime } from '../runtime/runtime.js';
import type { WindowSource } from '../tokens/window-source.js';
import { addErrors, type Batch, createBatchMaker, feedBatch, heldOutBatches, tallyOf } from './batches.js';
import type { CheckpointInfo } from './checkpoint.js';
import { type BatchLoader, localLoader, type OpenLoader } from './loader.js';
import { ErrorSums, type MetricsLine } from './metrics.js';
import { callSteps, feedScalars, type StepCalls, stepsPerCallOf } from './step-calls.js';
import type { TrainConfig } from './train-config.js';
import {
  buildTrainingGraph,
  buildValidationGraph,
  type Recipe,
  type StateValues,
  stateOptions,
  validationState,
} from './training-program.js';

/** Where the numbers of a run and its checkpoints go: a run folder (run-record.ts), or a page. */
export interface TrainRecord {
  metrics(line: MetricsLine, time_s: number): void;
  checkpoint(info: CheckpointInfo, state: StateValues): Promise<void>;
}

export interface TrainOptions {
  /** The run's folder or name, for messages. */
  readonly run: string;
  readonly config: TrainConfig;
  readonly recipe: Recipe;
  readonly robot: RobotModel;
  readonly source: WindowSource;
  /** True for episodes that are held out, by id. */
  readonly heldOut: (id: string) => boolean;
  readonly runtime: Runtime;
  /** State to start from, and the steps already done: a fresh state and 0, or a checkpoint's. */
  readonly state: StateValues;
  readonly firstStep: number;
  /** Who cuts the batches; this thread where absent. Opened once the held-out windows are cut from `source`. */
  readonly openLoader?: OpenLoader;
  readonly pending: Readonly<Record<string, readonly number[]>>;
  /** Opens where numbers and checkpoints go, once the programs are compiled: a training that cannot start writes nothing. */
  readonly openRecord: () => Promise<TrainRecord>;
  readonly now_s: () => number;
  readonly signal?: AbortSignal;
  /** Awaited before each call of steps: a page takes messages there, or holds the training. */
  readonly beforeStep?: () => Promise<void>;
  readonly onStep?: (step: number, loss: number, stepsPerSecond: number) => void;
  readonly onValidation?: (line: MetricsLine) => void;
}

export interface TrainResult {
  readonly step: number;
  readonly finished: boolean;
  readonly state: StateValues;
  readonly last?: MetricsLine;
  readonly validation?: MetricsLine;
}

export async function train(options: TrainOptions): Promise<TrainResult> {
  const { config, recipe, robot, source, heldOut } = options;
  const choice = { sourceWeights: config.data.sources, heldOut };
  const held = heldOutBatches(config.train, recipe.tokens, robot, source, choice, config.log.validationWindows);
  const stepsPerCall = stepsPerCallOf(config, options.runtime);
  const loader = await (options.openLoader ?? openLocally(options))(options.firstStep, stepsPerCall);
  try {
    return await trainFrom(loader, held, stepsPerCall, options);
  } finally {
    await loader.dispose();
  }
}

function openLocally({ config, recipe, robot, source, heldOut }: TrainOptions): OpenLoader {
  const choice = { sourceWeights: config.data.sources, heldOut };
  const maker = createBatchMaker(config.train, recipe.tokens, robot, source, choice);
  return async (firstStep) => localLoader(maker, config.train, firstStep);
}

async function trainFrom(
  loader: BatchLoader,
  held: readonly Batch[],
  stepsPerCall: number,
  options: TrainOptions,
): Promise<TrainResult> {
  const { config, recipe, source, runtime, run } = options;
  const { train: optimiser, log } = config;
  const program = await runtime.compile(buildTrainingGraph(recipe, optimiser), {
    state: stateOptions(options.state, true),
    runsPerCall: stepsPerCall * optimiser.accumulate,
    products: optimiser.precision,
    threads: config.runtime.threads,
    spin: config.runtime.spin,
  });
  const validation = await runtime.compile(buildValidationGraph(recipe, optimiser.batch), {
    state: stateOptions(validationState(recipe, options.state), false),
    products: optimiser.precision,
    threads: config.runtime.threads,
    spin: config.runtime.spin,
  });

  const sums = new ErrorSums();
  sums.restore(options.pending);
  let step = options.firstStep;
  let last: MetricsLine | undefined;
  let lastValidation: MetricsLine | undefined;
  let saved = -1;
  let mark = { step, time_s: options.now_s() };
  const save = async (record: TrainRecord) => {
    if (saved === step) return;
    await record.checkpoint({ step, tool: TOOL, pending: sums.save() }, await program.readState());
    saved = step;
  };
  const calls: StepCalls = { program, loader, optimiser, tokens: recipe.tokens, source, sums, run };
  /** Steps up to the next one after which something is written, at most those of a call. */
  const stepsOfCall = (): number => {
    const { metricsEvery, validateEvery, checkpointEvery } = log;
    const left = [metricsEvery, validateEvery, checkpointEvery].map((every) => every - (step % every));
    return Math.min(stepsPerCall, optimiser.steps - step, ...left);
  };
  const validate = async (record: TrainRecord) => {
    lastValidation = await validationPass(validation, recipe, source, held, step, await program.readState());
    record.metrics(lastValidation, options.now_s());
    options.onValidation?.(lastValidation);
  };

  try {
    const record = await options.openRecord();
    if (step === 0) await save(record);
    while (step < optimiser.steps) {
      await options.beforeStep?.();
      if (options.signal?.aborted === true) break;
      const count = stepsOfCall();
      const { rate, gradientNorm } = await callSteps(calls, step, count);
      step += count;

      if ((step % log.metricsEvery === 0 || step === optimiser.steps) && sums.hasTargets) {
        const now_s = options.now_s();
        const stepsPerSecond = (step - mark.step) / Math.max(1e-9, now_s - mark.time_s);
        mark = { step, time_s: now_s };
        last = {
          step,
          split: 'train',
          loss: sums.loss(),
          modalities: sums.modalities(),
          sources: sums.sources(),
          learningRate: rate,
          gradientNorm,
          stepsPerSecond,
        };
        record.metrics(last, now_s);
        options.onStep?.(step, last.loss, stepsPerSecond);
        sums.clear();
      }
      if (held.length > 0 && (step % log.validateEvery === 0 || step === optimiser.steps)) await validate(record);
      if (step % log.checkpointEvery === 0) await save(record);
    }
    await save(record);
    return {
      step,
      finished: step >= optimiser.steps,
      state: await program.readState(),
      last,
      validation: lastValidation,
    };
  } finally {
    await program.dispose();
    await validation.dispose();
  }
}

async function validationPass(
  program: Program,
  recipe: Recipe,
  source: WindowSource,
  batches: readonly Batch[],
  step: number,
  state: StateValues,
): Promise<MetricsLine> {
  await program.writeState(validationState(recipe, state));
  const sums = new ErrorSums();
  for (const batch of batches) {
    feedBatch(program.feeds, batch);
    feedScalars(program, { inverseWeight: 1 });
    await program.run();
    addErrors(sums, recipe.tokens.context, tallyOf(recipe.tokens, source, batch), program.results.errors);
  }
  return { step, split: 'validation', loss: sums.loss(), modalities: sums.modalities(), sources: sums.sources() };
}
