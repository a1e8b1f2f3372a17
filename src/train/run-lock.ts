// One training at a time in a run folder: a lock file with the process that holds it, there while it trains.
//
// A lock whose process is gone (it was killed) is nobody's. Of a process on another machine that cannot be seen from
// here; nor, in rare cases, that a number was given to another process since: the message then says which file it is.

import { readFile, rm, writeFile } from 'node:fs/promises';
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
  await requireUnlocked(run);
  const path = join(run, LOCK_FILE);
  await rm(path, { force: true });
  const own: Holder = { pid: process.pid, host: hostname() };
  try {
    await writeFile(path, `${JSON.stringify(own)}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Another one came in between.
    await requireUnlocked(run);
    throw error;
  }
  return () => rm(path, { force: true });
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
