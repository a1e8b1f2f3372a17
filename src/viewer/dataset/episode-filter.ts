// Which episodes the list shows, and in which order.

import type { EpisodeEntry } from './dataset-index.js';
import { hasChannel } from './dataset-index.js';

export const QUALITY_CHOICES = ['all', 'clean', 'findings', 'fell', 'stood', 'action', 'no-action'] as const;
export type QualityChoice = (typeof QUALITY_CHOICES)[number];
export const ORDERS = ['index', 'longest', 'shortest', 'findings', 'error'] as const;
export type Order = (typeof ORDERS)[number];

export interface EpisodeFilter {
  /** Words that must all be in the id. */
  readonly text: string;
  /** Name of a source; empty for all. */
  readonly source: string;
  readonly quality: QualityChoice;
  /** Kind of finding that must be there; empty for any. */
  readonly finding: string;
  readonly split: '' | 'train' | 'validation';
  readonly shortest_s: number;
  readonly longest_s: number;
  readonly order: Order;
}

export const NO_FILTER: EpisodeFilter = {
  text: '',
  source: '',
  quality: 'all',
  finding: '',
  split: '',
  shortest_s: 0,
  longest_s: Number.POSITIVE_INFINITY,
  order: 'index',
};

/**
 * The episodes that pass, in order.
 * @param error_m mean distance of an episode's keypoints from their source (m), where that is known
 */
export function filterEpisodes(
  episodes: readonly EpisodeEntry[],
  filter: EpisodeFilter,
  error_m: (episode: EpisodeEntry) => number | undefined = () => undefined,
): EpisodeEntry[] {
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const passes = (episode: EpisodeEntry) =>
    episode.seconds >= filter.shortest_s &&
    episode.seconds <= filter.longest_s &&
    (filter.source === '' || episode.source === filter.source) &&
    (filter.split === '' || episode.split === filter.split) &&
    (filter.finding === '' || filter.finding in episode.findings) &&
    hasQuality(episode, filter.quality) &&
    words.every((word) => episode.id.toLowerCase().includes(word));
  const found = episodes.filter(passes);
  const by = (value: (episode: EpisodeEntry) => number) =>
    found.sort((a, b) => value(b) - value(a) || a.index - b.index);
  switch (filter.order) {
    case 'longest':
      return by(({ frames }) => frames);
    case 'shortest':
      return by(({ frames }) => -frames);
    case 'findings':
      return by(({ findingCount }) => findingCount);
    case 'error':
      return by((episode) => error_m(episode) ?? -1);
    default:
      return found;
  }
}

function hasQuality(episode: EpisodeEntry, quality: QualityChoice): boolean {
  switch (quality) {
    case 'clean':
      return episode.findingCount === 0 && !episode.fell;
    case 'findings':
      return episode.findingCount > 0;
    case 'fell':
      return episode.fell;
    case 'stood':
      return !episode.fell;
    case 'action':
      return hasChannel(episode, 'action');
    case 'no-action':
      return !hasChannel(episode, 'action');
    default:
      return true;
  }
}
