// The parameters of the model: names, shapes and initial values, in one list.

import { sizeOf } from '../base/arrays.js';
import { DataError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { rowWidth, sequenceLength, type TokenSpec } from '../tokens/token-spec.js';
import type { ModelConfig } from './model-config.js';

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** `linear`: uniform within ±1/sqrt(inputs); `normal`: N(0, 0.02²). */
  readonly initial: 'zeros' | 'ones' | 'linear' | 'normal';
  /** Weight decay applies: matrices only. */
  readonly decay: boolean;
}

export type ParameterValues = Record<string, Float32Array>;

/** Every trainable parameter, in a fixed order. */
export function parameterSpecs(model: ModelConfig, spec: TokenSpec): ParameterSpec[] {
  const { width: d, blocks } = model;
  if (d % model.heads !== 0) {
    throw new DataError({
      where: 'model.heads',
      what: 'number of heads',
      expected: `a divisor of model.width ${d}`,
      found: String(model.heads),
    });
  }
  const { observationWidth: m, actionWidth: n } = spec;
  const hidden = Math.round(d * model.mlpRatio);
  if (hidden < 1) {
    throw new DataError({
      where: 'model.mlpRatio',
      what: 'leaves no hidden unit in the MLP',
      expected: `at least ${1 / d}, one unit for model.width ${d}`,
      found: String(model.mlpRatio),
    });
  }
  const specs: ParameterSpec[] = [];
  const add = (name: string, shape: number[], initial: ParameterSpec['initial']) => {
    specs.push({ name, shape, initial, decay: initial === 'linear' });
  };
  const linear = (name: string, inputs: number, outputs: number) => {
    add(`${name}.weight`, [inputs, outputs], 'linear');
    add(`${name}.bias`, [outputs], 'zeros');
  };
  const norm = (name: string) => {
    add(`${name}.gain`, [d], 'ones');
    add(`${name}.bias`, [d], 'zeros');
  };

  // [M]: one learned value for each entry of the row, so that any modality can be masked.
  add('mask', [rowWidth(spec)], 'normal');
  if (spec.layout === 'concat') linear('embed', m + n, d);
  else {
    linear('embed.observation', m, d);
    linear('embed.action', n, d);
  }
  add('position', [sequenceLength(spec), d], 'normal');
  for (let block = 0; block < blocks; block++) {
    norm(`blocks.${block}.norm1`);
    linear(`blocks.${block}.attention.qkv`, d, 3 * d);
    linear(`blocks.${block}.attention.out`, d, d);
    if (model.block === 'preln') norm(`blocks.${block}.norm2`);
    linear(`blocks.${block}.mlp.up`, d, hidden);
    linear(`blocks.${block}.mlp.down`, hidden, d);
  }
  norm('norm');
  if (spec.layout === 'concat') linear('head', d, m + n);
  else {
    linear('head.observation', d, m);
    linear('head.action', d, n);
  }
  return specs;
}

/** Initial values; each parameter has a random stream of its own, named after it. */
export function initialParameters(specs: readonly ParameterSpec[], random: Random): ParameterValues {
  const values: ParameterValues = {};
  for (const { name, shape, initial } of specs) {
    const value = new Float32Array(sizeOf(shape));
    const stream = random.split('parameter', name);
    if (initial === 'ones') value.fill(1);
    if (initial === 'normal') for (let at = 0; at < value.length; at++) value[at] = 0.02 * stream.normal();
    if (initial === 'linear') {
      const bound = 1 / Math.sqrt(shape[0]);
      for (let at = 0; at < value.length; at++) value[at] = stream.uniform(-bound, bound);
    }
    values[name] = value;
  }
  return values;
}

export function parameterCount(specs: readonly ParameterSpec[]): number {
  return specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
