// Checkpoints: whole folders that appear at once, and a `last` file that names the newest.
//
// runs/x/checkpoints/step-000500/{state.safetensors, state.json}. State is everything the step needs: parameters,
// moments, accumulators, running statistics; the data order is a function of seed and step and needs no saving.

import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../base/errors.js';
import { parseJson, writeFileAtomic } from '../base/files.js';
import { decodeSafetensors, encodeSafetensors } from '../base/safetensors.js';
import type { StateValues } from './training-program.js';

export interface CheckpointInfo {
  /** Optimiser steps done. */
  readonly step: number;
  readonly tool: string;
  /** Error sums since the last line of metrics. */
  readonly pending: Readonly<Record<string, readonly number[]>>;
}

export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/** Writes a checkpoint beside its place, moves it there, then lets `last` name it. An older one is never touched. */
export async function writeCheckpoint(run: string, info: CheckpointInfo, state: StateValues): Promise<string> {
  const name = checkpointName(info.step);
  const folder = join(run, 'checkpoints', name);
  const temporary = join(run, 'checkpoints', `.${name}.${process.pid}.tmp`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const tensors = Object.fromEntries(Object.entries(state).map(([key, data]) => [key, { shape: [data.length], data }]));
  await writeFileAtomic(join(temporary, 'state.safetensors'), encodeSafetensors(tensors));
  await writeFileAtomic(join(temporary, 'state.json'), `${JSON.stringify(info, null, 2)}\n`);
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
  const info = parseJson(await readText(infoFile, run), infoFile) as unknown as CheckpointInfo;
  const { tensors } = decodeSafetensors(await readFile(file), file);
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
