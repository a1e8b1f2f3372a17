// Filters and orders of the episode list.

import { describe, expect, it } from 'vitest';
import type { EpisodeEntry } from '../../../src/viewer/dataset/dataset-index.js';
import { type EpisodeFilter, filterEpisodes, NO_FILTER } from '../../../src/viewer/dataset/episode-filter.js';

function entry(index: number, id: string, seconds: number, more: Partial<EpisodeEntry> = {}): EpisodeEntry {
  const shard = { file: 'shard-00000.arrow', bytes: 1, columns: [{ name: 'action' as const, width: 2 }] };
  return {
    ...{ index, number: index, shard, id, source: id.split('/')[0], kind: 'rollout', fell: false, split: 'train' },
    ...{ frames: 50 * seconds, seconds, derived: [], offset: 0, length: 1, body: 1, crc32: 0, partial: {} },
    ...{ findings: {}, findingCount: 0 },
    ...more,
  };
}

const noAction = { file: 's', bytes: 1, columns: [] };
const EPISODES = [
  entry(0, 'walk/left-1', 10),
  entry(1, 'walk/right-1', 4, { fell: true, findings: { 'fall-cut': 2 }, findingCount: 2 }),
  entry(2, 'mocap/dance', 25, { shard: noAction, kind: 'bvh', findings: { skating: 1 }, findingCount: 1 }),
  entry(3, 'mocap/left', 4, { shard: noAction, split: 'validation' }),
];

const found = (filter: Partial<EpisodeFilter>, errors: Record<number, number> = {}) =>
  filterEpisodes(EPISODES, { ...NO_FILTER, ...filter }, ({ index }) => errors[index]).map(({ index }) => index);

describe('filters', () => {
  it.each<[Partial<EpisodeFilter>, number[]]>([
    [{}, [0, 1, 2, 3]],
    [{ text: 'LEFT' }, [0, 3]],
    [{ text: 'left walk' }, [0]],
    [{ text: 'jump' }, []],
    [{ source: 'mocap' }, [2, 3]],
    [{ quality: 'clean' }, [0, 3]],
    [{ quality: 'findings' }, [1, 2]],
    [{ quality: 'fell' }, [1]],
    [{ quality: 'stood' }, [0, 2, 3]],
    [{ quality: 'action' }, [0, 1]],
    [{ quality: 'no-action' }, [2, 3]],
    [{ finding: 'skating' }, [2]],
    [{ split: 'validation' }, [3]],
    [{ shortest_s: 5 }, [0, 2]],
    [{ shortest_s: 4, longest_s: 4 }, [1, 3]],
    [{ source: 'walk', quality: 'fell', longest_s: 5 }, [1]],
  ])('%j', (filter, expected) => {
    expect(found(filter)).toEqual(expected);
  });
});

describe('orders', () => {
  it('keep the dataset order among equals', () => {
    expect(found({ order: 'longest' })).toEqual([2, 0, 1, 3]);
    expect(found({ order: 'shortest' })).toEqual([1, 3, 0, 2]);
    expect(found({ order: 'findings' })).toEqual([1, 2, 0, 3]);
  });

  it('put unknown keypoint errors last', () => {
    expect(found({ order: 'error' }, { 3: 0.02, 0: 0.01 })).toEqual([3, 0, 1, 2]);
  });
});
