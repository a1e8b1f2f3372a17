// Each graph operator as TensorFlow.js operations. Called inside tf.tidy, so that intermediate tensors vanish.

import type { Tensor } from '@tensorflow/tfjs';
import { sizeOf } from '../base/arrays.js';
import type { NodeOf, OperatorName } from '../graph/graph.js';
import type { TfjsModule } from './tfjs.js';

export type TfjsKernel<Name extends OperatorName> = (
  tf: TfjsModule,
  inputs: readonly Tensor[],
  node: NodeOf<Name>,
) => Tensor | Tensor[];

export const TFJS_KERNELS: { readonly [Name in OperatorName]: TfjsKernel<Name> } = {
  add: (tf, [a, b]) => tf.add(a, b),
  subtract: (tf, [a, b]) => tf.sub(a, b),
  multiply: (tf, [a, b]) => tf.mul(a, b),
  divide: (tf, [a, b]) => tf.div(a, b),
  maximum: (tf, [a, b]) => tf.maximum(a, b),
  minimum: (tf, [a, b]) => tf.minimum(a, b),
  greater: (tf, [a, b]) => tf.cast(tf.greater(a, b), 'float32'),
  negate: (tf, [x]) => tf.neg(x),
  square: (tf, [x]) => tf.square(x),
  sqrt: (tf, [x]) => tf.sqrt(x),
  exp: (tf, [x]) => tf.exp(x),
  log: (tf, [x]) => tf.log(x),
  tanh: (tf, [x]) => tf.tanh(x),
  relu: (tf, [x]) => tf.relu(x),
  gelu: (tf, [x]) => {
    const c = Math.sqrt(2 / Math.PI);
    const inner = tf.mul(x, tf.add(tf.mul(tf.square(x), c * 0.044715), c));
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
  },
  sigmoid: (tf, [x]) => tf.sigmoid(x),
  reluGradient: (tf, [y, gradient]) => tf.mul(gradient, tf.cast(tf.greater(y, 0), 'float32')),
  select: (tf, [condition, whenTrue, whenFalse], node) => {
    const shape = [...node.outputs[0].shape];
    const whole = (x: Tensor) => tf.broadcastTo(x, shape);
    return tf.where(tf.cast(whole(condition), 'bool'), whole(whenTrue), whole(whenFalse));
  },
  matmul: (tf, [a, b], { attributes: { transposeA, transposeB, scale } }) => {
    const product = tf.matMul(a, b, transposeA, transposeB);
    return scale === 1 ? product : tf.mul(product, scale);
  },
  linear: (tf, [x, weight, bias]) => {
    const product = tf.matMul(x, weight);
    return bias === undefined ? product : tf.add(product, bias);
  },
  softmax: (tf, [x], node) => {
    if (!node.attributes.causal) return tf.softmax(x);
    const width = x.shape[x.shape.length - 1];
    const positions = tf.range(0, width, 1, 'float32');
    const future = tf.greater(positions.reshape([1, width]), positions.reshape([width, 1]));
    return tf.softmax(tf.add(x, tf.mul(tf.cast(future, 'float32'), -1e9)));
  },
  normalize: (tf, [x], { attributes: { epsilon } }) => {
    const { mean, variance } = tf.moments(x, -1, true);
    const inverseDeviation = tf.rsqrt(tf.add(variance, epsilon));
    return [tf.mul(tf.sub(x, mean), inverseDeviation), inverseDeviation];
  },
  sum: (tf, [x], { attributes: { axes, keepDims } }) => tf.sum(x, [...axes], keepDims),
  reshape: (tf, [x], node) => tf.reshape(x, [...node.outputs[0].shape]),
  transpose: (tf, [x], { attributes: { permutation } }) => tf.transpose(x, [...permutation]),
  slice: (tf, [x], { attributes: { axis, start }, outputs }) => {
    const begin = x.shape.map((_, at) => (at === axis ? start : 0));
    return tf.slice(x, begin, [...outputs[0].shape]);
  },
  concat: (tf, inputs, { attributes: { axis } }) => tf.concat([...inputs], axis),
  broadcast: (tf, [x], { outputs }) => {
    const { shape } = outputs[0];
    const aligned = sizeOf(x.shape) === 1 ? tf.reshape(x, []) : x;
    return tf.broadcastTo(aligned, [...shape]);
  },
  stopGradient: (tf, [x]) => tf.clone(x),
};
