// The gradient of every operator, written with the operators themselves.
//
// A rule gets a node and the gradients of its outputs and gives the gradient of each input that is wanted. Where a
// function has a kink, relu has gradient 0 at 0, and of equal values maximum and minimum pass it to the first.

import { sizeOf } from '../base/arrays.js';
import type { NodeOf, OperatorName, Value } from './graph.js';
import type { GraphBuilder } from './graph-builder.js';
import { sameShape } from './shapes.js';

export interface RuleContext<Name extends OperatorName> {
  readonly builder: GraphBuilder;
  readonly node: NodeOf<Name>;
  /** Gradient of each output; undefined for an output that the loss does not use. At least one is defined. */
  readonly outputGradients: readonly (Value | undefined)[];
  /** Gradient of the first output. Use where a node has one output. */
  readonly gradient: Value;
  wants(input: number): boolean;
  /** Adds to the gradient of an input. */
  give(input: number, gradient: Value): void;
  /** Adds to elements start to end of one axis of the gradient of an input. */
  givePart(input: number, axis: number, start: number, gradient: Value): void;
}

type Rule<Name extends OperatorName> = (context: RuleContext<Name>) => void;

/** Sums a gradient over the axes that broadcasting repeated, back to `shape`. */
export function sumTo(builder: GraphBuilder, gradient: Value, shape: readonly number[]): Value {
  if (sameShape(gradient.shape, shape)) return gradient;
  const offset = gradient.shape.length - shape.length;
  const repeated = gradient.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < offset || (shape[axis - offset] === 1 && gradient.shape[axis] !== 1));
  return builder.reshape(builder.sum(gradient, repeated), shape);
}

/** A rule for two broadcast inputs from the full-size gradient of each, computed only where wanted. */
function elementwise<Name extends OperatorName>(
  gradientOfA: (context: RuleContext<Name>) => Value,
  gradientOfB: (context: RuleContext<Name>) => Value,
  first = 0,
): Rule<Name> {
  return (context) => {
    const { builder, node } = context;
    for (const [at, gradientOf] of [gradientOfA, gradientOfB].entries()) {
      if (!context.wants(first + at)) continue;
      context.give(first + at, sumTo(builder, gradientOf(context), node.inputs[first + at].shape));
    }
  };
}

/** A rule for one input whose gradient is made of the gradient g, the input x and the output y. */
function unary<Name extends OperatorName>(
  gradientOf: (builder: GraphBuilder, g: Value, x: Value, y: Value) => Value,
): Rule<Name> {
  return ({ builder, node, gradient, give }) => {
    give(0, gradientOf(builder, gradient, node.inputs[0], node.outputs[0]));
  };
}

const noGradient = () => {};

/** The part of the gradient where `condition` is 1 (or, with `taken` false, where it is 0). */
function where(builder: GraphBuilder, condition: Value, gradient: Value, taken: boolean): Value {
  const zero = builder.scalar(0);
  return taken ? builder.select(condition, gradient, zero) : builder.select(condition, zero, gradient);
}

function geluGradient(builder: GraphBuilder, g: Value, x: Value): Value {
  // gelu(x) = x·s(2u) with u = sqrt(2/π)·(x + 0.044715x³) and s the sigmoid, so gelu' = s + x·s·(1 − s)·2u'.
  const c = 2 * Math.sqrt(2 / Math.PI);
  const scalar = (number: number) => builder.scalar(number);
  const squared = builder.square(x);
  const doubled = builder.multiply(x, builder.add(builder.multiply(squared, scalar(c * 0.044715)), scalar(c)));
  const slope = builder.add(builder.multiply(squared, scalar(3 * c * 0.044715)), scalar(c));
  const s = builder.sigmoid(doubled);
  const bend = builder.multiply(builder.multiply(x, slope), builder.subtract(scalar(1), s));
  return builder.multiply(g, builder.multiply(s, builder.add(bend, scalar(1))));
}

function matmulRule({ builder, node, gradient, wants, give }: RuleContext<'matmul'>): void {
  const [a, b] = node.inputs;
  const { transposeA, transposeB, scale } = node.attributes;
  if (wants(0)) {
    give(
      0,
      transposeA
        ? builder.matmul(b, gradient, { transposeA: transposeB, transposeB: true, scale })
        : builder.matmul(gradient, b, { transposeB: !transposeB, scale }),
    );
  }
  if (wants(1)) {
    give(
      1,
      transposeB
        ? builder.matmul(gradient, a, { transposeA: true, transposeB: transposeA, scale })
        : builder.matmul(a, gradient, { transposeA: !transposeA, scale }),
    );
  }
}

function linearRule({ builder, node, gradient, wants, give }: RuleContext<'linear'>): void {
  const [x, weight] = node.inputs;
  if (wants(0)) give(0, builder.matmul(gradient, weight, { transposeB: true }));
  if (wants(1)) give(1, builder.matmul(x, gradient, { transposeA: true }));
  if (node.inputs.length > 2 && wants(2)) give(2, builder.sum(gradient, [0]));
}

function softmaxRule({ builder, node, gradient, give }: RuleContext<'softmax'>): void {
  const y = node.outputs[0];
  const weighted = builder.multiply(y, gradient);
  give(0, builder.subtract(weighted, builder.multiply(y, builder.sum(weighted, [-1], true))));
}

function normalizeRule({ builder, node, outputGradients, give }: RuleContext<'normalize'>): void {
  const [normalised, inverseDeviation] = node.outputs;
  const [ofNormalised, ofInverse] = outputGradients;
  if (ofNormalised !== undefined) {
    const shift = builder.mean(ofNormalised, [-1], true);
    const stretch = builder.mean(builder.multiply(ofNormalised, normalised), [-1], true);
    const centred = builder.subtract(ofNormalised, shift);
    const inner = builder.subtract(centred, builder.multiply(normalised, stretch));
    give(0, builder.multiply(inner, inverseDeviation));
  }
  if (ofInverse !== undefined) {
    // r = (variance + ε)^(-1/2), so ∂r/∂x = −r²·normalised/n.
    const width = sizeOf(node.inputs[0].shape.slice(-1));
    const factor = builder.multiply(builder.square(inverseDeviation), builder.scalar(-1 / width));
    give(0, builder.multiply(normalised, builder.multiply(ofInverse, factor)));
  }
}

function sumRule({ builder, node, gradient, give }: RuleContext<'sum'>): void {
  const { shape } = node.inputs[0];
  const kept = shape.map((extent, axis) => (node.attributes.axes.includes(axis) ? 1 : extent));
  const spread = sizeOf(kept) === 1 ? builder.reshape(gradient, []) : builder.reshape(gradient, kept);
  give(0, builder.broadcast(spread, shape));
}

export const GRADIENT_RULES: { readonly [Name in OperatorName]: Rule<Name> } = {
  add: elementwise(
    ({ gradient }) => gradient,
    ({ gradient }) => gradient,
  ),
  subtract: elementwise(
    ({ gradient }) => gradient,
    ({ builder, gradient }) => builder.negate(gradient),
  ),
  multiply: elementwise(
    ({ builder, node, gradient }) => builder.multiply(gradient, node.inputs[1]),
    ({ builder, node, gradient }) => builder.multiply(gradient, node.inputs[0]),
  ),
  divide: elementwise(
    ({ builder, node, gradient }) => builder.divide(gradient, node.inputs[1]),
    ({ builder, node, gradient }) =>
      builder.negate(builder.divide(builder.multiply(gradient, node.outputs[0]), node.inputs[1])),
  ),
  maximum: elementwise(
    ({ builder, node, gradient }) => where(builder, builder.greater(node.inputs[1], node.inputs[0]), gradient, false),
    ({ builder, node, gradient }) => where(builder, builder.greater(node.inputs[1], node.inputs[0]), gradient, true),
  ),
  minimum: elementwise(
    ({ builder, node, gradient }) => where(builder, builder.greater(node.inputs[0], node.inputs[1]), gradient, false),
    ({ builder, node, gradient }) => where(builder, builder.greater(node.inputs[0], node.inputs[1]), gradient, true),
  ),
  greater: noGradient,
  negate: unary((builder, g) => builder.negate(g)),
  square: unary((builder, g, x) => builder.multiply(x, builder.multiply(g, builder.scalar(2)))),
  sqrt: unary((builder, g, _, y) => builder.divide(builder.multiply(g, builder.scalar(0.5)), y)),
  exp: unary((builder, g, _, y) => builder.multiply(g, y)),
  log: unary((builder, g, x) => builder.divide(g, x)),
  tanh: unary((builder, g, _, y) => builder.multiply(g, builder.subtract(builder.scalar(1), builder.square(y)))),
  relu: unary((builder, g, _, y) => builder.reluGradient(y, g)),
  gelu: unary((builder, g, x) => geluGradient(builder, g, x)),
  sigmoid: unary((builder, g, _, y) =>
    builder.multiply(g, builder.multiply(y, builder.subtract(builder.scalar(1), y))),
  ),
  reluGradient: ({ builder, node, gradient, wants, give }) => {
    if (wants(1)) give(1, builder.reluGradient(node.inputs[0], gradient));
  },
  select: elementwise(
    ({ builder, node, gradient }) => where(builder, node.inputs[0], gradient, true),
    ({ builder, node, gradient }) => where(builder, node.inputs[0], gradient, false),
    1,
  ),
  matmul: matmulRule,
  linear: linearRule,
  softmax: softmaxRule,
  normalize: normalizeRule,
  sum: sumRule,
  reshape: unary((builder, g, x) => builder.reshape(g, x.shape)),
  transpose: ({ builder, node, gradient, give }) => {
    const { permutation } = node.attributes;
    give(
      0,
      builder.transpose(
        gradient,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    );
  },
  slice: ({ node, gradient, givePart }) => {
    givePart(0, node.attributes.axis, node.attributes.start, gradient);
  },
  concat: ({ builder, node, gradient, wants, give }) => {
    const { axis } = node.attributes;
    let start = 0;
    for (const [at, value] of node.inputs.entries()) {
      const end = start + value.shape[axis];
      if (wants(at)) give(at, builder.slice(gradient, axis, start, end));
      start = end;
    }
  },
  broadcast: unary((builder, g, x) => sumTo(builder, g, x.shape)),
  stopGradient: noGradient,
};
