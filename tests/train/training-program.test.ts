// The training program's gradients against finite differences, with its layer norms folded into the linear layers and its
// small parameters packed; and its state by the names that checkpoints have.

import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { modelConfigSchema } from '../../src/model/model-config.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import type { Program, Runtime } from '../../src/runtime/runtime.js';
import { createTokenSpec, rowWidth, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { adamWScalars } from '../../src/train/adamw.js';
import { feedScalars } from '../../src/train/step-calls.js';
import { optimiserConfigSchema } from '../../src/train/train-config.js';
import {
  buildTrainingGraph,
  buildValidationGraph,
  initialState,
  type Recipe,
  STATE,
  stateOptions,
  validationState,
} from '../../src/train/training-program.js';
import { TINY_ROBOT } from '../fixtures.js';
import { ENGINES, withProgram } from '../runtime/engines.js';

/** Rows enough for every fold: 128 of them, at most 30 outputs. */
const BATCH = 32;

function recipeFor(layout: 'concat' | 'separate', block: 'preln' | 'paper'): Recipe {
  const tokens = createTokenSpec(tokenConfigSchema.parse({ context: 4, layout }), TINY_ROBOT, 50);
  const width = rowWidth(tokens);
  return {
    model: modelConfigSchema.parse({ width: 10, heads: 2, blocks: 2, activation: 'gelu', block }),
    tokens,
    normaliser: { mean: new Array(width).fill(0.05), deviation: new Array(width).fill(0.7) },
  };
}

/** The same batch for every program, a quarter of it masked. */
function feed(program: Program, width: number): void {
  const random = new Random(5);
  for (let at = 0; at < BATCH * 4 * width; at++) {
    program.feeds.values[at] = random.normal();
    program.feeds.targets[at] = random.normal();
    program.feeds.present[at] = Number(random.uniform() < 0.75);
    program.feeds.weights[at] = random.uniform();
  }
  program.feeds.inverseWeight[0] = 1 / (BATCH * width);
}

/** Fresh values on which every parameter has an influence: gains and biases are not what they start as. */
function parametersFor(recipe: Recipe): Record<string, Float32Array> {
  const specs = parameterSpecs(recipe.model, recipe.tokens);
  const random = new Random(6);
  const values = initialParameters(specs, random);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value.map((entry) => entry + 0.2 * random.normal())]),
  );
}

describe.each([
  ['concat', 'preln'],
  ['separate', 'preln'],
  ['concat', 'paper'],
] as const)('the step of %s tokens in %s blocks', (layout, block) => {
  it('moves each first moment by its share of the gradient, as finite differences have it', async () => {
    const recipe = recipeFor(layout, block);
    const width = rowWidth(recipe.tokens);
    const optimiser = optimiserConfigSchema.parse({ batch: BATCH, clipNorm: 0, beta1: 0.5 });
    const start = initialState(recipe, optimiser, parametersFor(recipe));
    const runtime = referenceRuntime();
    const training = await runtime.compile(buildTrainingGraph(recipe, optimiser), { state: stateOptions(start, true) });
    const held = validationState(recipe, start);
    const losses = await runtime.compile(buildValidationGraph(recipe, BATCH), { state: stateOptions(held, false) });
    feed(training, width);
    feed(losses, width);
    await training.run();
    const after = await training.readState();
    expect(Object.keys(after).sort()).toEqual(Object.keys(start).sort());
    const gradientOf = (name: string, at: number) => 2 * after[STATE.moment1 + name][at];
    const lossAt = async (name: string, values: Float64Array) => {
      await losses.writeState({ ...held, [STATE.parameter + name]: values });
      await losses.run();
      return losses.results.loss[0];
    };
    let squares = 0;
    const random = new Random(7);
    for (const { name } of parameterSpecs(recipe.model, recipe.tokens)) {
      const values = Float64Array.from(held[STATE.parameter + name]);
      const at = Math.floor(random.uniform() * values.length);
      const high = await lossAt(name, values.with(at, values[at] + 1e-4));
      const low = await lossAt(name, values.with(at, values[at] - 1e-4));
      // The difference is good to 1e-8 in float64; the moment is read as float32, of numbers of about 0.1.
      expect(Math.abs((high - low) / 2e-4 - gradientOf(name, at)), `${name} ${at}`).toBeLessThan(1e-7);
      for (let entry = 0; entry < values.length; entry++) squares += gradientOf(name, entry) ** 2;
    }
    // Sums of float32 moments against the program's own sum.
    expect(training.results.gradientNorm[0]).toBeCloseTo(Math.sqrt(squares), 6);
  });
});

it.each(ENGINES)('$name takes the same step as the reference', async ({ load }) => {
  const recipe = recipeFor('concat', 'preln');
  const optimiser = optimiserConfigSchema.parse({ batch: BATCH, clipNorm: 0.05, averageDecay: 0.5 });
  const start = initialState(recipe, optimiser, parametersFor(recipe));
  const stepOn = async (runtime: Runtime) => {
    const options = { state: stateOptions(start, true) };
    return withProgram(runtime, buildTrainingGraph(recipe, optimiser), options, async (program) => {
      feed(program, rowWidth(recipe.tokens));
      feedScalars(program, adamWScalars(optimiser, 1e-2, 0));
      await program.run();
      return { norm: program.results.gradientNorm[0], state: await program.readState() };
    });
  };
  const [ours, oracle] = [await stepOn(await load()), await stepOn(referenceRuntime())];
  expect(oracle.norm).toBeGreaterThan(2 * optimiser.clipNorm);
  expect(ours.norm).toBeCloseTo(oracle.norm, 5);
  for (const [name, expected] of Object.entries(oracle.state)) {
    // Moments are float32 sums of 128 rows. A first step of Adam is the sign of the gradient, near 0 not even that.
    const isMoment = name.startsWith(STATE.moment1) || name.startsWith(STATE.moment2);
    const tolerance = isMoment ? 1e-7 : 1e-4;
    expected.forEach((value, at) => {
      expect(Math.abs(ours.state[name][at] - value), `${name} ${at}`).toBeLessThan(tolerance);
    });
  }
});

it('small parameters are updated as two vectors, and layer norms leave no passes over the rows', () => {
  const recipe = recipeFor('concat', 'preln');
  const graph = buildTrainingGraph(recipe, optimiserConfigSchema.parse({ batch: BATCH }));
  // One square root for the norm of the gradient, and one for each group of parameters.
  expect(graph.nodes.filter(({ operator }) => operator === 'sqrt')).toHaveLength(3);
  const gains = Object.entries(graph.inputs).filter(([name]) => /parameter.*norm.*gain/.test(name));
  expect(gains).toHaveLength(5);
  for (const [name, gain] of gains) {
    const readers = graph.nodes.filter(({ inputs }) => inputs.includes(gain));
    expect(
      readers.every(({ outputs }) => outputs[0].shape[0] !== 4 * BATCH),
      name,
    ).toBe(true);
  }
});
