// Products in bfloat16: factors and product keep 8 bits of their significand, everything else float32.
//
// What it means is the same on every device: factors are rounded to bfloat16, summed up in float32 (as the tensor cores of
// a GPU do), and the product is rounded again. `native` multiplies such tensors, `rounded` multiplies their values in
// float32, which is slower and gives an engine without such products the same losses.

import type { NodeOf } from '../graph/graph.js';
import type { Lowering } from './onnx-lowering.js';
import { ONNX_BFLOAT16, ONNX_FLOAT } from './onnx-schema.js';

export type Bfloat16Products = 'native' | 'rounded';

type Product = NodeOf<'matmul'> | NodeOf<'linear'>;

/**
 * How a product is made in bfloat16, where products of the network are: not a sum in the form of a product with a constant,
 * nor that of one row, which has next to no cost.
 */
export function bfloat16Of(to: Lowering, node: Product): Bfloat16Products | undefined {
  const isSum = node.inputs.some((value) => to.isConstant(value));
  return isSum || node.outputs[0].shape.at(-2) === 1 ? undefined : to.bfloat16;
}

/** Calls `lower` with the names of the factors, in bfloat16 where the product is, and the name in which it is to leave that. */
export function lowerInPrecision(
  to: Lowering,
  node: Product,
  factors: readonly string[],
  output: string,
  lower: (factors: readonly string[], product: string) => void,
): void {
  const mode = bfloat16Of(to, node);
  if (mode === undefined) {
    lower(factors, output);
    return;
  }
  const product = to.temporary();
  lower(
    factors.map((name) => narrowed(to, mode, name)),
    product,
  );
  if (mode === 'native') to.emit('Cast', [product], [output], { to: { int: ONNX_FLOAT } });
  else emitRounded(to, product, output);
}

/** A value in bfloat16, made once. */
function narrowed(to: Lowering, mode: Bfloat16Products, name: string): string {
  const known = to.narrow.get(name);
  if (known !== undefined) return known;
  const result = to.temporary();
  if (mode === 'native') to.emit('Cast', [name], [result], { to: { int: ONNX_BFLOAT16 } });
  else emitRounded(to, name, result);
  to.narrow.set(name, result);
  return result;
}

function emitRounded(to: Lowering, from: string, into: string): void {
  const narrow = to.temporary();
  to.emit('Cast', [from], [narrow], { to: { int: ONNX_BFLOAT16 } });
  to.emit('Cast', [narrow], [into], { to: { int: ONNX_FLOAT } });
}
