// Curves with steps of their own, as columns over all steps: what a plot with one axis needs.

import type { Curve } from './curves.js';

export interface AlignedCurves {
  /** All steps of all curves, ascending. */
  readonly steps: number[];
  /** A column for each curve: its value, or null where it has no such step. */
  readonly columns: (number | null)[][];
}

/** Merges ascending steps. Curves may be empty. */
export function alignCurves(curves: readonly Curve[]): AlignedCurves {
  const steps: number[] = [];
  const columns = curves.map((): (number | null)[] => []);
  const next = curves.map(() => 0);
  for (;;) {
    let step = Number.POSITIVE_INFINITY;
    for (let k = 0; k < curves.length; k++) {
      if (next[k] < curves[k].steps.length) step = Math.min(step, curves[k].steps[next[k]]);
    }
    if (step === Number.POSITIVE_INFINITY) return { steps, columns };
    steps.push(step);
    for (let k = 0; k < curves.length; k++) {
      const isHere = next[k] < curves[k].steps.length && curves[k].steps[next[k]] === step;
      columns[k].push(isHere ? curves[k].values[next[k]++] : null);
    }
  }
}

/** Index of the value nearest to a step; -1 for an empty curve. */
export function nearestIndex(steps: readonly number[], step: number): number {
  let low = 0;
  let high = steps.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle;
    else high = middle;
  }
  if (high < 0) return -1;
  return Math.abs(steps[high] - step) < Math.abs(steps[low] - step) ? high : low;
}
