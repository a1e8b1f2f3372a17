// Shape rules of the operators: broadcasting, axes, and the errors that name operator and shapes.
//
// Broadcasting is narrower than numpy's, so that a mistake is an error and not a silently larger tensor: equal shapes,
// a single number, a trailing suffix ([n] or [t, d] against [..., t, d]), or equal rank with extents of 1 ([n, 1]
// against [n, d]).

import { sizeOf } from '../base/arrays.js';
import { DataError } from '../base/errors.js';

type Shape = readonly number[];

export function shapeText(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** The error of an operator whose inputs do not fit. */
export function shapeError(operator: string, shapes: readonly Shape[], expected: string): DataError {
  return new DataError({
    where: `graph ${operator}`,
    what: 'shapes',
    expected,
    found: shapes.map(shapeText).join(' and '),
  });
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** A shape that broadcasts as a single number: one element, at most as many axes as the other. */
function isScalarBeside(a: Shape, b: Shape): boolean {
  return a.length <= b.length && sizeOf(a) === 1;
}

function isSuffix(short: Shape, long: Shape): boolean {
  const offset = long.length - short.length;
  return offset > 0 && short.every((extent, axis) => extent === long[offset + axis]);
}

/** The common shape of two elementwise inputs, or undefined where they do not broadcast. */
export function broadcastOf(a: Shape, b: Shape): Shape | undefined {
  if (sameShape(a, b)) return a;
  if (isScalarBeside(b, a)) return a;
  if (isScalarBeside(a, b)) return b;
  if (a.length !== b.length) return isSuffix(b, a) ? a : isSuffix(a, b) ? b : undefined;
  const fits = a.every((extent, axis) => extent === b[axis] || extent === 1 || b[axis] === 1);
  return fits ? a.map((extent, axis) => (extent === 1 ? b[axis] : extent)) : undefined;
}

/** @throws DataError naming the operator and both shapes */
export function broadcastShapes(operator: string, a: Shape, b: Shape): Shape {
  const shape = broadcastOf(a, b);
  if (shape === undefined) {
    throw shapeError(
      operator,
      [a, b],
      'equal shapes, a single number, a trailing suffix, or equal rank with extents of 1',
    );
  }
  return shape;
}

/** Resolves negative axes, sorts, and refuses axes that are absent or named twice. */
export function normalizeAxes(operator: string, shape: Shape, axes: readonly number[]): number[] {
  const resolved = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
  const fits = resolved.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < shape.length);
  if (!fits || new Set(resolved).size !== resolved.length) {
    throw shapeError(operator, [shape], `distinct axes of the shape, not ${shapeText(axes)}`);
  }
  return resolved.sort((a, b) => a - b);
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Strides that read `shape` as if it had shape `target`: 0 on repeated axes. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = stridesOf(shape);
  const offset = target.length - shape.length;
  return target.map((_, axis) => (axis < offset || shape[axis - offset] === 1 ? 0 : strides[axis - offset]));
}
