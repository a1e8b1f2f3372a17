// Axes: domains that hold the data, and ticks at round numbers.

export type Domain = readonly [low: number, high: number];

/** The extent of values, widened by a share of it on both sides, and at least `least` wide. */
export function domainOf(values: Iterable<number>, margin = 0.05, least = 1e-6): Domain {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  const middle = (low + high) / 2;
  const half = Math.max(least / 2, ((high - low) / 2) * (1 + 2 * margin));
  return [middle - half, middle + half];
}

/** About `count` round numbers within a domain: multiples of 1, 2 or 5 times a power of ten. */
export function ticksOf([low, high]: Domain, count = 5): number[] {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  return ticks.map((tick) => Number(tick.toPrecision(12)));
}

/** A tick's label: no more digits than its neighbours need. */
export function tickLabels(ticks: readonly number[]): string[] {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : Math.abs(ticks[0] ?? 1) || 1;
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9)));
  return ticks.map((tick) => (tick === 0 ? '0' : tick.toFixed(digits)).replace('-', '−'));
}
