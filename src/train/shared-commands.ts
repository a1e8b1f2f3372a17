// Command labels of a dataset in memory that threads share: what a worker needs beside the shards to cut the same windows.

import type { ChannelName } from '../motion/episode.js';
import type { EpisodeSummary, WindowSource } from '../tokens/window-source.js';

/** One row for each frame of all episodes, in their order; in SharedArrayBuffers, so that a worker gets no copy. */
export interface SharedCommands {
  /** [frame, 3] */
  readonly values: Float32Array;
  /** [frame] */
  readonly valid: Uint8Array;
  /** [episode]: whether it has the channel. */
  readonly labelled: Uint8Array;
}

/** Copies the command channel of every episode. */
export function shareCommands(source: WindowSource): SharedCommands {
  const frameCount = source.episodes.reduce((sum, episode) => sum + episode.frameCount, 0);
  const values = new Float32Array(new SharedArrayBuffer(frameCount * 3 * 4));
  const valid = new Uint8Array(new SharedArrayBuffer(frameCount));
  const labelled = new Uint8Array(new SharedArrayBuffer(source.episodes.length));
  let first = 0;
  for (const [index, episode] of source.episodes.entries()) {
    const end = first + episode.frameCount;
    labelled[index] = Number(episode.channels.has('command'));
    source.read(
      index,
      'command',
      0,
      episode.frameCount,
      values.subarray(first * 3, end * 3),
      valid.subarray(first, end),
    );
    first = end;
  }
  return { values, valid, labelled };
}

/** The same windows with these commands. */
export function withSharedCommands(source: WindowSource, commands: SharedCommands): WindowSource {
  const firsts = new Float64Array(source.episodes.length);
  let next = 0;
  for (const [index, { frameCount }] of source.episodes.entries()) {
    firsts[index] = next;
    next += frameCount;
  }
  return withOtherCommands(source, {
    has: (index) => commands.labelled[index] === 1,
    read(index, first, count, out, valid) {
      const at = firsts[index] + first;
      out.set(commands.values.subarray(at * 3, (at + count) * 3));
      valid.set(commands.valid.subarray(at, at + count));
    },
  });
}

/** Commands by episode, in place of those of a source. */
export interface OtherCommands {
  has(episode: number): boolean;
  /** As WindowSource.read, of the command. */
  read(episode: number, first: number, count: number, out: Float32Array, valid: Uint8Array): void;
}

/** The same windows with other commands. */
export function withOtherCommands(source: WindowSource, commands: OtherCommands): WindowSource {
  return {
    episodes: source.episodes.map((episode, index): EpisodeSummary => {
      const channels = new Set<ChannelName>(episode.channels);
      if (commands.has(index)) channels.add('command');
      else channels.delete('command');
      return { ...episode, channels };
    }),
    read(episode, channel, first, count, out, valid) {
      if (channel === 'command') commands.read(episode, first, count, out, valid);
      else source.read(episode, channel, first, count, out, valid);
    },
  };
}
