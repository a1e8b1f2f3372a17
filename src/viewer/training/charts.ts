// Which charts there are: the loss, state and action error over all data and by source, and how the optimiser works.

import type { Quantity, Split } from './curves.js';

export interface ChartSpec {
  readonly quantity: Quantity;
  readonly title: string;
  readonly unit: string;
  readonly splits: readonly Split[];
  /** True where a logarithmic axis may be asked for: errors fall over orders of magnitude. */
  readonly canBeLogarithmic: boolean;
}

export interface ChartGroup {
  readonly title: string;
  readonly about: string;
  readonly charts: readonly ChartSpec[];
}

const BOTH: readonly Split[] = ['train', 'validation'];
const ERROR = { unit: 'squared error, normalised', splits: BOTH, canBeLogarithmic: true } as const;
const MODALITIES = [
  ['observation', 'State'],
  ['action', 'Action'],
] as const;

/**
 * @param sources names of the sources of all runs that are shown
 * @param has whether any of them has a curve of that quantity: a source without actions has no action error
 */
export function chartGroups(sources: readonly string[], has: (quantity: Quantity) => boolean): ChartGroup[] {
  const only = sources.length === 1 ? `; one source: ${sources[0]}` : '';
  const all: ChartGroup = {
    title: 'Prediction error',
    about: `Over all data${only}`,
    charts: [
      { ...ERROR, quantity: { kind: 'loss' }, title: 'Loss' },
      ...MODALITIES.map(([modality, title]) => ({
        ...ERROR,
        quantity: { kind: 'modality', modality } as const,
        title: `${title} error`,
      })),
    ],
  };
  const bySource: ChartGroup = {
    title: 'By source',
    about: 'State, and action where the source has actions',
    charts: sources.flatMap((source) =>
      MODALITIES.map(([modality, title]) => ({
        ...ERROR,
        quantity: { kind: 'source', source, modality } as const,
        title: `${source}: ${title.toLowerCase()}`,
      })).filter(({ quantity }) => has(quantity)),
    ),
  };
  const one = { splits: ['train'] as const, canBeLogarithmic: false };
  const optimiser: ChartGroup = {
    title: 'Optimiser and throughput',
    about: '',
    charts: [
      { ...one, quantity: { kind: 'learningRate' }, title: 'Learning rate', unit: '' },
      { ...one, quantity: { kind: 'gradientNorm' }, title: 'Gradient norm', unit: '', canBeLogarithmic: true },
      { ...one, quantity: { kind: 'stepsPerSecond' }, title: 'Throughput', unit: 'steps/s' },
    ],
  };
  return sources.length > 1 ? [all, bySource, optimiser] : [all, optimiser];
}

/** A value in few characters that still tells neighbours apart. */
export function valueText(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2).replace('e-', 'e−').replace('e+', 'e');
  return size >= 100 ? value.toFixed(1) : size >= 1 ? value.toFixed(3) : value.toFixed(4);
}
