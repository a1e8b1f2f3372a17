// Statistics of a dataset, channel by channel, over all of it and by source, in one pass with flat memory.
//
// A normaliser uses those of the training split, and of the episodes that training draws from.

import type { Column } from '../motion/columns.js';
import { CHANNEL_NAMES, type ChannelName } from '../motion/episode.js';
import type { Split } from '../motion/split.js';
import type { Dataset, EpisodeInfo } from './dataset.js';
import { type ChannelStatistics, Moments } from './moments.js';

export type StatisticsTable = Readonly<Partial<Record<ChannelName, ChannelStatistics>>>;

export interface DatasetStatistics {
  readonly overall: StatisticsTable;
  readonly bySource: Readonly<Record<string, StatisticsTable>>;
  readonly episodes: number;
  readonly frames: number;
}

export interface StatisticsOptions {
  /** Only this split; both by default. */
  readonly split?: Split;
  /** Only these episodes; all by default. */
  readonly accept?: (info: EpisodeInfo) => boolean;
  readonly channels?: readonly ChannelName[];
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Frames read at a time: a long episode is not held whole. */
const CHUNK_FRAMES = 4096;

/** @throws DataError where an episode's bytes have changed; the signal's reason when it is aborted */
export async function computeStatistics(dataset: Dataset, options: StatisticsOptions = {}): Promise<DatasetStatistics> {
  const { split, accept = () => true, channels = CHANNEL_NAMES, onProgress, signal } = options;
  const chosen = dataset.episodes.filter((info) => (split === undefined || info.split === split) && accept(info));
  const overall = new Map<ChannelName, Moments>();
  const bySource = new Map<string, Map<ChannelName, Moments>>();
  let done = 0;
  for (const info of chosen) {
    signal?.throwIfAborted();
    const ofSource = bySource.get(info.source) ?? new Map<ChannelName, Moments>();
    bySource.set(info.source, ofSource);
    for (const name of channels) {
      if (info.channels.has(name)) addChannel(dataset, info, name, [overall, ofSource]);
    }
    onProgress?.(++done, chosen.length);
    // Lets the interrupt and the progress bar have their turn.
    if (done % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    overall: tableOf(overall),
    bySource: Object.fromEntries([...bySource].map(([source, moments]) => [source, tableOf(moments)])),
    episodes: chosen.length,
    frames: chosen.reduce((sum, info) => sum + info.frameCount, 0),
  };
}

function addChannel(
  dataset: Dataset,
  info: EpisodeInfo,
  name: ChannelName,
  tables: readonly Map<ChannelName, Moments>[],
): void {
  const width = dataset.channelWidth(info.index, name)!;
  const frames = Math.min(CHUNK_FRAMES, info.frameCount);
  const data = new Float32Array(frames * width);
  const valid = new Uint8Array(frames);
  for (let first = 0; first < info.frameCount; first += CHUNK_FRAMES) {
    const count = Math.min(CHUNK_FRAMES, info.frameCount - first);
    dataset.readWindow(info.index, name, first, count, data, 0, width, valid);
    const column: Column = { width, data, valid };
    for (const table of tables) {
      const moments = table.get(name) ?? new Moments(width);
      table.set(name, moments);
      moments.add(column, count);
    }
  }
}

function tableOf(moments: ReadonlyMap<ChannelName, Moments>): StatisticsTable {
  return Object.fromEntries(
    CHANNEL_NAMES.filter((name) => moments.has(name)).map((name) => [name, moments.get(name)!.result()]),
  );
}
