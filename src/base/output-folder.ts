// The rule of `--out`, the same for every verb: a folder that holds something is refused, unless --append or
// --overwrite says otherwise; and nothing is ever deleted that this tool did not write.
//
// A folder is known as ours by its marker, the file that every folder of that kind holds (a dataset's manifest.json).

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, listNames } from './errors.js';

export interface OutputFolderOptions {
  /** Absent where a folder of this kind is never added to. */
  readonly append?: boolean;
  readonly overwrite?: boolean;
  /** File name by which a folder is recognised as one of ours. */
  readonly marker: string;
  /** What such a folder is, for messages: `a dataset`. */
  readonly what?: string;
}

export interface OutputFolder {
  readonly folder: string;
  /** True where the folder holds something to add to. */
  readonly existing: boolean;
}

/**
 * Makes sure that `folder` exists and may be written.
 * @throws DataError where it holds something and the options do not allow that
 */
export async function prepareOutput(folder: string, options: OutputFolderOptions): Promise<OutputFolder> {
  const { append, overwrite = false, marker, what = `a folder with ${marker}` } = options;
  const names = await namesIn(folder);
  if (names.length === 0) return { folder, existing: false };
  const found = listNames(names, 4);
  if (!names.includes(marker)) {
    throw new DataError({
      where: `--out ${folder}`,
      what: 'folder holds something else',
      expected: append || overwrite ? `${what} (${marker}), or an empty folder` : 'an empty or a new folder',
      found,
      fix: 'Give another folder, or empty this one yourself',
    });
  }
  if (append) return { folder, existing: true };
  if (!overwrite) {
    throw new DataError({
      where: `--out ${folder}`,
      what: 'folder is not empty',
      expected: 'an empty or a new folder',
      found,
      fix: `Use ${append === undefined ? '' : '--append to add to it, '}--overwrite to replace it, or give another folder`,
    });
  }
  for (const name of names) await rm(join(folder, name), { recursive: true });
  return { folder, existing: false };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true });
    return (await readdir(folder)).sort();
  } catch (error) {
    throw new DataError(
      { where: `--out ${folder}`, what: 'folder cannot be used', found: (error as NodeJS.ErrnoException).code },
      { cause: error },
    );
  }
}
