// Low-pass filter without delay: a second-order Butterworth, run forwards and backwards.
//
// The cutoff is that of both passes together (each pass is set higher by (√2 - 1)^(-1/4)). Ends are continued by their
// point reflection, so that a straight line passes unchanged. Source: Winter, "Biomechanics and motor control of human
// movement", section 3.4.4.

import type { FloatArray } from '../base/arrays.js';

/**
 * Filters one column of values[row * stride + column] in place.
 * @param cutoff_hz below half of rate_hz; at or above it nothing is changed
 */
export function lowPass(
  values: FloatArray,
  stride: number,
  column: number,
  rowCount: number,
  rate_hz: number,
  cutoff_hz: number,
): void {
  const corrected_hz = cutoff_hz / (Math.SQRT2 - 1) ** 0.25;
  if (rowCount < 3 || corrected_hz >= rate_hz / 2) return;
  const c = Math.tan((Math.PI * corrected_hz) / rate_hz);
  const a0 = 1 + Math.SQRT2 * c + c * c;
  const b = (c * c) / a0;
  const a1 = (2 * (c * c - 1)) / a0;
  const a2 = (1 - Math.SQRT2 * c + c * c) / a0;
  const pad = Math.min(rowCount - 1, Math.ceil((3 * rate_hz) / corrected_hz));
  const length = rowCount + 2 * pad;
  const work = new Float64Array(length);
  const at = (row: number) => values[row * stride + column];
  for (let k = 0; k < length; k++) {
    const row = k - pad;
    if (row < 0) work[k] = 2 * at(0) - at(-row);
    else if (row >= rowCount) work[k] = 2 * at(rowCount - 1) - at(2 * (rowCount - 1) - row);
    else work[k] = at(row);
  }
  for (let pass = 0; pass < 2; pass++) {
    let [x1, x2, y1, y2] = [work[0], work[0], work[0], work[0]];
    for (let k = 0; k < length; k++) {
      const x = work[k];
      const y = b * (x + 2 * x1 + x2) - a1 * y1 - a2 * y2;
      [x2, x1, y2, y1] = [x1, x, y1, y];
      work[k] = y;
    }
    work.reverse();
  }
  for (let row = 0; row < rowCount; row++) values[row * stride + column] = work[row + pad];
}

/**
 * How much of the values is noise from row to row. Second differences of white noise are correlated by -2/3 from row to
 * row, those of a motion sampled well above its own frequencies positively.
 * @returns that correlation, and the standard deviation of the noise that second differences would come from
 */
export function measureNoise(values: FloatArray, stride: number, column: number, rowCount: number) {
  let product = 0;
  let square = 0;
  let before = Number.NaN;
  for (let row = 1; row + 1 < rowCount; row++) {
    const of = (r: number) => values[r * stride + column];
    const second = of(row + 1) - 2 * of(row) + of(row - 1);
    if (row > 1) product += second * before;
    square += second * second;
    before = second;
  }
  // The variance of x[t+1] - 2 x[t] + x[t-1] is 6 times that of white noise x.
  return {
    correlation: square > 0 ? product / square : 0,
    deviation: Math.sqrt(square / Math.max(1, rowCount - 2) / 6),
  };
}
