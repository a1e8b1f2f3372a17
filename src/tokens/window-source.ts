// WindowSource: what the sampler needs of a dataset. A folder of shards implements it, and so does a list in memory.

import type { ChannelName, Episode, SourceKind } from '../motion/episode.js';

export interface EpisodeSummary {
  readonly id: string;
  readonly source: string;
  readonly kind: SourceKind;
  readonly frameCount: number;
  /** Channels that the episode has in at least one frame. */
  readonly channels: ReadonlySet<ChannelName>;
  readonly startsAtReset: boolean;
}

export interface WindowSource {
  readonly episodes: readonly EpisodeSummary[];
  /**
   * Copies frames [first, first + count) of a channel to `out` [frame, width] and their validity to `valid` [frame].
   * Values of invalid frames are unspecified. A channel that the episode lacks gives valid = 0 throughout.
   */
  read(episode: number, channel: ChannelName, first: number, count: number, out: Float32Array, valid: Uint8Array): void;
}

/** Episodes in memory as a WindowSource. */
export function memorySource(episodes: readonly Episode[]): WindowSource {
  return {
    episodes: episodes.map((episode) => ({
      id: episode.id,
      source: episode.source,
      kind: episode.kind,
      frameCount: episode.frameCount,
      channels: new Set(Object.keys(episode.channels) as ChannelName[]),
      startsAtReset: episode.startsAtReset,
    })),
    read(index, name, first, count, out, valid) {
      const channel = episodes[index].channels[name];
      if (channel === undefined) {
        valid.fill(0, 0, count);
        return;
      }
      out.set(channel.data.subarray(first * channel.width, (first + count) * channel.width));
      for (let frame = 0; frame < count; frame++) valid[frame] = channel.valid?.[first + frame] ?? 1;
    },
  };
}
