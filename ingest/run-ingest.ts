// Ingests many inputs into one dataset: a refused input is told and left out, the others go in.
//
// Inputs are read one at a time and in the order given; all episodes of an input go in, or none. The same inputs and
// options give the same bytes, and an input that is in the dataset already is skipped.

import { basename, join, resolve } from 'node:path';
import { type DataErrorDetail, describe, isUserError } from '../src/base/errors.js';
import { writeFileAtomic } from '../src/base/files.js';
import type { Logger } from '../src/base/logger.js';
import { TOOL } from '../src/base/version.js';
import type { DatasetWriter } from '../src/dataset/dataset-writer.js';
import type { ChannelName, Episode, Finding } from '../src/motion/episode.js';

export const REPORT_FILE = 'ingest-report.json';

export interface IngestedEpisode {
  readonly id: string;
  readonly frames: number;
  readonly seconds: number;
  readonly channels: readonly ChannelName[];
  readonly derived: readonly ChannelName[];
  readonly fell?: boolean;
  readonly findings: readonly Finding[];
}

export interface IngestedInput {
  /** Name without folders. */
  readonly input: string;
  readonly status: 'ingested' | 'skipped' | 'refused';
  readonly episodes: readonly IngestedEpisode[];
  /** Why it was refused. */
  readonly errors?: readonly DataErrorDetail[];
}

export interface IngestReport {
  readonly tool: string;
  readonly robot: string;
  readonly rate_hz: number;
  readonly ingested: number;
  readonly skipped: number;
  readonly refused: number;
  readonly episodes: number;
  readonly seconds: number;
  readonly inputs: readonly IngestedInput[];
  /** True where Ctrl-C ended it before the last input. */
  readonly interrupted: boolean;
}

export interface IngestJob {
  readonly inputs: readonly string[];
  readonly read: (path: string) => Promise<Episode[]>;
  readonly writer: DatasetWriter;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/** Runs the job, closes the writer and writes the report into the dataset's folder. */
export async function ingestInputs({ inputs, read, writer, log, signal }: IngestJob): Promise<IngestReport> {
  const done: IngestedInput[] = [];
  try {
    for (const path of inputs) {
      if (signal?.aborted) break;
      const result = await ingestInput(path, read, writer);
      done.push(result);
      logInput(result, path, log, inputs.length === 1);
    }
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.close();
  const count = (status: IngestedInput['status']) => done.filter((input) => input.status === status).length;
  const episodes = done.filter((input) => input.status === 'ingested').flatMap((input) => input.episodes);
  const report: IngestReport = {
    tool: TOOL,
    robot: writer.robot.name,
    rate_hz: writer.rate_hz,
    ingested: count('ingested'),
    skipped: count('skipped'),
    refused: count('refused'),
    episodes: episodes.length,
    seconds: episodes.reduce((sum, episode) => sum + episode.seconds, 0),
    inputs: done,
    interrupted: done.length < inputs.length,
  };
  await writeFileAtomic(join(writer.folder, REPORT_FILE), `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

async function ingestInput(
  path: string,
  read: (path: string) => Promise<Episode[]>,
  writer: DatasetWriter,
): Promise<IngestedInput> {
  const input = basename(resolve(path));
  try {
    const episodes = await read(path);
    const summaries = episodes.map(summarise);
    if (episodes.every(({ id }) => writer.has(id))) return { input, status: 'skipped', episodes: summaries };
    for (const episode of episodes) writer.check(episode);
    for (const episode of episodes) await writer.append(episode);
    return { input, status: 'ingested', episodes: summaries };
  } catch (error) {
    if (!isUserError(error)) throw error;
    return { input, status: 'refused', episodes: [], errors: 'findings' in error ? error.findings : [error.detail] };
  }
}

function summarise(episode: Episode): IngestedEpisode {
  return {
    id: episode.id,
    frames: episode.frameCount,
    seconds: episode.frameCount / episode.rate_hz,
    channels: Object.keys(episode.channels) as ChannelName[],
    derived: episode.derived,
    fell: episode.fell,
    findings: episode.findings,
  };
}

/** One line an input. */
function logInput({ status, episodes, errors = [] }: IngestedInput, path: string, log: Logger, isOnly: boolean): void {
  if (status === 'refused') {
    const [first, ...rest] = describe(errors[0]).split('\n');
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more, in ${REPORT_FILE})` : '';
    log.warn(`${path}: refused: ${first.replace(`${path}: `, '')}${more}`);
    // What fills a page, a template for instance, is printed where it is the only answer.
    if (rest.length > 0 && isOnly) log.warn(rest.join('\n'));
    return;
  }
  if (status === 'skipped') {
    log.info(`${path}: skipped: in the dataset already`);
    return;
  }
  const seconds = episodes.reduce((sum, episode) => sum + episode.seconds, 0);
  const counted = `${episodes.length} episode${episodes.length === 1 ? '' : 's'}, ${seconds.toFixed(1)} s`;
  log.info(`${path}: ${counted}, ${findingsText(episodes.flatMap((episode) => episode.findings))}`);
}

function findingsText(findings: readonly Finding[]): string {
  const warnings = findings.filter(({ severity }) => severity !== 'info');
  if (warnings.length === 0) return 'no findings';
  const kinds = new Map<string, number>();
  for (const { kind } of warnings) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return `findings: ${[...kinds].map(([kind, count]) => (count > 1 ? `${kind} x${count}` : kind)).join(', ')}`;
}
