// The middle of a list, as one of its own values: what a unit, a rate or a clock is judged by must have occurred.

/** The middle one of the finite values, of two middle ones the larger; NaN where there is none. Sorts a copy. */
export function upperMedian(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
  return sorted.length === 0 ? Number.NaN : sorted[sorted.length >> 1];
}
