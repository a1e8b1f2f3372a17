// The training step as one static tensor program: normalise, predict, weigh, differentiate, clip, AdamW.
//
// Feeds: a batch (tokens/batch.ts) and the step's scalars. State: parameters, moments, and where asked for gradient
// accumulators, the moving average and BatchNorm's running statistics. Results: loss, gradient norm and the weighted
// squared errors of each row by modality, from which the host makes its metrics per source.

import { sizeOf } from '../base/arrays.js';
import { gradients } from '../graph/gradient.js';
import type { Graph, Value } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { pack, unpack } from '../graph/pack.js';
import { batchNormalise, normalise, runningNormalise } from '../model/input-norm.js';
import type { ModelConfig } from '../model/model-config.js';
import { type ParameterSpec, type ParameterValues, parameterSpecs } from '../model/parameters.js';
import { transformer } from '../model/transformer.js';
import type { ProgramOptions } from '../runtime/runtime.js';
import type { Normaliser } from '../tokens/normaliser.js';
import { rowWidth, type TokenSpec } from '../tokens/token-spec.js';
import { type AdamWNodes, adamW, clipFactor } from './adamw.js';
import type { OptimiserConfig } from './train-config.js';

export interface Recipe {
  readonly model: ModelConfig;
  readonly tokens: TokenSpec;
  readonly normaliser: Normaliser;
}

export type StateValues = Record<string, Float32Array>;

/** Prefixes of state names: `parameter.norm.gain`, `moment1.norm.gain`, ... */
export const STATE = {
  parameter: 'parameter.',
  moment1: 'moment1.',
  moment2: 'moment2.',
  average: 'average.',
  accumulated: 'accumulated.',
  runningMean: 'running.mean',
  runningVariance: 'running.variance',
} as const;

/** The state of a fresh run: given parameters, everything else zero (the average: the parameters themselves). */
export function initialState(recipe: Recipe, optimiser: OptimiserConfig, parameters: ParameterValues): StateValues {
  const state: StateValues = {};
  for (const { name } of parameterSpecs(recipe.model, recipe.tokens)) {
    const value = parameters[name];
    state[STATE.parameter + name] = value;
    state[STATE.moment1 + name] = new Float32Array(value.length);
    state[STATE.moment2 + name] = new Float32Array(value.length);
    if (optimiser.averageDecay > 0) state[STATE.average + name] = value.slice();
    if (optimiser.accumulate > 1) state[STATE.accumulated + name] = new Float32Array(value.length);
  }
  if (recipe.model.inputNorm === 'batch') {
    state[STATE.runningMean] = new Float32Array(rowWidth(recipe.tokens));
    state[STATE.runningVariance] = new Float32Array(rowWidth(recipe.tokens)).fill(1);
  }
  return state;
}

/** How a runtime holds `state`: every entry of the training program has a next value. */
export function stateOptions(state: StateValues, advances: boolean): ProgramOptions['state'] {
  return Object.fromEntries(
    Object.entries(state).map(([name, initial]) => [name, advances ? { initial, next: `${name}.next` } : { initial }]),
  );
}

export function buildTrainingGraph(recipe: Recipe, optimiser: OptimiserConfig): Graph {
  const g = new GraphBuilder();
  const specs = parameterSpecs(recipe.model, recipe.tokens);
  const parameters = parameterInputs(g, specs);
  const { loss, next } = lossNodes(g, recipe, parameters, optimiser.batch, 'batch');
  for (const [name, value] of Object.entries(next)) g.output(`${name}.next`, value);
  const ordered = specs.map(({ name }) => parameters[name]);
  updateNodes(g, optimiser, specs, ordered, gradients(g, loss, ordered));
  return g.build();
}

/** Loss and errors without an update, for held-out data. */
export function buildValidationGraph(recipe: Recipe, batch: number): Graph {
  const g = new GraphBuilder();
  lossNodes(g, recipe, parameterInputs(g, parameterSpecs(recipe.model, recipe.tokens)), batch, 'running');
  return g.build();
}

/** The part of a training state that the validation program holds: parameters (or their average) and statistics. */
export function validationState(recipe: Recipe, state: StateValues): StateValues {
  const held: StateValues = {};
  for (const { name } of parameterSpecs(recipe.model, recipe.tokens)) {
    held[STATE.parameter + name] = state[STATE.average + name] ?? state[STATE.parameter + name];
  }
  for (const name of [STATE.runningMean, STATE.runningVariance])
    if (state[name] !== undefined) held[name] = state[name];
  return held;
}

function parameterInputs(g: GraphBuilder, specs: readonly ParameterSpec[]): Record<string, Value> {
  return Object.fromEntries(specs.map(({ name, shape }) => [name, g.input(STATE.parameter + name, shape)]));
}

/** Predictions alone, of raw rows: what the loss is computed from, to compare other programs with. */
export function buildPredictionGraph(recipe: Recipe, batch: number): Graph {
  const g = new GraphBuilder();
  const parameters = parameterInputs(g, parameterSpecs(recipe.model, recipe.tokens));
  g.output('predictions', predictionNodes(g, recipe, parameters, batch, 'running').predictions);
  return g.build();
}

/** Feeds `values` and `present` [batch * context, m + n]; predictions of the same shape, in normalised units. */
function predictionNodes(
  g: GraphBuilder,
  { model, tokens, normaliser }: Recipe,
  parameters: Record<string, Value>,
  batch: number,
  statistics: 'batch' | 'running',
): { predictions: Value; next: Record<string, Value> } {
  const width = rowWidth(tokens);
  const rows = [batch * tokens.context, width];
  const present = g.input('present', rows);
  let values = normalise(g, normaliser, g.input('values', rows));
  const next: Record<string, Value> = {};
  if (model.inputNorm === 'batch') {
    const running = { mean: g.input(STATE.runningMean, [width]), variance: g.input(STATE.runningVariance, [width]) };
    if (statistics === 'running') values = runningNormalise(g, values, running);
    else {
      const normalised = batchNormalise(g, values, present, running);
      values = normalised.values;
      next[STATE.runningMean] = normalised.next.mean;
      next[STATE.runningVariance] = normalised.next.variance;
    }
  }
  const filled = g.select(present, values, parameters.mask);
  return { predictions: transformer(g, model, tokens, parameters, filled, batch), next };
}

/** loss = inverseWeight Σ weight (prediction - target)², in normalised units. */
function lossNodes(
  g: GraphBuilder,
  recipe: Recipe,
  parameters: Record<string, Value>,
  batch: number,
  statistics: 'batch' | 'running',
): { loss: Value; next: Record<string, Value> } {
  const { tokens, normaliser } = recipe;
  const width = rowWidth(tokens);
  const rows = [batch * tokens.context, width];
  const { predictions, next } = predictionNodes(g, recipe, parameters, batch, statistics);
  const weights = g.input('weights', rows);
  const targets = normalise(g, normaliser, g.input('targets', rows));
  const errors = g.multiply(g.square(g.subtract(predictions, targets)), weights);
  // Columns of ones: the sums over each modality's entries, as one product.
  const columns = Array.from({ length: 2 * width }, (_, at) =>
    Number(at >> 1 < tokens.observationWidth === (at % 2 === 0)),
  );
  const byModality = g.matmul(errors, g.constant(columns, [width, 2]));
  const loss = g.multiply(g.sum(byModality, [0, 1], false), g.input('inverseWeight', []));
  g.output('loss', loss);
  g.output('errors', byModality);
  return { loss, next };
}

/** Clipping, AdamW, the moving average, and the accumulation of several passes into one step. */
function updateNodes(
  g: GraphBuilder,
  optimiser: OptimiserConfig,
  specs: readonly ParameterSpec[],
  parameters: readonly Value[],
  fresh: readonly Value[],
): void {
  const scalars: AdamWNodes = {
    keep: g.input('keep', []),
    stepSize: g.input('stepSize', []),
    epsilon: g.input('epsilon', []),
  };
  // 1 on the pass that completes a step, 0 on the passes before it.
  const apply = optimiser.accumulate > 1 ? g.input('apply', []) : undefined;
  const choose = (updated: Value, old: Value) => (apply === undefined ? updated : g.select(apply, updated, old));
  const groups = updateGroups(specs).map((members): UpdateGroup => {
    const shapes = members.map((at) => specs[at].shape);
    const join = (values: readonly Value[]) => (values.length === 1 ? values[0] : pack(g, values));
    const held = (prefix: string) => join(members.map((at) => g.input(prefix + specs[at].name, specs[at].shape)));
    const gradient = join(members.map((at) => fresh[at]));
    return {
      decay: specs[members[0]].decay,
      parameter: join(members.map((at) => parameters[at])),
      gradient: apply === undefined ? gradient : g.add(gradient, held(STATE.accumulated)),
      held,
      advance(prefix, value) {
        const parts = members.length === 1 ? [value] : unpack(g, value, shapes);
        for (const [part, at] of members.entries()) g.output(`${prefix}${specs[at].name}.next`, parts[part]);
      },
    };
  });
  const total = groups.map(({ gradient }) => gradient);
  const { norm, factor } = clipFactor(g, total, optimiser.clipNorm > 0 ? optimiser.clipNorm : 1);
  g.output('gradientNorm', norm);

  for (const { decay, parameter, gradient, held, advance } of groups) {
    const old = { parameter, moment1: held(STATE.moment1), moment2: held(STATE.moment2) };
    const clipped = optimiser.clipNorm > 0 ? g.multiply(gradient, factor) : gradient;
    const updated = adamW(g, optimiser, scalars, old, clipped, decay);
    advance(STATE.parameter, choose(updated.parameter, old.parameter));
    advance(STATE.moment1, choose(updated.moment1, old.moment1));
    advance(STATE.moment2, choose(updated.moment2, old.moment2));
    if (apply !== undefined) advance(STATE.accumulated, g.select(apply, g.scalar(0), gradient));
    if (optimiser.averageDecay > 0) {
      const average = held(STATE.average);
      const moved = g.add(
        average,
        g.multiply(g.subtract(updated.parameter, average), g.scalar(1 - optimiser.averageDecay)),
      );
      advance(STATE.average, choose(moved, average));
    }
  }
}

/** Parameters that are updated as one vector, or one alone. */
interface UpdateGroup {
  readonly decay: boolean;
  readonly parameter: Value;
  /** Of this pass and those before it. */
  readonly gradient: Value;
  /** Further state of the group, by the prefix of its names. */
  held(prefix: string): Value;
  /** Names the next value of each member's state. */
  advance(prefix: string, value: Value): void;
}

/** Elements up to which starting the operators of an update takes longer than copying in and out of a packed vector. */
const SMALL_PARAMETER = 8192;

/** Indices of parameters by group: small ones with decay, small ones without, and every other by itself. */
function updateGroups(specs: readonly ParameterSpec[]): number[][] {
  const small = ({ shape }: ParameterSpec) => sizeOf(shape) <= SMALL_PARAMETER;
  const together = [true, false].map((decay) =>
    specs.flatMap((spec, at) => (small(spec) && spec.decay === decay ? [at] : [])),
  );
  return [...together.filter(({ length }) => length > 0), ...specs.flatMap((spec, at) => (small(spec) ? [] : [[at]]))];
}
