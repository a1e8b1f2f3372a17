// The curves of one run: each quantity of its metrics over steps, grown line by line.

import type { MetricsLine } from '../../train/metrics.js';

export type Split = MetricsLine['split'];
export type Modality = 'observation' | 'action';

/** What a chart shows. */
export type Quantity =
  | { readonly kind: 'loss' }
  | { readonly kind: 'modality'; readonly modality: Modality }
  | { readonly kind: 'source'; readonly source: string; readonly modality: Modality }
  | { readonly kind: 'learningRate' | 'gradientNorm' | 'stepsPerSecond' };

/** Values over ascending steps; the arrays grow, and are the curve's own. */
export interface Curve {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

export interface Curves {
  add(lines: readonly MetricsLine[]): void;
  clear(): void;
  /** Undefined where the run has no such number (yet). */
  get(quantity: Quantity, split: Split): Curve | undefined;
  /** Names of sources, in the order that they came. */
  readonly sources: readonly string[];
  /** The newest line of training; of validation. */
  latest(split: Split): MetricsLine | undefined;
  /** Number of lines. */
  readonly lineCount: number;
}

interface GrowingCurve {
  readonly steps: number[];
  readonly values: number[];
}

export function createCurves(): Curves {
  const curves = new Map<string, GrowingCurve>();
  const newest = new Map<Split, MetricsLine>();
  const sources: string[] = [];
  let lineCount = 0;

  const push = (quantity: Quantity, { step, split }: MetricsLine, value: number | undefined) => {
    if (value === undefined || !Number.isFinite(value)) return;
    const key = keyOf(quantity, split);
    let curve = curves.get(key);
    if (curve === undefined) {
      curve = { steps: [], values: [] };
      curves.set(key, curve);
    }
    // A step that comes again was done again: what stood there and after it no longer holds.
    while (curve.steps.length > 0 && curve.steps[curve.steps.length - 1] >= step) {
      curve.steps.pop();
      curve.values.pop();
    }
    curve.steps.push(step);
    curve.values.push(value);
  };

  return {
    add(lines) {
      for (const line of lines) {
        lineCount += 1;
        newest.set(line.split, line);
        push({ kind: 'loss' }, line, line.loss);
        for (const modality of MODALITIES) push({ kind: 'modality', modality }, line, line.modalities[modality]);
        for (const [source, errors] of Object.entries(line.sources)) {
          if (!sources.includes(source)) sources.push(source);
          for (const modality of MODALITIES) push({ kind: 'source', source, modality }, line, errors[modality]);
        }
        for (const kind of SCALARS) push({ kind }, line, line[kind]);
      }
    },
    clear() {
      curves.clear();
      newest.clear();
      sources.length = 0;
      lineCount = 0;
    },
    get: (quantity, split) => curves.get(keyOf(quantity, split)),
    sources,
    latest: (split) => newest.get(split),
    get lineCount() {
      return lineCount;
    },
  };
}

const MODALITIES = ['observation', 'action'] as const;
const SCALARS = ['learningRate', 'gradientNorm', 'stepsPerSecond'] as const;

/** A text that tells quantities apart. */
export function keyOf(quantity: Quantity, split?: Split): string {
  const parts =
    quantity.kind === 'source'
      ? [quantity.kind, quantity.modality, quantity.source]
      : quantity.kind === 'modality'
        ? [quantity.kind, quantity.modality]
        : [quantity.kind];
  return [split ?? '', ...parts].join('/');
}
