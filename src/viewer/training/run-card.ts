// A run in the list: shown or not, how it stands, how far it is, and its newest numbers.

import { element } from '../shell/elements.js';
import { valueText } from './charts.js';
import { type FollowedRun, tokensPerStep } from './run-follower.js';
import type { RunState } from './run-state.js';

export interface RunCard {
  readonly root: HTMLElement;
  /** Writes the run's numbers as they are now. */
  refresh(now: Date): void;
}

const CHIPS: Readonly<Record<RunState, string>> = {
  going: 'chip-accent',
  finished: 'chip-ok',
  stopped: 'chip-warning',
  silent: 'chip-warning',
  unknown: 'chip-warning',
  failed: 'chip-danger',
};

export function createRunCard(
  run: FollowedRun,
  colour: string,
  isShown: boolean,
  onToggle: (isShown: boolean) => void,
): RunCard {
  const box = element('input', {
    attributes: { type: 'checkbox', checked: isShown, 'aria-label': `Show ${run.item.name}` },
    on: { change: (event) => onToggle((event.target as HTMLInputElement).checked) },
  });
  const chip = element('span', { class: 'chip' });
  const bar = element('progress', { attributes: { max: 1, value: 0, 'aria-label': `Progress of ${run.item.name}` } });
  const text = element('p', { class: 'run-text' });
  const facts = element('dl', { class: 'run-facts' });
  const root = element(
    'article',
    { class: 'run-card panel', attributes: { style: `--colour: var(${colour})`, 'data-run': run.item.name } },
    [
      element('label', { class: 'run-head' }, [box, element('strong', { text: run.item.name }), chip]),
      element('div', { class: 'muted run-about', text: aboutText(run) }),
      bar,
      text,
      facts,
    ],
  );
  return {
    root,
    refresh(now) {
      const { state, label, text: sentence } = run.describe(now);
      chip.className = `chip ${CHIPS[state]}`;
      chip.textContent = label;
      root.dataset.state = state;
      const train = run.curves.latest('train');
      const held = run.curves.latest('validation');
      bar.value = Math.min(1, (train?.step ?? 0) / run.steps);
      const damaged = run.damagedCount === 0 ? '' : ` ${run.damagedCount} lines of metrics.jsonl cannot be read.`;
      text.textContent = sentence + damaged;
      facts.replaceChildren(
        ...fact('Training loss', train && valueText(train.loss)),
        ...fact('Held-out loss', held && valueText(held.loss)),
        ...fact('Speed', speedText(run)),
      );
    },
  };
}

function aboutText({ config, data }: FollowedRun): string {
  const parts = [
    config.name,
    data.robot,
    data.hours === undefined
      ? undefined
      : `${data.hours < 0.1 ? `${(60 * data.hours).toFixed(1)} min` : `${data.hours.toFixed(2)} h`} of data`,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

function speedText({ curves, config }: FollowedRun): string | undefined {
  const rate = curves.latest('train')?.stepsPerSecond;
  if (rate === undefined) return undefined;
  const tokens = tokensPerStep(config);
  return `${rate.toFixed(rate < 100 ? 1 : 0)} steps/s${tokens === undefined ? '' : ` · ${shortCount(rate * tokens)} tokens/s`}`;
}

function shortCount(value: number): string {
  return value >= 1e6
    ? `${(value / 1e6).toFixed(1)}M`
    : value >= 1e3
      ? `${(value / 1e3).toFixed(1)}k`
      : value.toFixed(0);
}

function fact(label: string, value: string | undefined): HTMLElement[] {
  return value === undefined
    ? []
    : [element('div', {}, [element('dt', { text: label }), element('dd', { text: value })])];
}
