// The causal transformer, written once as a graph: rows of normalised values in, predictions of the next rows out.
//
// Shapes: B windows of T steps; a row is [observation m, action n]; N = B T rows; d model width; S tokens a window.

import { attentionOfOne } from '../graph/attention.js';
import type { Value } from '../graph/graph.js';
import type { GraphBuilder } from '../graph/graph-builder.js';
import { layerNormLinear } from '../graph/layer-norm-linear.js';
import { sequenceLength, type TokenSpec } from '../tokens/token-spec.js';
import type { ModelConfig } from './model-config.js';

export type ParameterNodes = Readonly<Record<string, Value>>;

/** Which step of each window is wanted. */
export interface NewestStep {
  /** Its tokens, [B S / T, d], of all tokens [B S, d]. */
  pick(tokens: Value): Value;
  /** [B, 1, 1, T]: 0 for steps up to it, a very low number for those after it. */
  readonly bias: Value;
}

/** LayerNorm's epsilon, as in PyTorch. */
const EPSILON = 1e-5;

/**
 * Predictions in normalised units.
 * @param rows [N, m + n] normalised, mask vector filled in
 * @param newest the step of each window that alone is wanted: what only the others need is not computed
 * @returns [N, m + n] ([B, m + n], the newest steps' rows alone): row r predicts the observation after its own and the action that
 *   the pairing names
 */
export function transformer(
  g: GraphBuilder,
  model: ModelConfig,
  spec: TokenSpec,
  parameters: ParameterNodes,
  rows: Value,
  batch: number,
  newest?: NewestStep,
): Value {
  const d = model.width;
  const S = sequenceLength(spec);
  const linear = (x: Value, name: string) => g.linear(x, parameters[`${name}.weight`], parameters[`${name}.bias`]);
  const norm = (x: Value, name: string) =>
    g.layerNorm(x, parameters[`${name}.gain`], parameters[`${name}.bias`], EPSILON);
  const given = (x: Value): Tokens => ({ values: () => x, linear: (name) => linear(x, name) });
  const normed = (x: Value, by: string): Tokens => ({
    values: () => norm(x, by),
    linear(name) {
      // Folding spares the gradient passes over the rows; without a gradient there is nothing to spare.
      if (newest !== undefined) return linear(norm(x, by), name);
      const [gain, normBias] = [parameters[`${by}.gain`], parameters[`${by}.bias`]];
      const [weight, bias] = [parameters[`${name}.weight`], parameters[`${name}.bias`]];
      return layerNormLinear(g, x, { gain, normBias, epsilon: EPSILON, weight, bias });
    },
  });

  /** One token a step: the newest is the only query, all are keys and values. */
  const attendOnce = (x: Value, name: string, { pick, bias }: NewestStep) => {
    const weight = parameters[`${name}.attention.qkv.weight`];
    const offset = parameters[`${name}.attention.qkv.bias`];
    const part = (rows: Value, from: number, to: number) =>
      g.linear(rows, g.slice(weight, 1, from, to), g.slice(offset, 0, from, to));
    const size = { batch, time: S, heads: model.heads };
    return attentionOfOne(g, part(pick(x), 0, d), part(x, d, 3 * d), bias, size);
  };

  let stream = embed(g, spec, rows, batch, d, linear); // [B S, d]
  stream = g.reshape(g.add(g.reshape(stream, [batch, S, d]), parameters.position), [batch * S, d]);
  for (let block = 0; block < model.blocks; block++) {
    const name = `blocks.${block}`;
    const picked = block === model.blocks - 1 ? newest : undefined;
    const kept = (tokens: Value) => picked?.pick(tokens) ?? tokens;
    const attention = (x: Tokens) => {
      if (picked !== undefined && S === spec.context)
        return linear(attendOnce(x.values(), name, picked), `${name}.attention.out`);
      const mixed = g.causalAttention(x.linear(`${name}.attention.qkv`), { batch, time: S, heads: model.heads });
      return linear(kept(mixed), `${name}.attention.out`);
    };
    const mlp = (x: Tokens) => {
      const up = x.linear(`${name}.mlp.up`);
      return linear(model.activation === 'relu' ? g.relu(up) : g.gelu(up), `${name}.mlp.down`);
    };
    if (model.block === 'paper') {
      stream = norm(stream, `${name}.norm1`);
      stream = g.add(kept(stream), attention(given(stream)));
      stream = g.add(stream, mlp(given(stream)));
    } else {
      stream = g.add(kept(stream), attention(normed(stream, `${name}.norm1`)));
      stream = g.add(stream, mlp(normed(stream, `${name}.norm2`)));
    }
  }
  return predict(g, spec, normed(stream, 'norm'), d, linear);
}

type Linear = (x: Value, name: string) => Value;

/** What a sublayer reads: as it is, or through its first linear layer, which may take a normalisation in. */
interface Tokens {
  values(): Value;
  linear(name: string): Value;
}

/** One token a step, or two with a projection for each modality, observation first. */
function embed(g: GraphBuilder, spec: TokenSpec, rows: Value, batch: number, d: number, linear: Linear): Value {
  if (spec.layout === 'concat') return linear(rows, 'embed');
  const m = spec.observationWidth;
  const steps = batch * spec.context;
  const observation = linear(g.slice(rows, 1, 0, m), 'embed.observation');
  const action = linear(g.slice(rows, 1, m, m + spec.actionWidth), 'embed.action');
  const pairs = g.concat([g.reshape(observation, [steps, 1, d]), g.reshape(action, [steps, 1, d])], 1);
  return g.reshape(pairs, [2 * steps, d]);
}

function predict(g: GraphBuilder, spec: TokenSpec, tokens: Tokens, d: number, linear: Linear): Value {
  if (spec.layout === 'concat') return tokens.linear('head');
  const stream = tokens.values();
  const steps = stream.shape[0] / 2;
  const pairs = g.reshape(stream, [steps, 2, d]);
  const token = (at: number) => g.reshape(g.slice(pairs, 1, at, at + 1), [steps, d]);
  const [observationFrom, actionFrom] = spec.alignment === 'aligned' ? [0, 1] : [1, 0];
  return g.concat([linear(token(observationFrom), 'head.observation'), linear(token(actionFrom), 'head.action')], 1);
}
