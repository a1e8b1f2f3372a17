// The training program on TensorFlow.js beside ONNX Runtime, step by step, for a quick test and for a long one.

import { SILENT } from '../../src/base/logger.js';
import { Random } from '../../src/base/random.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import type { Program, Runtime } from '../../src/runtime/runtime.js';
import { createTokenSpec } from '../../src/tokens/token-spec.js';
import { memorySource } from '../../src/tokens/window-source.js';
import { adamWScalars } from '../../src/train/adamw.js';
import { createBatchMaker, feedBatch } from '../../src/train/batches.js';
import { prepareData } from '../../src/train/prepare.js';
import { learningRate } from '../../src/train/schedule.js';
import { feedScalars } from '../../src/train/step-calls.js';
import { trainConfigSchema } from '../../src/train/train-config.js';
import { buildTrainingGraph, initialState, stateOptions } from '../../src/train/training-program.js';
import { syntheticEpisode, TINY_ROBOT } from '../fixtures.js';
import { loadTfjsCpu, tf } from '../runtime/engines.js';

const {
  tokens: tokenConfig,
  model,
  train,
} = trainConfigSchema.parse({
  tokens: { context: 4 },
  model: { width: 16, heads: 2, blocks: 1, inputNorm: 'batch' },
  train: { steps: 200, batch: 4, warmupSteps: 10, learningRate: 3e-3, averageDecay: 0.9 },
});

/** A training program with its batches: step(k) runs step k and returns its loss. */
async function trainer(runtime: Runtime): Promise<{ program: Program; step(at: number): Promise<number> }> {
  const episodes = Array.from({ length: 8 }, (_, at) => syntheticEpisode(at + 1, { source: 'rollouts' }));
  const tokens = createTokenSpec(tokenConfig, TINY_ROBOT, 50);
  const reader = { ...memorySource(episodes), readEpisode: async (index: number) => episodes[index] };
  const heldOut = () => false;
  const labels = { command: 'recorded', hindsightWindow_s: 3, hindsightTransient_s: 1 } as const;
  const { source, normaliser } = await prepareData(reader, tokens, TINY_ROBOT, { ...labels, heldOut, log: SILENT });
  const maker = createBatchMaker(train, tokens, TINY_ROBOT, source, { sourceWeights: {}, heldOut });
  const recipe = { model, tokens, normaliser };
  const parameters = initialParameters(parameterSpecs(model, tokens), new Random(1));
  const state = stateOptions(initialState(recipe, train, parameters), true);
  const program = await runtime.compile(buildTrainingGraph(recipe, train), { state });
  const batch = maker.allocate();
  return {
    program,
    async step(at) {
      maker.fill(batch, at, 0);
      feedBatch(program.feeds, batch);
      const scalars = { ...adamWScalars(train, learningRate(train, at), at), inverseWeight: 1 / batch.weight };
      feedScalars(program, scalars);
      await program.run();
      return program.results.loss[0];
    },
  };
}

export interface Comparison {
  /** Losses of ONNX Runtime. */
  readonly losses: readonly number[];
  /** Greatest difference of the losses of a step, relative. */
  readonly largest: number;
  /** Tensors of the backend beyond those of the compiled program, after every step, and beyond none at the end. */
  readonly leaked: readonly number[];
  readonly left: number;
}

/** Trains on both from the same seed. */
export async function compareTraining(steps: number): Promise<Comparison> {
  const runtime = await loadTfjsCpu();
  const before = tf.memory().numTensors;
  const ours = await trainer(await onnxRuntime());
  const theirs = await trainer(runtime);
  const held = tf.memory().numTensors;
  const losses: number[] = [];
  const leaked: number[] = [];
  let largest = 0;
  for (let at = 0; at < steps; at++) {
    const loss = await ours.step(at);
    const other = await theirs.step(at);
    losses.push(loss);
    largest = Math.max(largest, Math.abs(other - loss) / loss);
    leaked.push(tf.memory().numTensors - held);
  }
  await ours.program.dispose();
  await theirs.program.dispose();
  return { losses, largest, leaked, left: tf.memory().numTensors - before };
}
