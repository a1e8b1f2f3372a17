// The manifest: what a dataset's folder holds, as one JSON file that can be rebuilt from the shards at any time.
//
// It carries nothing that the shards do not: robot, rate, totals, sources with their coverage, and for every shard its
// size, its footer's checksum, and its episodes with the places of their bytes. Opening a dataset reads it in place of
// the shards' footers, and compares each shard's size and checksum with it. Rebuilding gives the same bytes.

import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { parseConfig } from '../base/config.js';
import { DataError, type DataErrorDetail, FindingsError, isUserError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { nearest } from '../base/nearest.js';
import { CHANNEL_NAMES, type ChannelName, SOURCE_KINDS } from '../motion/episode.js';
import type { RobotIdentity } from '../robot/robot-model.js';
import { requireSameRobot } from './robot-match.js';
import { robotIdentitySchema, SHARD_PATTERN, type ShardEpisode, shardEpisodeSchema } from './schema.js';
import { type ShardInfo, shardName, verifyShard } from './shard-file.js';

export const MANIFEST_FILE = 'manifest.json';
export const MANIFEST_FORMAT = 'nextgait-dataset/1';

const manifestEpisodeSchema = shardEpisodeSchema
  .omit({ findings: true, provenance: true })
  /** Number of findings of each kind; the findings themselves stay in the shard. */
  .extend({ findings: z.record(z.string(), z.int()) });

const manifestShardSchema = z.object({
  file: z.string().regex(SHARD_PATTERN),
  bytes: z.int().positive(),
  footerCrc32: z.int().nonnegative(),
  columns: z.array(z.object({ name: z.enum(CHANNEL_NAMES), width: z.int().positive() })),
  episodes: z.array(manifestEpisodeSchema),
});

const sourceSchema = z.object({
  source: z.string(),
  kinds: z.array(z.enum(SOURCE_KINDS)),
  episodes: z.int(),
  frames: z.int(),
  hours: z.number(),
  /** Share of frames that have each channel. */
  coverage: z.partialRecord(z.enum(CHANNEL_NAMES), z.number()),
});

const manifestSchema = z.object({
  format: z.literal(MANIFEST_FORMAT),
  robot: robotIdentitySchema,
  rate_hz: z.number().positive(),
  totals: z.object({ episodes: z.int(), frames: z.int(), hours: z.number(), bytes: z.int() }),
  sources: z.array(sourceSchema),
  shards: z.array(manifestShardSchema),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestShard = z.infer<typeof manifestShardSchema>;
export type ManifestEpisode = z.infer<typeof manifestEpisodeSchema>;
export type SourceSummary = z.infer<typeof sourceSchema>;

/** A shard as the manifest lists it. */
export function manifestShard(info: Pick<ShardInfo, 'path' | 'bytes' | 'footerCrc32' | 'columns' | 'content'>) {
  const shard: ManifestShard = {
    file: shardName(info.path),
    bytes: info.bytes,
    footerCrc32: info.footerCrc32,
    columns: info.columns.map(({ name, width }) => ({ name, width })),
    episodes: info.content.episodes.map(manifestEpisode),
  };
  return shard;
}

function manifestEpisode({ findings, provenance: _, ...episode }: ShardEpisode): ManifestEpisode {
  const counts: Record<string, number> = {};
  for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1;
  return { ...episode, findings: counts };
}

/** Puts a manifest together; shards are ordered by file name. */
export function composeManifest(robot: RobotIdentity, rate_hz: number, shards: readonly ManifestShard[]): Manifest {
  const ordered = [...shards].sort((a, b) => (a.file < b.file ? -1 : 1));
  const sources = summariseSources(ordered, rate_hz);
  const frames = sources.reduce((sum, source) => sum + source.frames, 0);
  return {
    format: MANIFEST_FORMAT,
    robot: { name: robot.name, hash: robot.hash, jointNames: [...robot.jointNames] },
    rate_hz,
    totals: {
      episodes: sources.reduce((sum, source) => sum + source.episodes, 0),
      frames,
      hours: hoursOf(frames, rate_hz),
      bytes: ordered.reduce((sum, shard) => sum + shard.bytes, 0),
    },
    sources,
    shards: ordered,
  };
}

/** Frames with the channel, of an episode in a shard with these columns. */
export function validFrames(episode: Pick<ManifestEpisode, 'frames' | 'partial'>, name: ChannelName): number {
  return episode.partial[name] ?? episode.frames;
}

interface Tally {
  readonly summary: SourceSummary;
  readonly valid: Map<ChannelName, number>;
}

/** Counts, hours and coverage of each source, in order of first appearance. */
export function summariseSources(shards: readonly ManifestShard[], rate_hz: number): SourceSummary[] {
  const sources = new Map<string, Tally>();
  for (const { columns, episodes } of shards) {
    for (const episode of episodes) {
      const { source } = episode;
      const entry: Tally = sources.get(source) ?? {
        summary: { source, kinds: [], episodes: 0, frames: 0, hours: 0, coverage: {} },
        valid: new Map(),
      };
      sources.set(source, entry);
      if (!entry.summary.kinds.includes(episode.kind)) entry.summary.kinds.push(episode.kind);
      entry.summary.episodes++;
      entry.summary.frames += episode.frames;
      for (const { name } of columns) entry.valid.set(name, (entry.valid.get(name) ?? 0) + validFrames(episode, name));
    }
  }
  return [...sources.values()].map(({ summary, valid }) => ({
    ...summary,
    hours: hoursOf(summary.frames, rate_hz),
    coverage: Object.fromEntries(
      CHANNEL_NAMES.filter((name) => valid.has(name)).map((name) => [name, valid.get(name)! / summary.frames]),
    ),
  }));
}

function hoursOf(frames: number, rate_hz: number): number {
  return frames / rate_hz / 3600;
}

/** The manifest's text: readable, with one line an episode. */
export function manifestText({ shards, ...head }: Manifest): string {
  const shardTexts = shards.map(({ episodes, ...shard }) => {
    const lines = episodes.map((episode) => `    ${JSON.stringify(episode)}`).join(',\n');
    return `  {${JSON.stringify(shard).slice(1, -1)},"episodes":[\n${lines}\n  ]}`;
  });
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "shards": [\n${shardTexts.join(',\n')}\n  ]\n}\n`;
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(join(folder, MANIFEST_FILE), manifestText(manifest));
}

/**
 * Reads a dataset's manifest and checks that it lists exactly the shards that are there.
 * @throws DataError where it is missing, malformed, or out of date
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_FILE);
  const present = await shardFiles(folder);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new DataError(
      {
        where: folder,
        what: 'not a dataset',
        expected: MANIFEST_FILE,
        found: present.length > 0 ? `${present.length} shards without it` : 'no such file',
        fix: present.length > 0 ? REBUILD : undefined,
      },
      { cause: error },
    );
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new DataError({ where: path, what: 'manifest is not JSON', fix: REBUILD }, { cause: error });
  }
  const manifest = parseConfig(manifestSchema, raw, path);
  const listed = manifest.shards.map((shard) => shard.file);
  const missing = listed.filter((file) => !present.includes(file));
  const extra = present.filter((file) => !listed.includes(file));
  if (missing.length + extra.length > 0) {
    throw new DataError({
      where: path,
      what: 'manifest does not list the shards that are there',
      found: [...missing.map((file) => `${file} is gone`), ...extra.map((file) => `${file} is not listed`)].join(', '),
      fix: REBUILD,
    });
  }
  return manifest;
}

export const REBUILD = 'Run `nextgait inspect <folder> --rebuild`';

/** Names of the Arrow files in a dataset's folder, in order. */
export async function shardFiles(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw await notAFolder(folder, error as NodeJS.ErrnoException);
  }
  return names.filter((name) => name.endsWith('.arrow') && !name.startsWith('.')).sort();
}

async function notAFolder(path: string, cause: NodeJS.ErrnoException): Promise<DataError> {
  const [where, what, expected] = [path, 'not a dataset', `a folder with ${MANIFEST_FILE}`];
  if (cause.code === 'ENOENT') {
    const beside = await readdir(dirname(path), { withFileTypes: true }).catch(() => []);
    const folders = beside.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const near = nearest(basename(path), folders);
    const fix = near === undefined ? undefined : `Did you mean "${join(dirname(path), near)}"?`;
    return new DataError({ where, what, expected, found: 'no such folder', fix }, { cause });
  }
  if (cause.code === 'ENOTDIR') {
    const isOfDataset = path.endsWith('.arrow') || basename(path) === MANIFEST_FILE;
    const fix = isOfDataset ? `Give its folder: ${dirname(path)}` : undefined;
    return new DataError({ where, what, expected, found: 'a file', fix }, { cause });
  }
  return new DataError({ where, what, expected, found: cause.code }, { cause });
}

/**
 * Verifies every shard of a folder from end to end and writes the manifest anew.
 * @throws FindingsError naming every shard that is refused; the manifest is then left as it was
 */
export async function rebuildManifest(folder: string): Promise<Manifest> {
  const manifest = await manifestFromShards(folder);
  await writeManifest(folder, manifest);
  return manifest;
}

/**
 * Verifies every shard of a folder from end to end, and that the manifest says what they say.
 * @throws FindingsError naming every shard that is refused; DataError where the manifest differs
 */
export async function verifyDataset(folder: string): Promise<Manifest> {
  const written = await readManifest(folder);
  if (written.shards.length === 0) return written;
  const manifest = await manifestFromShards(folder);
  if (!isDeepStrictEqual(manifest, written)) {
    throw new DataError({
      where: join(folder, MANIFEST_FILE),
      what: 'manifest is not what the shards say',
      fix: REBUILD,
    });
  }
  return manifest;
}

async function manifestFromShards(folder: string): Promise<Manifest> {
  const files = await shardFiles(folder);
  if (files.length === 0) throw new DataError({ where: folder, what: 'no shards', expected: 'shard-*.arrow files' });
  const shards: ManifestShard[] = [];
  const refused: DataErrorDetail[] = [];
  let first: ShardInfo | undefined;
  for (const file of files) {
    try {
      const info = verifyShard(join(folder, file));
      first ??= info;
      requireSameRobot(info, first);
      shards.push(manifestShard(info));
    } catch (error) {
      if (!isUserError(error)) throw error;
      refused.push(...('findings' in error ? error.findings : [error.detail]));
    }
  }
  if (refused.length > 0) throw new FindingsError(refused);
  return composeManifest(first!.robot, first!.rate_hz, shards);
}
