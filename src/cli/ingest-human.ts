// nextgait ingest bvh and nextgait ingest video: human motion, retargeted to a robot, into a dataset.

import { basename, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { checkHumanFlags } from '../../ingest/check-human.js';
import { loadRetargetConfig, type RetargetedClip } from '../../ingest/human.js';
import { type HumanFiles, type HumanReader, type HumanSetup, openHumanFiles } from '../../ingest/human-reader.js';
import { writeFileAtomic } from '../base/files.js';
import { TOOL } from '../base/version.js';
import { UNITS_M } from '../retarget/measure.js';
import { parseNumber, type VerbContext, type VerbResult, verbAction, withExample } from './common.js';
import { expandFolders, type IngestFlags, runIngest, withIngestFlags } from './ingest-run.js';

/** What retargeting made of every clip; beside the ingest report. */
export const RETARGET_REPORT_FILE = 'retarget-report.json';

const AXES = ['+x', '-x', '+y', '-y', '+z', '-z'] as const;

interface HumanFlags extends IngestFlags {
  readonly rest?: string;
  readonly retarget?: string;
  readonly hindsight: boolean;
  readonly rig?: string;
  readonly fps?: number;
  readonly unit?: string;
  readonly up?: (typeof AXES)[number];
  readonly height?: number;
  readonly floor?: number;
}

export function ingestBvhCommand(): Command {
  const command = new Command('bvh')
    .description('motion capture (BVH), retargeted: no actions')
    .addOption(unitOption());
  return withExample(
    withHumanFlags(command, '.bvh files, or folders of them'),
    'nextgait ingest bvh walks/*.bvh --robot g1 --out datasets/walks',
  ).action(
    humanAction(['.bvh'], (flags) => ({
      kind: 'bvh',
      reader: { ...readerOptions(flags), unit: unitOf(flags.unit) },
    })),
  );
}

export function ingestVideoCommand(): Command {
  const command = new Command('video')
    .description('human motion reconstructed from video, or AMASS (npz, pkl, pt, npy, json), retargeted: no actions')
    .option('--rest <file>', "rest joints of a body model of one's own (npz, npy, json); default: a generic body");
  return withExample(
    withHumanFlags(command, 'files, or folders of them'),
    'nextgait ingest video clips/wham_output.pkl --fps 30 --robot g1 --out datasets/video',
  ).action(
    humanAction(['.npz', '.pkl', '.pt', '.pth', '.npy', '.json'], (flags) => ({
      kind: 'video',
      reader: { ...readerOptions(flags), rest: flags.rest },
    })),
  );
}

function withHumanFlags(command: Command, inputs: string): Command {
  command
    .argument('<inputs...>', inputs)
    .option('--retarget <file.yaml>', "retargeting config (default: the robot's in configs/retarget); --set changes it")
    .option('--hindsight', 'label frames with the velocity that the motion achieves', false)
    .addOption(new Option('--fps <hz>', "frame rate in Hz, instead of the file's").argParser(parseNumber))
    .option('--rig <name|file.yaml>', 'skeleton: a name in configs/retarget/rigs or a file (default: recognised)')
    .addOption(new Option('--up <axis>', 'axis of the file that points up (default: measured)').choices(AXES))
    .addOption(new Option('--height <m>', "the person's stature in m (default: measured)").argParser(parseNumber))
    .addOption(new Option('--floor <m>', 'height of the floor in m (default: measured)').argParser(parseNumber));
  const texts = { source: command.name(), setting: 'keypoints.left_hand.position_m=0.03' };
  return withIngestFlags(command, texts, ['workers']);
}

function unitOption(): Option {
  return new Option(
    '--unit <name|m>',
    `unit of length: ${Object.keys(UNITS_M).join(', ')}, or metres (default: measured)`,
  );
}

type Unit = keyof typeof UNITS_M | number | undefined;

function unitOf(text: string | undefined): Unit {
  if (text === undefined || text in UNITS_M) return text as Unit;
  return parseNumber(text);
}

/** Options that are not given are left out: they are part of what the dataset remembers. */
function readerOptions({ rig, fps, up, height, floor }: HumanFlags) {
  return {
    ...(rig === undefined ? {} : { rig }),
    ...(fps === undefined ? {} : { rate_hz: fps }),
    ...(up === undefined ? {} : { up }),
    ...(height === undefined ? {} : { height_m: height }),
    ...(floor === undefined ? {} : { floor_m: floor }),
  };
}

function humanAction<Flags extends HumanFlags>(endings: readonly string[], readerOf: (flags: Flags) => HumanReader) {
  return verbAction((context: VerbContext, flags: Flags, inputs: readonly string[]) =>
    ingestHuman(context, flags, inputs, endings, readerOf(flags)),
  );
}

async function ingestHuman(
  context: VerbContext,
  flags: HumanFlags,
  inputs: readonly string[],
  endings: readonly string[],
  human: HumanReader,
): Promise<VerbResult> {
  await checkHumanFlags(inputs, human, `ingest ${human.kind}`);
  const files = await expandFolders(inputs, endings);
  const clips: (RetargetedClip & { readonly input: string })[] = [];
  let opened: HumanFiles | undefined;
  try {
    const result = await runIngest(context, flags, files, async (robot) => {
      const { config, where } = await loadRetargetConfig(robot, flags.retarget, flags.set);
      const { rate: rate_hz, source = human.kind, hindsight } = flags;
      const setup: HumanSetup = { ...human, robot, config, where, options: { rate_hz, source, hindsight } };
      const reader = await openHumanFiles(setup, files, flags.workers);
      opened = reader;
      return async (path) => {
        const { episodes, clips: own } = await reader.read(path);
        clips.push(...own.map((clip) => ({ input: basename(resolve(path)), ...clip })));
        return [...episodes];
      };
    });
    const report = { tool: TOOL, robot: flags.robot, rate_hz: flags.rate, clips };
    const path = join(flags.out!, RETARGET_REPORT_FILE);
    if (result.keptOld !== true) await writeFileAtomic(path, `${JSON.stringify(report, null, 2)}\n`);
    return result;
  } finally {
    await opened?.close();
  }
}
