// Window sampler: which windows make batch number k, as a pure function of seed and k.
//
// Nothing is remembered between batches, so a resumed run draws the same windows as an unbroken one. A source is drawn
// by its weight (its number of frames where no weights are given), an episode by its number of windows, a start
// uniformly.

import { DataError, listNames } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import type { Random } from '../base/random.js';
import { framesNeeded, leastFirstFrame, type Window } from './batch.js';
import type { TokenSpec } from './token-spec.js';
import type { EpisodeSummary, WindowSource } from './window-source.js';

export interface SamplerOptions {
  /** Share by source name; a source that is not named keeps its share of frames. 0 leaves a source out. */
  readonly sourceWeights?: Readonly<Record<string, number>>;
  /** Which episodes may be drawn, by index. Default: all. */
  readonly accept?: (episode: EpisodeSummary, index: number) => boolean;
}

interface SourceTable {
  readonly name: string;
  readonly weight: number;
  readonly episodes: Int32Array;
  /** Windows of these episodes up to and including each. */
  readonly cumulative: Float64Array;
}

export interface WindowSampler {
  readonly sources: readonly { readonly name: string; readonly share: number; readonly windowCount: number }[];
  readonly windowCount: number;
  draw(random: Random): Window;
}

/**
 * @throws DataError where no window fits, or a weight names an unknown source
 */
export function createSampler(spec: TokenSpec, source: WindowSource, options: SamplerOptions = {}): WindowSampler {
  const weights = options.sourceWeights ?? {};
  const bySource = new Map<string, { episodes: number[]; cumulative: number[] }>();
  source.episodes.forEach((episode, index) => {
    if (options.accept !== undefined && !options.accept(episode, index)) return;
    const windowCount = windowsIn(spec, episode);
    if (windowCount <= 0) return;
    const table = bySource.get(episode.source) ?? { episodes: [], cumulative: [] };
    table.cumulative.push((table.cumulative.at(-1) ?? 0) + windowCount);
    table.episodes.push(index);
    bySource.set(episode.source, table);
  });
  requireKnownSources(weights, new Set(source.episodes.map((episode) => episode.source)));
  const total = [...bySource.values()].reduce((sum, table) => sum + table.cumulative.at(-1)!, 0);
  const tables: SourceTable[] = [...bySource].map(([name, table]) => ({
    name,
    weight: weights[name] ?? table.cumulative.at(-1)! / total,
    episodes: Int32Array.from(table.episodes),
    cumulative: Float64Array.from(table.cumulative),
  }));
  const weightSum = tables.reduce((sum, table) => sum + table.weight, 0);
  if (!(weightSum > 0)) {
    const accepted = source.episodes.filter((episode, index) => options.accept?.(episode, index) !== false);
    const longest = accepted.reduce((most, { frameCount }) => Math.max(most, frameCount), 0);
    const left = source.episodes.length - accepted.length;
    throw new DataError({
      where: 'training data',
      what: 'no window to draw',
      expected: `an episode of at least ${framesNeeded(spec) + leastFirstFrame(spec, false)} frames in a source of positive weight`,
      found:
        (accepted.length === 0 ? 'none' : `none longer than ${longest} frames among ${accepted.length}`) +
        (left === 0 ? '' : `, and ${left} more that are held out or have no actions`),
      fix: 'Record longer episodes, lower tokens.context, or check data.sources',
    });
  }
  return {
    sources: tables.map((table) => ({
      name: table.name,
      share: table.weight / weightSum,
      windowCount: table.cumulative.at(-1)!,
    })),
    windowCount: total,
    draw(random) {
      let left = random.uniform() * weightSum;
      let chosen = tables.length - 1;
      for (let at = 0; at < tables.length; at++) {
        left -= tables[at].weight;
        if (left < 0) {
          chosen = at;
          break;
        }
      }
      const table = tables[chosen];
      const window = random.integer(table.cumulative[table.cumulative.length - 1]);
      const at = upperBound(table.cumulative, window);
      const episode = table.episodes[at];
      const before = at === 0 ? 0 : table.cumulative[at - 1];
      return { episode, first: leastFirstFrame(spec, source.episodes[episode].startsAtReset) + (window - before) };
    },
  };
}

/** @throws DataError where a weight names a source that is not among the `known` */
export function requireKnownSources(weights: Readonly<Record<string, number>>, known: ReadonlySet<string>): void {
  for (const name of Object.keys(weights)) {
    if (known.has(name)) continue;
    const near = nearest(name, known);
    throw new DataError({
      where: `data.sources.${name}`,
      what: 'weight for a source that the data does not have',
      expected: listNames([...known]),
      fix: near === undefined ? undefined : `Did you mean "${near}"?`,
    });
  }
}

/** Number of windows that fit an episode. */
export function windowsIn(spec: TokenSpec, episode: EpisodeSummary): number {
  return Math.max(0, episode.frameCount - framesNeeded(spec) + 1 - leastFirstFrame(spec, episode.startsAtReset));
}

/** Index of the first entry greater than `value` in an ascending array. */
function upperBound(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
