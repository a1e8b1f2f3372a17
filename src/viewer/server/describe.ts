// What the app is told of the things that the viewer was given: the source.json of a server or of a static build.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VERSION } from '../../base/version.js';
import type { SourceDescription, SourceFile, SourceItem } from '../page.js';
import type { GivenItem } from './items.js';

const MOST_FILES = 20_000;
const DEEPEST = 4;

/** Prefix of an item's addresses. */
export function itemPath(index: number): string {
  return `data/${index}`;
}

export async function describeItems(items: readonly GivenItem[], live: boolean): Promise<SourceDescription> {
  const described = items.map(async (item, index): Promise<SourceItem[]> => {
    // A folder that was deleted since is left out; the others keep their addresses.
    const files = await filesOf(item).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (files === undefined) return [];
    // Made files have no size before they are made.
    const made = [...item.made.keys()].map((path) => ({ path, bytes: 0 }));
    return [{ kind: item.kind, name: item.name, path: itemPath(index), files: [...files, ...made] }];
  });
  return { version: VERSION, live, items: (await Promise.all(described)).flat() };
}

/** Files of an item's folder, hidden ones and links left out, in order of their paths. */
export async function filesOf({ folder, only }: GivenItem): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const visit = async (prefix: string, depth: number): Promise<void> => {
    const entries = await readdir(join(folder, prefix), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.name.startsWith('.') || files.length >= MOST_FILES) continue;
      if (entry.isDirectory() && depth < DEEPEST) await visit(path, depth + 1);
      else if (entry.isFile() && (only === undefined || only.includes(path))) {
        // A file may go while a training tidies its checkpoints.
        const found = await stat(join(folder, path)).catch(() => undefined);
        if (found !== undefined) files.push({ path, bytes: found.size });
      }
    }
  };
  await visit('', only === undefined ? 0 : DEEPEST);
  return files;
}
