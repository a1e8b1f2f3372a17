// Writes a dataset as a LeRobot v3 dataset: Parquet files with one row a frame and one row group an episode, and meta/.
//
// Values are the dataset's own float32, bit for bit; what a frame lacks is NaN, and `valid.<channel>` is false there.
// Memory holds one episode, and the statistics' samples. meta/info.json is written last: without it there is no dataset.

import { join } from 'node:path';
import { stringify } from 'yaml';
import { DataError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { claimOutput } from '../base/output-folder.js';
import type { Column } from '../motion/columns.js';
import type { Episode, SourceKind } from '../motion/episode.js';
import type { Dataset } from './dataset.js';
import {
  fieldMapOf,
  kindOf,
  LEROBOT_FIELD_MAP,
  LEROBOT_ORIGINS,
  type LeRobotLayout,
  layoutOf,
  maskName,
  type VectorFeature,
} from './lerobot-features.js';
import { FeatureMoments, type FeatureStatistics, SampledRows } from './lerobot-stats.js';
import { huggingFaceMetadata, pandasMetadata, type TableColumn, TableWriter } from './lerobot-tables.js';

export const LEROBOT_VERSION = 'v3.0';

export interface LeRobotExportOptions {
  readonly overwrite: boolean;
  /** What every episode's task is; the name of its source where absent. */
  readonly task?: string;
  /** Size at which a data file is closed (bytes); LeRobot's own limit is 100 MB. */
  readonly fileBytes: number;
  readonly onProgress?: (episodes: number) => void;
  readonly signal?: AbortSignal;
}

export const LEROBOT_EXPORT_DEFAULTS: LeRobotExportOptions = { overwrite: false, fileBytes: 100 * 1024 * 1024 };

export interface LeRobotExport {
  readonly folder: string;
  readonly robot: string;
  /** Kind of source as which it is read back. */
  readonly kind: SourceKind;
  readonly episodes: number;
  readonly frames: number;
  readonly files: number;
  readonly features: readonly string[];
  /** Features that are NaN in some frames, and the boolean features that say where. */
  readonly masked: readonly string[];
}

const CHUNK_FILES = 1000;
/** Episodes in a row group of the list of episodes. */
const LIST_ROWS = 200;
const COUNTERS: readonly TableColumn[] = [
  { name: 'timestamp', type: 'float32' },
  { name: 'frame_index', type: 'int64' },
  { name: 'episode_index', type: 'int64' },
  { name: 'index', type: 'int64' },
  { name: 'task_index', type: 'int64' },
];

/** @throws DataError where the folder may not be written, the dataset is empty, or its bytes have changed */
export async function exportLeRobot(
  dataset: Dataset,
  folder: string,
  options: Partial<LeRobotExportOptions> = {},
): Promise<LeRobotExport> {
  const settings = { ...LEROBOT_EXPORT_DEFAULTS, ...options };
  if (dataset.episodes.length === 0) {
    throw new DataError({
      where: dataset.folders.join(', '),
      what: 'episodes',
      expected: 'at least one',
      found: 'none',
    });
  }
  const { overwrite } = settings;
  const output = await claimOutput(folder, { overwrite, marker: LEROBOT_FIELD_MAP, what: 'a LeRobot export' });
  const layout = layoutOf(dataset);
  const map = stringify(fieldMapOf(dataset, layout), { lineWidth: 0 });
  if (output.replaces) await readWhole(dataset, settings.signal);
  await output.clear();
  const reading = '# Reads this dataset back with nextgait ingest: --map and this file.\n';
  await writeFileAtomic(join(folder, LEROBOT_FIELD_MAP), `${reading}${map}`);
  const writer = new LeRobotWriter(folder, dataset, layout, settings);
  for await (const episode of dataset.readEpisodes()) {
    settings.signal?.throwIfAborted();
    writer.append(episode);
    settings.onProgress?.(writer.episodeCount);
  }
  return writer.finish();
}

/** What takes the place of an older export is read once before: damaged bytes would be found only after it had gone. */
async function readWhole(dataset: Dataset, signal: AbortSignal | undefined): Promise<void> {
  for await (const _ of dataset.readEpisodes()) signal?.throwIfAborted();
}

class LeRobotWriter {
  readonly #folder: string;
  readonly #dataset: Dataset;
  readonly #layout: LeRobotLayout;
  readonly #settings: LeRobotExportOptions;
  readonly #columns: readonly TableColumn[];
  readonly #tasks = new Map<string, number>();
  readonly #totals: readonly FeatureTotals[];
  readonly #list: TableWriter;
  #waiting: unknown[][] = [];
  readonly #origins: string[] = [];
  #data: TableWriter | undefined;
  #fileCount = 0;
  #frameCount = 0;
  episodeCount = 0;

  constructor(folder: string, dataset: Dataset, layout: LeRobotLayout, settings: LeRobotExportOptions) {
    this.#folder = folder;
    this.#dataset = dataset;
    this.#layout = layout;
    this.#settings = settings;
    this.#columns = dataColumns(layout);
    const frames = dataset.episodes.reduce((sum, { frameCount }) => sum + frameCount, 0);
    this.#totals = featureWidths(layout).map(({ name, widths }) => totalsOf(name, widths, frames));
    const list = listColumns(this.#totals.map(({ name }) => name));
    this.#list = new TableWriter(join(folder, 'meta/episodes/chunk-000/file-000.parquet'), list, [
      huggingFaceMetadata(list),
    ]);
  }

  append(episode: Episode): void {
    const { frameCount } = episode;
    if (this.#data !== undefined && this.#data.byteCount >= this.#settings.fileBytes) this.#closeData();
    this.#data ??= this.#openData();
    const task = this.#settings.task ?? episode.source;
    const taskIndex = this.#tasks.get(task) ?? this.#tasks.size;
    this.#tasks.set(task, taskIndex);

    const vectors = this.#layout.vectors.map((feature) => rowsOf(feature, episode));
    const masks = this.#layout.masked.map((channel) => maskOf(episode, channel));
    const counters = countersOf(episode, this.episodeCount, this.#frameCount, taskIndex);
    this.#data.write([
      ...vectors.map((rows, at) => listsOf(rows, this.#layout.vectors[at].width)),
      ...masks.map((mask) => Array.from(mask, (value) => value === 1)),
      ...counters.map((values, at) => (COUNTERS[at].type === 'int64' ? Array.from(values, BigInt) : [...values])),
    ]);

    const parts: (readonly (Column | undefined)[])[] = [
      ...this.#layout.vectors.map((feature) => feature.parts.map(({ channel }) => episode.channels[channel])),
      ...masks.map((mask) => [{ width: 1, data: Float32Array.from(mask) }]),
      ...counters.map((values) => [{ width: 1, data: values }]),
    ];
    const statistics = this.#totals.map((total, at) => {
      total.moments.add(parts[at], frameCount);
      total.rows?.add(vectors[at], frameCount);
      const own = new FeatureMoments(total.widths);
      own.add(parts[at], frameCount);
      return own.result();
    });
    this.#waiting.push(this.#listRow(frameCount, task, statistics));
    if (this.#waiting.length === LIST_ROWS) this.#writeList();
    const { source, kind, startsAtReset } = episode;
    // With the length, by which a line is known to be of another episode once other tools changed the dataset.
    this.#origins.push(
      JSON.stringify({ episode_index: this.episodeCount, length: frameCount, source, kind, startsAtReset }),
    );
    this.#frameCount += frameCount;
    this.episodeCount++;
  }

  async finish(): Promise<LeRobotExport> {
    this.#closeData();
    this.#writeList();
    this.#list.close();
    this.#writeTasks();
    const statistics = Object.fromEntries(
      this.#totals.map(({ name, moments, rows }) => [name, { ...moments.result(), ...rows?.result() }]),
    );
    const write = (name: string, value: unknown) =>
      writeFileAtomic(join(this.#folder, 'meta', name), `${JSON.stringify(value, null, 4)}\n`);
    await write('stats.json', statistics);
    await writeFileAtomic(join(this.#folder, LEROBOT_ORIGINS), `${this.#origins.join('\n')}\n`);
    await write('info.json', this.#info());
    return {
      folder: this.#folder,
      robot: this.#dataset.robot.name,
      kind: kindOf(this.#dataset),
      episodes: this.episodeCount,
      frames: this.#frameCount,
      files: this.#fileCount,
      features: this.#columns.map(({ name }) => name),
      masked: this.#layout.masked.map(maskName),
    };
  }

  #info(): Record<string, unknown> {
    const features = this.#columns.map(({ name, type, list }): [string, unknown] => {
      const vector = this.#layout.vectors.find((feature) => feature.name === name);
      const names = vector?.parts.flatMap((part) => part.names) ?? null;
      return [name, { dtype: type, shape: [list ?? 1], names }];
    });
    return {
      codebase_version: LEROBOT_VERSION,
      robot_type: this.#dataset.robot.name,
      total_episodes: this.episodeCount,
      total_frames: this.#frameCount,
      total_tasks: this.#tasks.size,
      chunks_size: CHUNK_FILES,
      data_files_size_in_mb: 100,
      video_files_size_in_mb: 200,
      fps: this.#dataset.rate_hz,
      splits: { train: `0:${this.episodeCount}` },
      data_path: 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
      video_path: null,
      features: Object.fromEntries(features),
    };
  }

  #openData(): TableWriter {
    const [chunk, file] = this.#place(this.#fileCount++);
    const name = `chunk-${String(chunk).padStart(3, '0')}/file-${String(file).padStart(3, '0')}.parquet`;
    return new TableWriter(join(this.#folder, 'data', name), this.#columns, [huggingFaceMetadata(this.#columns)]);
  }

  #closeData(): void {
    this.#data?.close();
    this.#data = undefined;
  }

  /** Chunk and file of the n-th data file. */
  #place(number: number): [chunk: number, file: number] {
    return [Math.floor(number / CHUNK_FILES), number % CHUNK_FILES];
  }

  #listRow(frameCount: number, task: string, statistics: readonly FeatureStatistics[]): unknown[] {
    const [chunk, file] = this.#place(this.#fileCount - 1);
    const places = [chunk, file, this.#frameCount, this.#frameCount + frameCount].map(BigInt);
    return [
      BigInt(this.episodeCount),
      [task],
      BigInt(frameCount),
      ...places,
      ...statistics.flatMap(({ min, max, mean, std, count }) => [min, max, mean, std, [BigInt(count[0])]]),
      0n,
      0n,
    ];
  }

  #writeList(): void {
    const rows = this.#waiting;
    this.#waiting = [];
    if (rows.length > 0) this.#list.write(rows[0].map((_, column) => rows.map((row) => row[column])));
  }

  #writeTasks(): void {
    const columns: TableColumn[] = [
      { name: 'task_index', type: 'int64' },
      { name: 'task', type: 'string' },
    ];
    const writer = new TableWriter(join(this.#folder, 'meta/tasks.parquet'), columns, [
      pandasMetadata(columns, 'task'),
    ]);
    writer.write([[...this.#tasks.values()].map(BigInt), [...this.#tasks.keys()]]);
    writer.close();
  }
}

interface FeatureTotals {
  readonly name: string;
  readonly widths: readonly number[];
  readonly moments: FeatureMoments;
  /** For quantiles; features that only count or mask have none. */
  readonly rows?: SampledRows;
}

function totalsOf(name: string, widths: readonly number[], frames: number): FeatureTotals {
  const moments = new FeatureMoments(widths);
  const isCounter = name.startsWith('valid.') || COUNTERS.some((column) => column.name === name);
  const width = widths.reduce((sum, part) => sum + part, 0);
  return { name, widths, moments, ...(isCounter ? {} : { rows: new SampledRows(width, frames) }) };
}

function featureWidths({ vectors, masked }: LeRobotLayout): { name: string; widths: number[] }[] {
  return [
    ...vectors.map(({ name, parts }) => ({ name, widths: parts.map(({ width }) => width) })),
    ...masked.map((channel) => ({ name: maskName(channel), widths: [1] })),
    ...COUNTERS.map(({ name }) => ({ name, widths: [1] })),
  ];
}

function dataColumns({ vectors, masked }: LeRobotLayout): TableColumn[] {
  return [
    // LeRobot keeps a vector of one number as the number itself.
    ...vectors.map(
      ({ name, width }): TableColumn => ({ name, type: 'float32', ...(width === 1 ? {} : { list: width }) }),
    ),
    ...masked.map((channel): TableColumn => ({ name: maskName(channel), type: 'bool' })),
    ...COUNTERS,
  ];
}

function listColumns(features: readonly string[]): TableColumn[] {
  const whole = (name: string): TableColumn => ({ name, type: 'int64' });
  return [
    whole('episode_index'),
    { name: 'tasks', type: 'string', list: 'list' },
    whole('length'),
    ...['data/chunk_index', 'data/file_index', 'dataset_from_index', 'dataset_to_index'].map(whole),
    ...features.flatMap((feature): TableColumn[] => [
      ...['min', 'max', 'mean', 'std'].map(
        (name): TableColumn => ({ name: `stats/${feature}/${name}`, type: 'float64', list: 'list' }),
      ),
      { name: `stats/${feature}/count`, type: 'int64', list: 'list' },
    ]),
    ...['meta/episodes/chunk_index', 'meta/episodes/file_index'].map(whole),
  ];
}

/** A feature's values [frame, width], NaN where the frame lacks a channel. */
function rowsOf({ width, parts }: VectorFeature, { frameCount, channels }: Episode): Float32Array {
  const rows = new Float32Array(frameCount * width).fill(Number.NaN);
  let first = 0;
  for (const part of parts) {
    const channel = channels[part.channel];
    for (let frame = 0; channel !== undefined && frame < frameCount; frame++) {
      if (channel.valid !== undefined && channel.valid[frame] === 0) continue;
      for (let k = 0; k < part.width; k++) rows[frame * width + first + k] = channel.data[frame * part.width + k];
    }
    first += part.width;
  }
  return rows;
}

function listsOf(rows: Float32Array, width: number): unknown[] {
  if (width === 1) return [...rows];
  return Array.from({ length: rows.length / width }, (_, frame) => [
    ...rows.subarray(frame * width, (frame + 1) * width),
  ]);
}

function maskOf({ frameCount, channels }: Episode, name: keyof Episode['channels']): Uint8Array {
  const channel = channels[name];
  if (channel === undefined) return new Uint8Array(frameCount);
  return channel.valid ?? new Uint8Array(frameCount).fill(1);
}

/** timestamp, frame_index, episode_index, index, task_index */
function countersOf({ frameCount, rate_hz }: Episode, episode: number, first: number, task: number): Float64Array[] {
  const each = (value: (frame: number) => number) =>
    Float64Array.from({ length: frameCount }, (_, frame) => value(frame));
  return [
    each((frame) => Math.fround(frame / rate_hz)),
    each((frame) => frame),
    each(() => episode),
    each((frame) => first + frame),
    each(() => task),
  ];
}
