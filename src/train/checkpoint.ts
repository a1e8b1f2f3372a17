// Checkpoints: whole folders that appear at once, and a `last` file that names the newest.
//
// runs/x/checkpoints/step-000500/{state.safetensors, state.json}. State is everything the step needs: parameters,
// moments, accumulators, running statistics; the data order is a function of seed and step and needs no saving.

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../base/config.js';
import { DataError } from '../base/errors.js';
import { isPresentFolder, parseJson, writeFileAtomic } from '../base/files.js';
import { decodeSafetensors, encodeSafetensors } from '../base/safetensors.js';
import type { StateValues } from './training-program.js';

export interface CheckpointInfo {
  /** Optimiser steps done. */
  readonly step: number;
  readonly tool: string;
  /** Error sums since the last line of metrics. */
  readonly pending: Readonly<Record<string, readonly number[]>>;
}

const infoSchema = z.looseObject({
  step: z.int().min(0),
  tool: z.string(),
  pending: z.record(z.string(), z.array(z.number())),
  /** Of state.safetensors; checkpoints of older versions have none. */
  sha256: z.string().optional(),
});

const NEXT_BEST = 'Write the name of an older checkpoint into checkpoints/last: a resume does its steps again';

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Removes what a killed process left of a checkpoint that it was writing. For who holds the run's lock. */
export async function removeUnfinished(run: string): Promise<void> {
  const folder = join(run, 'checkpoints');
  const names = await readdir(folder).catch(() => []);
  const left = names.filter((name) => name.startsWith('.') && name.endsWith('.tmp'));
  for (const name of left) await rm(join(folder, name), { recursive: true, force: true });
}

export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/**
 * Writes a checkpoint beside its place, moves it there, then lets `last` name it. The one that `last` names is never
 * touched: where it is of this very step, a resumed run has done none, and there is nothing to write.
 */
export async function writeCheckpoint(run: string, info: CheckpointInfo, state: StateValues): Promise<string> {
  const name = checkpointName(info.step);
  const folder = join(run, 'checkpoints', name);
  const last = await readFile(join(run, 'checkpoints', 'last'), 'utf8').catch(() => '');
  if (last.trim() === name && (await isPresentFolder(folder))) return folder;
  const temporary = join(run, 'checkpoints', `.${name}.${process.pid}.tmp`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const tensors = Object.fromEntries(Object.entries(state).map(([key, data]) => [key, { shape: [data.length], data }]));
  const bytes = encodeSafetensors(tensors);
  await writeFileAtomic(join(temporary, 'state.safetensors'), bytes);
  await writeFileAtomic(
    join(temporary, 'state.json'),
    `${JSON.stringify({ ...info, sha256: hashOf(bytes) }, null, 2)}\n`,
  );
  await rm(folder, { recursive: true, force: true });
  await rename(temporary, folder);
  await writeFileAtomic(join(run, 'checkpoints', 'last'), `${name}\n`);
  return folder;
}

/**
 * Reads a checkpoint of a run: the one that `last` names, or `name`.
 * @throws DataError where there is none, or it is damaged
 */
export async function readCheckpoint(
  run: string,
  name?: string,
): Promise<{ info: CheckpointInfo; state: StateValues; folder: string }> {
  const last = name ?? (await readText(join(run, 'checkpoints', 'last'), run)).trim();
  const folder = join(run, 'checkpoints', last);
  const file = join(folder, 'state.safetensors');
  const infoFile = join(folder, 'state.json');
  const info = parseConfig(infoSchema, parseJson(await readText(infoFile, run), infoFile), infoFile);
  const bytes = await readFile(file).catch((error: Error) => {
    throw new DataError(
      { where: file, what: 'cannot be read', found: error.message, fix: NEXT_BEST },
      { cause: error },
    );
  });
  if (info.sha256 !== undefined && info.sha256 !== hashOf(bytes)) {
    throw new DataError({ where: file, what: 'damaged: not the bytes that were written (SHA-256)', fix: NEXT_BEST });
  }
  const { tensors } = decodeSafetensors(bytes, file);
  return { info, folder, state: Object.fromEntries(Object.entries(tensors).map(([key, { data }]) => [key, data])) };
}

async function readText(path: string, run: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new DataError(
      { where: path, what: 'no checkpoint here', fix: `Is ${run} a run folder whose training saved at least once?` },
      { cause: error },
    );
  }
}
