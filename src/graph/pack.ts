// Many small tensors as one vector, so that elementwise work on all of them is one operator and not one for each.
//
// An optimiser's update of a network's biases and gains costs an engine far more in starting operators than in
// arithmetic: packed it is one update of one vector.

import { sizeOf } from '../base/arrays.js';
import type { Value } from './graph.js';
import type { GraphBuilder } from './graph-builder.js';
import { shapeError } from './shapes.js';

/** The elements of all values, one after another: [total]. */
export function pack(builder: GraphBuilder, values: readonly Value[]): Value {
  return builder.concat(
    values.map((value) => builder.reshape(value, [sizeOf(value.shape)])),
    0,
  );
}

/** The inverse of pack: values of `shapes`. @throws DataError where the shapes do not fill the vector */
export function unpack(builder: GraphBuilder, packed: Value, shapes: readonly (readonly number[])[]): Value[] {
  const total = shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
  if (packed.shape.length !== 1 || packed.shape[0] !== total) {
    throw shapeError('unpack', [packed.shape], `[${total}], the elements of all parts`);
  }
  let start = 0;
  return shapes.map((shape) => {
    const end = start + sizeOf(shape);
    const part = builder.reshape(builder.slice(packed, 0, start, end), shape);
    start = end;
    return part;
  });
}
