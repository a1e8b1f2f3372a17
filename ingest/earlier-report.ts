// The report of earlier runs into the same dataset: --append adds to it, so that it tells of all that the dataset holds.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IngestedEpisode, IngestedInput } from './run-ingest.js';

/** The JSON of a report that stands in a dataset's folder; undefined where there is none that can be read. */
export async function readReport(folder: string, file: string): Promise<Record<string, unknown> | undefined> {
  try {
    const tree: unknown = JSON.parse(await readFile(join(folder, file), 'utf8'));
    return typeof tree === 'object' && tree !== null ? (tree as Record<string, unknown>) : undefined;
  } catch {
    // A report that is not there, or damaged, is written anew: the dataset does not depend on it.
    return undefined;
  }
}

/** Inputs of earlier runs. */
export async function earlierInputs(folder: string, file: string): Promise<readonly IngestedInput[]> {
  const inputs = (await readReport(folder, file))?.inputs;
  return Array.isArray(inputs) ? (inputs as IngestedInput[]).filter(({ episodes }) => Array.isArray(episodes)) : [];
}

/** Summaries of the episodes with these ids, as far as earlier reports have them. */
export function episodesOf(earlier: readonly IngestedInput[], ids: readonly string[]): IngestedEpisode[] {
  const wanted = new Set(ids);
  return earlier.flatMap(({ episodes }) => episodes).filter(({ id }) => wanted.has(id));
}

/** Inputs of earlier runs and of this one: what was skipped now is told as it was when it went in. */
export function mergeInputs(earlier: readonly IngestedInput[], now: readonly IngestedInput[]): IngestedInput[] {
  const names = new Set(now.map(({ input }) => input));
  const kept = earlier.filter(({ status, input }) => status === 'ingested' || !names.has(input));
  const known = new Set(kept.flatMap(({ episodes }) => episodes.map(({ id }) => id)));
  const isTold = ({ status, episodes }: IngestedInput) =>
    status === 'skipped' && episodes.length > 0 && episodes.every(({ id }) => known.has(id));
  return [...kept, ...now.filter((input) => !isTold(input))];
}
