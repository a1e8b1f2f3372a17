// nextgait record: rollouts of a controller in physics, as a dataset.

import { Command, Option } from 'commander';
import { loadConfig } from '../base/config-file.js';
import { DataError } from '../base/errors.js';
import { DatasetWriter } from '../dataset/dataset-writer.js';
import { readBundle } from '../sim/read-bundle.js';
import { nothingKept, type RecordOutcome, record } from '../sim/record-run.js';
import { recordSchema } from '../sim/record-settings.js';
import {
  type CommonOptions,
  parseCount,
  parseNumber,
  type VerbContext,
  type VerbResult,
  verbAction,
  withCommonFlags,
  withExample,
} from './common.js';
import { configPath } from './config-path.js';
import { startProgress } from './progress.js';

interface RecordFlags extends CommonOptions {
  readonly controller?: string;
  readonly policy?: string;
  readonly weights?: string;
  readonly episodes?: number;
  readonly duration?: number;
  readonly dropActions?: number;
  readonly keepFalls: boolean;
  readonly source?: string;
}

const KEEP_MORE = 'Lower falls.cut_s and falls.minimum_s (--set), or keep the ends of falls too (--keep-falls)';

export function recordCommand(): Command {
  const command = new Command('record')
    .option(
      '--controller <policy>',
      'policy or controller config: a name in configs/policies or configs/controllers (model-based, say), or a YAML file',
    )
    .addOption(
      new Option(
        '--policy <bundle|run>',
        'a policy of ours instead: a bundle or run folder, or a name in data/pretrained; its own actions are the labels',
      ).conflicts(['controller', 'weights']),
    )
    .option(
      '--weights <path>',
      "the policy's ONNX file, or a folder that holds it (else beside its config, or in the folders of NEXTGAIT_POLICIES)",
    )
    .addOption(new Option('--episodes <count>', 'rollouts (default: 300)').argParser(parseCount))
    .addOption(new Option('--duration <seconds>', 'length of a rollout in s (default: 10)').argParser(parseNumber))
    .addOption(
      new Option(
        '--drop-actions <share>',
        'share of rollouts, 0 to 1, written without actions, as source <source>-actionfree (default: 0)',
      ).argParser(parseNumber),
    )
    .option('--keep-falls', 'keep the failing end of rollouts that fell', false)
    .option('--source <name>', "name of the source in the dataset (default: the controller's name)");
  withCommonFlags(command, ['robot', 'out', 'seed', 'workers', 'config', 'set'], {
    robot: "the controller's own",
    out: 'datasets/<source>',
    configs: 'configs/record',
    setting: 'disturbance.kicks.share=0',
  });
  withExample(
    command,
    'nextgait record --controller g1-unitree-rl-lab --robot g1 --episodes 300 --duration 10 --out datasets/walks --workers 2',
  );
  return command.action(verbAction(run));
}

async function run({ log, interactive, signal }: VerbContext, flags: RecordFlags): Promise<VerbResult> {
  const controller = flags.policy ?? flags.controller;
  if (controller === undefined) {
    throw new DataError({ where: 'nextgait record', what: 'nothing to record', expected: '--controller or --policy' });
  }
  // Refuses what is neither bundle nor run, by the reader's own words.
  if (flags.policy !== undefined) await readBundle(flags.policy);
  const settings = await loadConfig(recordSchema, configPath('record', flags.config), settingsOf(flags));
  const out = flags.out ?? `datasets/${flags.source ?? controller.replace(/^.*\/|\.ya?ml$/g, '')}`;
  const progress = startProgress(interactive, 'recording', settings.episodes, 'episodes');
  let writer: DatasetWriter | undefined;
  try {
    const outcome = await record({
      controller,
      weights: flags.weights,
      robot: flags.robot,
      settings,
      seed: flags.seed,
      workers: flags.workers,
      source: flags.source,
      signal,
      now_s: () => performance.now() / 1000,
      openSink: async (robot, rate_hz) => {
        writer = await DatasetWriter.open(out, { robot, rate_hz, append: flags.append, overwrite: flags.overwrite });
        return writer;
      },
      onProgress: ({ done, falls, episodesPerSecond, realTimeFactor }) => {
        const rate = `${episodesPerSecond.toFixed(2)} episodes/s | ${realTimeFactor.toFixed(1)}x real time`;
        progress.update(done, `${rate} | ${falls} falls`);
      },
    });
    progress.stop();
    const { finished, written, skipped, falls } = outcome;
    const isNothing = finished && written + skipped === 0;
    if (!isNothing) for (const line of describe(outcome, settings.episodes, out)) log.info(line);
    if (writer?.keepsOld) log.warn(`nothing was written: ${out} is as it was`);
    if (isNothing) throw nothingKept(out, { controller, settings, falls }, KEEP_MORE);
    return { ...outcome, out };
  } finally {
    progress.stop();
    // Also after an error: the episodes that are there are whole.
    await writer?.close();
  }
}

/** Flags go over the config and over --set. */
function settingsOf(flags: RecordFlags): string[] {
  const settings = [...flags.set];
  if (flags.episodes !== undefined) settings.push(`episodes=${flags.episodes}`);
  if (flags.duration !== undefined) settings.push(`duration_s=${flags.duration}`);
  if (flags.dropActions !== undefined) settings.push(`dropActions=${flags.dropActions}`);
  if (flags.keepFalls) settings.push('falls.keep=true');
  return settings;
}

function describe(outcome: RecordOutcome, episodes: number, out: string): string[] {
  const { written, skipped, falls, dropped, hours, actionFree, tracking } = outcome;
  const lines = [
    `${out}: ${written} episodes of ${outcome.source} on ${outcome.robot}, ${hours.toFixed(2)} h` +
      (actionFree > 0 ? `, ${actionFree} of them without actions` : '') +
      (skipped > 0 ? `; ${skipped} were there already` : ''),
    `falls: ${falls} of ${written + dropped}${dropped > 0 ? `, ${dropped} too short to keep` : ''}`,
    `speed: ${outcome.realTimeFactor.toFixed(1)}x real time, ${outcome.realTimeFactorPerWorker.toFixed(1)}x a worker`,
    'achieved on commanded velocity, slope (mean absolute error):',
    ...Object.entries(tracking).map(
      ([axis, { slope, absoluteError, segments }]) =>
        `  ${axis} ${slope?.toFixed(2) ?? '-'} (${absoluteError.toFixed(3)}) over ${segments} commands`,
    ),
  ];
  if (!outcome.finished) {
    lines.push(
      `stopped and saved at ${written + skipped + dropped} of ${episodes}; go on with the same command and --append`,
    );
  }
  return lines;
}
