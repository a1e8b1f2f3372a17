// Files of human motion among what a user names: folders are searched to their ends, and companions are left out.
//
// Reports call a file of a folder by its path from there, so that walk.bvh of two people are two inputs.

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DataError, listNames } from '../base/errors.js';
import { isPresentFolder, sha256OfFile } from '../base/files.js';
import type { Logger } from '../base/logger.js';
import { MANIFEST_FILE, readManifest } from '../dataset/manifest.js';

export interface HumanFile {
  readonly path: string;
  /** What reports call it. */
  readonly name: string;
}

/**
 * What producers write beside motions: TRAM's camera; AMASS's body shapes; what WHAM and GVHMR keep of tracking, features
 * and camera motion.
 */
const COMPANIONS =
  /^(camera\.npy|shape\.npz|.*_stagei\.npz|(tracking|slam)_results\.(pth|pt)|bbx\.pt|vitpose\.pt|vit_features\.pt)$/i;

/**
 * Files with one of the endings, those of folders in order of their paths.
 * @throws DataError where a folder has none
 */
export async function findHumanFiles(
  inputs: readonly string[],
  endings: readonly string[],
  log: Logger,
): Promise<HumanFile[]> {
  const files: HumanFile[] = [];
  for (const input of inputs) {
    if (!(await isPresentFolder(input))) {
      files.push({ path: input, name: basename(resolve(input)) });
      continue;
    }
    const names = (await readdir(input, { recursive: true })).map((name) => name.replaceAll('\\', '/')).sort();
    const wanted = names.filter((name) => endings.some((ending) => name.toLowerCase().endsWith(ending)));
    const companions = wanted.filter((name) => COMPANIONS.test(basename(name)));
    const motions = wanted.filter((name) => !COMPANIONS.test(basename(name)));
    if (companions.length > 0) log.info(`${input}: left out, no motions by their names: ${listNames(companions)}`);
    if (motions.length === 0) {
      throw new DataError({ where: input, what: `no ${endings.join(', ')} files in the folder` });
    }
    files.push(...motions.map((name) => ({ path: join(input, name), name })));
  }
  return files;
}

/**
 * Files whose motions are in a dataset already, and their ids: an input goes in whole or not at all, and ids have the
 * source, the name and the content's checksum in them.
 */
export async function knownFiles(
  dataset: string,
  source: string,
  files: readonly HumanFile[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const known = new Map<string, readonly string[]>();
  if (!existsSync(join(dataset, MANIFEST_FILE))) return known;
  const { shards } = await readManifest(dataset);
  const ids = shards.flatMap(({ episodes }) => episodes.map(({ id }) => id));
  for (const { path } of files) {
    const stem = basename(path).replace(/\.[^.]*$/, '');
    const own = ids.filter((id) => id.startsWith(`${source}/${stem}`));
    if (own.length === 0) continue;
    const digest = `-${(await sha256OfFile(path)).slice(0, 8)}/`;
    const same = own.filter((id) => id.includes(digest));
    if (same.length > 0) known.set(path, same);
  }
  return known;
}
