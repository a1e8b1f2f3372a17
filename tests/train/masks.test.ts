// The masks, proven on the training program itself: what is masked reaches no loss bit and no gradient, time runs
// forwards only, and [M] learns from action-free episodes.

import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { gradients } from '../../src/graph/gradient.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { modelConfigSchema } from '../../src/model/model-config.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import { transformer } from '../../src/model/transformer.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import type { Runtime } from '../../src/runtime/runtime.js';
import { allocateBatch, createCutter } from '../../src/tokens/batch.js';
import { createTokenSpec, rowWidth, type TokenSpec, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { memorySource } from '../../src/tokens/window-source.js';
import { feedBatch } from '../../src/train/batches.js';
import { optimiserConfigSchema } from '../../src/train/train-config.js';
import {
  buildTrainingGraph,
  initialState,
  type Recipe,
  STATE,
  stateOptions,
} from '../../src/train/training-program.js';
import { syntheticEpisode, TINY_ROBOT } from '../fixtures.js';

const LAYOUTS = [
  { layout: 'concat', pairing: 'previous', alignment: 'aligned' },
  { layout: 'concat', pairing: 'same', alignment: 'aligned' },
  { layout: 'separate', pairing: 'previous', alignment: 'aligned' },
  { layout: 'separate', pairing: 'same', alignment: 'aligned' },
  { layout: 'separate', pairing: 'same', alignment: 'nonaligned' },
] as const;

const optimiser = optimiserConfigSchema.parse({ batch: 3, steps: 10 });

function recipeFor(tokens: object, model: object = {}): Recipe {
  const spec = createTokenSpec(tokenConfigSchema.parse({ context: 4, ...tokens }), TINY_ROBOT, 50);
  const width = rowWidth(spec);
  return {
    model: modelConfigSchema.parse({ width: 12, heads: 2, blocks: 2, ...model }),
    tokens: spec,
    normaliser: { mean: new Array(width).fill(0.05), deviation: new Array(width).fill(0.7) },
  };
}

/** One step on windows of: complete, action-free, and command-free episodes. */
async function step(
  runtime: Runtime,
  recipe: Recipe,
  tamper?: (feeds: Record<string, { [at: number]: number }>) => void,
) {
  const specs = parameterSpecs(recipe.model, recipe.tokens);
  const state = initialState(recipe, optimiser, initialParameters(specs, new Random(3)));
  const program = await runtime.compile(buildTrainingGraph(recipe, optimiser), { state: stateOptions(state, true) });
  const source = memorySource([
    syntheticEpisode(1),
    syntheticEpisode(2, { actions: false, source: 'free' }),
    syntheticEpisode(3, { command: false }),
  ]);
  const cut = createCutter(recipe.tokens, TINY_ROBOT, source);
  const buffers = allocateBatch(recipe.tokens, 3);
  for (let index = 0; index < 3; index++) {
    cut({ episode: index, first: 5 }, buffers, index, { observation: 1, action: 1 });
  }
  feedBatch(program.feeds, { buffers, windows: [], weight: 1 });
  for (const [name, value] of [
    ['keep', 1],
    ['stepSize', 0.01],
    ['epsilon', 1e-8],
    ['inverseWeight', 0.01],
  ] as const) {
    program.feeds[name][0] = value;
  }
  tamper?.(program.feeds as Record<string, { [at: number]: number }>);
  await program.run();
  const result = {
    loss: program.results.loss[0],
    errors: Array.from(program.results.errors),
    state: await program.readState(),
    buffers,
    before: state,
  };
  await program.dispose();
  return result;
}

const masked = (buffers: { present: ArrayLike<number> }) =>
  Array.from(buffers.present, (value, at) => (value === 0 ? at : -1)).filter((at) => at >= 0);

describe.each(LAYOUTS)('masks: $layout, $pairing, $alignment', (tokens) => {
  it.each(['onnx', 'reference'])('a masked value changes no bit of loss or update (%s)', async (engine) => {
    const runtime = engine === 'onnx' ? await onnxRuntime() : referenceRuntime();
    const recipe = recipeFor(tokens);
    const plain = await step(runtime, recipe);
    const tampered = await step(runtime, recipe, (feeds) => {
      for (const at of masked(plain.buffers)) feeds.values[at] = at % 2 === 0 ? 1e6 : Number.NaN;
      plain.buffers.weights.forEach((weight, at) => {
        if (weight === 0) feeds.targets[at] = 1e3;
      });
    });
    expect(masked(plain.buffers).length).toBeGreaterThan(0);
    expect(tampered.loss).toBe(plain.loss);
    expect(tampered.state).toEqual(plain.state);
  });

  it('the action of an action-free window carries no loss, and [M] moves because of it', async () => {
    const recipe = recipeFor(tokens);
    const { errors, state, before, buffers } = await step(referenceRuntime(), recipe);
    const T = recipe.tokens.context;
    for (let row = T; row < 2 * T; row++) expect(errors[2 * row + 1]).toBe(0);
    for (let row = 0; row < T; row++) expect(errors[2 * row + 1]).toBeGreaterThan(0);
    const m = recipe.tokens.observationWidth;
    const mask = `${STATE.parameter}mask`;
    expect(masked(buffers).some((at) => at % rowWidth(recipe.tokens) >= m)).toBe(true);
    for (let joint = 0; joint < 2; joint++) expect(state[mask][m + joint]).not.toBe(before[mask][m + joint]);
    // Gyro is present in every window: its mask entry has no gradient, and (no decay on vectors) stays where it was.
    expect(state[mask][0]).toBe(before[mask][0]);
  });
});

/** ∂loss/∂predictions is exactly zero where the weight is; made of the same operators as the training loss. */
it('gradients of masked targets are exactly zero', async () => {
  const g = new GraphBuilder();
  const prediction = g.input('prediction', [6]);
  const weight = g.constant([1, 0, 2, 0, 0.5, 0], [6]);
  const error = g.multiply(g.square(g.subtract(prediction, g.constant([9, 8, 7, 6, 5, 4], [6]))), weight);
  const [gradient] = gradients(g, g.sum(error, [0], false), [prediction]);
  g.output('gradient', gradient);
  const program = await referenceRuntime().compile(g.build(), { state: {} });
  program.feeds.prediction.set([1, 2, 3, 4, 5, 6]);
  await program.run();
  // + 0 turns -0 into 0: both are exactly zero.
  expect(Array.from(program.results.gradient, (value) => value + 0)).toEqual([-16, 0, -16, 0, 0, 0]);
});

describe.each(LAYOUTS)('causality: $layout, $pairing, $alignment', (tokens) => {
  it.each(['preln', 'paper'] as const)('altering step t changes no output before t (%s)', async (block) => {
    const recipe = recipeFor(tokens, { block });
    const predict = await predictor(recipe);
    const width = rowWidth(recipe.tokens);
    const rows = Float64Array.from({ length: recipe.tokens.context * width }, (_, at) => Math.sin(at));
    const before = await predict(rows);
    for (let step = 0; step < recipe.tokens.context; step++) {
      const altered = rows.slice();
      altered[step * width] += 1;
      const after = await predict(altered);
      expect(after.subarray(0, step * width)).toEqual(before.subarray(0, step * width));
      expect(after.subarray(step * width)).not.toEqual(before.subarray(step * width));
    }
  });
});

it('separate, nonaligned: the action that follows an observation does not see the action slot of its own step', async () => {
  const recipe = recipeFor({ layout: 'separate', pairing: 'same', alignment: 'nonaligned' });
  const predict = await predictor(recipe);
  const { observationWidth: m, context } = recipe.tokens;
  const width = rowWidth(recipe.tokens);
  const rows = Float64Array.from({ length: context * width }, (_, at) => Math.cos(at));
  const before = await predict(rows);
  const altered = rows.slice();
  altered[(context - 1) * width + m] += 1;
  const after = await predict(altered);
  const last = (context - 1) * width;
  expect(after.subarray(last + m, last + width)).toEqual(before.subarray(last + m, last + width));
  expect(after.subarray(last, last + m)).not.toEqual(before.subarray(last, last + m));
});

async function predictor(recipe: Recipe): Promise<(rows: Float64Array) => Promise<Float64Array>> {
  const g = new GraphBuilder();
  const spec: TokenSpec = recipe.tokens;
  const specs = parameterSpecs(recipe.model, spec);
  const values = initialParameters(specs, new Random(5));
  const parameters = Object.fromEntries(specs.map(({ name, shape }) => [name, g.constant(values[name], [...shape])]));
  const rows = g.input('rows', [spec.context, rowWidth(spec)]);
  g.output('predictions', transformer(g, recipe.model, spec, parameters, rows, 1));
  const program = await referenceRuntime().compile(g.build(), { state: {} });
  return async (input) => {
    program.feeds.rows.set(input);
    await program.run();
    return Float64Array.from(program.results.predictions);
  };
}
