// The causal transformer, written once as a graph: rows of normalised values in, predictions of the next rows out.
//
// Shapes: B windows of T steps; a row is [observation m, action n]; N = B T rows; d model width; S tokens a window.

import type { Value } from '../graph/graph.js';
import type { GraphBuilder } from '../graph/graph-builder.js';
import { sequenceLength, type TokenSpec } from '../tokens/token-spec.js';
import type { ModelConfig } from './model-config.js';

export type ParameterNodes = Readonly<Record<string, Value>>;

/** LayerNorm's epsilon, as in PyTorch. */
const EPSILON = 1e-5;

/**
 * Predictions in normalised units.
 * @param rows [N, m + n] normalised, mask vector filled in
 * @param pick from tokens [B S, d], whole steps of them: what follows the last attention is computed for these alone
 * @returns [N, m + n] (the picked steps' rows alone): row r predicts the observation after its own and the action that
 *   the pairing names
 */
export function transformer(
  g: GraphBuilder,
  model: ModelConfig,
  spec: TokenSpec,
  parameters: ParameterNodes,
  rows: Value,
  batch: number,
  pick: (tokens: Value) => Value = (tokens) => tokens,
): Value {
  const d = model.width;
  const S = sequenceLength(spec);
  const linear = (x: Value, name: string) => g.linear(x, parameters[`${name}.weight`], parameters[`${name}.bias`]);
  const norm = (x: Value, name: string) =>
    g.layerNorm(x, parameters[`${name}.gain`], parameters[`${name}.bias`], EPSILON);

  let stream = embed(g, spec, rows, batch, d, linear); // [B S, d]
  stream = g.reshape(g.add(g.reshape(stream, [batch, S, d]), parameters.position), [batch * S, d]);
  for (let block = 0; block < model.blocks; block++) {
    const name = `blocks.${block}`;
    const kept = (tokens: Value) => (block === model.blocks - 1 ? pick(tokens) : tokens);
    const attention = (x: Value) => {
      const mixed = g.causalAttention(linear(x, `${name}.attention.qkv`), { batch, time: S, heads: model.heads });
      return linear(kept(mixed), `${name}.attention.out`);
    };
    const mlp = (x: Value) => {
      const up = linear(x, `${name}.mlp.up`);
      return linear(model.activation === 'relu' ? g.relu(up) : g.gelu(up), `${name}.mlp.down`);
    };
    if (model.block === 'paper') {
      stream = norm(stream, `${name}.norm1`);
      stream = g.add(kept(stream), attention(stream));
      stream = g.add(stream, mlp(stream));
    } else {
      stream = g.add(kept(stream), attention(norm(stream, `${name}.norm1`)));
      stream = g.add(stream, mlp(norm(stream, `${name}.norm2`)));
    }
  }
  return predict(g, spec, norm(stream, 'norm'), d, linear);
}

type Linear = (x: Value, name: string) => Value;

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

function predict(g: GraphBuilder, spec: TokenSpec, stream: Value, d: number, linear: Linear): Value {
  if (spec.layout === 'concat') return linear(stream, 'head');
  const steps = stream.shape[0] / 2;
  const pairs = g.reshape(stream, [steps, 2, d]);
  const token = (at: number) => g.reshape(g.slice(pairs, 1, at, at + 1), [steps, d]);
  const [observationFrom, actionFrom] = spec.alignment === 'aligned' ? [0, 1] : [1, 0];
  return g.concat([linear(token(observationFrom), 'head.observation'), linear(token(actionFrom), 'head.action')], 1);
}
