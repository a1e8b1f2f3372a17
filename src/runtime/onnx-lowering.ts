// Each graph operator as ONNX operators.

import { sizeOf } from '../base/arrays.js';
import type { NodeOf, OperatorName, Value } from '../graph/graph.js';
import { sameShape } from '../graph/shapes.js';
import { type Bfloat16Products, bfloat16Of, lowerInPrecision } from './onnx-precision.js';
import { ONNX_BOOL, ONNX_FLOAT, type OnnxAttribute } from './onnx-schema.js';

/** What a lowering may use of the model under construction. */
export interface Lowering {
  /** True where ONNX Runtime's own operators (domain com.microsoft) may be used: its CPU and CUDA providers have them. */
  readonly contrib: boolean;
  /** How the products of a network are made in bfloat16; undefined: in float32. */
  readonly bfloat16?: Bfloat16Products;
  /** Names of values in bfloat16, by their names. */
  readonly narrow: Map<string, string>;
  nameOf(value: Value): string;
  emit(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
    domain?: string,
  ): void;
  /** A fresh name. */
  temporary(): string;
  floats(data: ArrayLike<number>, shape: readonly number[]): string;
  integers(data: readonly number[]): string;
  /** The name of a condition as booleans, where it exists in that form. */
  boolean(value: Value): string | undefined;
  setBoolean(value: Value, name: string): void;
  consumersOf(value: Value): readonly NodeOf<OperatorName>[];
  isOutput(value: Value): boolean;
  /** True for inputs and constants, which have a name from the start. */
  isGiven(value: Value): boolean;
  isConstant(value: Value): boolean;
  /** The node's outputs are made already: it is not lowered again. */
  done(node: NodeOf<OperatorName>): void;
}

type Lower<Name extends OperatorName> = (
  to: Lowering,
  node: NodeOf<Name>,
  inputs: readonly string[],
  outputs: readonly string[],
) => void;

export function lowerNode<Name extends OperatorName>(to: Lowering, node: NodeOf<Name>): void {
  const lower: Lower<Name> = LOWERINGS[node.operator];
  lower(
    to,
    node,
    node.inputs.map((value) => to.nameOf(value)),
    node.outputs.map((value) => to.nameOf(value)),
  );
}

const LOWERINGS: { readonly [Name in OperatorName]: Lower<Name> } = {
  add: plain('Add'),
  subtract: plain('Sub'),
  multiply: plain('Mul'),
  divide: plain('Div'),
  maximum: plain('Max'),
  minimum: plain('Min'),
  greater: lowerGreater,
  negate: plain('Neg'),
  square: (to, _, [x], outputs) => to.emit('Mul', [x, x], outputs),
  sqrt: plain('Sqrt'),
  exp: plain('Exp'),
  log: plain('Log'),
  tanh: plain('Tanh'),
  relu: plain('Relu'),
  gelu: (to, _, inputs, outputs) => to.emit('Gelu', inputs, outputs, { approximate: { text: 'tanh' } }),
  sigmoid: plain('Sigmoid'),
  reluGradient: (to, _, [y, gradient], outputs) => {
    // A relu's output is 0 or positive, so clamping a huge multiple of it to [0, 1] gives the mask: one fast pass,
    // where Sign, Greater, Cast and Where are up to 20 times slower in ONNX Runtime.
    const mask = to.temporary();
    to.emit('HardSigmoid', [y], [mask], { alpha: { float: 3.4e38 }, beta: { float: 0 } });
    to.emit('Mul', [gradient, mask], outputs);
  },
  select: lowerSelect,
  matmul: lowerMatmul,
  linear: lowerLinear,
  softmax: lowerSoftmax,
  normalize: lowerNormalize,
  sum: lowerSum,
  reshape: (to, node, [x], outputs) => to.emit('Reshape', [x, to.integers(node.outputs[0].shape)], outputs),
  transpose: (to, node, inputs, outputs) =>
    to.emit('Transpose', inputs, outputs, { perm: { ints: node.attributes.permutation } }),
  slice: lowerSlice,
  concat: (to, node, inputs, outputs) => to.emit('Concat', inputs, outputs, { axis: { int: node.attributes.axis } }),
  broadcast: (to, node, [x], outputs) => to.emit('Expand', [x, to.integers(node.outputs[0].shape)], outputs),
  stopGradient: plain('Identity'),
};

function plain<Name extends OperatorName>(type: string): Lower<Name> {
  return (to, _, inputs, outputs) => to.emit(type, inputs, outputs);
}

function lowerGreater(
  to: Lowering,
  node: NodeOf<'greater'>,
  inputs: readonly string[],
  outputs: readonly string[],
): void {
  const boolean = to.temporary();
  const [value] = node.outputs;
  to.emit('Greater', inputs, [boolean]);
  to.setBoolean(value, boolean);
  const isNumber = to.consumersOf(value).some(({ operator, inputs }) => operator !== 'select' || inputs[0] !== value);
  if (isNumber || to.isOutput(value)) to.emit('Cast', [boolean], outputs, { to: { int: ONNX_FLOAT } });
}

function lowerSelect(
  to: Lowering,
  node: NodeOf<'select'>,
  [condition, whenTrue, whenFalse]: readonly string[],
  outputs: readonly string[],
): void {
  let boolean = to.boolean(node.inputs[0]);
  if (boolean === undefined) {
    boolean = to.temporary();
    to.emit('Cast', [condition], [boolean], { to: { int: ONNX_BOOL } });
    to.setBoolean(node.inputs[0], boolean);
  }
  to.emit('Where', [boolean, whenTrue, whenFalse], outputs);
}

function lowerMatmul(
  to: Lowering,
  node: NodeOf<'matmul'>,
  factors: readonly string[],
  outputs: readonly string[],
): void {
  lowerInPrecision(to, node, factors, outputs[0], (given, product) => lowerProduct(to, node, given, [product]));
}

function lowerProduct(
  to: Lowering,
  node: NodeOf<'matmul'>,
  [a, b]: readonly string[],
  outputs: readonly string[],
): void {
  const { transposeA, transposeB, scale } = node.attributes;
  const rank = node.inputs[0].shape.length;
  const flags = { transA: { int: transposeA ? 1 : 0 }, transB: { int: transposeB ? 1 : 0 }, alpha: { float: scale } };
  if (rank === 2) {
    if (!lowerTallProduct(to, node, [a, b], outputs)) to.emit('Gemm', [a, b], outputs, flags);
    return;
  }
  if (to.contrib) {
    to.emit('FusedMatMul', [a, b], outputs, flags, 'com.microsoft');
    return;
  }
  const swapped = (name: string, swap: boolean) => {
    if (!swap) return name;
    const result = to.temporary();
    const order = Array.from({ length: rank }, (_, axis) => axis);
    to.emit('Transpose', [name], [result], { perm: { ints: [...order.slice(0, -2), rank - 1, rank - 2] } });
    return result;
  };
  const factors = [swapped(a, transposeA), swapped(b, transposeB)];
  if (scale === 1) {
    to.emit('MatMul', factors, outputs);
    return;
  }
  const product = to.temporary();
  to.emit('MatMul', factors, [product]);
  to.emit('Mul', [product, to.floats([scale], [])], outputs);
}

/** WebGPU binds eight buffers to a shader at least: the whole and so many parts of it. More make ONNX Runtime's Split fail. */
const MOST_PARTS = 7;

/** Slices that divide a value among themselves are one Split. */
function lowerSlice(to: Lowering, node: NodeOf<'slice'>, [x]: readonly string[], outputs: readonly string[]): void {
  const { axis, start, end } = node.attributes;
  const parts = to
    .consumersOf(node.inputs[0])
    .filter(isSlice)
    .filter((part) => part.attributes.axis === axis)
    .sort((one, other) => one.attributes.start - other.attributes.start);
  const bounds = [0, ...parts.map((part) => part.attributes.end)];
  const adjoin = parts.every((part, at) => part.attributes.start === bounds[at]);
  const fits = to.contrib || parts.length <= MOST_PARTS;
  if (parts.length > 1 && fits && adjoin && bounds.at(-1) === node.inputs[0].shape[axis]) {
    const sizes = parts.map((part) => part.attributes.end - part.attributes.start);
    const names = parts.map((part) => to.nameOf(part.outputs[0]));
    to.emit('Split', [x, to.integers(sizes)], names, { axis: { int: axis } });
    for (const part of parts) to.done(part);
    return;
  }
  to.emit('Slice', [x, to.integers([start]), to.integers([end]), to.integers([axis])], outputs);
}

function isSlice(node: NodeOf<OperatorName>): node is NodeOf<'slice'> & NodeOf<OperatorName> {
  return node.operator === 'slice';
}

/** Rows from which a bias is added by an operator of its own. */
const MANY_ROWS = 256;

/** ONNX Runtime's Gemm copies its bias to every row on one thread; Add uses all of them. */
function lowerLinear(
  to: Lowering,
  node: NodeOf<'linear'>,
  inputs: readonly string[],
  outputs: readonly string[],
): void {
  const [x, weight, bias] = inputs;
  const isJoined = node.inputs[0].shape[0] < MANY_ROWS && bfloat16Of(to, node) === undefined;
  if (bias !== undefined && isJoined) {
    to.emit('Gemm', inputs, outputs);
    return;
  }
  const product = bias === undefined ? outputs[0] : to.temporary();
  lowerInPrecision(to, node, [x, weight], product, (factors, into) => to.emit('Gemm', factors, [into]));
  if (bias !== undefined) to.emit('Add', [product, bias], outputs);
}

/** From this many rows on, and this many columns of the wider factor for one of the other, lowerTallProduct gains. */
const TALL_ROWS = 512;
const TALL_RATIO = 2;

/**
 * aᵀ·b of two tall matrices: the gradient of a weight. ONNX Runtime's product with a transposed first factor is slow;
 * transposing the narrower factor beforehand, and the small result where that is b, takes a sixth off.
 */
function lowerTallProduct(
  to: Lowering,
  node: NodeOf<'matmul'>,
  [a, b]: readonly string[],
  outputs: readonly string[],
): boolean {
  const { transposeA, transposeB, scale } = node.attributes;
  const [rows, m] = node.inputs[0].shape;
  const n = node.inputs[1].shape[1];
  const gains = rows >= TALL_ROWS && Math.max(m, n) >= TALL_RATIO * Math.min(m, n);
  if (!transposeA || transposeB || scale !== 1 || !gains) return false;
  const swap = { perm: { ints: [1, 0] } };
  const narrow = to.temporary();
  to.emit('Transpose', [m <= n ? a : b], [narrow], swap);
  if (m <= n) {
    to.emit('Gemm', [narrow, b], outputs);
    return true;
  }
  const product = to.temporary();
  to.emit('Gemm', [narrow, a], [product]);
  to.emit('Transpose', [product], outputs, swap);
  return true;
}

/** With the gain and bias that follow, where nothing but they needs the normalised values. */
function lowerNormalize(
  to: Lowering,
  node: NodeOf<'normalize'>,
  [x]: readonly string[],
  [normalised, inverseDeviation]: readonly string[],
): void {
  const width = node.inputs[0].shape.at(-1) as number;
  const attributes = { axis: { int: -1 }, epsilon: { float: node.attributes.epsilon } };
  const scaled = affineStep(to, node.outputs[0], 'multiply', width);
  const shifted = scaled === undefined ? undefined : affineStep(to, scaled.node.outputs[0], 'add', width);
  if (scaled !== undefined && shifted !== undefined && to.consumersOf(node.outputs[1]).length === 0) {
    const inputs = [x, to.nameOf(scaled.vector), to.nameOf(shifted.vector)];
    to.emit('LayerNormalization', inputs, [to.nameOf(shifted.node.outputs[0])], attributes);
    to.done(scaled.node);
    to.done(shifted.node);
    return;
  }
  const ones = to.floats(new Float32Array(width).fill(1), [width]);
  to.emit('LayerNormalization', [x, ones], [normalised, to.temporary(), inverseDeviation], attributes);
}

/** The only use of a value, where that is an operation with a given vector [width]. */
function affineStep(
  to: Lowering,
  value: Value,
  operator: 'multiply' | 'add',
  width: number,
): { readonly node: NodeOf<OperatorName>; readonly vector: Value } | undefined {
  const [node, ...others] = to.consumersOf(value);
  if (node?.operator !== operator || others.length > 0 || to.isOutput(value)) return undefined;
  const vector = node.inputs[0] === value ? node.inputs[1] : node.inputs[0];
  return sameShape(vector.shape, [width]) && to.isGiven(vector) ? { node, vector } : undefined;
}

function lowerSum(to: Lowering, node: NodeOf<'sum'>, [x]: readonly string[], outputs: readonly string[]): void {
  const { axes, keepDims } = node.attributes;
  const { shape } = node.inputs[0];
  const summed = sizeOf(shape.slice(0, axes.length));
  const left = sizeOf(shape.slice(axes.length));
  if (left > 1 && axes.every((axis, at) => axis === at)) {
    // Over leading axes: a row of ones times a matrix runs at the speed of the memory.
    const product = to.temporary();
    const ones = to.floats(new Float32Array(summed).fill(1), [1, summed]);
    to.emit('Gemm', [ones, reshaped(to, x, shape, [summed, left])], [product]);
    to.emit('Reshape', [product, to.integers(node.outputs[0].shape)], outputs);
    return;
  }
  to.emit('ReduceSum', [x, to.integers(axes)], outputs, { keepdims: { int: keepDims ? 1 : 0 } });
}

function reshaped(to: Lowering, x: string, from: readonly number[], shape: readonly number[]): string {
  if (sameShape(from, shape)) return x;
  const result = to.temporary();
  to.emit('Reshape', [x, to.integers(shape)], [result]);
  return result;
}

/** exp of less than this is no normal float32; see lowerSoftmax. */
const LEAST_EXPONENT = -87;

/** Scores up to which one Softmax is faster than single steps: those of one control step. */
const FEW_SCORES = 4096;

/**
 * Causal softmax in single steps. ONNX Runtime's Softmax of scores masked with a large negative number spends most of
 * its time on denormal results, which take the processor a hundred times longer: here exponents are kept in the normal
 * range and the masked results are then set to exactly 0.
 */
function lowerSoftmax(to: Lowering, node: NodeOf<'softmax'>, [x]: readonly string[], outputs: readonly string[]): void {
  if (!node.attributes.causal) {
    to.emit('Softmax', [x], outputs, { axis: { int: -1 } });
    return;
  }
  const width = node.inputs[0].shape.at(-1) as number;
  const seen = new Float32Array(width * width);
  for (let query = 0; query < width; query++) seen.fill(1, query * width, query * width + query + 1);
  const hidden = seen.map((mask) => (mask === 1 ? 0 : -1e9));
  const step = (type: string, inputs: readonly string[], attributes?: Readonly<Record<string, OnnxAttribute>>) => {
    const result = to.temporary();
    to.emit(type, inputs, [result], attributes);
    return result;
  };
  const masked = step('Add', [x, to.floats(hidden, [width, width])]);
  if (sizeOf(node.inputs[0].shape) <= FEW_SCORES) {
    to.emit('Softmax', [masked], outputs, { axis: { int: -1 } });
    return;
  }
  const lastAxis = to.integers([-1]);
  const shifted = step('Sub', [masked, step('ReduceMax', [masked, lastAxis], { keepdims: { int: 1 } })]);
  const powers = step('Exp', [step('Max', [shifted, to.floats([LEAST_EXPONENT], [])])]);
  const kept = step('Mul', [powers, to.floats(seen, [width, width])]);
  to.emit('Div', [kept, step('ReduceSum', [kept, lastAxis], { keepdims: { int: 1 } })], outputs);
}
