// Where the parts of the dataset browser stand: the list at the left, the stage over the timeline, plots at the right; on
// small screens one under the other, with list, plots and details taking turns.

import { button, element } from '../shell/elements.js';
import type { EpisodeEntry } from './dataset-index.js';
import { secondsText } from './episode-list.js';
import type { EpisodeData } from './shard-reader.js';

export const PANELS = ['episodes', 'plots', 'details'] as const;
export type PanelName = (typeof PANELS)[number];

export interface LayoutParts {
  readonly chooser: HTMLElement;
  readonly bar: HTMLElement;
  readonly count: HTMLElement;
  readonly list: HTMLElement;
  readonly timeline: HTMLElement;
  readonly plots: HTMLElement;
  readonly details: HTMLElement;
  /** Changes where the person behind an episode is drawn. */
  onPerson(): void;
}

export interface Layout {
  readonly stage: HTMLElement;
  readonly transport: HTMLElement;
  showPanel(name: PanelName): void;
  setTitle(episode: EpisodeEntry): void;
  /** Numbers over the stage, at a whole frame. */
  setReadout(data: EpisodeData, frame: number): void;
  setBusy(isBusy: boolean): void;
  /** Shows or hides the switch for the person. */
  showPerson(isThere: boolean): void;
  namePerson(place: string): void;
  /** A message in place of the picture. */
  stageMessage(text: string): void;
  /** A line at the foot of the picture. */
  stageNote(text: string): void;
}

export function createLayout(root: HTMLElement, parts: LayoutParts): Layout {
  const stage = element('div', { class: 'dataset-stage-canvas' });
  const title = element('h2', { class: 'stage-title' });
  const subtitle = element('p', { class: 'stage-subtitle' });
  const readout = element('p', { class: 'stage-readout' });
  const note = element('p', { class: 'stage-note' });
  const person = button('Person: over', parts.onPerson, { class: 'stage-person', keys: 'g' });
  person.hidden = true;
  const stagePanel = element('section', { class: 'dataset-stage panel', attributes: { 'aria-label': 'Robot' } }, [
    stage,
    element('div', { class: 'stage-head' }, [title, subtitle]),
    element('div', { class: 'stage-legend' }, [
      key('command', '--series-8'),
      key('achieved', '--series-1'),
      key('left foot', '--contact-left'),
      key('right foot', '--contact-right'),
      person,
    ]),
    readout,
    note,
  ]);
  const transport = element('div', { class: 'dataset-transport' });
  const tabs = PANELS.map((name) =>
    element('button', {
      class: 'panel-tab',
      text: name[0].toUpperCase() + name.slice(1),
      attributes: {
        type: 'button',
        role: 'tab',
        id: `tab-${name}`,
        'data-panel': name,
        'aria-controls': `panel-${name}`,
      },
      on: { click: () => showPanel(name) },
    }),
  );
  const tabList = element('div', { class: 'panel-tabs', attributes: { role: 'tablist' } }, tabs);
  tabList.addEventListener('keydown', (event) => {
    const at = tabs.indexOf(document.activeElement as HTMLButtonElement);
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (at < 0 || step === 0) return;
    event.stopPropagation();
    const shown = tabs.filter((tab) => tab.offsetParent !== null);
    const next = shown[(shown.indexOf(tabs[at]) + step + shown.length) % shown.length];
    next.focus();
    next.click();
  });
  const panel = (name: PanelName, children: readonly Node[]) =>
    element(
      'div',
      {
        class: `side-panel side-${name}`,
        attributes: { id: `panel-${name}`, role: 'tabpanel', 'aria-labelledby': `tab-${name}` },
      },
      children,
    );
  const episodes = element('section', { class: 'dataset-episodes panel', attributes: { 'aria-label': 'Episodes' } }, [
    panel('episodes', [element('div', {}, [parts.chooser, parts.bar]), parts.count, parts.list]),
  ]);
  const side = element('section', { class: 'dataset-side panel', attributes: { 'aria-label': 'Plots and details' } }, [
    panel('plots', [parts.plots]),
    panel('details', [parts.details]),
  ]);
  const page = element('div', { class: 'dataset' }, [
    episodes,
    stagePanel,
    element('section', { class: 'dataset-time panel', attributes: { 'aria-label': 'Timeline' } }, [
      transport,
      parts.timeline,
    ]),
    tabList,
    side,
  ]);
  const showPanel = (name: PanelName) => {
    page.dataset.panel = name;
    for (const tab of tabs) {
      const isShown = tab.dataset.panel === name;
      tab.setAttribute('aria-selected', String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
    }
  };
  showPanel('plots');
  root.append(page);
  let busyTimer = 0;
  return {
    stage,
    transport,
    showPanel,
    setTitle(episode) {
      title.textContent = episode.id;
      subtitle.textContent = `${episode.kind} · ${secondsText(episode.seconds)}${episode.fell ? ' · ends in a fall' : ''}`;
    },
    setReadout(data, frame) {
      readout.textContent = readoutText(data, frame);
    },
    setBusy(isBusy) {
      clearTimeout(busyTimer);
      // Only a wait that one notices is shown.
      if (isBusy) busyTimer = window.setTimeout(() => stagePanel.classList.add('is-busy'), 150);
      else stagePanel.classList.remove('is-busy');
    },
    showPerson(isThere) {
      person.hidden = !isThere;
    },
    namePerson(place) {
      person.textContent = `Person: ${place}`;
    },
    stageMessage(text) {
      stage.replaceChildren(element('div', { class: 'stage-message', text, attributes: { role: 'alert' } }));
    },
    stageNote(text) {
      note.textContent = text;
    },
  };
}

function key(text: string, colour: string): HTMLElement {
  const swatch = element('span', { class: 'plot-swatch' });
  swatch.style.color = `var(${colour})`;
  return element('span', { class: 'plot-key' }, [swatch, text]);
}

function readoutText({ channels }: EpisodeData, frame: number): string {
  const parts: string[] = [];
  const { command, basePosition } = channels;
  if (command !== undefined && command.valid?.[frame] !== 0) {
    const [x, y, turn] = [0, 1, 2].map((k) => signed(command.data[3 * frame + k]));
    parts.push(`command ${x} ${y} m/s, ${turn} rad/s`);
  } else parts.push('no command');
  if (basePosition !== undefined && basePosition.valid?.[frame] !== 0) {
    parts.push(`height ${basePosition.data[3 * frame + 2].toFixed(2)} m`);
  }
  return parts.join(' · ');
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}
