// The list of episodes: a listbox that holds only the rows in sight, so that a dataset may have any number of them.

import { element } from '../shell/elements.js';
import type { EpisodeEntry } from './dataset-index.js';

export interface EpisodeList {
  readonly element: HTMLElement;
  show(episodes: readonly EpisodeEntry[]): void;
  /** Marks an episode and brings it into sight. */
  select(episode: EpisodeEntry | undefined): void;
  /** The episode before (-1) or after (+1) the selected one, in the list's order. */
  neighbour(direction: 1 | -1): EpisodeEntry | undefined;
  dispose(): void;
}

const ROW_PX = 52;
const SPARE_ROWS = 6;

export function createEpisodeList(onChoose: (episode: EpisodeEntry) => void): EpisodeList {
  const rows = element('div', { class: 'episode-rows' });
  const root = element(
    'div',
    { class: 'episode-list', attributes: { role: 'listbox', tabindex: 0, 'aria-label': 'Episodes' } },
    [rows],
  );
  let episodes: readonly EpisodeEntry[] = [];
  let selected = -1;
  let wanted: EpisodeEntry | undefined;

  const draw = () => {
    const first = Math.max(0, Math.floor(root.scrollTop / ROW_PX) - SPARE_ROWS);
    const end = Math.min(episodes.length, Math.ceil((root.scrollTop + root.clientHeight) / ROW_PX) + SPARE_ROWS);
    const made: HTMLElement[] = [];
    for (let at = first; at < end; at++) made.push(row(episodes[at], at, at === selected, episodes.length));
    rows.replaceChildren(...made);
    if (selected >= 0) root.setAttribute('aria-activedescendant', `episode-row-${selected}`);
    else root.removeAttribute('aria-activedescendant');
  };
  const reveal = () => {
    const top = selected * ROW_PX;
    if (top < root.scrollTop) root.scrollTop = top;
    else if (top + ROW_PX > root.scrollTop + root.clientHeight) root.scrollTop = top + ROW_PX - root.clientHeight;
  };
  const choose = (at: number) => {
    const episode = episodes[Math.min(episodes.length - 1, Math.max(0, at))];
    if (episode !== undefined) onChoose(episode);
  };
  root.addEventListener('scroll', draw, { passive: true });
  root.addEventListener('click', (event) => {
    const found = (event.target as HTMLElement).closest<HTMLElement>('[data-at]');
    if (found !== null) choose(Number(found.dataset.at));
  });
  root.addEventListener('keydown', (event) => {
    const page = Math.max(1, Math.floor(root.clientHeight / ROW_PX) - 1);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: selected + 1,
      ArrowUp: selected - 1,
      PageDown: selected + page,
      PageUp: selected - page,
      Home: 0,
      End: episodes.length - 1,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    choose(to);
  });
  const observer = new ResizeObserver(draw);
  observer.observe(root);

  const list: EpisodeList = {
    element: root,
    show(next) {
      episodes = next;
      rows.style.height = `${next.length * ROW_PX}px`;
      root.scrollTop = 0;
      list.select(wanted);
    },
    select(episode) {
      wanted = episode;
      selected = episode === undefined ? -1 : episodes.indexOf(episode);
      if (selected >= 0) reveal();
      draw();
    },
    neighbour(direction) {
      if (selected < 0) return episodes[0];
      return episodes[selected + direction];
    },
    dispose: () => observer.disconnect(),
  };
  return list;
}

function row(episode: EpisodeEntry, at: number, isSelected: boolean, count: number): HTMLElement {
  const chips: HTMLElement[] = [];
  const chip = (text: string, tone: string, title: string) =>
    chips.push(element('span', { class: `chip ${tone}`, text, title }));
  if (episode.fell) chip('fell', 'chip-danger', 'ends in a fall');
  if (episode.findingCount > 0) {
    chip(`${episode.findingCount} ⚑`, 'chip-warning', Object.keys(episode.findings).join(', '));
  }
  if (!episode.shard.columns.some(({ name }) => name === 'action'))
    chip('no action', '', 'action is masked throughout');
  if (episode.split === 'validation') chip('held out', 'chip-accent', 'held out for validation');
  const made = element(
    'div',
    {
      class: 'episode-row',
      attributes: {
        role: 'option',
        id: `episode-row-${at}`,
        'aria-selected': String(isSelected),
        'aria-posinset': at + 1,
        'aria-setsize': count,
        'data-at': at,
      },
      title: episode.id,
    },
    [
      element('div', { class: 'episode-row-head' }, [
        element('span', { class: 'episode-row-id', text: shortId(episode) }),
        element('span', { class: 'episode-row-time', text: secondsText(episode.seconds) }),
      ]),
      element('div', { class: 'episode-row-foot' }, [
        element('span', { class: 'episode-row-source', text: `${episode.kind} · ${episode.source}` }),
        ...chips,
      ]),
    ],
  );
  made.style.top = `${at * ROW_PX}px`;
  return made;
}

/** The id without its source, which stands beneath it. */
function shortId({ id, source }: EpisodeEntry): string {
  return id.startsWith(`${source}/`) ? id.slice(source.length + 1) : id;
}

export function secondsText(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, '0')} min`;
}
