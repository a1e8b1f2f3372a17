// One training at a time in a run folder: a lock file with the process that holds it, there while it trains.
//
// A lock whose process is gone (it was killed) is nobody's. Of a process on another machine that cannot be seen from
// here; nor, in rare cases, that a number was given to another process since: the message then says which file it is.

import { constants, copyFile, link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DataError } from '../base/errors.js';

export const LOCK_FILE = 'training.lock';

interface Holder {
  readonly pid: number;
  readonly host: string;
}

/**
 * Takes a run folder, which exists, for this process.
 * @returns gives it back
 * @throws DataError where another process trains in it
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  const path = join(run, LOCK_FILE);
  const own: Holder = { pid: process.pid, host: hostname() };
  // Written whole beside its place, and linked there, which fails where there is one: two that start together never both
  // have it, and neither reads half a lock.
  const draft = join(run, `.${LOCK_FILE}.${process.pid}`);
  await writeFile(draft, `${JSON.stringify(own)}\n`);
  try {
    while (!(await linked(draft, path))) {
      await requireUnlocked(run);
      await removeDead(path, draft);
    }
  } finally {
    await rm(draft, { force: true });
  }
  return () => rm(path, { force: true });
}

const copy = (from: string, to: string) => copyFile(from, to, constants.COPYFILE_EXCL);

/** True where `path` is now this draft; false where there is a lock already. */
async function linked(draft: string, path: string): Promise<boolean> {
  const isTaken = (error: NodeJS.ErrnoException) => error.code === 'EEXIST';
  try {
    // A copy where the file system has no links.
    await link(draft, path).catch((error) => (isTaken(error) ? Promise.reject(error) : copy(draft, path)));
    return true;
  } catch (error) {
    if (isTaken(error as NodeJS.ErrnoException)) return false;
    throw error;
  }
}

/** Removes the lock of a dead process, and no other: one that turns out to be alive is put back. */
async function removeDead(path: string, draft: string): Promise<void> {
  const taken = `${draft}.dead`;
  try {
    await rename(path, taken);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const holder = await readHolder(taken);
  if (holder !== undefined && isAlive(holder)) await linked(taken, path);
  await rm(taken, { force: true });
}

/** @throws DataError where another process trains in the folder */
export async function requireUnlocked(run: string): Promise<void> {
  const path = join(run, LOCK_FILE);
  const holder = await readHolder(path);
  if (holder === undefined || !isAlive(holder)) return;
  throw new DataError({
    where: path,
    what: 'another process trains in this folder',
    found: `process ${holder.pid} on ${holder.host}`,
    fix: 'Wait for it or end it, or give another folder. If there is no such training, delete the file',
  });
}

/** Undefined where there is no lock, or one that was cut short by a kill. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { pid, host } = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

/** A lock of this process was left by another one that had its number: this process holds none when it asks. */
function isAlive({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
