// Reverse-mode differentiation: appends the gradient of a scalar to the graph that computes it.
//
// Only what the asked-for values need is made: a node whose inputs do not depend on any of them is not differentiated,
// so that the input layer of a network costs no gradient towards its data.

import { sizeOf } from '../base/arrays.js';
import { DataError } from '../base/errors.js';
import { GRADIENT_RULES, type RuleContext } from './gradient-rules.js';
import type { GraphNode, OperatorName, Value } from './graph.js';
import type { GraphBuilder } from './graph-builder.js';
import { shapeText } from './shapes.js';

/** A gradient of some elements of a value: all of them where `axis` is undefined. */
interface Contribution {
  readonly gradient: Value;
  readonly axis?: number;
  readonly start: number;
}

/**
 * The gradient of `loss` with respect to each of `wrt`, in the shape of each.
 * Of a value that the loss does not depend on it is a constant of zeros.
 * @throws DataError where the loss has more than one element
 */
export function gradients(builder: GraphBuilder, loss: Value, wrt: readonly Value[]): Value[] {
  if (sizeOf(loss.shape) !== 1) {
    throw new DataError({
      where: 'graph gradients',
      what: 'loss',
      expected: 'one element',
      found: shapeText(loss.shape),
    });
  }
  const forward = [...builder.nodes];
  const differentiable = dependents(forward, wrt);
  const contributions = new Map<number, Contribution[]>();
  const contribute = (value: Value, contribution: Contribution) => {
    const list = contributions.get(value.id);
    if (list === undefined) contributions.set(value.id, [contribution]);
    else list.push(contribution);
  };
  const gradientOf = (value: Value): Value | undefined => {
    const list = contributions.get(value.id);
    if (list === undefined) return undefined;
    const total = combine(builder, value.shape, list);
    contributions.set(value.id, [{ gradient: total, start: 0 }]);
    return total;
  };

  if (differentiable.has(loss.id)) {
    contribute(loss, { gradient: builder.broadcast(builder.scalar(1), loss.shape), start: 0 });
  }
  for (const node of forward.reverse()) {
    if (!node.inputs.some((value) => differentiable.has(value.id))) continue;
    const outputGradients = node.outputs.map(gradientOf);
    if (outputGradients.every((gradient) => gradient === undefined)) continue;
    applyRule({
      builder,
      node: node as RuleContext<OperatorName>['node'],
      outputGradients,
      gradient: outputGradients[0] as Value,
      wants: (input) => differentiable.has(node.inputs[input].id),
      give: (input, gradient) => {
        if (differentiable.has(node.inputs[input].id)) contribute(node.inputs[input], { gradient, start: 0 });
      },
      givePart: (input, axis, start, gradient) => {
        if (differentiable.has(node.inputs[input].id)) contribute(node.inputs[input], { gradient, axis, start });
      },
    });
  }
  return wrt.map((value) => gradientOf(value) ?? builder.broadcast(builder.scalar(0), value.shape));
}

function applyRule<Name extends OperatorName>(context: RuleContext<Name>): void {
  const rule: (context: RuleContext<Name>) => void = GRADIENT_RULES[context.node.operator];
  rule(context);
}

/** Ids of the values that a gradient has to pass through on its way to `wrt`. */
function dependents(nodes: readonly GraphNode[], wrt: readonly Value[]): Set<number> {
  const found = new Set(wrt.map((value) => value.id));
  for (const node of nodes) {
    if (node.operator === 'greater' || node.operator === 'stopGradient') continue;
    const inputs = node.operator === 'select' ? node.inputs.slice(1) : node.inputs;
    const through = node.operator === 'reluGradient' ? node.inputs.slice(1) : inputs;
    if (!through.some((value) => found.has(value.id))) continue;
    for (const value of node.outputs) found.add(value.id);
  }
  return found;
}

/** Adds contributions up. Parts that lie side by side on one axis are joined in one pass instead of added. */
function combine(builder: GraphBuilder, shape: readonly number[], list: readonly Contribution[]): Value {
  const whole = list.filter((contribution) => contribution.axis === undefined).map(({ gradient }) => gradient);
  let parts = list.filter((contribution) => contribution.axis !== undefined);
  while (parts.length > 0) {
    const axis = parts[0].axis as number;
    const row: Contribution[] = [];
    const rest: Contribution[] = [];
    let end = 0;
    for (const part of parts.toSorted((a, b) => a.start - b.start)) {
      const fits = part.axis === axis && part.start >= end;
      (fits ? row : rest).push(part);
      if (fits) end = part.start + part.gradient.shape[axis];
    }
    whole.push(joined(builder, shape, axis, row));
    parts = rest;
  }
  return whole.reduce((total, gradient) => builder.add(total, gradient));
}

/** Parts in order along an axis, with zeros between them. */
function joined(builder: GraphBuilder, shape: readonly number[], axis: number, row: readonly Contribution[]): Value {
  const pieces: Value[] = [];
  let at = 0;
  const fill = (end: number) => {
    if (end > at) pieces.push(builder.broadcast(builder.scalar(0), shape.with(axis, end - at)));
  };
  for (const part of row) {
    fill(part.start);
    pieces.push(part.gradient);
    at = part.start + part.gradient.shape[axis];
  }
  fill(shape[axis]);
  return builder.concat(pieces, axis);
}
