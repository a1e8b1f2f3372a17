// How many threads this process may keep busy: what the system lets it run on, and a container's share of it.

import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';

/** A quota as Linux control groups (version 2) give it in cpu.max: `150000 100000`, or `max 100000` for none. */
export function threadsOfQuota(text: string): number {
  const [quota, period] = text.trim().split(' ').map(Number);
  return quota > 0 && period > 0 ? Math.max(1, Math.floor(quota / period)) : Number.POSITIVE_INFINITY;
}

/** More threads than these wait for each other. */
export async function usableThreads(): Promise<number> {
  const text = await readFile('/sys/fs/cgroup/cpu.max', 'utf8').catch(() => '');
  return Math.min(availableParallelism(), threadsOfQuota(text));
}

/**
 * The threads of an engine that counts the machine's processors and not those that this process may use.
 * @returns undefined where it may use all: then the engine's own choice holds, which knows cores from hyper-threads
 */
export function threadLimit(usable: number, processors = cpus().length): number | undefined {
  return usable < processors ? usable : undefined;
}
