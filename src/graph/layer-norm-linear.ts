// A layer normalisation followed by a linear layer, with the normalisation's gain and bias folded into the weights.
//
//   (x̂·diag(gain) + bias)·W + b  =  x̂·(diag(gain)·W) + (bias·W + b)
//
// The right side works on [k, n] weights where the left works on [N, k] rows, forwards and backwards, and so saves
// passes where there are many more rows than outputs.

import type { Value } from './graph.js';
import type { GraphBuilder } from './graph-builder.js';

export interface LayerNormLinear {
  readonly gain: Value;
  readonly normBias: Value;
  readonly epsilon: number;
  readonly weight: Value;
  readonly bias: Value;
}

/**
 * Rows for each output from which folding gains: about five passes over [N, k] go, about seven over [k, n] come. At 1 to 8
 * times the outputs the whole training step takes the same processor time within 5 %, so that it need not be exact.
 */
const ROWS_PER_OUTPUT = 2;

/**
 * linear(layerNorm(x)) of x [N, k] → [N, n].
 * @throws DataError where the shapes do not fit
 */
export function layerNormLinear(builder: GraphBuilder, x: Value, parameters: LayerNormLinear): Value {
  const { gain, normBias, epsilon, weight, bias } = parameters;
  const [rows, outputs] = [x.shape[0], weight.shape[1] ?? 0];
  const plain = () => builder.linear(builder.layerNorm(x, gain, normBias, epsilon), weight, bias);
  if (rows < ROWS_PER_OUTPUT * outputs) return plain();
  const width = gain.shape[0];
  const { normalised } = builder.normalize(x, epsilon);
  const scaled = builder.multiply(weight, builder.reshape(gain, [width, 1]));
  const shift = builder.reshape(builder.matmul(builder.reshape(normBias, [1, width]), weight), [outputs]);
  return builder.linear(normalised, scaled, builder.add(bias, shift));
}
