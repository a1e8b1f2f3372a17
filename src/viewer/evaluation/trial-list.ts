// The list of trials: worst first unless asked otherwise, by condition; one of them is being watched.

import { element } from '../shell/elements.js';
import { commandText, orderTrials, TRIAL_ORDERS, type Trial, type TrialOrder } from './trials.js';

export interface TrialList {
  readonly root: HTMLElement;
  /** The trials in the order that is shown. */
  readonly shown: readonly Trial[];
  mark(trial: Trial | undefined): void;
}

/** Rows at once: the list is there to find the extremes, not to be read to its end. */
const MOST_ROWS = 500;

const ORDER_TEXTS: Readonly<Record<TrialOrder, string>> = {
  worst: 'falls and worst tracking first',
  number: 'by number',
  best: 'best first',
};

export function createTrialList(trials: readonly Trial[], onChoose: (trial: Trial) => void): TrialList {
  const conditions = [...new Set(trials.map(({ condition }) => condition))];
  const list = element('div', {
    class: 'trial-rows',
    attributes: { role: 'listbox', 'aria-label': 'Trials', tabindex: 0 },
  });
  let order: TrialOrder = 'worst';
  let condition = '';
  let shown: readonly Trial[] = [];
  let marked: Trial | undefined;
  const rows = new Map<Trial, HTMLElement>();

  const mark = (trial: Trial | undefined) => {
    if (marked !== undefined) rows.get(marked)?.setAttribute('aria-selected', 'false');
    marked = trial;
    const row = trial === undefined ? undefined : rows.get(trial);
    row?.setAttribute('aria-selected', 'true');
    if (row !== undefined) reveal(list, row);
  };
  const draw = () => {
    shown = orderTrials(
      trials.filter((trial) => condition === '' || trial.condition === condition),
      order,
    );
    rows.clear();
    for (const trial of shown.slice(0, MOST_ROWS)) rows.set(trial, rowOf(trial, onChoose));
    const left = shown.length - rows.size;
    const more = element('p', {
      class: 'muted trial-more',
      text: `and ${left} more: choose another order or condition`,
    });
    list.replaceChildren(...rows.values(), ...(left > 0 ? [more] : []));
    mark(marked);
  };
  list.addEventListener('keydown', (event) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const watchable = shown.filter(({ canBeWatched }) => canBeWatched);
    const next = watchable[(marked === undefined ? -1 : watchable.indexOf(marked)) + step];
    if (next !== undefined) onChoose(next);
  });
  draw();

  const select = (label: string, options: readonly (readonly [string, string])[], choose: (value: string) => void) => {
    const field = element(
      'select',
      { class: 'field', attributes: { 'aria-label': label }, on: { change: () => choose(field.value) } },
      options.map(([value, text]) => element('option', { text, attributes: { value } })),
    );
    return field;
  };
  const root = element('aside', { class: 'panel trial-list' }, [
    element('div', { class: 'trial-filters' }, [
      select(
        'Order',
        TRIAL_ORDERS.map((name) => [name, ORDER_TEXTS[name]]),
        (value) => {
          order = value as TrialOrder;
          draw();
        },
      ),
      ...(conditions.length < 2
        ? []
        : [
            select('Condition', [['', 'all trials'], ...conditions.map((name) => [name, name] as const)], (value) => {
              condition = value;
              draw();
            }),
          ]),
    ]),
    list,
  ]);
  return {
    root,
    mark,
    get shown() {
      return shown;
    },
  };
}

/** Scrolls the list alone: the page stays where it is. */
function reveal(list: HTMLElement, row: HTMLElement): void {
  const top = row.offsetTop - list.offsetTop;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + row.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = top + row.offsetHeight - list.clientHeight;
  }
}

function rowOf(trial: Trial, onChoose: (trial: Trial) => void): HTMLElement {
  const { condition, number, command, runs, canBeWatched } = trial;
  return element(
    'button',
    {
      class: 'trial-row',
      title: canBeWatched ? 'Watch this trial' : 'Its motion is not written',
      attributes: {
        type: 'button',
        role: 'option',
        tabindex: -1,
        disabled: !canBeWatched,
        'aria-selected': 'false',
        'data-trial': `${condition}/${number}`,
      },
      on: { click: () => onChoose(trial) },
    },
    [
      element('span', { class: 'trial-name' }, [
        element('strong', { text: `#${number}` }),
        ...(condition === 'kicked' ? [element('span', { class: 'chip chip-warning', text: 'kicked' })] : []),
      ]),
      element('span', { class: 'muted trial-command', text: commandText(command) }),
      ...runs.map(({ role, record, name }) =>
        element('span', { class: `trial-result ${role}`, title: name }, [
          record.fell ? `fell at ${record.survival_s.toFixed(1)} s` : `${record.tracking_m.toFixed(2)} m`,
        ]),
      ),
    ],
  );
}
