// Files that are whole or absent: written beside their place, flushed, then renamed into it. Files that cannot be read
// are refused in the same words everywhere.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataError } from './errors.js';

/** Writes `content` to `path` atomically; a crash leaves the old file or the new one, never a part. */
export async function writeFileAtomic(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A file to read from; the caller closes it. @throws DataError where it cannot be opened */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw unreadableFile(path, error);
  }
}

/** What the user is told of a file that the system does not let be read, with the system's code (`ENOENT`). */
export function unreadableFile(path: string, error: unknown): DataError {
  const found = (error as NodeJS.ErrnoException).code;
  return new DataError({ where: path, what: 'file cannot be read', found }, { cause: error });
}

/** True where a file or folder is at the path, and may be reached. */
export async function isPresent(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** True where a folder is at the path; false for a file, and where nothing is that may be looked at. */
export async function isPresentFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** A JSON object from the text of a file. @throws DataError naming the file */
export function parseJson(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DataError({ where: path, what: 'not JSON', found: (error as Error).message }, { cause: error });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DataError({ where: path, what: 'content', expected: 'a JSON object', found: text.slice(0, 40) });
}

/** SHA-256 of a file as lower-case hex, streamed. @throws DataError where it cannot be read */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw unreadableFile(path, error);
  }
  return hash.digest('hex');
}

/** A path inside the installed package, for example `packagePath('configs', 'robots')`. Works from src/ and dist/. */
export function packagePath(...parts: string[]): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const root = join(here, here.includes(`${join('dist', 'src')}`) ? '../../..' : '../..');
  return join(root, ...parts);
}
