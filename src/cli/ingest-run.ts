// What the kinds of ingest share: flags, folders among the inputs, and the run itself.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type IngestJob, type IngestReport, ingestInputs, REPORT_FILE } from '../../ingest/run-ingest.js';
import { DataError } from '../base/errors.js';
import { isPresentFolder } from '../base/files.js';
import { DatasetWriter } from '../dataset/dataset-writer.js';
import { RESAMPLE_DEFAULTS } from '../motion/resample.js';
import type { RobotModel } from '../robot/robot-model.js';
import { loadRobot } from '../sim/load-robot.js';
import {
  type CommonFlag,
  type CommonOptions,
  parseNumber,
  type VerbContext,
  type VerbResult,
  withCommonFlags,
} from './common.js';

export interface IngestFlags extends CommonOptions {
  readonly rate: number;
  readonly source?: string;
}

/** The flags that every kind of source has; in their help, what its source is called and a setting of its config. */
export function withIngestFlags(
  command: Command,
  texts: { readonly source: string; readonly setting: string },
  more: readonly CommonFlag[] = [],
): Command {
  command
    .addOption(
      new Option('--rate <hz>', 'rate of the dataset in Hz; inputs are resampled to it')
        .argParser(parseNumber)
        .default(RESAMPLE_DEFAULTS.rate_hz),
    )
    .option('--source <name>', `name of the source in the dataset (default: ${texts.source})`);
  return withCommonFlags(command, ['robot', 'out', 'set', ...more], { setting: texts.setting });
}

/** What a kind of source makes of its flags: how an input is read, and what is known of it before. */
export type IngestPlan = Pick<IngestJob, 'read' | 'nameOf' | 'alreadyIn'>;

/**
 * Loads the robot, opens the dataset and ingests; exit code 1 where an input was refused.
 * @param prepare what needs the robot and may fail before any input is read; gives the function that reads one
 */
export async function runIngest(
  { log, signal }: VerbContext,
  flags: IngestFlags,
  inputs: readonly string[],
  prepare: (robot: RobotModel) => Promise<IngestPlan['read'] | IngestPlan>,
): Promise<VerbResult> {
  for (const name of ['robot', 'out'] as const) {
    if (flags[name] === undefined) throw new DataError({ where: `--${name}`, what: 'flag is missing' });
  }
  if (!(flags.rate > 0))
    throw new DataError({ where: '--rate', what: 'rate', expected: 'more than 0 Hz', found: `${flags.rate}` });
  const { robot } = await loadRobot(flags.robot!);
  const prepared = await prepare(robot);
  const plan = typeof prepared === 'function' ? { read: prepared } : prepared;
  const { append, overwrite } = flags;
  const writer = await DatasetWriter.open(flags.out!, { robot, rate_hz: flags.rate, append, overwrite });
  const report = await ingestInputs({ inputs, ...plan, writer, log, signal });
  log.info(summaryLine(report, flags.out!));
  return { ...report, exitCode: report.refused + report.refusedEpisodes > 0 ? 1 : 0 };
}

function summaryLine(report: IngestReport, out: string): string {
  const { ingested, skipped, refused, episodes, refusedEpisodes, seconds, interrupted, keptOld } = report;
  const counts = [
    `${ingested} ingested`,
    skipped > 0 ? `${skipped} skipped` : '',
    refused > 0 ? `${refused} refused` : '',
    refusedEpisodes > 0 ? `${refusedEpisodes} episodes refused` : '',
  ].filter((part) => part !== '');
  const end = interrupted ? '; interrupted: go on with the same command and --append' : '';
  if (keptOld) return `${counts.join(', ')}: nothing went in, and ${out} is as it was${end}`;
  return `${counts.join(', ')}: ${episodes} episodes, ${(seconds / 60).toFixed(1)} min in ${join(out, REPORT_FILE)}${end}`;
}

/** Files with one of the endings in the folders among the inputs, in order of name. */
export async function expandFolders(inputs: readonly string[], endings: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const input of inputs) {
    if (!(await isPresentFolder(input))) {
      files.push(input);
      continue;
    }
    const isWanted = (name: string) => endings.some((ending) => name.toLowerCase().endsWith(ending));
    const names = (await readdir(input)).filter(isWanted).sort();
    if (names.length === 0) throw new DataError({ where: input, what: `no ${endings.join(', ')} files in the folder` });
    files.push(...names.map((name) => join(input, name)));
  }
  return files;
}
