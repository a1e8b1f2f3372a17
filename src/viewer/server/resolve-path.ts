// From the path of a request to a file inside a folder, and never to one outside.

import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * The parts of a request's path, decoded; undefined where a part could lead elsewhere. The raw text is taken, because
 * URL parsers already resolve dots, encoded ones too.
 */
export function pathParts(target: string): string[] | undefined {
  const end = target.search(/[?#]/);
  const raw = end < 0 ? target : target.slice(0, end);
  if (!raw.startsWith('/')) return undefined;
  const parts: string[] = [];
  for (const encoded of raw.slice(1).split('/')) {
    let part: string;
    try {
      part = decodeURIComponent(encoded);
    } catch {
      return undefined;
    }
    // Hidden files are nobody's data; with them go `.` and `..`.
    if (/[/\\\0]/.test(part) || part.startsWith('.')) return undefined;
    parts.push(part);
  }
  return parts;
}

/**
 * Opens a regular file in a folder for reading; the caller closes it.
 * @param root real path of the folder
 * @returns undefined where there is none, or where a symbolic link leads out of the folder
 */
export async function openInside(root: string, parts: readonly string[]): Promise<FileHandle | undefined> {
  let handle: FileHandle | undefined;
  try {
    const real = await realpath(join(root, ...parts));
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
    // The last part is no link any more; one that took its place meanwhile is not followed.
    handle = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    if ((await handle.stat()).isFile()) return handle;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
  }
  await handle?.close();
  return undefined;
}
