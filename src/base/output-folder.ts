// The rule of `--out`, the same for every verb: a folder that holds something is refused, unless --append or
// --overwrite says otherwise; and nothing is ever deleted that this tool did not write.
//
// A folder is known as ours by its marker, the file that every folder of that kind holds (a dataset's manifest.json).
// What --overwrite replaces may be kept until there is something to put in its place (claimOutput).

import { mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { DataError, listNames } from './errors.js';

export interface OutputFolderOptions {
  /** Absent where a folder of this kind is never added to. */
  readonly append?: boolean;
  readonly overwrite?: boolean;
  /** File name by which a folder is recognised as one of ours. */
  readonly marker: string;
  /** Flag that named the folder, for messages; `--out` where absent. */
  readonly flag?: string;
  /** What such a folder is, for messages: `a dataset`. */
  readonly what?: string;
}

export interface OutputFolder {
  readonly folder: string;
  /** True where the folder holds something to add to. */
  readonly existing: boolean;
}

export interface ClaimedOutput extends OutputFolder {
  /** True where the folder holds something that is to be replaced. */
  readonly replaces: boolean;
  /** Deletes what is to be replaced. */
  clear(): Promise<void>;
}

/**
 * Makes sure that `folder` exists and may be written, and empties it where it is to be overwritten.
 * @throws DataError where it holds something and the options do not allow that
 */
export async function prepareOutput(folder: string, options: OutputFolderOptions): Promise<OutputFolder> {
  const { existing, clear } = await claimOutput(folder, options);
  await clear();
  return { folder, existing };
}

/**
 * The same, and leaves what is to be replaced where it is until `clear` is called.
 * @throws DataError where the folder holds something and the options do not allow that
 */
export async function claimOutput(folder: string, options: OutputFolderOptions): Promise<ClaimedOutput> {
  const { append, overwrite = false, marker, flag = '--out', what = `a folder with ${marker}` } = options;
  const where = `${flag} ${folder}`;
  const names = await namesIn(folder, where);
  const nothing = async () => {};
  if (names.length === 0) return { folder, existing: false, replaces: false, clear: nothing };
  const found = listNames(names, 4);
  if (!names.includes(marker)) {
    throw new DataError({
      where,
      what: 'folder holds something else',
      expected: append || overwrite ? `${what} (${marker}), or an empty folder` : 'an empty or a new folder',
      found,
      fix: 'Give another folder, or empty this one yourself',
    });
  }
  if (append) return { folder, existing: true, replaces: false, clear: nothing };
  if (!overwrite) {
    throw new DataError({
      where,
      what: 'folder is not empty',
      expected: 'an empty or a new folder',
      found,
      fix: `Use ${append === undefined ? '' : '--append to add to it, '}--overwrite to replace it, or give another folder`,
    });
  }
  const clear = async () => {
    for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
  };
  return { folder, existing: false, replaces: true, clear };
}

/**
 * Refuses an output folder in which something lies that is to be read: --overwrite would delete it.
 * @throws DataError naming the first such input
 */
export async function requireOutside(folder: string, inputs: readonly string[]): Promise<void> {
  for (const input of inputs) {
    if (!(await liesWithin(input, folder))) continue;
    throw new DataError({
      where: `--out ${folder}`,
      what: 'folder holds what is to be read',
      found: input,
      fix: 'Give another folder',
    });
  }
}

/** True where the path leads to the folder or into it, links followed. */
export async function liesWithin(path: string, folder: string): Promise<boolean> {
  return `${await placeOf(resolve(path))}${sep}`.startsWith(`${await placeOf(resolve(folder))}${sep}`);
}

/** Where an absolute path leads; of one that is not there, where it would be. */
async function placeOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return dirname(path) === path ? path : join(await placeOf(dirname(path)), basename(path));
  }
}

/** One folder at a time: Node's own recursive mkdir never ends in a folder that takes no new ones (/proc). */
async function makeFolder(folder: string, mayLackParents = true): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || !mayLackParents || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await makeFolder(folder, false);
  }
}

async function namesIn(folder: string, where: string): Promise<string[]> {
  try {
    await makeFolder(folder);
    return (await readdir(folder)).sort();
  } catch (error) {
    throw new DataError(
      { where, what: 'folder cannot be used', found: (error as NodeJS.ErrnoException).code },
      { cause: error },
    );
  }
}
