// AdamW (Loshchilov and Hutter 2019) as graph nodes: new parameters and moments from gradients.
//
// The scalars that change with the step (rate, bias corrections) are folded on the host into three feeds:
//   p' = keep p - stepSize m' / (sqrt(v') + epsilon)
//   keep = 1 - rate decay;  stepSize = rate sqrt(c2) / c1;  epsilon = eps sqrt(c2);  c_i = 1 - beta_i^(step + 1)

import type { Value } from '../graph/graph.js';
import type { GraphBuilder } from '../graph/graph-builder.js';
import type { OptimiserConfig } from './train-config.js';

export interface AdamWScalars {
  readonly keep: number;
  readonly stepSize: number;
  readonly epsilon: number;
}

/** Host side of the update at step `step` (from 0) with learning rate `rate`. */
export function adamWScalars(config: OptimiserConfig, rate: number, step: number): AdamWScalars {
  const c1 = 1 - config.beta1 ** (step + 1);
  const c2 = Math.sqrt(1 - config.beta2 ** (step + 1));
  return { keep: 1 - rate * config.weightDecay, stepSize: (rate * c2) / c1, epsilon: config.epsilon * c2 };
}

export interface AdamWNodes {
  readonly keep: Value;
  readonly stepSize: Value;
  readonly epsilon: Value;
}

export interface AdamWState {
  readonly parameter: Value;
  readonly moment1: Value;
  readonly moment2: Value;
}

/** One parameter's update. */
export function adamW(
  g: GraphBuilder,
  config: OptimiserConfig,
  scalars: AdamWNodes,
  state: AdamWState,
  gradient: Value,
  decay: boolean,
): AdamWState {
  const blend = (old: Value, fresh: Value, beta: number) =>
    g.add(g.multiply(old, g.scalar(beta)), g.multiply(fresh, g.scalar(1 - beta)));
  const moment1 = blend(state.moment1, gradient, config.beta1);
  const moment2 = blend(state.moment2, g.square(gradient), config.beta2);
  const direction = g.divide(moment1, g.add(g.sqrt(moment2), scalars.epsilon));
  const kept = decay ? g.multiply(state.parameter, scalars.keep) : state.parameter;
  return { parameter: g.subtract(kept, g.multiply(direction, scalars.stepSize)), moment1, moment2 };
}

/** Factor that brings the norm of all gradients together down to `clipNorm`; and that norm. */
export function clipFactor(
  g: GraphBuilder,
  gradients: readonly Value[],
  clipNorm: number,
): { norm: Value; factor: Value } {
  const squares = gradients.map((gradient) =>
    g.sum(
      g.square(gradient),
      gradient.shape.map((_, axis) => axis),
      false,
    ),
  );
  const norm = g.sqrt(squares.reduce((sum, square) => g.add(sum, square)));
  const factor = g.minimum(g.scalar(1), g.divide(g.scalar(clipNorm), g.add(norm, g.scalar(1e-6))));
  return { norm, factor };
}
