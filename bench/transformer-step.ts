// The training step that the benches time: a pre-LN causal transformer with ReLU MLPs, a weighted squared error and
// AdamW, one static graph. bench/peers/transformer_step.py is the same step in PyTorch.

import { Random } from '../src/base/random.js';
import { gradients } from '../src/graph/gradient.js';
import type { Graph, Value } from '../src/graph/graph.js';
import { GraphBuilder } from '../src/graph/graph-builder.js';
import { layerNormLinear } from '../src/graph/layer-norm-linear.js';
import { pack, unpack } from '../src/graph/pack.js';
import type { ProgramOptions } from '../src/runtime/runtime.js';

export interface StepSize {
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
  readonly batch: number;
  readonly time: number;
  readonly features: number;
}

export const PRESETS: Readonly<Record<string, StepSize>> = {
  tiny: { width: 64, blocks: 2, heads: 2, batch: 16, time: 16, features: 100 },
  base: { width: 192, blocks: 4, heads: 4, batch: 64, time: 32, features: 100 },
};

export interface TrainingStep {
  readonly graph: Graph;
  readonly state: ProgramOptions['state'];
  readonly parameterCount: number;
}

export function transformerStep(size: StepSize): TrainingStep {
  const { width, blocks, heads, batch, time, features } = size;
  const rows = batch * time;
  const builder = new GraphBuilder();
  const random = new Random(1);
  const parameters: { name: string; value: Value; initial: Float32Array }[] = [];
  const parameter = (name: string, shape: readonly number[], fill: () => number): Value => {
    const value = builder.input(name, shape);
    const initial = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, fill);
    parameters.push({ name, value, initial });
    return value;
  };
  const linear = (name: string, x: Value, outputs: number): Value => {
    const inputs = x.shape[1];
    const weight = parameter(`${name}.weight`, [inputs, outputs], () => random.normal() / Math.sqrt(inputs) / 2);
    return builder.linear(
      x,
      weight,
      parameter(`${name}.bias`, [outputs], () => 0),
    );
  };
  const normedLinear = (norm: string, name: string, x: Value, outputs: number): Value =>
    layerNormLinear(builder, x, {
      gain: parameter(`${norm}.gain`, [width], () => 1),
      normBias: parameter(`${norm}.bias`, [width], () => 0),
      epsilon: 1e-5,
      weight: parameter(`${name}.weight`, [width, outputs], () => random.normal() / Math.sqrt(width) / 2),
      bias: parameter(`${name}.bias`, [outputs], () => 0),
    });

  const input = builder.input('input', [rows, features]);
  const target = builder.input('target', [rows, features]);
  const weight = builder.input('weight', [rows, features]);
  const position = parameter('position', [time, width], () => 0);
  let h = builder.reshape(builder.add(builder.reshape(linear('in', input, width), [batch, time, width]), position), [
    rows,
    width,
  ]);
  for (let block = 0; block < blocks; block++) {
    const qkv = normedLinear(`${block}.norm1`, `${block}.qkv`, h, 3 * width);
    h = builder.add(h, linear(`${block}.out`, builder.causalAttention(qkv, { batch, time, heads }), width));
    const hidden = builder.relu(normedLinear(`${block}.norm2`, `${block}.up`, h, 4 * width));
    h = builder.add(h, linear(`${block}.down`, hidden, width));
  }
  const predicted = normedLinear('norm', 'head', h, features);
  const error = builder.square(builder.subtract(predicted, target));
  const loss = builder.divide(builder.sum(builder.multiply(weight, error)), builder.sum(weight));
  builder.output('loss', loss);

  const [rate, keep, epsilon] = ['rate', 'keep', 'epsilon'].map((name) => builder.input(name, []));
  const state: Record<string, { initial: Float32Array; next: string }> = {};
  const moving = (name: string, initial: Float32Array, next: Value): void => {
    builder.output(`${name}.next`, next);
    state[name] = { initial, next: `${name}.next` };
  };
  const slopes = gradients(
    builder,
    loss,
    parameters.map(({ value }) => value),
  );
  const scalar = (x: number) => builder.scalar(x);
  const update = (group: readonly number[]): void => {
    const chosen = group.map((at) => parameters[at]);
    const shapes = chosen.map(({ value }) => value.shape);
    const joined = (values: readonly Value[]) => (values.length === 1 ? values[0] : pack(builder, values));
    const parted = (value: Value) => (shapes.length === 1 ? [value] : unpack(builder, value, shapes));
    const p = joined(chosen.map(({ value }) => value));
    const g = joined(group.map((at) => slopes[at]));
    const m = joined(chosen.map(({ name, value }) => builder.input(`${name}.m`, value.shape)));
    const v = joined(chosen.map(({ name, value }) => builder.input(`${name}.v`, value.shape)));
    const m2 = builder.add(builder.multiply(m, scalar(0.9)), builder.multiply(g, scalar(0.1)));
    const v2 = builder.add(builder.multiply(v, scalar(0.999)), builder.multiply(builder.square(g), scalar(0.001)));
    const u = builder.divide(m2, builder.add(builder.sqrt(v2), epsilon));
    const p2 = builder.subtract(builder.multiply(p, keep), builder.multiply(u, rate));
    const next = [p2, m2, v2].map(parted);
    for (const [at, { name, initial }] of chosen.entries()) {
      moving(name, initial, next[0][at]);
      moving(`${name}.m`, new Float32Array(initial.length), next[1][at]);
      moving(`${name}.v`, new Float32Array(initial.length), next[2][at]);
    }
  };
  const small = parameters.flatMap(({ initial }, at) => (initial.length < 4096 ? [at] : []));
  const large = parameters.flatMap(({ initial }, at) => (initial.length < 4096 ? [] : [at]));
  update(small);
  for (const at of large) update([at]);
  const parameterCount = parameters.reduce((total, { initial }) => total + initial.length, 0);
  return { graph: builder.build(), state, parameterCount };
}
