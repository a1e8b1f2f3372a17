// What the viewer was given, recognised by the files that each kind of folder has, with what the server makes for it.
//
// A made file is computed when it is first asked for and stands beside the real ones under the item's path.

import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError } from '../../base/errors.js';
import { composeManifest, MANIFEST_FILE, manifestShard, manifestText } from '../../dataset/manifest.js';
import { SHARD_PATTERN } from '../../dataset/schema.js';
import { readShardInfo } from '../../dataset/shard-file.js';
import type { ItemKind } from '../page.js';

/** Bytes of a file that is not on disk; undefined where it turns out that there is none. */
export type MakeFile = () => Promise<Uint8Array | undefined>;

export interface GivenItem {
  readonly kind: ItemKind;
  readonly name: string;
  /** Real path of its folder. */
  readonly folder: string;
  /** The only files of the folder that belong to it, where it is not the whole folder. */
  readonly only?: readonly string[];
  readonly made: Map<string, MakeFile>;
}

/** Files by which each kind of folder is known: all of them must be there. */
const MARKERS: readonly (readonly [ItemKind, readonly string[]])[] = [
  ['dataset', [MANIFEST_FILE]],
  ['evaluation', ['evaluation.json']],
  ['run', ['recipe.json', 'config.yaml']],
  ['bundle', ['policy.json']],
];
const EXPECTED =
  'a dataset, a run, a policy bundle or an evaluation: a folder that nextgait wrote, or a shard (.arrow)';

/**
 * Recognises what a path is: one of our folders, a shard, or a folder that holds several of our folders.
 * @throws DataError where it is none of these
 */
export async function itemsAt(path: string): Promise<GivenItem[]> {
  return (await placeAt(path)).items;
}

/** Things that a path stands for, and the folder to look for more of them in, where it is one that holds several. */
interface Place {
  readonly items: GivenItem[];
  readonly watched?: string;
}

async function placeAt(path: string): Promise<Place> {
  const found = await lstat(await realPathOf(path));
  const real = await realpath(path);
  if (found.isFile()) return { items: [await itemOfFile(path, real)] };
  const kind = await kindOf(real);
  if (kind !== undefined) return { items: [folderItem(kind, path, real)] };
  const entries = await readdir(real, { withFileTypes: true });
  if (entries.some(({ name }) => SHARD_PATTERN.test(name))) {
    throw new DataError({
      where: path,
      what: 'dataset without its manifest.json',
      fix: `Write it anew: nextgait inspect ${path} --rebuild`,
    });
  }
  const items = await innerItems(real);
  // An empty folder is one that a first run is about to come into.
  const isEmpty = entries.every(({ name }) => name.startsWith('.'));
  if (items.length > 0 || isEmpty) return { items, watched: real };
  throw new DataError({ where: path, what: 'nothing to view', expected: EXPECTED });
}

async function innerItems(folder: string): Promise<GivenItem[]> {
  const items: GivenItem[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
    const inner = join(folder, entry.name);
    const kind = await kindOf(inner);
    if (kind !== undefined) items.push(folderItem(kind, inner, inner));
  }
  return items;
}

/** Things that were given, and those that come into a given folder later. */
export interface WatchedItems {
  /** Grows; what is there keeps its place, because that is its address. */
  readonly items: readonly GivenItem[];
  /** Takes in what has come since. */
  look(): Promise<void>;
}

/**
 * @param dress adds to new things what the server makes for them
 * @throws DataError where a path is nothing to view
 */
export async function watchItems(
  paths: readonly string[],
  dress: (items: readonly GivenItem[]) => Promise<void>,
): Promise<WatchedItems> {
  const places: Place[] = [];
  for (const path of paths) places.push(await placeAt(path));
  const items = places.flatMap(({ items: found }) => found);
  await dress(items);
  const folders = places.flatMap(({ watched }) => (watched === undefined ? [] : [watched]));
  const takeIn = async () => {
    for (const folder of folders) {
      // A folder that is gone, or changes under our eyes, may be there whole at the next look.
      const found = await innerItems(folder).catch(() => []);
      const fresh = found.filter((item) => !items.some((known) => known.folder === item.folder));
      if (fresh.length === 0) continue;
      await dress(fresh);
      items.push(...fresh);
    }
  };
  let looking: Promise<void> | undefined;
  return {
    items,
    look: () => {
      looking ??= takeIn().finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
}

async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw new DataError(
      { where: path, what: 'no such file or folder', expected: EXPECTED, found: (error as NodeJS.ErrnoException).code },
      { cause: error },
    );
  }
}

async function kindOf(folder: string): Promise<ItemKind | undefined> {
  const names = new Set(await readdir(folder));
  return MARKERS.find(([, files]) => files.every((file) => names.has(file)))?.[0];
}

function folderItem(kind: ItemKind, path: string, folder: string): GivenItem {
  return { kind, name: basename(resolve(path)), folder, made: new Map() };
}

/** A shard stands for a dataset of its own; a file that marks a folder stands for the folder. */
async function itemOfFile(path: string, real: string): Promise<GivenItem> {
  const folder = dirname(real);
  const kind = await kindOf(folder);
  if (kind !== undefined && MARKERS.some(([, files]) => files.includes(basename(real)))) {
    return folderItem(kind, folder, folder);
  }
  if (!real.endsWith('.arrow')) throw new DataError({ where: path, what: 'nothing to view', expected: EXPECTED });
  const info = readShardInfo(real);
  const shard = { ...manifestShard(info), file: basename(real) };
  const text = manifestText(composeManifest(info.robot, info.rate_hz, [shard]));
  const made = new Map<string, MakeFile>([[MANIFEST_FILE, async () => new TextEncoder().encode(text)]]);
  return { kind: 'dataset', name: basename(real), folder, only: [basename(real)], made };
}

/** Name of the robot that an item is of; undefined where it does not say. */
export async function robotNameOf({ kind, folder, made }: GivenItem): Promise<string | undefined> {
  const file = { dataset: MANIFEST_FILE, run: 'recipe.json', bundle: 'policy.json', evaluation: 'evaluation.json' }[
    kind
  ];
  try {
    const bytes = (await made.get(file)?.()) ?? (await readFile(join(folder, file)));
    const { robot } = JSON.parse(new TextDecoder().decode(bytes)) as { robot?: string | { name?: string } };
    return typeof robot === 'string' ? robot : robot?.name;
  } catch {
    // The page that reads the file will say what is wrong with it.
    return undefined;
  }
}
