// Multi-head causal self-attention as graph operators (scaled dot product, scale 1/sqrt(head width), no dropout).

import type { Value } from './graph.js';
import type { GraphBuilder } from './graph-builder.js';
import { sameShape, shapeError } from './shapes.js';

export interface AttentionSize {
  readonly batch: number;
  readonly time: number;
  readonly heads: number;
}

/**
 * @param qkv [batch·time, 3·d]: queries, keys and values side by side, each head after head
 * @returns [batch·time, d]
 * @throws DataError where qkv does not have that shape or d is no multiple of heads
 */
export function causalAttention(builder: GraphBuilder, qkv: Value, size: AttentionSize): Value {
  const { batch, time, heads } = size;
  const width = (qkv.shape[1] ?? 0) / 3;
  const headWidth = width / heads;
  if (!sameShape(qkv.shape, [batch * time, 3 * width]) || !Number.isInteger(headWidth) || headWidth < 1) {
    throw shapeError('causalAttention', [qkv.shape], `[${batch}·${time}, 3·d] with d a multiple of ${heads} heads`);
  }
  // [batch, 3·heads, time, headWidth]: queries, keys and values are slices of whole heads, with no copy to reshape.
  const split = builder.transpose(builder.reshape(qkv, [batch, time, 3 * heads, headWidth]), [0, 2, 1, 3]);
  const [query, key, value] = [0, 1, 2].map((part) => builder.slice(split, 1, part * heads, (part + 1) * heads));
  const scores = builder.matmul(query, key, { transposeB: true, scale: 1 / Math.sqrt(headWidth) });
  const mixed = builder.matmul(builder.softmax(scores, { causal: true }), value); // [batch, heads, time, headWidth]
  return builder.reshape(builder.transpose(mixed, [0, 2, 1, 3]), [batch * time, width]);
}

/**
 * What one query a window attends to, where the others are of no interest.
 * @param query [batch, d], each head after head
 * @param keysValues [batch·time, 2·d]: keys and values side by side
 * @param bias [batch, 1, 1, time], added to the scores: 0, or so low that nothing of the token is left
 * @returns [batch, d]
 */
export function attentionOfOne(
  builder: GraphBuilder,
  query: Value,
  keysValues: Value,
  bias: Value,
  { batch, time, heads }: AttentionSize,
): Value {
  const width = query.shape[1];
  const headWidth = width / heads;
  // A single query needs no transpose, neither before nor after.
  const one = builder.reshape(query, [batch, heads, 1, headWidth]);
  const split = builder.transpose(builder.reshape(keysValues, [batch, time, 2 * heads, headWidth]), [0, 2, 1, 3]);
  const [key, value] = [0, 1].map((part) => builder.slice(split, 1, part * heads, (part + 1) * heads));
  const scores = builder.matmul(one, key, { transposeB: true, scale: 1 / Math.sqrt(headWidth) });
  return builder.reshape(builder.matmul(builder.softmax(builder.add(scores, bias)), value), [batch, width]);
}
