// Smoothing of curves: an exponential mean over steps, without the bias of its start.
//
// Steps of a run are not evenly spaced where it was stopped and resumed with other settings, so the mean decays with the
// distance in steps, and not with the number of lines: the same setting smooths two runs alike that log at other rates.

import type { Curve } from './curves.js';

/**
 * Smoothed values of a curve.
 * @param span_steps steps after which a value counts 1/e; 0 leaves the values as they are
 */
export function smooth({ steps, values }: Curve, span_steps: number): readonly number[] {
  if (!(span_steps > 0)) return values;
  const smoothed = new Array<number>(values.length);
  let sum = 0;
  let weight = 0;
  for (let at = 0; at < values.length; at++) {
    const decay = at === 0 ? 0 : Math.exp((steps[at - 1] - steps[at]) / span_steps);
    // Each value stands for the steps since the one before it: to divide by the sum of weights takes the start's bias away.
    const share = at === 0 ? 1 - Math.exp(-(steps[1] - steps[0] || 1) / span_steps) : 1 - decay;
    sum = decay * sum + share * values[at];
    weight = decay * weight + share;
    smoothed[at] = sum / weight;
  }
  return smoothed;
}

/** Span of a slider's position from 0 to 1: none, then a share of the run that grows evenly in proportion, to a tenth. */
export function spanOf(position: number, steps: number): number {
  if (position <= 0) return 0;
  const [least, most] = [1e-3, 0.1];
  return steps * least * (most / least) ** position;
}
