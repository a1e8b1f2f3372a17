// Writes a dataset: episodes in, shards of about 64 MB and a manifest out.
//
// Memory holds one episode at a time. Episodes with the same set of channels share a shard, so one shard is open for each
// set that has been seen lately; each is closed when it is full, and the manifest is written at every closing, so that a
// process killed in between leaves a dataset that opens. The same episodes in the same order give the same bytes.
// A dataset that is overwritten stays whole until the first episode of the new one comes.

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../base/errors.js';
import { type ClaimedOutput, claimOutput } from '../base/output-folder.js';
import { TOOL } from '../base/version.js';
import { CHANNEL_NAMES, type ChannelName, channelWidth, type Episode } from '../motion/episode.js';
import { identityOf, type RobotIdentity, type RobotModel } from '../robot/robot-model.js';
import {
  composeManifest,
  MANIFEST_FILE,
  type Manifest,
  type ManifestShard,
  manifestShard,
  readManifest,
  writeManifest,
} from './manifest.js';
import { requireSameRobot } from './robot-match.js';
import { FORMAT, META, type ShardColumn } from './schema.js';
import { readShardInfo } from './shard-file.js';
import { ShardWriter } from './shard-writer.js';

export interface DatasetWriterOptions {
  /** The whole robot where there is one (it is written into every shard), else its identity. */
  readonly robot: RobotModel | RobotIdentity;
  readonly rate_hz: number;
  readonly append?: boolean;
  readonly overwrite?: boolean;
  /** Size at which a shard is closed (bytes). */
  readonly shardBytes?: number;
}

export const DATASET_WRITER_DEFAULTS = { shardBytes: 64 * 1024 * 1024 } as const;

/** Shards open at once: sets of channels that may take turns without closing each other's shards early. */
const MOST_OPEN_SHARDS = 8;

export class DatasetWriter {
  readonly folder: string;
  readonly robot: RobotIdentity;
  readonly rate_hz: number;
  readonly #robotModel: RobotModel | undefined;
  readonly #shardBytes: number;
  readonly #metadata: ReadonlyMap<string, string>;
  readonly #closed: ManifestShard[];
  readonly #ids: Set<string>;
  readonly #widths = new Map<ChannelName, number>();
  /** Open shards by their set of channels, least recently used first. */
  readonly #open = new Map<string, ShardWriter>();
  /** The dataset that the first episode will replace. */
  #replaced: ClaimedOutput | undefined;
  #nextNumber: number;
  #finished = false;

  private constructor(
    folder: string,
    options: DatasetWriterOptions,
    shards: readonly ManifestShard[],
    replaced: ClaimedOutput | undefined,
  ) {
    this.#replaced = replaced;
    const { robot, rate_hz } = options;
    this.folder = folder;
    this.robot = { name: robot.name, hash: robot.hash, jointNames: robot.jointNames };
    this.rate_hz = rate_hz;
    this.#robotModel = 'bodies' in robot ? robot : undefined;
    this.#shardBytes = options.shardBytes ?? DATASET_WRITER_DEFAULTS.shardBytes;
    this.#metadata = new Map([
      [META.format, FORMAT],
      [META.tool, TOOL],
      [META.robot, JSON.stringify(this.robot)],
      ...(this.#robotModel ? [[META.robotModel, JSON.stringify(this.#robotModel)] as const] : []),
      [META.rate, String(rate_hz)],
    ]);
    this.#closed = [...shards];
    this.#ids = new Set(shards.flatMap((shard) => shard.episodes.map((episode) => episode.id)));
    for (const { name, width } of shards.flatMap((shard) => shard.columns)) this.#widths.set(name, width);
    this.#nextNumber = shards.reduce((most, shard) => Math.max(most, numberOf(shard.file) + 1), 0);
  }

  /**
   * Makes a dataset's folder ready and opens it for writing. What --overwrite replaces goes with the first episode; a
   * dataset without any, as refused inputs leave it, is as good as an empty folder.
   * @throws DataError where the folder may not be written, or --append meets another robot or rate
   */
  static async open(folder: string, options: DatasetWriterOptions): Promise<DatasetWriter> {
    if (!(options.rate_hz > 0)) throw new RangeError(`rate_hz ${options.rate_hz}`);
    const { append = false } = options;
    const isBare = !append && (await isBareDataset(folder));
    const overwrite = isBare || options.overwrite;
    const output = await claimOutput(folder, { append, overwrite, marker: MANIFEST_FILE, what: 'a dataset' });
    if (isBare) await output.clear();
    let shards: readonly ManifestShard[] = [];
    if (output.existing) {
      const manifest = await readManifest(folder);
      const robot = 'bodies' in options.robot ? identityOf(options.robot) : options.robot;
      requireSameRobot(
        { path: `--append ${folder}`, robot, rate_hz: options.rate_hz },
        { ...manifest, path: join(folder, MANIFEST_FILE) },
      );
      shards = manifest.shards;
      await removeLeftovers(folder);
    }
    const replaced = output.replaces && !isBare ? output : undefined;
    const writer = new DatasetWriter(folder, options, shards, replaced);
    if (!output.existing && replaced === undefined) await writeManifest(folder, writer.#manifest());
    return writer;
  }

  /** True while the dataset that is to be overwritten is still there, because nothing has come in its place. */
  get keepsOld(): boolean {
    return this.#replaced !== undefined;
  }

  /** True where the dataset has an episode of that id already. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** How an episode was made that the dataset had when it was opened; read from its shard. */
  provenanceOf(id: string): Episode['provenance'] | undefined {
    const shard = this.#closed.find(({ episodes }) => episodes.some((episode) => episode.id === id));
    if (shard === undefined) return undefined;
    const { episodes, provenances } = readShardInfo(join(this.folder, shard.file)).content;
    const place = episodes.find((episode) => episode.id === id)?.provenance;
    return place === undefined ? undefined : provenances[place];
  }

  /**
   * Appends one episode. Calls must not overlap: await each.
   * @throws DataError where the episode is of another robot or rate, its id is taken, or its values are not finite
   */
  async append(episode: Episode): Promise<void> {
    if (this.#finished) throw new Error('the dataset is closed');
    this.check(episode);
    await this.#replace();
    const columns = this.#columnsOf(episode);
    const key = columns.map(({ name }) => name).join(' ');
    let shard = this.#open.get(key);
    if (shard === undefined) {
      if (this.#open.size >= MOST_OPEN_SHARDS) await this.#closeShard(this.#open.keys().next().value!);
      const name = `shard-${String(this.#nextNumber++).padStart(5, '0')}.arrow`;
      shard = await ShardWriter.open(join(this.folder, name), columns, this.#metadata);
    } else {
      this.#open.delete(key);
    }
    this.#open.set(key, shard);
    this.#ids.add(episode.id);
    await shard.append(episode);
    if (shard.bytes >= this.#shardBytes) await this.#closeShard(key);
  }

  async #replace(): Promise<void> {
    const output = this.#replaced;
    if (output === undefined) return;
    await output.clear();
    this.#replaced = undefined;
    await writeManifest(this.folder, this.#manifest());
  }

  /**
   * Closes every shard and writes the manifest, unless nothing came in the place of what was to be overwritten.
   * @returns the manifest of what was written
   */
  async close(): Promise<Manifest> {
    this.#finished = true;
    for (const key of [...this.#open.keys()]) await this.#closeShard(key);
    const manifest = this.#manifest();
    if (!this.keepsOld) await writeManifest(this.folder, manifest);
    return manifest;
  }

  /** Gives up what is in open shards; closed shards stay. */
  async abort(): Promise<void> {
    this.#finished = true;
    for (const shard of this.#open.values()) await shard.abort();
    this.#open.clear();
  }

  async #closeShard(key: string): Promise<void> {
    const shard = this.#open.get(key)!;
    this.#open.delete(key);
    const summary = await shard.close();
    this.#closed.push(manifestShard({ ...summary, path: shard.path, columns: shard.columns }));
    if (!this.#finished) await writeManifest(this.folder, this.#manifest());
  }

  #manifest(): Manifest {
    return composeManifest(this.robot, this.rate_hz, this.#closed);
  }

  #columnsOf(episode: Episode): ShardColumn[] {
    return CHANNEL_NAMES.flatMap((name) => {
      const channel = episode.channels[name];
      if (channel === undefined || (channel.valid !== undefined && !channel.valid.includes(1))) return [];
      return [{ name, width: channel.width }];
    });
  }

  /** Throws what append() would throw, and writes nothing. */
  check(episode: Episode): void {
    const where = `episode ${episode.id}`;
    requireSameRobot({ path: where, ...episode }, { path: this.folder, robot: this.robot, rate_hz: this.rate_hz });
    if (this.#ids.has(episode.id)) {
      throw new DataError({
        where,
        what: 'episode id is taken',
        found: `an episode of that id in ${this.folder}`,
        fix: 'Give the new data another source name or seed',
      });
    }
    const columns = this.#columnsOf(episode);
    if (episode.frameCount < 1 || columns.length === 0) {
      throw new DataError({ where, what: 'empty episode', expected: 'at least one frame with one channel' });
    }
    for (const { name } of columns) this.#checkChannel(episode, name, where);
  }

  #checkChannel(episode: Episode, name: ChannelName, where: string): void {
    const { width, data, valid } = episode.channels[name]!;
    const footCount = this.#robotModel?.feet.length ?? this.#widths.get('footContact') ?? width;
    const expected = channelWidth(name, this.robot.jointNames.length, footCount);
    if (width !== expected) {
      throw new DataError({ where, what: `width of ${name}`, expected: String(expected), found: String(width) });
    }
    if (data.length !== width * episode.frameCount || (valid !== undefined && valid.length !== episode.frameCount)) {
      throw new DataError({
        where,
        what: `length of ${name}`,
        expected: `${episode.frameCount} frames of ${width} values`,
        found: `${data.length} values${valid === undefined ? '' : ` and ${valid.length} validity flags`}`,
      });
    }
    for (let at = 0; at < data.length; at++) {
      if (Number.isFinite(data[at])) continue;
      const frame = Math.floor(at / width);
      if (valid !== undefined && valid[frame] === 0) continue;
      throw new DataError({ where: `${where}:frame ${frame}`, what: `value of ${name}`, found: String(data[at]) });
    }
    this.#widths.set(name, width);
  }
}

function numberOf(file: string): number {
  return Number(/\d+/.exec(file)![0]);
}

/** True where nothing but the manifest of no episodes, and reports on what did not go in, is in the folder. */
async function isBareDataset(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => []);
  if (!names.includes(MANIFEST_FILE)) return false;
  if (!names.every((name) => name === MANIFEST_FILE || name.endsWith('-report.json'))) return false;
  return readManifest(folder).then(
    ({ shards }) => shards.length === 0,
    () => false,
  );
}

/** Temporary files of a writer that was killed. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^\.(shard-\d+\.arrow|manifest\.json)\.\d+\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
  }
}
