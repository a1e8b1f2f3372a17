// From raw rows in physical units to what the transformer reads, and the running statistics of input BatchNorm.
//
// BatchNorm here normalises data, not activations: it comes after the fixed normaliser, counts only what is present,
// and needs no gradient, because nothing before it learns. The mask vector is filled in after it.

import type { Value } from '../graph/graph.js';
import type { GraphBuilder } from '../graph/graph-builder.js';
import type { Normaliser } from '../tokens/normaliser.js';

/** Share of the old running statistics kept at each step, and BatchNorm's epsilon; as in PyTorch. */
const MOMENTUM = 0.9;
const EPSILON = 1e-5;

/** (raw - mean) / deviation over the last axis; `from` and `to` select entries of the row. */
export function normalise(g: GraphBuilder, normaliser: Normaliser, raw: Value, from = 0, to?: number): Value {
  const mean = normaliser.mean.slice(from, to);
  const inverse = normaliser.deviation.slice(from, to).map((deviation) => 1 / deviation);
  const shape = [mean.length];
  return g.multiply(g.subtract(raw, g.constant(mean, shape)), g.constant(inverse, shape));
}

/** The inverse of normalise(). */
export function denormalise(g: GraphBuilder, normaliser: Normaliser, value: Value, from = 0, to?: number): Value {
  const mean = normaliser.mean.slice(from, to);
  const deviation = normaliser.deviation.slice(from, to);
  const shape = [mean.length];
  return g.add(g.multiply(value, g.constant(deviation, shape)), g.constant(mean, shape));
}

export interface RunningStatistics {
  readonly mean: Value;
  readonly variance: Value;
}

/** Normalises by the batch's statistics over what is present; returns the new running statistics [m + n] as well. */
export function batchNormalise(
  g: GraphBuilder,
  values: Value,
  present: Value,
  running: RunningStatistics,
): { values: Value; next: RunningStatistics } {
  const count = g.sum(present, [0], false);
  const some = g.greater(count, g.scalar(0.5));
  const safe = g.maximum(count, g.scalar(1));
  const zero = g.scalar(0);
  const kept = g.select(present, values, zero);
  const mean = g.divide(g.sum(kept, [0], false), safe);
  const centred = g.select(present, g.subtract(values, mean), zero);
  const variance = g.divide(g.sum(g.square(centred), [0], false), safe);
  const blend = (old: Value, fresh: Value) =>
    g.select(some, g.add(g.multiply(old, g.scalar(MOMENTUM)), g.multiply(fresh, g.scalar(1 - MOMENTUM))), old);
  return {
    values: scaleBy(g, values, mean, variance),
    next: { mean: blend(running.mean, mean), variance: blend(running.variance, variance) },
  };
}

/** Normalises by running statistics (inference). */
export function runningNormalise(g: GraphBuilder, values: Value, running: RunningStatistics): Value {
  return scaleBy(g, values, running.mean, running.variance);
}

function scaleBy(g: GraphBuilder, values: Value, mean: Value, variance: Value): Value {
  return g.divide(g.subtract(values, mean), g.sqrt(g.add(variance, g.scalar(EPSILON))));
}
