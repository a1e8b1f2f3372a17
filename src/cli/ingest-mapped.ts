// nextgait ingest rollout and nextgait ingest controller: files read by a field map, which is given, recognised by the
// file's layout, or made to start from (--describe).

import { Command } from 'commander';
import type { Assembled } from '../../ingest/assemble.js';
import { chooseMap, isTableInput } from '../../ingest/choose-map.js';
import { readControllerLog } from '../../ingest/controller.js';
import { type DescribedInput, describeInput } from '../../ingest/describe-input.js';
import { type FieldMap, loadFieldMap, parseFieldMap } from '../../ingest/field-map.js';
import { READERS } from '../../ingest/formats.js';
import type { MappedInputOptions } from '../../ingest/mapped-input.js';
import { mendMap } from '../../ingest/mend-map.js';
import { readRollout } from '../../ingest/rollout.js';
import { DataError } from '../base/errors.js';
import { isPresentFolder } from '../base/files.js';
import type { SourceKind } from '../motion/episode.js';
import type { RobotModel } from '../robot/robot-model.js';
import { loadRobot } from '../sim/load-robot.js';
import { type VerbContext, type VerbResult, verbAction, withExample } from './common.js';
import { expandFolders, type IngestFlags, runIngest, withIngestFlags } from './ingest-run.js';

interface MappedFlags extends IngestFlags {
  readonly map?: string;
  readonly describe: boolean;
  readonly mend: boolean;
}

interface MappedSource {
  readonly name: 'rollout' | 'controller';
  readonly description: string;
  readonly example: string;
  readonly kinds: readonly SourceKind[];
  readonly read: (path: string, options: MappedInputOptions) => AsyncIterable<Assembled>;
}

export function ingestRolloutCommand(): Command {
  return mappedCommand({
    name: 'rollout',
    description: 'rollouts of a policy (npz, csv, jsonl, HDF5, LeRobot), by a field map',
    example: 'nextgait ingest rollout rollouts/*.npz --robot t1 --out datasets/t1',
    kinds: ['rollout', 'bvh', 'video'],
    read: readRollout,
  });
}

export function ingestControllerCommand(): Command {
  return mappedCommand({
    name: 'controller',
    description: 'logs of a model-based controller (csv, jsonl, HDF5, bags), by a field map: torques, no actions',
    example: 'nextgait ingest controller logs/squat --map model-based-g1-csv --robot g1 --out datasets/squat',
    kinds: ['controller'],
    read: readControllerLog,
  });
}

function mappedCommand(source: MappedSource): Command {
  const command = new Command(source.name)
    .description(source.description)
    .argument('<inputs...>', 'files, or folders of them; a map with several tables takes one folder per episode')
    .option('--map <name|file.yaml>', 'field map: a name in configs/ingest or a file (default: recognised by layout)')
    .option(
      '--describe',
      'tell what is in a file and print a field map to start from; with --robot it is tested',
      false,
    )
    .option('--mend', 'apply what the data shows where it contradicts the map, and say so', false);
  const texts = { source: "the field map's", setting: 'time.rate_hz=100' };
  return withExample(withIngestFlags(command, texts), source.example).action(
    verbAction((context, flags: MappedFlags, inputs: readonly string[]) => {
      return flags.describe ? describeInputs(context, flags, inputs, source) : ingest(context, flags, inputs, source);
    }),
  );
}

async function ingest(
  context: VerbContext,
  flags: MappedFlags,
  inputs: readonly string[],
  source: MappedSource,
): Promise<VerbResult> {
  const given = flags.map === undefined ? undefined : await loadFieldMap(flags.map, flags.set);
  const files = await inputsOf(inputs, given);
  return runIngest(
    context,
    flags,
    files,
    async (robot) => (path) => readOne(context, flags, source, robot, given, path),
  );
}

/** One input by its map, which is told where it was not given. */
async function* readOne(
  { log }: VerbContext,
  flags: MappedFlags,
  source: MappedSource,
  robot: RobotModel,
  given: FieldMap | undefined,
  path: string,
): AsyncGenerator<Assembled> {
  const { rate: rate_hz, set: settings } = flags;
  let map = given;
  if (map === undefined) {
    const chosen = await chooseMap(path, { robot, rate_hz, kinds: source.kinds, settings });
    log.info(`${path}: map ${chosen.name} (${chosen.why})`);
    map = chosen.map;
  }
  if (flags.mend) {
    const mended = await mendMap(path, map, robot, rate_hz);
    if (mended.settings.length > 0) {
      log.warn(`${path}: the data contradicts the map, which was mended: ${mended.settings.join(', ')}`);
      map = parseFieldMap(mended.map, `${path}: mended map`);
    }
  }
  yield* source.read(path, { map, robot, rate_hz, source: flags.source });
}

/** Files of the folders among the inputs, except folders that are one input of their format. */
async function inputsOf(inputs: readonly string[], map: FieldMap | undefined): Promise<string[]> {
  const files: string[] = [];
  for (const input of inputs) {
    // What is not there is refused by itself when it is read, and the others are ingested.
    const isOne = !(await isPresentFolder(input)) || (await isOneInput(input, map));
    files.push(...(isOne ? [input] : await expandFolders([input], endingsOf(map))));
  }
  return files;
}

async function isOneInput(folder: string, map: FieldMap | undefined): Promise<boolean> {
  // A folder of csv files is rollouts of their own, or tables of one.
  if (map?.format === 'csv') return map.tables !== undefined;
  if (map !== undefined) return map.tables !== undefined || (await READERS[map.format].ownsFolder?.(folder)) === true;
  for (const [format, { ownsFolder }] of Object.entries(READERS)) {
    if (format !== 'csv' && (await ownsFolder?.(folder)) === true) return true;
  }
  return isTableInput(folder);
}

function endingsOf(map: FieldMap | undefined): readonly string[] {
  return map === undefined ? Object.values(READERS).flatMap(({ endings }) => endings) : READERS[map.format].endings;
}

async function describeInputs(
  { log }: VerbContext,
  flags: MappedFlags,
  inputs: readonly string[],
  source: MappedSource,
): Promise<VerbResult> {
  const [path, ...more] = inputs;
  if (more.length > 0) {
    throw new DataError({ where: '--describe', what: 'inputs', expected: 'one', found: String(inputs.length) });
  }
  const robot = flags.robot === undefined ? undefined : (await loadRobot(flags.robot)).robot;
  const described = await describeInput(path, { robot, rate_hz: flags.rate, kind: source.name });
  log.info(describedText(path, described).join('\n'));
  // The map alone goes to stdout, so that it can be sent into a file.
  if (!flags.json) process.stdout.write(described.yaml);
  return { ...described };
}

function describedText(path: string, { format, recordings, fields, facts, notes }: DescribedInput): string[] {
  const rows = fields.map(({ name, shape, type, range, meaning }) => [name, shape, type, range, meaning]);
  return [
    `${path}: ${format}, ${recordings} recording${recordings === 1 ? '' : 's'}`,
    ...facts.map((fact) => `  ${fact}`),
    ...leftTable([['field', 'shape', 'type', 'range', 'taken for'], ...rows]),
    ...notes.map((note) => `note: ${note}`),
    '',
  ];
}

/** Lines of a table of text: every column to the left, long cells cut. */
function leftTable(rows: readonly (readonly string[])[]): string[] {
  const cut = rows.map((row) => row.map((cell, column) => (column === 3 ? cell.slice(0, 40) : cell)));
  const widths = cut[0].map((_, column) => cut.reduce((most, row) => Math.max(most, row[column].length), 0));
  return cut.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd());
}
