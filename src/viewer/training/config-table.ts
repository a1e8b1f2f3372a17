// Configurations side by side: what differs between several runs; the whole of it for one.

import { element } from '../shell/elements.js';
import { type ConfigDifference, configDifferences, flattenConfig } from './config-differences.js';

export interface ConfiguredRun {
  readonly name: string;
  readonly colour: string;
  readonly config: unknown;
}

export function configPanel(runs: readonly ConfiguredRun[]): HTMLElement {
  const isOne = runs.length === 1;
  const rows: readonly ConfigDifference[] = isOne
    ? [...flattenConfig(runs[0].config)].map(([key, value]) => ({ key, values: [value] }))
    : configDifferences(runs.map(({ config }) => config));
  const title = isOne ? `Configuration of ${runs[0].name}` : 'What differs between their configurations';
  const content =
    rows.length === 0
      ? element('p', { class: 'panel-body muted', text: 'Nothing: the runs have the same configuration.' })
      : element('div', { class: 'table-scroll' }, [configTable(runs, rows)]);
  return element('details', { class: 'panel config-panel', attributes: { open: !isOne } }, [
    element('summary', {}, [element('h2', { text: title })]),
    content,
  ]);
}

function configTable(runs: readonly ConfiguredRun[], rows: readonly ConfigDifference[]): HTMLElement {
  const head = runs.map(({ name, colour }) =>
    element('th', { attributes: { scope: 'col' } }, [
      element('span', { class: 'swatch', attributes: { style: `--colour: var(${colour})` } }),
      name,
    ]),
  );
  return element('table', { class: 'table' }, [
    element('thead', {}, [
      element('tr', {}, [element('th', { text: 'setting', attributes: { scope: 'col' } }), ...head]),
    ]),
    element(
      'tbody',
      {},
      rows.map(({ key, values }) =>
        element('tr', {}, [
          element('th', { attributes: { scope: 'row' } }, [element('code', { text: key })]),
          ...values.map((value) => element('td', { text: value ?? '–' })),
        ]),
      ),
    ),
  ]);
}
