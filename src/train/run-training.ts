// A training run from configuration and data to a run folder; what `nextgait train` and `quickstart` call.

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import type { Logger } from '../base/logger.js';
import { Random } from '../base/random.js';
import { TOOL } from '../base/version.js';
import { type Dataset, openDatasets } from '../dataset/dataset.js';
import { robotDifference } from '../dataset/robot-match.js';
import { initialParameters, parameterCount, parameterSpecs } from '../model/parameters.js';
import type { RobotModel } from '../robot/robot-model.js';
import { sha256 } from '../robot/sha256.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Normaliser } from '../tokens/normaliser.js';
import { createTokenSpec } from '../tokens/token-spec.js';
import type { WindowSource } from '../tokens/window-source.js';
import { requireWindows } from './batches.js';
import { readCheckpoint, removeUnfinished } from './checkpoint.js';
import { heldOutBy, keepEnoughToTrain } from './held-out.js';
import type { OpenLoader } from './loader.js';
import { canPoolBatches, planLoader, pooledLoader } from './loader-pool.js';
import type { MetricsLine } from './metrics.js';
import { prepareData } from './prepare.js';
import { RUN_FILES, type Run, readRun, writeRun } from './run-folder.js';
import { lockRun, requireUnlocked } from './run-lock.js';
import { folderRecord } from './run-record.js';
import { requireMemory, requireSameNetwork, requireState, threadsOf } from './run-requirements.js';
import { openStatus, type StatusWriter } from './run-status.js';
import { shareCommands } from './shared-commands.js';
import { openEventFile, type ScalarWriter } from './tensorboard.js';
import type { TrainConfig } from './train-config.js';
import { type TrainOptions, type TrainResult, train } from './trainer.js';
import { initialState, type Recipe, STATE, type StateValues, validationState } from './training-program.js';

export interface TrainingHooks {
  readonly runtime: Runtime;
  readonly log: Logger;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number, steps: number, loss: number, stepsPerSecond: number) => void;
  readonly onValidation?: (line: MetricsLine) => void;
}

export interface TrainingOutcome extends TrainResult {
  readonly run: string;
  readonly steps: number;
  readonly parameterCount: number;
}

export interface StartOptions {
  /** A run whose newest weights the new one begins with, and whose tokens, model and normaliser it keeps. */
  readonly from?: string;
  /** What recipe.json remembers of the data beside folders and sources. JSON. */
  readonly remember?: Readonly<Record<string, unknown>>;
  /** Makes the folder ready, once config and data are known to fit: what is refused before leaves it as it was. */
  readonly claim?: () => Promise<unknown>;
}

/**
 * Trains into an empty run folder, from fresh weights or from those of another run.
 * @throws DataError where config and data do not fit, or another process trains in the folder
 */
export async function startTraining(
  run: string,
  asked: TrainConfig,
  hooks: TrainingHooks,
  { from, remember = {}, claim }: StartOptions = {},
): Promise<TrainingOutcome> {
  await requireUnlocked(run);
  const dataset = await openData(asked.data.folders);
  try {
    if (dataset.episodes.length === 0) {
      throw new DataError({
        where: asked.data.folders.join(', '),
        what: 'no episode to train on',
        fix: 'Record or ingest some: ingest-report.json in the folder says what was refused, and why',
      });
    }
    const robot = dataset.robotModel();
    if (robot === undefined) {
      throw new DataError({
        where: asked.data.folders[0],
        what: 'the dataset knows its robot by name only',
        fix: 'Write it again with --robot, so that its shards carry the whole robot',
      });
    }
    const start = from === undefined ? undefined : await readStart(from, robot, asked);
    const tokens = start?.recipe.tokens ?? createTokenSpec(asked.tokens, robot, dataset.rate_hz);
    const config = keepEnoughToTrain(asked, tokens, dataset.episodes, hooks.log);
    const specs = parameterSpecs(config.model, tokens);
    requireMemory(config, tokens, hooks.runtime);
    warnOfRounding(config, hooks);
    hooks.log.info(
      `${robot.name}: ${tokens.observationWidth} observation and ${tokens.actionWidth} action entries, ` +
        `${(parameterCount(specs) / 1e6).toFixed(2)}M parameters, ${hooks.runtime.description}`,
    );
    const prepared = await prepareData(dataset, tokens, robot, prepareOptions(config, hooks));
    const { report } = prepared;
    hooks.log.info(
      `${report.episodes} episodes (${report.heldOut} held out), ${report.hours.toFixed(2)} h, ` +
        `${(100 * report.labelledShare).toFixed(0)} % of frames with an action`,
    );
    requireWindows(config.train, tokens, robot, prepared.source, drawOptions(config));
    const recipe = start?.recipe ?? { model: config.model, tokens, normaliser: prepared.normaliser };
    const data = {
      tool: TOOL,
      engine: hooks.runtime.description,
      threads: await threadsOf(config),
      folders: config.data.folders,
      sources: dataset.manifests.flatMap((m) => m.sources),
      statistics: statisticsOf(prepared.normaliser),
      report,
      ...remember,
    };
    const parameters = start?.parameters ?? initialParameters(specs, new Random(config.train.seed));
    const state = { ...initialState(recipe, config.train, parameters), ...start?.running };
    const source = { dataset, windows: prepared.source };
    const opened: Run = { folder: run, config, recipe, robot, data };
    let unlock = async () => {};
    const open = async () => {
      hooks.signal?.throwIfAborted();
      await requireUnlocked(run);
      await claim?.();
      await mkdir(run, { recursive: true });
      unlock = await lockRun(run);
      await writeRun(opened);
    };
    try {
      return await runSteps(opened, source, { state, step: 0, pending: {} }, hooks, open);
    } finally {
      await unlock();
    }
  } finally {
    dataset.close();
  }
}

/**
 * Goes on from the last checkpoint with the run's own configuration, as if it had never stopped; on another engine than
 * the one that started it with the rounding of that one, and a warning.
 * @throws DataError where the data is not what it was
 */
export async function resumeTraining(run: string, hooks: TrainingHooks): Promise<TrainingOutcome> {
  const { dataFolders, ...stored } = await readRun(run);
  const { config } = stored;
  const old = { ...stored, config: { ...config, data: { ...config.data, folders: [...dataFolders] } } };
  const unlock = await lockRun(run);
  try {
    return await resumeLocked(old, hooks);
  } finally {
    await unlock();
  }
}

async function resumeLocked(old: Run, hooks: TrainingHooks): Promise<TrainingOutcome> {
  const run = old.folder;
  await removeUnfinished(run);
  const { info, state, folder } = await readCheckpoint(run);
  const dataset = await openData(old.config.data.folders);
  try {
    const prepared = await prepareData(dataset, old.recipe.tokens, old.robot, prepareOptions(old.config, hooks));
    if (statisticsOf(prepared.normaliser) !== (old.data.statistics ?? statisticsOf(old.recipe.normaliser))) {
      throw new DataError({
        where: old.config.data.folders.join(', '),
        what: 'the data is not what the run was started with (its statistics differ)',
        fix: 'Restore the data, or start a new run',
      });
    }
    hooks.log.info(`resuming ${run} after step ${info.step}`);
    const { engine } = old.data;
    if (engine !== undefined && engine !== hooks.runtime.description) {
      hooks.log.warn(
        `the run was started on ${engine}: on ${hooks.runtime.description} it goes on with the same batches, and with ` +
          'the rounding of another engine, so not to the bit',
      );
    }
    const threads = await threadsOf(old.config);
    if (old.data.threads !== undefined && old.data.threads !== threads) {
      hooks.log.warn(
        `the run was started with ${old.data.threads} threads: with ${threads} some sums are taken in another order, so it may ` +
          'not go on to the bit (runtime.threads of a run says how many, whatever the machine)',
      );
    }
    requireState(folder, old, state);
    const source = { dataset, windows: prepared.source };
    const { step, pending } = info;
    return await runSteps(old, source, { state, step, pending }, hooks, () => dropLinesAfter(run, step));
  } finally {
    dataset.close();
  }
}

interface Start {
  readonly recipe: Recipe;
  readonly parameters: StateValues;
  /** Statistics of an input BatchNorm. */
  readonly running: StateValues;
}

/** What a run hands on: the moving average of its weights where it keeps one, as an export would. */
async function readStart(from: string, robot: RobotModel, asked: TrainConfig): Promise<Start> {
  const { recipe, robot: own, config } = await readRun(from);
  requireSameNetwork(from, config, asked);
  const difference = robotDifference(robot, own);
  if (difference !== undefined) {
    throw new DataError({
      where: from,
      what: `${difference.what} of the run's robot is not that of the data`,
      expected: difference.expected,
      found: difference.found,
    });
  }
  const held = validationState(recipe, (await readCheckpoint(from)).state);
  const parameters: StateValues = {};
  const running: StateValues = {};
  for (const [name, values] of Object.entries(held)) {
    if (name.startsWith(STATE.parameter)) parameters[name.slice(STATE.parameter.length)] = values;
    else running[name] = values;
  }
  return { recipe, parameters, running };
}

function warnOfRounding({ train }: TrainConfig, { runtime, log }: TrainingHooks): void {
  if (train.precision !== 'bfloat16' || runtime.bfloat16 !== 'rounded') return;
  log.warn('train.precision=bfloat16 is rounded to on the CPU, with the losses of a GPU, and slower than float32');
}

/** Tells one training set from another. */
function statisticsOf(normaliser: Normaliser): string {
  return sha256(new TextEncoder().encode(JSON.stringify(normaliser)));
}

interface TrainingSource {
  readonly dataset: Dataset;
  /** The dataset's windows with their command labels. */
  readonly windows: WindowSource;
}

/** Cuts batches in worker threads, which have the dataset open for themselves: this thread's memory of it is freed. */
function openPooled({ config, recipe, robot }: Run, { dataset, windows }: TrainingSource): OpenLoader | undefined {
  if (!canPoolBatches()) return undefined;
  return async (firstStep, stepsPerCall) => {
    const commands = config.data.command === 'recorded' ? undefined : shareCommands(windows);
    dataset.close();
    const bytes = dataset.manifests.flatMap(({ shards }) => shards).reduce((sum, shard) => sum + shard.bytes, 0);
    const plan = planLoader(bytes, process.availableMemory());
    return pooledLoader({ config, tokens: recipe.tokens, robot, commands }, plan, firstStep, stepsPerCall);
  };
}

/** Where a training begins: a fresh state at step 0, or a checkpoint. */
interface Beginning {
  readonly state: StateValues;
  readonly step: number;
  readonly pending: TrainOptions['pending'];
}

/** @param open makes the folder ready, once everything is compiled */
async function runSteps(
  run: Run,
  source: TrainingSource,
  { state, step: firstStep, pending }: Beginning,
  hooks: TrainingHooks,
  open: () => Promise<void>,
): Promise<TrainingOutcome> {
  const now_s = () => Date.now() / 1000;
  const { steps } = run.config.train;
  let events: ScalarWriter | undefined;
  let status: StatusWriter | undefined;
  const openRecord = async () => {
    await open();
    // A resumed run writes a new event file: TensorBoard reads all of a folder, and hides what a restart wrote again.
    events = openEventFile(join(run.folder, `events.out.tfevents.${Math.floor(now_s())}.nextgait`), now_s());
    status = openStatus(run.folder, firstStep, steps, now_s);
    return folderRecord(run.folder, events);
  };
  try {
    const result = await train({
      run: run.folder,
      config: run.config,
      recipe: run.recipe,
      robot: run.robot,
      source: source.windows,
      heldOut: heldOutBy(run.config),
      runtime: hooks.runtime,
      state,
      firstStep,
      openLoader: openPooled(run, source),
      pending,
      openRecord,
      now_s,
      signal: hooks.signal,
      onStep: (step, loss, stepsPerSecond) => {
        status?.alive(step);
        hooks.onStep?.(step, steps, loss, stepsPerSecond);
      },
      onValidation: (line) => {
        status?.alive(line.step);
        hooks.onValidation?.(line);
      },
    });
    status?.alive(result.step);
    status?.end(result.finished ? 'finished' : 'stopped');
    const specs = parameterSpecs(run.recipe.model, run.recipe.tokens);
    return { ...result, run: run.folder, steps, parameterCount: parameterCount(specs) };
  } catch (error) {
    status?.end('failed', error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    events?.close();
  }
}

function drawOptions(config: TrainConfig) {
  return { sourceWeights: config.data.sources, heldOut: heldOutBy(config) };
}

function prepareOptions(config: TrainConfig, hooks: TrainingHooks) {
  const { command, hindsightWindow_s, hindsightTransient_s } = config.data;
  return {
    command,
    hindsightWindow_s,
    hindsightTransient_s,
    ...drawOptions(config),
    log: hooks.log,
    signal: hooks.signal,
  };
}

function openData(folders: readonly string[]): Promise<Dataset> {
  if (folders.length === 0) {
    throw new DataError({
      where: 'data.folders',
      what: 'no dataset to train on',
      fix: 'Name dataset folders: nextgait train base --data datasets/walks --out runs/walk',
    });
  }
  return openDatasets(folders);
}

/** Metrics beyond the checkpoint belong to steps that will be done again. */
async function dropLinesAfter(run: string, step: number): Promise<void> {
  const path = join(run, RUN_FILES.metrics);
  const text = await readFile(path, 'utf8').catch(() => '');
  const kept: string[] = [];
  for (const line of text.split('\n')) {
    try {
      if (line !== '' && (JSON.parse(line) as MetricsLine).step <= step) kept.push(line);
    } catch {
      // A line cut short by a kill: its step will be done again.
    }
  }
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''));
}
