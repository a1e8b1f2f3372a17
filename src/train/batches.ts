// Batches of a run: draws windows by (seed, step, pass), cuts them, and sums errors back by source.

import type { FloatArray } from '../base/arrays.js';
import { Random } from '../base/random.js';
import type { RobotModel } from '../robot/robot-model.js';
import { allocateBatch, type BatchBuffers, createCutter, type LossWeights, type Window } from '../tokens/batch.js';
import { createSampler, type WindowSampler, windowsIn } from '../tokens/sampler.js';
import { rowWidth, type TokenSpec } from '../tokens/token-spec.js';
import type { EpisodeSummary, WindowSource } from '../tokens/window-source.js';
import type { ErrorSums } from './metrics.js';
import { acceptsEpisode, lossWeights, stageAt, stagesOf } from './schedule.js';
import type { OptimiserConfig } from './train-config.js';

export interface Batch {
  readonly buffers: BatchBuffers;
  readonly windows: Window[];
  /** Sum of all weights: the loss is the weighted sum of squared errors divided by it. */
  weight: number;
}

export interface BatchMaker {
  allocate(): Batch;
  /** Fills `batch` with pass `pass` of step `step`. */
  fill(batch: Batch, step: number, pass: number): void;
  readonly sampler: WindowSampler;
}

export interface DrawOptions {
  readonly sourceWeights: Readonly<Record<string, number>>;
  readonly heldOut: (id: string) => boolean;
}

/**
 * Refuses what no batch can be drawn from, before anything is written.
 * @throws DataError where no window fits, or a weight names an unknown source
 */
export function requireWindows(
  config: OptimiserConfig,
  spec: TokenSpec,
  robot: RobotModel,
  source: WindowSource,
  options: DrawOptions,
): void {
  createBatchMaker(config, spec, robot, source, options);
}

/** Training batches. Samplers of the stages are made once, at the start, so that a bad config fails there. */
export function createBatchMaker(
  config: OptimiserConfig,
  spec: TokenSpec,
  robot: RobotModel,
  source: WindowSource,
  options: DrawOptions,
): BatchMaker {
  const cut = createCutter(spec, robot, source);
  const stages = stagesOf(config);
  const samplers = Object.fromEntries(
    stages.map((stage) => [
      stage,
      createSampler(spec, source, {
        sourceWeights: options.sourceWeights,
        accept: (episode) => !options.heldOut(episode.id) && acceptsEpisode(stage, episode),
      }),
    ]),
  );
  const root = new Random(config.seed);
  return {
    sampler: samplers[stages[0]],
    allocate: () => ({ buffers: allocateBatch(spec, config.batch), windows: [], weight: 0 }),
    fill(batch, step, pass) {
      const stage = stageAt(config, step);
      const random = root.split('batch', step, pass);
      batch.windows.length = 0;
      for (let index = 0; index < config.batch; index++) batch.windows.push(samplers[stage].draw(random));
      cutWindows(cut, batch, lossWeights(config, stage));
    },
  };
}

/**
 * Held-out windows, the same at every validation: as many whole batches as `windowCount` needs, but for those without
 * any target. None where no held-out episode of a source that takes part has room for a window.
 */
export function heldOutBatches(
  config: OptimiserConfig,
  spec: TokenSpec,
  robot: RobotModel,
  source: WindowSource,
  { sourceWeights, heldOut }: DrawOptions,
  windowCount: number,
): Batch[] {
  const accept = ({ id, source: name }: EpisodeSummary) => heldOut(id) && sourceWeights[name] !== 0;
  if (!source.episodes.some((episode) => accept(episode) && windowsIn(spec, episode) > 0)) return [];
  const sampler = createSampler(spec, source, { accept });
  const cut = createCutter(spec, robot, source);
  const random = new Random(config.seed).split('validation');
  const weights = { observation: config.observationWeight, action: config.actionWeight };
  return Array.from({ length: Math.ceil(windowCount / config.batch) }, () => {
    const windows = Array.from({ length: config.batch }, () => sampler.draw(random));
    const batch: Batch = { buffers: allocateBatch(spec, config.batch), windows, weight: 0 };
    cutWindows(cut, batch, weights);
    return batch;
  }).filter(({ weight }) => weight > 0);
}

function cutWindows(cut: ReturnType<typeof createCutter>, batch: Batch, weights: LossWeights): void {
  batch.windows.forEach((window, index) => {
    cut(window, batch.buffers, index, weights);
  });
  batch.weight = 0;
  for (let at = 0; at < batch.buffers.weights.length; at++) batch.weight += batch.buffers.weights[at];
}

/** Copies a batch into a program's feeds, to the place of run `at` of a call. */
export function feedBatch(feeds: Readonly<Record<string, FloatArray>>, { buffers }: Batch, at = 0): void {
  for (const name of ['values', 'present', 'targets', 'weights'] as const) {
    feeds[name].set(buffers[name], at * buffers[name].length);
  }
}

/** What the errors of a batch are summed with, once its buffers hold another: of each window. */
export type BatchTally = readonly {
  readonly episode: string;
  readonly source: string;
  readonly observationWeight: number;
  readonly actionWeight: number;
}[];

export function tallyOf(spec: TokenSpec, source: WindowSource, { windows, buffers: { weights } }: Batch): BatchTally {
  const width = rowWidth(spec);
  return windows.map(({ episode }, index) => {
    const totals = [0, 0];
    for (let row = index * spec.context; row < (index + 1) * spec.context; row++) {
      const start = row * width;
      for (let at = start; at < start + spec.observationWidth; at++) totals[0] += weights[at];
      for (let at = start + spec.observationWidth; at < start + width; at++) totals[1] += weights[at];
    }
    const { id, source: name } = source.episodes[episode];
    return { episode: id, source: name, observationWeight: totals[0], actionWeight: totals[1] };
  });
}

/** Adds the program's `errors` [rows, 2] to `sums`, window by window. */
export function addErrors(sums: ErrorSums, context: number, tally: BatchTally, errors: ArrayLike<number>): void {
  tally.forEach(({ source, observationWeight, actionWeight }, index) => {
    let observation = 0;
    let action = 0;
    for (let row = index * context; row < (index + 1) * context; row++) {
      observation += errors[2 * row];
      action += errors[2 * row + 1];
    }
    sums.add(source, observation, observationWeight, action, actionWeight);
  });
}
