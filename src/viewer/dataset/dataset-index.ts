// The list of a dataset's episodes, from its manifest: all that the list and its filters need, and where the bytes lie.

import type { ManifestEpisode } from '../../dataset/manifest.js';
import type { ShardColumn } from '../../dataset/schema.js';
import type { ChannelName, SourceKind } from '../../motion/episode.js';
import { type Split, splitOf } from '../../motion/split.js';
import { ProblemError } from '../page.js';

const FORMAT = 'nextgait-dataset/1';

export interface ShardEntry {
  readonly file: string;
  readonly bytes: number;
  readonly columns: readonly ShardColumn[];
}

export interface EpisodeEntry {
  /** Position in the dataset, and in its shard. */
  readonly index: number;
  readonly number: number;
  readonly shard: ShardEntry;
  readonly id: string;
  readonly source: string;
  readonly kind: SourceKind;
  readonly frames: number;
  readonly seconds: number;
  readonly fell: boolean;
  readonly split: Split;
  readonly derived: readonly ChannelName[];
  /** Byte range of its record batch, where the batch's body begins, and the checksum of the range. */
  readonly offset: number;
  readonly length: number;
  readonly body: number;
  readonly crc32: number;
  readonly partial: Readonly<Partial<Record<ChannelName, number>>>;
  /** Number of findings of each kind. */
  readonly findings: Readonly<Record<string, number>>;
  readonly findingCount: number;
}

export interface DatasetIndex {
  readonly robot: { readonly name: string; readonly hash: string; readonly jointNames: readonly string[] };
  readonly rate_hz: number;
  readonly hours: number;
  readonly episodes: readonly EpisodeEntry[];
  readonly sources: readonly string[];
  /** Kinds of findings that occur. */
  readonly findingKinds: readonly string[];
}

interface RawManifest {
  readonly format?: string;
  readonly robot: DatasetIndex['robot'];
  readonly rate_hz: number;
  readonly totals: { readonly hours: number };
  readonly shards: readonly (ShardEntry & { readonly episodes: readonly ManifestEpisode[] })[];
}

/** @throws ProblemError where this is not a manifest */
export function readIndex(raw: unknown, where: string): DatasetIndex {
  const manifest = raw as RawManifest;
  if (manifest?.format !== FORMAT || manifest.shards === undefined) {
    throw new ProblemError({
      what: `${where} is not the manifest of a dataset`,
      fix: `Expected the format ${FORMAT}, found ${manifest?.format ?? 'none'}. View it with the version of nextgait that wrote it, or write it anew: nextgait inspect <folder> --rebuild`,
    });
  }
  const episodes: EpisodeEntry[] = [];
  for (const { file, bytes, columns, episodes: entries } of manifest.shards) {
    const shard: ShardEntry = { file, bytes, columns };
    entries.forEach((entry, number) => {
      episodes.push(episodeEntry(entry, shard, manifest.rate_hz, { index: episodes.length, number }));
    });
  }
  return {
    robot: manifest.robot,
    rate_hz: manifest.rate_hz,
    hours: manifest.totals.hours,
    episodes,
    sources: [...new Set(episodes.map(({ source }) => source))],
    findingKinds: [...new Set(episodes.flatMap(({ findings }) => Object.keys(findings)))].sort(),
  };
}

/** @param place position in the dataset, and in the shard */
export function episodeEntry(
  entry: ManifestEpisode,
  shard: ShardEntry,
  rate_hz: number,
  place: { readonly index: number; readonly number: number },
): EpisodeEntry {
  const { id, source, kind, frames, derived, offset, length, body, crc32, partial, findings } = entry;
  return {
    ...place,
    shard,
    ...{ id, source, kind, frames, derived, offset, length, body, crc32, partial, findings },
    seconds: frames / rate_hz,
    fell: entry.fell === true,
    split: splitOf(id),
    findingCount: Object.values(findings).reduce((sum, count) => sum + count, 0),
  };
}

/** True where the episode has the channel in at least one frame. */
export function hasChannel({ shard, partial, frames }: EpisodeEntry, name: ChannelName): boolean {
  return shard.columns.some((column) => column.name === name) && (partial[name] ?? frames) > 0;
}
