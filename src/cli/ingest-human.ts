// nextgait ingest bvh and nextgait ingest video: human motion, retargeted to a robot, into a dataset.

import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parse } from 'yaml';
import { checkHumanFlags, READER_FLAG } from '../../ingest/check-human.js';
import { readReport } from '../../ingest/earlier-report.js';
import { loadRetargetConfig, type RetargetedClip } from '../../ingest/human.js';
import { type HumanFiles, type HumanReader, type HumanSetup, openHumanFiles } from '../../ingest/human-reader.js';
import { applySettings } from '../base/config.js';
import { writeFileAtomic } from '../base/files.js';
import { TOOL } from '../base/version.js';
import { UNITS_M } from '../retarget/measure.js';
import { parseNumber, type VerbContext, type VerbResult, verbAction, withExample } from './common.js';
import { findHumanFiles, knownFiles } from './human-inputs.js';
import { type IngestFlags, runIngest, withIngestFlags } from './ingest-run.js';

/** What retargeting made of every clip; beside the ingest report. */
export const RETARGET_REPORT_FILE = 'retarget-report.json';

const AXES = ['+x', '-x', '+y', '-y', '+z', '-z'] as const;

/** A clip, and the file that it came from. */
type ReportedClip = RetargetedClip & { readonly input: string };

interface HumanFlags extends IngestFlags {
  readonly rest?: string;
  readonly retarget?: string;
  readonly hindsight: boolean;
  readonly rig?: string;
  readonly fps?: number;
  readonly unit?: Unit;
  readonly reader: readonly string[];
  readonly up?: (typeof AXES)[number];
  readonly height?: number;
  readonly floor?: number;
}

export function ingestBvhCommand(): Command {
  const command = new Command('bvh')
    .description('motion capture (BVH), retargeted: no actions')
    .addOption(unitOption());
  return withExample(
    withHumanFlags(command, '.bvh files, or folders of them', 'frameCount=rows'),
    'nextgait ingest bvh walks/*.bvh --robot g1 --out datasets/walks',
  ).action(humanAction('bvh', ['.bvh']));
}

export function ingestVideoCommand(): Command {
  const command = new Command('video')
    .description('human motion reconstructed from video, or AMASS (npz, pkl, pt, npy, json), retargeted: no actions')
    .option('--rest <file>', "rest joints of a body model of one's own (npz, npy, json, pkl); default: a generic body");
  return withExample(
    withHumanFlags(command, 'files, or folders of them', 'cutoff_hz=0'),
    'nextgait ingest video clips/wham_output.pkl --fps 30 --robot g1 --out datasets/video',
  ).action(humanAction('video', ['.npz', '.pkl', '.pt', '.pth', '.npy', '.json']));
}

function withHumanFlags(command: Command, inputs: string, readerExample: string): Command {
  command
    .argument('<inputs...>', inputs)
    .option('--retarget <file.yaml>', "retargeting config (default: the robot's in configs/retarget); --set changes it")
    .option('--hindsight', 'label frames with the velocity that the motion achieves', false)
    .addOption(new Option('--fps <hz>', "frame rate in Hz, instead of the file's").argParser(parseNumber))
    .addOption(
      new Option(
        `${READER_FLAG} <key=value>`,
        `another setting of the reader (docs/human-motion.md), such as ${readerExample}; repeatable`,
      )
        .argParser((setting: string, before: readonly string[]) => [...before, setting])
        .default([], 'none'),
    )
    .option('--rig <name|file.yaml>', 'skeleton: a name in configs/retarget/rigs or a file (default: recognised)')
    .addOption(new Option('--up <axis>', 'axis of the file that points up (default: measured)').choices(AXES))
    .addOption(new Option('--height <m>', "the person's stature in m (default: measured)").argParser(parseNumber))
    .addOption(new Option('--floor <m>', 'height of the floor in m (default: measured)').argParser(parseNumber));
  const texts = { source: command.name(), setting: 'keypoints.left_hand.position_m=0.03' };
  return withIngestFlags(command, texts, ['workers']);
}

function unitOption(): Option {
  const names = Object.keys(UNITS_M).join(', ');
  return new Option('--unit <name|m>', `unit of length: ${names}, or metres (default: measured)`).argParser(parseUnit);
}

type Unit = keyof typeof UNITS_M | number;

function parseUnit(text: string): Unit {
  if (text in UNITS_M) return text as Unit;
  const metres = Number(text);
  if (text.trim() !== '' && metres > 0 && Number.isFinite(metres)) return metres;
  const names = Object.keys(UNITS_M).join(', ');
  throw new InvalidArgumentError(`expected one of ${names}, or the metres in one unit, found "${text}".`);
}

/** Options of the readers that have a flag of their own, and its name. */
const OWN_FLAGS = {
  rig: 'rig',
  rate_hz: 'fps',
  up: 'up',
  height_m: 'height',
  floor_m: 'floor',
  unit: 'unit',
  rest: 'rest',
} as const;

/**
 * What the reader is told, checked. Flags go over settings; what is not given is left out, because the dataset remembers
 * the options.
 * @throws FindingsError with all that is wrong, missing inputs included
 */
async function readerOf(kind: HumanReader['kind'], flags: HumanFlags, inputs: readonly string[]): Promise<HumanReader> {
  const settings = applySettings({}, flags.reader, (text) => parse(text), READER_FLAG);
  const given = Object.entries(OWN_FLAGS).filter(([, flag]) => flags[flag] !== undefined);
  const own = Object.fromEntries(given.map(([option, flag]) => [option, flags[flag]]));
  const human = { kind, reader: { ...(settings as object), ...own } };
  await checkHumanFlags(inputs, human, new Map(given.map(([option, flag]) => [option, `--${flag}`])));
  return human;
}

/** `bvh/walk-1f/0: 1.72 m tall, rig mixamo, unit cm, +y up, floor at 0.01 m`: what was measured, or given. */
function measureLine({ episode, height_m, measured }: RetargetedClip): string {
  const { rig, unit, up, floor_m } = measured;
  return `${episode}: ${height_m.toFixed(2)} m tall, rig ${rig}, unit ${unit}, ${up} up, floor at ${floor_m.toFixed(2)} m`;
}

function humanAction(kind: HumanReader['kind'], endings: readonly string[]) {
  return verbAction((context: VerbContext, flags: HumanFlags, inputs: readonly string[]) =>
    ingestHuman(context, flags, inputs, kind, endings),
  );
}

async function ingestHuman(
  context: VerbContext,
  flags: HumanFlags,
  inputs: readonly string[],
  kind: HumanReader['kind'],
  endings: readonly string[],
): Promise<VerbResult> {
  const human = await readerOf(kind, flags, inputs);
  const files = await findHumanFiles(inputs, endings, context.log);
  const names = new Map(files.map(({ path, name }) => [path, name]));
  const clips: ReportedClip[] = [];
  let opened: HumanFiles | undefined;
  try {
    const paths = files.map(({ path }) => path);
    const result = await runIngest(context, flags, paths, async (robot) => {
      const { config, where } = await loadRetargetConfig(robot, flags.retarget, flags.set);
      const { rate: rate_hz, source = kind, hindsight } = flags;
      const setup: HumanSetup = { ...human, robot, config, where, options: { rate_hz, source, hindsight } };
      const known = flags.append ? await knownFiles(flags.out!, source, files) : new Map<string, readonly string[]>();
      const reader = await openHumanFiles(
        setup,
        paths.filter((path) => !known.has(path)),
        flags.workers,
      );
      opened = reader;
      const read = async (path: string) => {
        const { episodes, clips: own } = await reader.read(path);
        for (const clip of own) context.log.info(measureLine(clip));
        clips.push(...own.map((clip) => ({ input: names.get(path)!, ...clip })));
        return [...episodes];
      };
      return { read, nameOf: (path: string) => names.get(path)!, alreadyIn: (path: string) => known.get(path) };
    });
    if (result.keptOld !== true) await writeClips(flags, clips);
    return { ...result, clips };
  } finally {
    await opened?.close();
  }
}

/** Writes the clips of this run into the report, after those of earlier runs. */
async function writeClips({ out, robot, rate: rate_hz }: HumanFlags, clips: readonly ReportedClip[]): Promise<void> {
  const earlier = (await readReport(out!, RETARGET_REPORT_FILE))?.clips;
  const own = new Set(clips.map(({ episode }) => episode));
  const kept = Array.isArray(earlier) ? (earlier as ReportedClip[]).filter(({ episode }) => !own.has(episode)) : [];
  const report = { tool: TOOL, robot, rate_hz, clips: [...kept, ...clips] };
  await writeFileAtomic(join(out!, RETARGET_REPORT_FILE), `${JSON.stringify(report, null, 2)}\n`);
}
