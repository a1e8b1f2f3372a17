// What a LeRobot dataset says of its episodes beside their data: length and tasks, from meta/episodes.jsonl (v2) or
// meta/episodes/**.parquet (v3). Both may be missing; the data itself is then all there is to go by.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../../src/base/files.js';
import { type EpisodeOrigin, LEROBOT_ORIGINS } from '../../src/dataset/lerobot-features.js';
import { SOURCE_KINDS } from '../../src/motion/episode.js';
import type { LeRobotInfo } from './lerobot.js';
import { ParquetFile } from './parquet.js';

export interface LeRobotEpisodeFacts {
  readonly length: number;
  readonly tasks: readonly string[];
}

const originSchema = z.object({
  episode_index: z.int().nonnegative(),
  length: z.int().nonnegative(),
  source: z.string().regex(/^[\w.-]+$/),
  kind: z.enum(SOURCE_KINDS),
  startsAtReset: z.boolean(),
});

export type LeRobotOrigin = EpisodeOrigin & { readonly length: number };

/** Where the episodes of our own export came from, by episode index; empty for datasets of others. */
export async function readLeRobotOrigins(folder: string): Promise<Map<number, LeRobotOrigin>> {
  const path = join(folder, LEROBOT_ORIGINS);
  const text = await readFile(path, 'utf8').catch(() => '');
  const origins = new Map<number, LeRobotOrigin>();
  text.split('\n').forEach((line, at) => {
    if (line.trim() === '') return;
    const result = originSchema.safeParse(parseJson(line, `${path}:${at + 1}`));
    if (result.success) origins.set(result.data.episode_index, result.data);
  });
  return origins;
}

const lineSchema = z.object({
  episode_index: z.int().nonnegative(),
  length: z.int().nonnegative(),
  tasks: z.array(z.string()).default([]),
});

/** Facts by episode index; empty where the dataset has none. @throws DataError where they are damaged */
export async function readLeRobotEpisodeFacts(info: LeRobotInfo): Promise<Map<number, LeRobotEpisodeFacts>> {
  return info.major === 2 ? factsOfLines(info.folder) : factsOfTables(info.folder);
}

async function factsOfLines(folder: string): Promise<Map<number, LeRobotEpisodeFacts>> {
  const path = join(folder, 'meta', 'episodes.jsonl');
  const text = await readFile(path, 'utf8').catch(() => '');
  const facts = new Map<number, LeRobotEpisodeFacts>();
  text.split('\n').forEach((line, at) => {
    if (line.trim() === '') return;
    const result = lineSchema.safeParse(parseJson(line, `${path}:${at + 1}`));
    if (result.success) facts.set(result.data.episode_index, result.data);
  });
  return facts;
}

async function factsOfTables(folder: string): Promise<Map<number, LeRobotEpisodeFacts>> {
  const facts = new Map<number, LeRobotEpisodeFacts>();
  const entries = await readdir(join(folder, 'meta', 'episodes'), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith('.parquet')) continue;
    const file = await ParquetFile.open(join(entry.parentPath, entry.name));
    try {
      for (const group of file.groups) {
        const indices = (await file.readNumbers('episode_index', group)).data;
        const lengths = (await file.readNumbers('length', group)).data;
        const tasks = file.columns.includes('tasks') ? await file.readValues('tasks', group) : [];
        indices.forEach((index, row) => {
          const named = tasks[row];
          facts.set(index, { length: lengths[row], tasks: Array.isArray(named) ? named.map(String) : [] });
        });
      }
    } finally {
      await file.close();
    }
  }
  return facts;
}
