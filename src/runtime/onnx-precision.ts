// Products in bfloat16: factors and product keep 8 bits of their significand, everything else float32.
//
// What it means is the same on every device: factors are rounded to bfloat16, summed up in float32 (as the tensor cores of
// a GPU do), and the product is rounded again. `native` multiplies such tensors, `rounded` multiplies their values in
// float32, which is slower and gives an engine without such products the same losses.

import type { NodeOf, OperatorName } from '../graph/graph.js';
import type { Lowering } from './onnx-lowering.js';
import { ONNX_BFLOAT16, ONNX_FLOAT } from './onnx-schema.js';

export type Bfloat16Products = 'native' | 'rounded';

type Product = NodeOf<'matmul'> | NodeOf<'linear'>;

/**
 * True for the products of a network: not for a sum in the form of a product with a constant, nor for that of one row,
 * which has next to no cost.
 */
export function isNetworkProduct(to: Lowering, node: NodeOf<OperatorName>): node is Product & NodeOf<OperatorName> {
  if (node.operator !== 'matmul' && node.operator !== 'linear') return false;
  const isSum = node.inputs.some((value) => to.isConstant(value));
  return !isSum && (node.outputs[0].shape.at(-2) ?? 1) > 1;
}

/** The names of the factors in bfloat16, each made once, and the name in which `lower` is to leave the product. */
export function lowerInBfloat16(
  to: Lowering,
  mode: Bfloat16Products,
  [a, b]: readonly string[],
  output: string,
  lower: (factors: readonly string[], product: string) => void,
): void {
  const product = to.temporary();
  lower(
    [a, b].map((name) => narrowed(to, mode, name)),
    product,
  );
  if (mode === 'native') to.emit('Cast', [product], [output], { to: { int: ONNX_FLOAT } });
  else emitRounded(to, product, output);
}

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
