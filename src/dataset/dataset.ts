// Reads one or more dataset folders as a single list of episodes, whole or by windows, with memory that does not grow
// with the data.
//
// `readWindow` is synchronous: a training step cuts dozens of random windows, and each is one positioned read a channel
// (or a copy, where the data fits the memory budget).

import { join, resolve } from 'node:path';
import { DataError } from '../base/errors.js';
import type { Channel, ChannelName, Episode, SourceKind } from '../motion/episode.js';
import { type Split, splitOf, VALIDATION_SHARE } from '../motion/split.js';
import { robotFromJson } from '../robot/robot-json.js';
import type { RobotIdentity, RobotModel } from '../robot/robot-model.js';
import {
  MANIFEST_FILE,
  type Manifest,
  type ManifestEpisode,
  REBUILD,
  readManifest,
  type SourceSummary,
  summariseSources,
  validFrames,
} from './manifest.js';
import { requireSameRobot } from './robot-match.js';
import { type BatchLayout, batchLayout, type ShardColumn } from './schema.js';
import { ShardAccess, type ShardPlace } from './shard-access.js';
import { readFooterChecksum, readShardInfo, type ShardInfo, verifyShard } from './shard-file.js';

export interface DatasetOptions {
  /** Share of episodes held out for validation, by hash of their id. */
  readonly validationShare: number;
  /** When contents are checked against their checksums: each episode at its first use, all at opening, or never. */
  readonly verify: 'first-use' | 'open' | 'never';
  /** How much of the data may be held in memory (bytes); the rest is read from the files each time. */
  readonly memoryBytes: number;
}

export const DATASET_DEFAULTS: DatasetOptions = {
  validationShare: VALIDATION_SHARE,
  verify: 'first-use',
  memoryBytes: 256 * 1024 * 1024,
};

/** What is known of an episode without reading it. */
export interface EpisodeInfo {
  readonly index: number;
  readonly id: string;
  readonly source: string;
  readonly kind: SourceKind;
  readonly frameCount: number;
  /** Channels that the episode has in at least one frame, and in how many frames. */
  readonly channels: ReadonlySet<ChannelName>;
  readonly validFrames: Readonly<Partial<Record<ChannelName, number>>>;
  readonly split: Split;
  readonly startsAtReset: boolean;
  readonly fell?: boolean;
  readonly derived: readonly ChannelName[];
  /** Number of findings of each kind. */
  readonly findings: Readonly<Record<string, number>>;
  /** Path of the shard. */
  readonly file: string;
}

interface Place {
  readonly shard: number;
  /** Position in the shard. */
  readonly number: number;
  readonly entry: ManifestEpisode;
  readonly layout: BatchLayout;
}

/** Opens a dataset's folder. @throws DataError where the folder, its manifest or a shard is not in order */
export function openDataset(folder: string, options: Partial<DatasetOptions> = {}): Promise<Dataset> {
  return Dataset.open([folder], options);
}

/** Opens several datasets of the same robot and rate as one. @throws DataError also where they do not match */
export function openDatasets(folders: readonly string[], options: Partial<DatasetOptions> = {}): Promise<Dataset> {
  return Dataset.open(folders, options);
}

export class Dataset {
  readonly folders: readonly string[];
  readonly manifests: readonly Manifest[];
  readonly robot: RobotIdentity;
  readonly rate_hz: number;
  readonly episodes: readonly EpisodeInfo[];
  readonly #places: readonly Place[];
  readonly #shardPaths: readonly string[];
  readonly #access: ShardAccess;
  readonly #word = new Uint8Array(8);
  /** The shard whose footer was read last: episodes are mostly read in order. */
  #info: ShardInfo | undefined;
  #scratch = new Float32Array(0);

  private constructor(folders: readonly string[], manifests: readonly Manifest[], options: DatasetOptions) {
    this.folders = folders;
    this.manifests = manifests;
    this.robot = manifests[0].robot;
    this.rate_hz = manifests[0].rate_hz;
    const shards: ShardPlace[] = [];
    const places: Place[] = [];
    const episodes: EpisodeInfo[] = [];
    manifests.forEach((manifest, at) => {
      for (const { file, bytes, columns, episodes: entries } of manifest.shards) {
        const path = join(folders[at], file);
        const layoutOf = layouts(columns);
        entries.forEach((entry, number) => {
          episodes.push(episodeInfo(entry, columns, episodes.length, path, options.validationShare));
          const layout = layoutOf(entry);
          requirePlace(entry, layout, bytes, join(folders[at], MANIFEST_FILE));
          places.push({ shard: shards.length, number, entry, layout });
        });
        shards.push({ path, bytes });
      }
    });
    this.episodes = episodes;
    this.#places = places;
    this.#shardPaths = shards.map((shard) => shard.path);
    this.#access = new ShardAccess(shards, places.length, options.verify === 'first-use', options.memoryBytes);
  }

  static async open(folders: readonly string[], options: Partial<DatasetOptions> = {}): Promise<Dataset> {
    if (folders.length === 0) throw new DataError({ where: 'datasets', what: 'no folder given' });
    const settings = { ...DATASET_DEFAULTS, ...options };
    const manifests: Manifest[] = [];
    for (const folder of folders) {
      const manifest = await readManifest(folder);
      if (manifests.length > 0) requireSameRobot({ path: folder, ...manifest }, { path: folders[0], ...manifests[0] });
      for (const shard of manifest.shards) checkShard(join(folder, shard.file), shard, settings.verify === 'open');
      manifests.push(manifest);
    }
    const dataset = new Dataset(folders, manifests, settings);
    requireUniqueIds(dataset.episodes, folders);
    return dataset;
  }

  /** Counts, hours and coverage of each source over all folders. */
  sources(): SourceSummary[] {
    return summariseSources(
      this.manifests.flatMap(({ shards }) => shards),
      this.rate_hz,
    );
  }

  /** The whole robot, where the shards carry it. */
  robotModel(): RobotModel | undefined {
    if (this.#shardPaths.length === 0) return undefined;
    const { path, robotModelJson } = this.#shardInfo(0);
    return robotModelJson === undefined ? undefined : robotFromJson(JSON.parse(robotModelJson), path);
  }

  /** Width of a channel in an episode; undefined where the episode lacks it. */
  channelWidth(index: number, channel: ChannelName): number | undefined {
    return this.#places[index].layout.columns.get(channel)?.width;
  }

  /** Reads a whole episode. The arrays are the caller's. @throws DataError where its bytes have changed */
  async readEpisode(index: number): Promise<Episode> {
    const place = this.#places[index];
    const info = this.episodes[index];
    const { content } = this.#shardInfo(place.shard);
    const { findings, provenance } = content.episodes[place.number];
    const channels: Partial<Record<ChannelName, Channel>> = {};
    for (const [name, { width, validity }] of place.layout.columns) {
      const data = new Float32Array(info.frameCount * width);
      const valid = validity < 0 ? undefined : new Uint8Array(info.frameCount);
      this.readWindow(index, name, 0, info.frameCount, data, 0, width, valid);
      channels[name] = valid === undefined ? { width, data } : { width, data, valid };
    }
    return {
      id: info.id,
      robot: this.robot,
      rate_hz: this.rate_hz,
      frameCount: info.frameCount,
      kind: info.kind,
      source: info.source,
      channels,
      derived: info.derived,
      startsAtReset: info.startsAtReset,
      ...(info.fell === undefined ? {} : { fell: info.fell }),
      provenance: content.provenances[provenance],
      findings,
    };
  }

  /** Every episode in order, one in memory at a time. @param accept which ones; all by default */
  async *readEpisodes(accept: (info: EpisodeInfo) => boolean = () => true): AsyncGenerator<Episode> {
    for (const info of this.episodes) if (accept(info)) yield await this.readEpisode(info.index);
  }

  /**
   * Copies frames [firstFrame, firstFrame + frameCount) of a channel into `out`.
   * @param out row of frame k begins at outOffset + k * outStride; rows of frames without the channel become zeros
   * @param outStride at least the channel's width; that width by default
   * @param validOut written from validOffset on: 1 where the frame has the channel, else 0
   * @returns number of frames that have the channel; 0, with `out` untouched, where the episode lacks it
   * @throws DataError where the episode's bytes have changed since they were written
   */
  readWindow(
    index: number,
    channel: ChannelName,
    firstFrame: number,
    frameCount: number,
    out: Float32Array,
    outOffset = 0,
    outStride?: number,
    validOut?: Uint8Array,
    validOffset = 0,
  ): number {
    const place = this.#places[index];
    if (place === undefined || firstFrame < 0 || frameCount < 0 || firstFrame + frameCount > place.entry.frames) {
      throw new RangeError(`frames ${firstFrame} .. ${firstFrame + frameCount} of episode ${index}`);
    }
    const column = place.layout.columns.get(channel);
    if (column === undefined) {
      validOut?.fill(0, validOffset, validOffset + frameCount);
      return 0;
    }
    this.#access.verifyOnce(index, place.shard, place.entry);
    const { width } = column;
    const stride = outStride ?? width;
    if (frameCount === 0) return 0;
    if (outOffset + (frameCount - 1) * stride + width > out.length) {
      throw new RangeError(`window of ${frameCount} frames of ${channel} does not fit its buffer`);
    }
    const position = place.entry.body + column.data + firstFrame * width * 4;
    const byteCount = frameCount * width * 4;
    if (stride === width) {
      this.#access.read(place.shard, position, new Uint8Array(out.buffer, out.byteOffset + outOffset * 4, byteCount));
    } else {
      if (this.#scratch.length < frameCount * width) this.#scratch = new Float32Array(frameCount * width);
      this.#access.read(place.shard, position, new Uint8Array(this.#scratch.buffer, 0, byteCount));
      for (let frame = 0; frame < frameCount; frame++) {
        for (let k = 0; k < width; k++) out[outOffset + frame * stride + k] = this.#scratch[frame * width + k];
      }
    }
    if (column.validity < 0) {
      validOut?.fill(1, validOffset, validOffset + frameCount);
      return frameCount;
    }
    return this.#readValidity(place, column.validity, firstFrame, frameCount, validOut, validOffset);
  }

  /** As readWindow, rows without gaps: what a window sampler asks for. */
  read(index: number, channel: ChannelName, first: number, count: number, out: Float32Array, valid: Uint8Array): void {
    this.readWindow(index, channel, first, count, out, 0, undefined, valid);
  }

  /** Closes files and frees memory; nothing can be read afterwards. */
  close(): void {
    this.#access.close();
  }

  #readValidity(
    place: Place,
    validity: number,
    firstFrame: number,
    frameCount: number,
    validOut: Uint8Array | undefined,
    validOffset: number,
  ): number {
    const firstByte = firstFrame >> 3;
    const byteCount = ((firstFrame + frameCount - 1) >> 3) - firstByte + 1;
    const bitmap = byteCount <= this.#word.length ? this.#word.subarray(0, byteCount) : new Uint8Array(byteCount);
    this.#access.read(place.shard, place.entry.body + validity + firstByte, bitmap);
    let count = 0;
    for (let frame = 0; frame < frameCount; frame++) {
      const at = firstFrame + frame;
      const bit = (bitmap[(at >> 3) - firstByte] >> (at & 7)) & 1;
      if (validOut !== undefined) validOut[validOffset + frame] = bit;
      count += bit;
    }
    return count;
  }

  #shardInfo(shard: number): ShardInfo {
    const path = this.#shardPaths[shard];
    if (this.#info?.path !== path) this.#info = readShardInfo(path);
    return this.#info;
  }
}

/** Layouts of a shard's episodes; those of equal length and masks share one. */
function layouts(columns: readonly ShardColumn[]): (entry: ManifestEpisode) => BatchLayout {
  const known = new Map<string, BatchLayout>();
  return ({ frames, partial }) => {
    const key = `${frames} ${Object.keys(partial).join(' ')}`;
    let layout = known.get(key);
    if (layout === undefined) {
      layout = batchLayout(columns, frames, (name) => partial[name] !== undefined);
      known.set(key, layout);
    }
    return layout;
  };
}

function episodeInfo(
  entry: ManifestEpisode,
  columns: readonly ShardColumn[],
  index: number,
  file: string,
  validationShare: number,
): EpisodeInfo {
  const { id, source, kind, frames, startsAtReset, fell, derived, findings } = entry;
  return {
    index,
    id,
    source,
    kind,
    frameCount: frames,
    channels: new Set(columns.map(({ name }) => name)),
    validFrames: Object.fromEntries(columns.map(({ name }) => [name, validFrames(entry, name)])),
    split: splitOf(id, validationShare),
    startsAtReset,
    fell,
    derived,
    findings,
    file,
  };
}

/** @throws DataError where a shard is not the one that the manifest speaks of */
function checkShard(path: string, listed: { bytes: number; footerCrc32: number }, whole: boolean): void {
  const found = whole ? verifyShard(path) : readFooterChecksum(path);
  if (found.bytes === listed.bytes && found.footerCrc32 === listed.footerCrc32) return;
  throw new DataError({
    where: path,
    what: 'shard is not the one in the manifest',
    expected: `${listed.bytes} bytes, footer ${listed.footerCrc32.toString(16)}`,
    found: `${found.bytes} bytes, footer ${found.footerCrc32.toString(16)}`,
    fix: REBUILD,
  });
}

/** @throws DataError where the manifest's numbers cannot be those of a shard of this size */
function requirePlace(entry: ManifestEpisode, layout: BatchLayout, bytes: number, path: string): void {
  const end = entry.offset + entry.length;
  if (end <= bytes && entry.body + layout.length === end && entry.body > entry.offset) return;
  throw new DataError({ where: path, what: `manifest is damaged at episode ${entry.id}`, fix: REBUILD });
}

function requireUniqueIds(episodes: readonly EpisodeInfo[], folders: readonly string[]): void {
  const files = new Map<string, string>();
  for (const { id, file } of episodes) {
    const before = files.get(id);
    if (before === undefined) {
      files.set(id, file);
      continue;
    }
    throw new DataError({
      where: `episode ${id}`,
      what: 'the same episode id twice',
      found: `in ${before} and in ${file}`,
      fix:
        new Set(folders.map((folder) => resolve(folder))).size < folders.length
          ? 'A folder is named twice'
          : 'Ingest or record one of them again with another source name or seed, or leave one out',
    });
  }
}
