// The fields above the list of episodes.

import { element } from '../shell/elements.js';
import type { DatasetIndex } from './dataset-index.js';
import { type EpisodeFilter, NO_FILTER, type Order, type QualityChoice } from './episode-filter.js';

export interface FilterBar {
  readonly element: HTMLElement;
  readonly filter: EpisodeFilter;
  focus(): void;
}

const QUALITY_TEXTS: Readonly<Record<QualityChoice, string>> = {
  all: 'any quality',
  clean: 'clean (no findings, no fall)',
  findings: 'with findings',
  fell: 'fell',
  stood: 'did not fall',
  action: 'with actions',
  'no-action': 'without actions',
};
const ORDER_TEXTS: Readonly<Record<Order, string>> = {
  index: 'dataset order',
  longest: 'longest first',
  shortest: 'shortest first',
  findings: 'most findings first',
  error: 'largest keypoint error first',
};

/** @param hasErrors true where keypoint errors are known, by which one can order */
export function createFilterBar(index: DatasetIndex, hasErrors: boolean, onChange: () => void): FilterBar {
  let filter = NO_FILTER;
  const change = (next: Partial<EpisodeFilter>) => {
    filter = { ...filter, ...next };
    onChange();
  };
  const search = element('input', {
    class: 'field filter-search',
    attributes: { type: 'search', placeholder: 'Search episodes  ( / )', 'aria-label': 'Search episodes by id' },
    on: { input: () => change({ text: search.value }) },
  });
  const fields: HTMLElement[] = [];
  const select = (label: string, options: readonly (readonly [string, string])[], set: (value: string) => void) => {
    const field = element(
      'select',
      { class: 'field', on: { change: () => set(field.value) } },
      options.map(([value, text]) => element('option', { text, attributes: { value } })),
    );
    fields.push(element('label', { class: 'label' }, [label, field]));
  };
  const seconds = (label: string, placeholder: string, set: (value: string) => void) => {
    const field = element('input', {
      class: 'field',
      attributes: { type: 'number', min: 0, step: 'any', placeholder, inputmode: 'decimal' },
      on: { input: () => set(field.value) },
    });
    fields.push(element('label', { class: 'label' }, [label, field]));
  };
  if (index.sources.length > 1) {
    select('Source', [['', 'all sources'], ...index.sources.map((name) => [name, name] as const)], (source) =>
      change({ source }),
    );
  }
  select('Quality', Object.entries(QUALITY_TEXTS), (quality) => change({ quality: quality as QualityChoice }));
  if (index.findingKinds.length > 0) {
    select('Finding', [['', 'any'], ...index.findingKinds.map((kind) => [kind, kind] as const)], (finding) =>
      change({ finding }),
    );
  }
  select(
    'Split',
    [
      ['', 'both'],
      ['train', 'training'],
      ['validation', 'held out'],
    ],
    (split) => change({ split: split as EpisodeFilter['split'] }),
  );
  seconds('At least (s)', '0', (text) => change({ shortest_s: Number(text) || 0 }));
  seconds('At most (s)', '∞', (text) => change({ longest_s: text === '' ? NO_FILTER.longest_s : Number(text) }));
  const orders = Object.entries(ORDER_TEXTS).filter(([order]) => order !== 'error' || hasErrors);
  select('Order', orders, (order) => change({ order: order as Order }));
  return {
    element: element('div', { class: 'filter' }, [
      search,
      element('details', { class: 'filter-more' }, [
        element('summary', { text: 'Filters and order' }),
        element('div', { class: 'filter-fields' }, fields),
      ]),
    ]),
    get filter() {
      return filter;
    },
    focus: () => search.focus(),
  };
}
