// The training step that the bench times: the product's own program for a preset, on one batch of made-up numbers.
//
// bench/peers/transformer_step.py is the same network in PyTorch; it reads the numbers that writeStep() wrote.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../src/base/config-file.js';
import { DataError } from '../src/base/errors.js';
import { Random } from '../src/base/random.js';
import { configPath } from '../src/cli/config-path.js';
import { initialParameters, type ParameterValues, parameterCount, parameterSpecs } from '../src/model/parameters.js';
import type { Program, Runtime } from '../src/runtime/runtime.js';
import { loadRobot } from '../src/sim/load-robot.js';
import { createTokenSpec, rowWidth } from '../src/tokens/token-spec.js';
import { adamWScalars } from '../src/train/adamw.js';
import { feedScalars } from '../src/train/step-calls.js';
import { type TrainConfig, trainConfigSchema } from '../src/train/train-config.js';
import { buildTrainingGraph, initialState, type Recipe, stateOptions } from '../src/train/training-program.js';

export interface StepUnderTest {
  readonly config: TrainConfig;
  readonly recipe: Recipe;
  readonly parameters: ParameterValues;
  readonly parameterCount: number;
  /** Rows of the batch times width of a row: `values`, `targets`, `present` and `weights` have as many numbers. */
  readonly batch: Readonly<Record<(typeof FEEDS)[number], Float32Array>>;
}

const FEEDS = ['values', 'targets', 'present', 'weights'] as const;

/** @throws DataError for a preset that is not there, and for settings that the peer does not know */
export async function stepOf(preset: string, settings: readonly string[]): Promise<StepUnderTest> {
  const config = await loadConfig(trainConfigSchema, configPath('train', preset), settings);
  requireKnownToPeer(config);
  const { robot } = await loadRobot('g1');
  const tokens = createTokenSpec(config.tokens, robot, robot.control.rate_hz);
  const width = rowWidth(tokens);
  const specs = parameterSpecs(config.model, tokens);
  const random = new Random(3);
  const count = config.train.batch * tokens.context * width;
  const draw = (next: () => number) => Float32Array.from({ length: count }, next);
  return {
    config,
    recipe: {
      model: config.model,
      tokens,
      normaliser: { mean: new Array(width).fill(0.1), deviation: new Array(width).fill(2) },
    },
    parameters: initialParameters(specs, random.split('parameters')),
    parameterCount: parameterCount(specs),
    batch: {
      values: draw(() => random.normal()),
      targets: draw(() => random.normal()),
      present: draw(() => Number(random.uniform() < 0.9)),
      weights: draw(() => random.uniform()),
    },
  };
}

function requireKnownToPeer({ tokens, train, runtime }: TrainConfig): void {
  const refuse = (where: string, expected: string, found: unknown) => {
    throw new DataError({ where, what: 'the bench knows one value only', expected, found: String(found) });
  };
  if (JSON.stringify(runtime) !== JSON.stringify(trainConfigSchema.parse({}).runtime)) {
    refuse(
      'runtime',
      'its defaults: --threads, --device and --steps-per-call say how it runs',
      JSON.stringify(runtime),
    );
  }
  if (tokens.layout !== 'concat') refuse('tokens.layout', 'concat', tokens.layout);
  if (train.accumulate !== 1) refuse('train.accumulate', '1', train.accumulate);
  if (train.averageDecay !== 0) refuse('train.averageDecay', '0', train.averageDecay);
}

/** The program with its batch fed, to each of the runs of a call. */
export async function compileStep(
  runtime: Runtime,
  step: StepUnderTest,
  threads: number,
  runsPerCall = 1,
): Promise<Program> {
  const { config, recipe, parameters, batch } = step;
  const state = stateOptions(initialState(recipe, config.train, parameters), true);
  const graph = buildTrainingGraph(recipe, config.train);
  const products = config.train.precision;
  const program = await runtime.compile(graph, { state, runsPerCall, products, ...(threads > 0 ? { threads } : {}) });
  const scalars = { ...adamWScalars(config.train, config.train.learningRate, 0), inverseWeight: inverseWeightOf(step) };
  for (let run = 0; run < runsPerCall; run++) {
    for (const name of FEEDS) program.feeds[name].set(batch[name], run * batch[name].length);
    feedScalars(program, scalars, run);
  }
  return program;
}

function inverseWeightOf({ batch }: StepUnderTest): number {
  return 1 / batch.weights.reduce((sum, weight) => sum + weight, 0);
}

/** The step as files for the peer: step.json, and the numbers of parameters and batch one after another. */
export async function writeStep(folder: string, step: StepUnderTest): Promise<void> {
  const { config, recipe, parameters, batch } = step;
  const { model, tokens, normaliser } = recipe;
  const numbers = [...Object.entries(parameters), ...FEEDS.map((name) => [name, batch[name]] as const)];
  const shapes = Object.fromEntries(parameterSpecs(model, tokens).map(({ name, shape }) => [name, shape]));
  const rows = [config.train.batch, tokens.context, rowWidth(tokens)];
  const description = {
    model,
    train: config.train,
    normaliser,
    inverseWeight: inverseWeightOf(step),
    tensors: numbers.map(([name]) => ({ name, shape: shapes[name] ?? rows })),
  };
  await writeFile(join(folder, 'step.json'), JSON.stringify(description));
  const bytes = numbers.map(([, data]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  await writeFile(join(folder, 'numbers.bin'), Buffer.concat(bytes));
}
