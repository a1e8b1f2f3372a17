// Ingests many inputs into one dataset: a refused input is told and left out, the others go in.
//
// Inputs are read one at a time and in the order given. Of an input that is read whole all episodes go in, or none; of
// one that streams a refused episode is told and left out, and what went in before an error stays. The same inputs and
// options give the same bytes, and what is in the dataset already is skipped. A fault of the program itself in reading
// one input ends the run with it only after the others went in; one in writing ends it at once.

import { basename, join, resolve } from 'node:path';
import { type DataError, type DataErrorDetail, describe, type FindingsError, isUserError } from '../src/base/errors.js';
import { writeFileAtomic } from '../src/base/files.js';
import type { Logger } from '../src/base/logger.js';
import { TOOL } from '../src/base/version.js';
import type { DatasetWriter } from '../src/dataset/dataset-writer.js';
import type { ChannelName, Episode, Finding } from '../src/motion/episode.js';
import type { Assembled } from './assemble.js';
import { earlierInputs, episodesOf, mergeInputs } from './earlier-report.js';

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
  /** Name without folders, or from the folder that was given. */
  readonly input: string;
  readonly status: 'ingested' | 'skipped' | 'refused';
  /** Those that went in, or were in already. */
  readonly episodes: readonly IngestedEpisode[];
  /** Episodes of it that were refused while others went in. */
  readonly refusedEpisodes?: number;
  /** Why it, or some of its episodes, were refused. */
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
  /** Refused episodes of inputs that went in otherwise. */
  readonly refusedEpisodes: number;
  readonly seconds: number;
  readonly inputs: readonly IngestedInput[];
  /** True where Ctrl-C ended it before the last input. */
  readonly interrupted: boolean;
  /** Present where nothing went in and the dataset that was to be overwritten is as it was. */
  readonly keptOld?: true;
}

export interface IngestJob {
  readonly inputs: readonly string[];
  /** What reports call an input; its name without folders where absent. */
  readonly nameOf?: (path: string) => string;
  /** Ids that an input's episodes have in the dataset, where that is known without reading it: it is skipped. */
  readonly alreadyIn?: (path: string) => readonly string[] | undefined;
  /** All episodes of an input, which go in together or not at all; or one at a time, each of which may be refused. */
  readonly read: (path: string) => Promise<Episode[]> | AsyncIterable<Assembled>;
  readonly writer: DatasetWriter;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/** Runs the job, closes the writer and writes the report into the dataset's folder, if that is the job's. */
export async function ingestInputs(job: IngestJob): Promise<IngestReport> {
  const { inputs, read, writer, log, signal, nameOf = nameWithoutFolders, alreadyIn } = job;
  // A dataset that is to be replaced takes its report with it.
  const earlier = writer.keepsOld ? [] : await earlierInputs(writer.folder, REPORT_FILE);
  const told = new Set<string>();
  const done: IngestedInput[] = [];
  const faults: unknown[] = [];
  try {
    for (const path of inputs) {
      if (signal?.aborted) break;
      const known = alreadyIn?.(path);
      const { result, fault }: InputResult =
        known === undefined
          ? await ingestInput(nameOf(path), path, read, writer)
          : { result: { input: nameOf(path), status: 'skipped', episodes: episodesOf(earlier, known) } };
      done.push(result);
      if (fault !== undefined) faults.push(fault);
      logInput(result, path, log, told);
    }
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.close();
  const interrupted = done.length < inputs.length;
  const report = reportOf(done, writer, interrupted);
  if (!writer.keepsOld) {
    const text = JSON.stringify(reportOf(mergeInputs(earlier, done), writer, interrupted), null, 2);
    await writeFileAtomic(join(writer.folder, REPORT_FILE), `${text}\n`);
  }
  if (faults.length > 0) throw faults[0];
  return report;
}

function nameWithoutFolders(path: string): string {
  return basename(resolve(path));
}

function reportOf(inputs: readonly IngestedInput[], writer: DatasetWriter, interrupted: boolean): IngestReport {
  const count = (status: IngestedInput['status']) => inputs.filter((input) => input.status === status).length;
  const episodes = inputs.filter((input) => input.status === 'ingested').flatMap((input) => input.episodes);
  return {
    tool: TOOL,
    robot: writer.robot.name,
    rate_hz: writer.rate_hz,
    ingested: count('ingested'),
    skipped: count('skipped'),
    refused: count('refused'),
    episodes: episodes.length,
    refusedEpisodes: inputs.reduce((sum, { refusedEpisodes = 0 }) => sum + refusedEpisodes, 0),
    seconds: episodes.reduce((sum, episode) => sum + episode.seconds, 0),
    inputs,
    interrupted,
    ...(writer.keepsOld ? { keptOld: true } : {}),
  };
}

interface InputResult {
  readonly result: IngestedInput;
  /** What is no error of the user's. */
  readonly fault?: unknown;
}

async function ingestInput(
  input: string,
  path: string,
  read: IngestJob['read'],
  writer: DatasetWriter,
): Promise<InputResult> {
  const source = await attempt(async () => {
    const found = read(path);
    return Symbol.asyncIterator in found ? found : { episodes: await found };
  }, path);
  if ('failure' in source) return refusedInput(input, source.failure);
  if ('episodes' in source.value) return ingestWhole(input, path, source.value.episodes, writer);
  return ingestStream(input, path, source.value, writer);
}

async function ingestWhole(
  input: string,
  path: string,
  episodes: readonly Episode[],
  writer: DatasetWriter,
): Promise<InputResult> {
  const summaries = episodes.map(summarise);
  if (episodes.every(({ id }) => writer.has(id))) {
    return { result: { input, status: 'skipped', episodes: summaries } };
  }
  const checked = await attempt(async () => {
    for (const episode of episodes) writer.check(episode);
  }, path);
  if ('failure' in checked) return refusedInput(input, checked.failure);
  for (const episode of episodes) await writer.append(episode);
  return { result: { input, status: 'ingested', episodes: summaries } };
}

/** Why reading ended: for the report, and the fault itself where it is the program's own. */
interface Failure {
  readonly errors: readonly DataErrorDetail[];
  readonly fault?: unknown;
}

async function attempt<T>(
  action: () => Promise<T>,
  path: string,
): Promise<{ readonly value: T } | { readonly failure: Failure }> {
  try {
    return { value: await action() };
  } catch (error) {
    if (isUserError(error)) return { failure: { errors: detailsOf(error) } };
    return { failure: { errors: [{ where: path, what: 'internal error', found: String(error) }], fault: error } };
  }
}

function refusedInput(input: string, { errors, fault }: Failure): InputResult {
  return { result: { input, status: 'refused', episodes: [], errors }, fault };
}

/** Refused episodes at the beginning of an input after which the rest of it is not read. */
const REFUSED_AT_FIRST = 10;
/** Errors of single episodes that a report keeps for each input. */
const MOST_ERRORS = 20;

/** Episodes of one input as they come, so that memory does not grow with it. */
async function ingestStream(
  input: string,
  path: string,
  source: AsyncIterable<Assembled>,
  writer: DatasetWriter,
): Promise<InputResult> {
  const summaries: IngestedEpisode[] = [];
  const errors: DataErrorDetail[] = [];
  let fault: unknown;
  let refused = 0;
  let appended = 0;
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await attempt(() => iterator.next(), path);
      if ('value' in next && next.value.done === true) break;
      const problem = 'failure' in next ? next.failure : await takeIn(next.value.value, writer, summaries);
      if (typeof problem === 'boolean') {
        if (problem) appended++;
        continue;
      }
      refused++;
      if (errors.length < MOST_ERRORS) errors.push(...problem.errors);
      fault = problem.fault;
      // What a reader throws ends its input: the episodes before that are in.
      if ('failure' in next || (summaries.length === 0 && refused === REFUSED_AT_FIRST)) break;
    }
  } finally {
    await iterator.return?.();
  }
  if (summaries.length === 0) return { result: { input, status: 'refused', episodes: [], errors }, fault };
  const status = appended > 0 ? 'ingested' : 'skipped';
  const left = refused > 0 ? { refusedEpisodes: refused, errors } : {};
  return { result: { input, status, episodes: summaries, ...left }, fault };
}

/** True where the episode went in, false where it was in already, or why not. */
async function takeIn(
  assembled: Assembled,
  writer: DatasetWriter,
  summaries: IngestedEpisode[],
): Promise<boolean | Failure> {
  if ('refused' in assembled) return { errors: detailsOf(assembled.refused) };
  const { episode } = assembled;
  const isNew = !writer.has(episode.id);
  if (isNew) {
    try {
      await writer.append(episode);
    } catch (error) {
      if (!isUserError(error)) throw error;
      return { errors: detailsOf(error) };
    }
  }
  summaries.push(summarise(episode));
  return isNew;
}

function detailsOf(error: DataError | FindingsError): readonly DataErrorDetail[] {
  return 'findings' in error ? error.findings : [error.detail];
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

/** Pages, a template for instance, that are printed; the others are in the report. */
const MOST_PAGES = 3;

/**
 * One line an input, and what fills a page once.
 * @param told the pages so far
 */
function logInput(
  { status, episodes, errors = [], refusedEpisodes = 0 }: IngestedInput,
  path: string,
  log: Logger,
  told: Set<string>,
): void {
  if (status === 'refused') {
    const [first, ...rest] = describe(errors[0]).split('\n');
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more, in ${REPORT_FILE})` : '';
    const page = rest.join('\n');
    const isPrinted = page !== '' && !told.has(page) && told.size < MOST_PAGES;
    const where = page === '' || isPrinted ? '' : told.has(page) ? ' (see above)' : ` (in ${REPORT_FILE})`;
    log.warn(`${path}: refused: ${first.replace(`${path}: `, '')}${where}${more}`);
    if (isPrinted) {
      told.add(page);
      log.warn(page);
    }
    return;
  }
  if (status === 'skipped') {
    log.info(`${path}: skipped: in the dataset already`);
    return;
  }
  const seconds = episodes.reduce((sum, episode) => sum + episode.seconds, 0);
  const counted = `${episodes.length} episode${episodes.length === 1 ? '' : 's'}, ${seconds.toFixed(1)} s`;
  if (refusedEpisodes > 0) {
    log.warn(
      `${path}: ${refusedEpisodes} episode${refusedEpisodes === 1 ? '' : 's'} refused, the first: ${describe(errors[0])}`,
    );
  }
  log.info(`${path}: ${counted}, ${findingsText(episodes.flatMap((episode) => episode.findings))}`);
}

function findingsText(findings: readonly Finding[]): string {
  const warnings = findings.filter(({ severity }) => severity !== 'info');
  if (warnings.length === 0) return 'no findings';
  const kinds = new Map<string, number>();
  for (const { kind } of warnings) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return `findings: ${[...kinds].map(([kind, count]) => (count > 1 ? `${kind} x${count}` : kind)).join(', ')}`;
}
