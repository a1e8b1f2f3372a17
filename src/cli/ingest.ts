// nextgait ingest <source>: files of other tools into a dataset. One subcommand per kind of source.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { readControllerLog } from '../../ingest/controller.js';
import { type FieldMap, loadFieldMap } from '../../ingest/field-map.js';
import type { MappedInputOptions } from '../../ingest/mapped-input.js';
import { readRollout } from '../../ingest/rollout.js';
import { type IngestReport, ingestInputs, REPORT_FILE } from '../../ingest/run-ingest.js';
import { DataError } from '../base/errors.js';
import { DatasetWriter } from '../dataset/dataset-writer.js';
import type { Episode } from '../motion/episode.js';
import { RESAMPLE_DEFAULTS } from '../motion/resample.js';
import type { RobotModel } from '../robot/robot-model.js';
import { loadRobot } from '../sim/load-robot.js';
import {
  type CommonOptions,
  parseNumber,
  type VerbContext,
  type VerbResult,
  verbAction,
  withCommonFlags,
  withExample,
} from './common.js';

export interface IngestFlags extends CommonOptions {
  readonly rate: number;
  readonly source?: string;
}

interface MappedFlags extends IngestFlags {
  readonly map: string;
}

export function ingestCommand(): Command {
  return new Command('ingest')
    .description('read files of other tools into a dataset')
    .addCommand(
      mappedCommand(
        'rollout',
        'rollouts of a policy (npz, csv, jsonl), by a field map',
        'nextgait ingest rollout rollouts/*.npz --map t1-playground-npz --robot t1 --out datasets/t1',
        readRollout,
      ),
    )
    .addCommand(
      mappedCommand(
        'controller',
        'logs of a model-based controller (csv, jsonl), by a field map: torques, no actions',
        'nextgait ingest controller logs/squat --map model-based-g1-csv --robot g1 --out datasets/squat',
        readControllerLog,
      ),
    );
}

/** The flags that every kind of source has. */
export function withIngestFlags(command: Command): Command {
  command
    .addOption(
      new Option('--rate <hz>', 'rate of the dataset in Hz; inputs are resampled to it')
        .argParser(parseNumber)
        .default(RESAMPLE_DEFAULTS.rate_hz),
    )
    .option('--source <name>', "name of the source in the dataset (default: the field map's)");
  return withCommonFlags(command, ['robot', 'out', 'set']);
}

function mappedCommand(
  name: string,
  description: string,
  example: string,
  read: (path: string, options: MappedInputOptions) => Promise<Episode[]>,
): Command {
  const command = new Command(name)
    .description(description)
    .argument('<inputs...>', 'files, or folders of them; a map with several tables takes one folder per episode')
    .requiredOption('--map <name|file.yaml>', 'field map: a name in configs/ingest or a file');
  return withExample(withIngestFlags(command), example).action(
    verbAction(async (context, flags: MappedFlags, inputs: readonly string[]) => {
      const map = await loadFieldMap(flags.map, flags.set);
      const { rate: rate_hz, source } = flags;
      const files = map.tables === undefined ? await expandFolders(inputs, map.format) : inputs;
      return runIngest(context, flags, files, (path, robot) => read(path, { map, robot, rate_hz, source }));
    }),
  );
}

/** Loads the robot, opens the dataset and ingests; exit code 1 where an input was refused. */
export async function runIngest(
  { log, signal }: VerbContext,
  flags: IngestFlags,
  inputs: readonly string[],
  read: (path: string, robot: RobotModel) => Promise<Episode[]>,
): Promise<VerbResult> {
  for (const name of ['robot', 'out'] as const) {
    if (flags[name] === undefined) throw new DataError({ where: `--${name}`, what: 'flag is missing' });
  }
  if (!(flags.rate > 0))
    throw new DataError({ where: '--rate', what: 'rate', expected: 'more than 0 Hz', found: `${flags.rate}` });
  const { robot } = await loadRobot(flags.robot!);
  const { append, overwrite } = flags;
  const writer = await DatasetWriter.open(flags.out!, { robot, rate_hz: flags.rate, append, overwrite });
  const report = await ingestInputs({ inputs, read: (path) => read(path, robot), writer, log, signal });
  log.info(summaryLine(report, flags.out!));
  return { ...report, exitCode: report.refused > 0 ? 1 : 0 };
}

function summaryLine(report: IngestReport, out: string): string {
  const { ingested, skipped, refused, episodes, seconds, interrupted } = report;
  const counts = [
    `${ingested} ingested`,
    skipped > 0 ? `${skipped} skipped` : '',
    refused > 0 ? `${refused} refused` : '',
  ].filter((part) => part !== '');
  const end = interrupted ? '; interrupted: go on with the same command and --append' : '';
  return `${counts.join(', ')}: ${episodes} episodes, ${(seconds / 60).toFixed(1)} min in ${join(out, REPORT_FILE)}${end}`;
}

/** Files of the map's format in the folders among the inputs, in order of name. */
async function expandFolders(inputs: readonly string[], format: FieldMap['format']): Promise<string[]> {
  const files: string[] = [];
  for (const input of inputs) {
    const isFolder = await stat(input).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isFolder) {
      files.push(input);
      continue;
    }
    const names = (await readdir(input)).filter((name) => name.endsWith(`.${format}`)).sort();
    if (names.length === 0) throw new DataError({ where: input, what: `no .${format} files in the folder` });
    files.push(...names.map((name) => join(input, name)));
  }
  return files;
}
