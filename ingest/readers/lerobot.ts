// LeRobot datasets, v2.0 to v3: a folder whose meta/info.json names the features, and Parquet files with one row a frame.
//
// v2 has one file an episode, v3 packs many episodes into a file; either way rows are read a row group at a time and cut
// where episode_index changes, so that memory holds one row group and one episode. Videos are left alone.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DataError, type FindingsError, isUserError } from '../../src/base/errors.js';
import { isPresent, parseJson, unreadableFile } from '../../src/base/files.js';
import { ParquetFile, type ParquetNumbers } from './parquet.js';

const featureSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number()),
  names: z.unknown().optional(),
});

const infoSchema = z.object({
  codebase_version: z.string(),
  fps: z.number().positive(),
  features: z.record(z.string(), featureSchema),
  robot_type: z.string().nullish(),
  total_episodes: z.int().nonnegative().optional(),
  total_frames: z.int().nonnegative().optional(),
  chunks_size: z.int().positive().default(1000),
  data_path: z.string().optional(),
});

export interface LeRobotFeature {
  readonly dtype: string;
  /** Numbers a frame; 0 for what has none (video, image, text). */
  readonly width: number;
  /** Names of its numbers in order, where the dataset names them all. */
  readonly names?: readonly string[];
}

export interface LeRobotInfo {
  readonly folder: string;
  /** `v2.1`, `v3.0` */
  readonly version: string;
  readonly major: number;
  readonly fps: number;
  readonly robotType?: string;
  readonly features: ReadonlyMap<string, LeRobotFeature>;
  readonly episodeCount?: number;
  readonly chunkSize: number;
  readonly dataPath: string;
}

/** One episode: numbers of each feature that was asked for. */
export interface LeRobotEpisode {
  readonly index: number;
  readonly frameCount: number;
  readonly features: ReadonlyMap<string, ParquetNumbers>;
}

export const INFO_PATH = join('meta', 'info.json');
const DATA_PATHS: Readonly<Record<number, string>> = {
  2: 'data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet',
  3: 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
};
const NO_NUMBERS = new Set(['video', 'image', 'string', 'audio', 'language']);

export async function isLeRobotFolder(path: string): Promise<boolean> {
  return isPresent(join(path, INFO_PATH));
}

/** @throws DataError where meta/info.json is missing, malformed or of an unknown version */
export async function readLeRobotInfo(folder: string): Promise<LeRobotInfo> {
  const path = join(folder, INFO_PATH);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw unreadableFile(path, error);
  }
  const result = infoSchema.safeParse(parseJson(text, path));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new DataError({ where: `${path}: ${issue.path.join('.')}`, what: issue.message });
  }
  const info = result.data;
  const major = Number(/^v?(\d+)/.exec(info.codebase_version)?.[1] ?? Number.NaN);
  if (DATA_PATHS[major] === undefined) {
    throw new DataError({
      where: `${path}: codebase_version`,
      what: 'version of LeRobot dataset',
      expected: 'v2.0, v2.1 or v3.0',
      found: info.codebase_version,
      fix: 'Convert it with LeRobot itself',
    });
  }
  return {
    folder,
    version: info.codebase_version,
    major,
    fps: info.fps,
    ...(typeof info.robot_type === 'string' ? { robotType: info.robot_type } : {}),
    features: new Map(Object.entries(info.features).map(([name, feature]) => [name, featureOf(feature)])),
    episodeCount: info.total_episodes,
    chunkSize: info.chunks_size,
    dataPath: info.data_path ?? DATA_PATHS[major],
  };
}

function featureOf({ dtype, shape, names }: z.output<typeof featureSchema>): LeRobotFeature {
  const width = NO_NUMBERS.has(dtype) ? 0 : shape.reduce((product, extent) => product * extent, 1);
  const flat = flatNames(names);
  return { dtype, width, ...(width > 0 && flat.length === width ? { names: flat } : {}) };
}

/** Names stand as a list, in a list of lists, or under one key such as `motors`. */
function flatNames(names: unknown): string[] {
  if (typeof names === 'string') return [names];
  if (Array.isArray(names)) return names.flatMap(flatNames);
  return typeof names === 'object' && names !== null ? Object.values(names).flatMap(flatNames) : [];
}

export interface LeRobotFiles {
  readonly files: readonly string[];
  /** Episodes that meta/info.json counts and whose file is not there (v2); 0 where that cannot be known. */
  readonly missing: number;
}

/** The data files that are there, in order. @throws DataError where there is none */
export async function leRobotFiles(info: LeRobotInfo): Promise<LeRobotFiles> {
  const { folder, episodeCount, dataPath, chunkSize } = info;
  // Names with numbers of a fixed width sort as the numbers do; beyond that width they are compared as numbers.
  const inFolder = (await filesBelow(join(folder, 'data'))).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const found = new Set(inFolder);
  let files = inFolder;
  let missing = 0;
  if (info.major === 2 && episodeCount !== undefined) {
    const expected = Array.from({ length: episodeCount }, (_, episode) =>
      join(folder, fillPath(dataPath, { episode_chunk: Math.floor(episode / chunkSize), episode_index: episode })),
    );
    files = expected.filter((path) => found.has(path));
    missing = episodeCount - files.length;
  }
  if (files.length > 0) return { files, missing };
  throw new DataError({
    where: folder,
    what: 'data files',
    expected: `files like ${dataPath}`,
    found: 'none',
    fix: 'The dataset may have been fetched without its data',
  });
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.parquet'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Fills `{name:06d}` in a path pattern of the dataset. */
export function fillPath(pattern: string, values: Readonly<Record<string, number>>): string {
  return pattern.replace(/\{(\w+)(?::0?(\d+)d)?\}/g, (whole, name: string, digits: string | undefined) =>
    values[name] === undefined ? whole : String(values[name]).padStart(Number(digits ?? 0), '0'),
  );
}

/** A file that is damaged, lacks a feature, or whose frames are out of order; other files may be whole. */
export interface DamagedLeRobotFile {
  readonly refused: DataError | FindingsError;
}

/**
 * Episodes in order, one in memory at a time; in place of the rest of a damaged file why it is refused.
 * @param features names of features with numbers
 */
export async function* readLeRobotEpisodes(
  files: readonly string[],
  features: readonly string[],
): AsyncGenerator<LeRobotEpisode | DamagedLeRobotFile> {
  let open: OpenEpisode | undefined;
  for (const path of files) {
    const before: OpenEpisode | undefined = open;
    const framesBefore = before?.frameCount;
    let file: ParquetFile | undefined;
    try {
      file = await ParquetFile.open(path);
      for (const group of file.groups) {
        const episodes = (await file.readNumbers('episode_index', group)).data;
        const frames = (await file.readNumbers('frame_index', group)).data;
        const columns = new Map<string, ParquetNumbers>();
        for (const name of features) columns.set(name, await file.readNumbers(name, group));
        let first = 0;
        for (let row = 0; row < episodes.length; row++) {
          if (row === 0 ? open?.index === episodes[0] : episodes[row] === episodes[row - 1]) continue;
          if (open !== undefined) {
            addRows(open, columns, frames, first, row, path);
            yield finishEpisode(open);
          }
          open = { index: episodes[row], frameCount: 0, parts: new Map() };
          first = row;
        }
        if (open !== undefined) addRows(open, columns, frames, first, episodes.length, path);
      }
    } catch (error) {
      if (!isUserError(error)) throw error;
      // Of the episode that stands open what came from the files before may be whole; what came from this one is not.
      if (before !== undefined && open === before && open.frameCount === framesBefore) yield finishEpisode(open);
      open = undefined;
      yield { refused: error };
    } finally {
      await file?.close();
    }
  }
  if (open !== undefined) yield finishEpisode(open);
}

interface OpenEpisode {
  readonly index: number;
  frameCount: number;
  readonly parts: Map<string, { readonly width: number; readonly rows: Float64Array[] }>;
}

/** Rows [first, end) of a row group go to the episode. */
function addRows(
  episode: OpenEpisode,
  columns: ReadonlyMap<string, ParquetNumbers>,
  frames: Float64Array,
  first: number,
  end: number,
  path: string,
): void {
  for (let row = first; row < end; row++) {
    if (frames[row] === episode.frameCount) {
      episode.frameCount++;
      continue;
    }
    throw new DataError({
      where: `${path}: episode ${episode.index}`,
      what: 'frame_index',
      expected: String(episode.frameCount),
      found: String(frames[row]),
      fix: 'Frames must stand in order, as LeRobot writes them',
    });
  }
  for (const [name, { width, data }] of columns) {
    const part = episode.parts.get(name) ?? { width, rows: [] };
    if (part.width !== width) {
      throw new DataError({ where: `${path}: ${name}`, what: 'width', expected: `${part.width}`, found: `${width}` });
    }
    // A copy: a view would keep the whole row group in memory.
    part.rows.push(data.slice(first * width, end * width));
    episode.parts.set(name, part);
  }
}

function finishEpisode({ index, frameCount, parts }: OpenEpisode): LeRobotEpisode {
  const features = new Map<string, ParquetNumbers>();
  for (const [name, { width, rows }] of parts) {
    if (rows.length === 1) {
      features.set(name, { width, data: rows[0] });
      continue;
    }
    const data = new Float64Array(frameCount * width);
    let at = 0;
    for (const row of rows) {
      data.set(row, at);
      at += row.length;
    }
    features.set(name, { width, data });
  }
  return { index, frameCount, features };
}
