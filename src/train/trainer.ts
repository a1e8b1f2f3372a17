// The training loop: draw, cut, step, measure, save. Everything else is in the files it calls.
//
// Batches are cut ahead of the step (loader.ts). A run is a folder; killing it at any moment loses
// at most the steps since the last checkpoint, and resuming repeats them to the bit. The loop knows no files: a browser
// trains with it too.

import { DataError, listNames } from '../base/errors.js';
import { TOOL } from '../base/version.js';
import type { RobotModel } from '../robot/robot-model.js';
import type { Program, Runtime } from '../runtime/runtime.js';
import type { WindowSource } from '../tokens/window-source.js';
import { adamWScalars } from './adamw.js';
import { addErrors, type Batch, createBatchMaker, feedBatch, heldOutBatches } from './batches.js';
import type { CheckpointInfo } from './checkpoint.js';
import { type BatchLoader, localLoader, type OpenLoader } from './loader.js';
import { ErrorSums, type MetricsLine } from './metrics.js';
import { learningRate } from './schedule.js';
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
  readonly record: TrainRecord;
  readonly now_s: () => number;
  readonly signal?: AbortSignal;
  /** Awaited before each step: a page takes messages there, or holds the training. */
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
  const held = heldOutBatches(config.train, recipe.tokens, robot, source, heldOut, config.log.validationWindows);
  const loader = await (options.openLoader ?? openLocally(options))(options.firstStep);
  try {
    return await trainFrom(loader, held, options);
  } finally {
    await loader.dispose();
  }
}

function openLocally({ config, recipe, robot, source, heldOut }: TrainOptions): OpenLoader {
  const choice = { sourceWeights: config.data.sources, heldOut };
  const maker = createBatchMaker(config.train, recipe.tokens, robot, source, choice);
  return async (firstStep) => localLoader(maker, config.train, firstStep);
}

async function trainFrom(loader: BatchLoader, held: readonly Batch[], options: TrainOptions): Promise<TrainResult> {
  const { config, recipe, source, runtime, run, record } = options;
  const { train: optimiser, log } = config;
  const program = await runtime.compile(buildTrainingGraph(recipe, optimiser), {
    state: stateOptions(options.state, true),
    threads: config.runtime.threads,
    spin: config.runtime.spin,
  });
  const validation = await runtime.compile(buildValidationGraph(recipe, optimiser.batch), {
    state: stateOptions(validationState(recipe, options.state), false),
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
  const save = async () => {
    if (saved === step) return;
    await record.checkpoint({ step, tool: TOOL, pending: sums.save() }, await program.readState());
    saved = step;
  };
  /** One step, up to its update; the norm of its gradient. */
  const runPasses = async (batches: readonly Batch[], scalars: object): Promise<number> => {
    let loss = 0;
    for (let pass = 0; pass < batches.length; pass++) {
      feedBatch(program.feeds, batches[pass]);
      feedScalars(program, scalars);
      if (batches.length > 1) feedScalars(program, { apply: Number(pass === batches.length - 1) });
      const running = program.run();
      if (pass === 0) loader.ahead();
      await running;
      loss += program.results.loss[0];
      addErrors(sums, recipe.tokens, source, batches[pass], program.results.errors);
    }
    const gradientNorm = program.results.gradientNorm[0];
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return gradientNorm;
    throw nonFinite(step + 1, loss, gradientNorm, batches, source, run);
  };
  const validate = async () => {
    lastValidation = await validationPass(validation, recipe, source, held, step, await program.readState());
    record.metrics(lastValidation, options.now_s());
    options.onValidation?.(lastValidation);
  };

  try {
    if (step === 0) await save();
    while (step < optimiser.steps) {
      await options.beforeStep?.();
      if (options.signal?.aborted === true) break;
      const batches = await loader.next();
      const rate = learningRate(optimiser, step);
      const weight = batches.reduce((sum, batch) => sum + batch.weight, 0);
      // Windows without any target (action-free ones where actions alone are predicted) teach nothing: a step of nothing
      // else leaves weights and moments as they are, weight decay included.
      const scalars = { ...adamWScalars(optimiser, rate, step), inverseWeight: 1 / weight };
      const gradientNorm = weight > 0 ? await runPasses(batches, scalars) : 0;
      step += 1;

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
      if (held.length > 0 && (step % log.validateEvery === 0 || step === optimiser.steps)) await validate();
      if (step % log.checkpointEvery === 0) await save();
    }
    await save();
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
    addErrors(sums, recipe.tokens, source, batch, program.results.errors);
  }
  return { step, split: 'validation', loss: sums.loss(), modalities: sums.modalities(), sources: sums.sources() };
}

function feedScalars(program: Program, scalars: object): void {
  for (const [name, value] of Object.entries(scalars)) program.feeds[name][0] = value;
}

function nonFinite(
  step: number,
  loss: number,
  gradientNorm: number,
  batches: readonly Batch[],
  source: WindowSource,
  run: string,
): DataError {
  const ids = new Set(batches.flatMap((batch) => batch.windows.map(({ episode }) => source.episodes[episode].id)));
  return new DataError({
    where: `${run}: step ${step}`,
    what: 'the loss is not finite',
    found: `loss ${loss}, gradient norm ${gradientNorm}, with windows of the episodes ${listNames([...ids], 64)}`,
    fix:
      'Inspect these episodes (nextgait inspect), or start a new run with a lower train.learningRate or train.clipNorm ' +
      '(--set). --resume comes to the same step again; the last checkpoint is unharmed',
  });
}
