// The operators in float64 loops. A kernel is made once for its buffers and run once a step.

import { sizeOf } from '../base/arrays.js';
import type { NodeOf, OperatorName, Value } from '../graph/graph.js';
import { broadcastStrides, stridesOf } from '../graph/shapes.js';

export type Kernel<Name extends OperatorName> = (
  node: NodeOf<Name>,
  inputs: readonly Float64Array[],
  outputs: readonly Float64Array[],
) => () => void;

export const REFERENCE_KERNELS: { readonly [Name in OperatorName]: Kernel<Name> } = {
  add: binary((a, b) => a + b),
  subtract: binary((a, b) => a - b),
  multiply: binary((a, b) => a * b),
  divide: binary((a, b) => a / b),
  maximum: binary(Math.max),
  minimum: binary(Math.min),
  greater: binary((a, b) => (a > b ? 1 : 0)),
  negate: unary((x) => -x),
  square: unary((x) => x * x),
  sqrt: unary(Math.sqrt),
  exp: unary(Math.exp),
  log: unary(Math.log),
  tanh: unary(Math.tanh),
  relu: unary((x) => Math.max(x, 0)),
  gelu: unary((x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))),
  sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  reluGradient: binary((y, gradient) => (y > 0 ? gradient : 0)),
  select: selectKernel,
  matmul: matmulKernel,
  linear: linearKernel,
  softmax: softmaxKernel,
  normalize: normalizeKernel,
  sum: sumKernel,
  reshape: copyKernel,
  transpose: (node, [x], [y]) => {
    const strides = stridesOf(node.inputs[0].shape);
    const order = gatherOrder(
      node.outputs[0].shape,
      node.attributes.permutation.map((axis) => strides[axis]),
      0,
    );
    return gather(x, y, order);
  },
  slice: (node, [x], [y]) => {
    const strides = stridesOf(node.inputs[0].shape);
    const { axis, start } = node.attributes;
    return gather(x, y, gatherOrder(node.outputs[0].shape, strides, start * strides[axis]));
  },
  concat: concatKernel,
  broadcast: (node, [x], [y]) => gather(x, y, broadcastOrder(node.inputs[0], node.outputs[0])),
  stopGradient: copyKernel,
};

function unary<Name extends OperatorName>(apply: (x: number) => number): Kernel<Name> {
  return (_, [x], [y]) =>
    () => {
      for (let at = 0; at < y.length; at++) y[at] = apply(x[at]);
    };
}

function binary<Name extends OperatorName>(apply: (a: number, b: number) => number): Kernel<Name> {
  return (node, [a, b], [y]) => {
    const [orderA, orderB] = node.inputs.map((value) => broadcastOrder(value, node.outputs[0]));
    return () => {
      for (let at = 0; at < y.length; at++) y[at] = apply(a[orderA[at]], b[orderB[at]]);
    };
  };
}

function copyKernel(_: unknown, [x]: readonly Float64Array[], [y]: readonly Float64Array[]): () => void {
  return () => y.set(x);
}

/** For each element of `shape`, where it lies in a buffer of these strides. */
function gatherOrder(shape: readonly number[], strides: readonly number[], offset: number): Int32Array {
  const order = new Int32Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let at = 0; at < order.length; at++) {
    order[at] = from;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return order;
}

function broadcastOrder(from: Value, to: Value): Int32Array {
  return gatherOrder(to.shape, broadcastStrides(from.shape, to.shape), 0);
}

function gather(x: Float64Array, y: Float64Array, order: Int32Array): () => void {
  return () => {
    for (let at = 0; at < y.length; at++) y[at] = x[order[at]];
  };
}

function selectKernel(
  node: NodeOf<'select'>,
  [condition, whenTrue, whenFalse]: readonly Float64Array[],
  [y]: readonly Float64Array[],
): () => void {
  const [orderC, orderT, orderF] = node.inputs.map((value) => broadcastOrder(value, node.outputs[0]));
  return () => {
    for (let at = 0; at < y.length; at++) {
      y[at] = condition[orderC[at]] !== 0 ? whenTrue[orderT[at]] : whenFalse[orderF[at]];
    }
  };
}

function matmulKernel(
  node: NodeOf<'matmul'>,
  [a, b]: readonly Float64Array[],
  [y]: readonly Float64Array[],
): () => void {
  const { transposeA, transposeB, scale } = node.attributes;
  const [m, n] = node.outputs[0].shape.slice(-2);
  const k = node.inputs[0].shape.at(transposeA ? -2 : -1) as number;
  const [rowA, innerA] = transposeA ? [1, m] : [k, 1];
  const [innerB, columnB] = transposeB ? [1, k] : [n, 1];
  return () => {
    for (let product = 0; product * m * n < y.length; product++) {
      const [startA, startB, startY] = [product * m * k, product * k * n, product * m * n];
      for (let row = 0; row < m; row++) {
        for (let column = 0; column < n; column++) {
          let total = 0;
          for (let inner = 0; inner < k; inner++) {
            total += a[startA + row * rowA + inner * innerA] * b[startB + inner * innerB + column * columnB];
          }
          y[startY + row * n + column] = scale * total;
        }
      }
    }
  };
}

function linearKernel(
  node: NodeOf<'linear'>,
  [x, weight, bias]: readonly Float64Array[],
  [y]: readonly Float64Array[],
): () => void {
  const [rows, k] = node.inputs[0].shape;
  const n = node.inputs[1].shape[1];
  return () => {
    for (let row = 0; row < rows; row++) {
      const result = y.subarray(row * n, (row + 1) * n);
      if (bias === undefined) result.fill(0);
      else result.set(bias);
      for (let inner = 0; inner < k; inner++) {
        const factor = x[row * k + inner];
        for (let column = 0; column < n; column++) result[column] += factor * weight[inner * n + column];
      }
    }
  };
}

function softmaxKernel(
  node: NodeOf<'softmax'>,
  [x]: readonly Float64Array[],
  [y]: readonly Float64Array[],
): () => void {
  const width = node.inputs[0].shape.at(-1) as number;
  const { causal } = node.attributes;
  return () => {
    for (let row = 0; row * width < y.length; row++) {
      const start = row * width;
      const end = start + (causal ? (row % width) + 1 : width);
      let highest = Number.NEGATIVE_INFINITY;
      for (let at = start; at < end; at++) highest = Math.max(highest, x[at]);
      let total = 0;
      for (let at = start; at < end; at++) {
        y[at] = Math.exp(x[at] - highest);
        total += y[at];
      }
      for (let at = start; at < end; at++) y[at] /= total;
      y.fill(0, end, start + width);
    }
  };
}

function normalizeKernel(
  node: NodeOf<'normalize'>,
  [x]: readonly Float64Array[],
  [normalised, inverseDeviation]: readonly Float64Array[],
): () => void {
  const width = node.inputs[0].shape.at(-1) as number;
  return () => {
    for (let row = 0; row < inverseDeviation.length; row++) {
      const start = row * width;
      let mean = 0;
      for (let at = start; at < start + width; at++) mean += x[at] / width;
      let variance = 0;
      for (let at = start; at < start + width; at++) variance += (x[at] - mean) ** 2 / width;
      inverseDeviation[row] = 1 / Math.sqrt(variance + node.attributes.epsilon);
      for (let at = start; at < start + width; at++) normalised[at] = (x[at] - mean) * inverseDeviation[row];
    }
  };
}

function sumKernel(node: NodeOf<'sum'>, [x]: readonly Float64Array[], [y]: readonly Float64Array[]): () => void {
  const { shape } = node.inputs[0];
  const kept = shape.map((extent, axis) => (node.attributes.axes.includes(axis) ? 1 : extent));
  const order = gatherOrder(shape, broadcastStrides(kept, shape), 0);
  return () => {
    y.fill(0);
    for (let at = 0; at < x.length; at++) y[order[at]] += x[at];
  };
}

function concatKernel(
  node: NodeOf<'concat'>,
  inputs: readonly Float64Array[],
  [y]: readonly Float64Array[],
): () => void {
  const { shape } = node.outputs[0];
  const { axis } = node.attributes;
  const row = sizeOf(shape.slice(axis)); // elements of the result for one index of the axes before
  const widths = node.inputs.map((value) => sizeOf(value.shape.slice(axis)));
  return () => {
    for (let outer = 0; outer * row < y.length; outer++) {
      let to = outer * row;
      for (const [at, input] of inputs.entries()) {
        y.set(input.subarray(outer * widths[at], (outer + 1) * widths[at]), to);
        to += widths[at];
      }
    }
  };
}
