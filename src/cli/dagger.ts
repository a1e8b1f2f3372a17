// nextgait dagger: rolls a policy out, labels the states it comes to with its teacher's actions, and trains on.

import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parse } from 'yaml';
import { applySettings, parseConfig } from '../base/config.js';
import { blaming, loadConfig } from '../base/config-file.js';
import { DataError } from '../base/errors.js';
import { chooseRuntime } from '../runtime/choose.js';
import { type DaggerOutcome, dagger, type RoundRecord } from '../sim/dagger.js';
import { recordSchema } from '../sim/record-settings.js';
import { RUN_FILES, readRun } from '../train/run-folder.js';
import { type TrainConfig, trainConfigSchema } from '../train/train-config.js';
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
import { type Progress, startProgress } from './progress.js';

interface DaggerFlags extends CommonOptions {
  readonly teacher: string;
  readonly weights?: string;
  readonly rounds: number;
  readonly mix: number;
  readonly episodes?: number;
  readonly duration?: number;
  readonly steps?: number;
  readonly setTrain: readonly string[];
  readonly anew: boolean;
}

export function daggerCommand(): Command {
  const command = new Command('dagger')
    .argument('<run>', 'run folder of the policy, of nextgait train or of an earlier nextgait dagger')
    .requiredOption('--teacher <policy>', 'who labels: a policy config, a bundle, a run folder, or the name of one')
    .option('--weights <path>', "the teacher's ONNX file, or a folder that holds it (else as for nextgait record)")
    .addOption(new Option('--rounds <count>', 'rounds of rolling out and training').argParser(parseCount).default(1))
    .addOption(new Option('--episodes <count>', 'rollouts of a round (default: 100)').argParser(parseCount))
    .addOption(new Option('--duration <seconds>', 'length of a rollout in s (default: 10)').argParser(parseNumber))
    .addOption(
      new Option('--mix <share>', 'share of the steps that the teacher drives, 0 to 1, halved with every round')
        .argParser(parseShare)
        .default(0.5),
    )
    .addOption(new Option('--steps <count>', "training steps of a round (default: the run's)").argParser(parseCount))
    .option('--anew', 'train every round from fresh weights instead of going on from those of its student', false)
    .addOption(
      new Option('--set-train <key=value>', 'change one setting of the training; may be repeated')
        .argParser((value: string, before: string[]) => [...before, value])
        .default([], 'none'),
    );
  withCommonFlags(command, ['robot', 'out', 'seed', 'workers', 'config', 'set'], {
    robot: "the policy's own",
    append: 'go on with rounds that were stopped',
    configs: 'configs/record',
    config: 'relabel',
    setting: 'disturbance.kicks.share=0',
  });
  withExample(
    command,
    'nextgait dagger runs/walk --teacher g1-unitree-rl-lab --out runs/walk-2 --rounds 2 --episodes 100 --steps 600',
  );
  return command.action(verbAction(run));
}

async function run(context: VerbContext, flags: DaggerFlags, folder: string): Promise<VerbResult> {
  const { log, interactive, signal } = context;
  const { out } = flags;
  if (out === undefined) throw new DataError({ where: '--out', what: 'flag is missing' });
  const settings = await loadConfig(recordSchema, configPath('record', flags.config), settingsOf(flags));
  const config = await trainingOf(folder, flags);
  const { runtime } = await chooseRuntime(config.runtime.name, { device: config.runtime.device });
  let progress: Progress | undefined;
  let title = '';
  /** The bar of what is under way; each part of a round has its own. */
  const show = (part: string, total: number, unit: string, done: number, text: string) => {
    if (part !== title) {
      progress?.stop();
      progress = startProgress(interactive, part, total, unit);
      title = part;
    }
    progress?.update(done, text);
  };
  let training = 'training';
  try {
    const outcome = await dagger({
      run: folder,
      teacher: { reference: flags.teacher, weights: flags.weights },
      out,
      rounds: flags.rounds,
      mix: flags.mix,
      settings,
      config,
      anew: flags.anew,
      seed: flags.seed,
      workers: flags.workers,
      robot: flags.robot,
      append: flags.append,
      overwrite: flags.overwrite,
      now_s: () => performance.now() / 1000,
      hooks: {
        runtime,
        log,
        signal,
        onRecordProgress: (round, { done, falls, realTimeFactor }) => {
          const text = `${realTimeFactor.toFixed(1)}x real time | ${falls} falls`;
          show(`round ${round}`, settings.episodes, 'episodes', done, text);
        },
        onRecorded: (round) => {
          training = `training ${round.round}`;
          log.info(describeRound(round, settings.episodes));
        },
        onStep: (step, steps, loss, rate) => {
          show(training, steps, 'steps', step, `loss ${loss.toFixed(4)} | ${rate.toFixed(1)} steps/s`);
        },
      },
    });
    progress?.stop();
    log.info(describe(outcome));
    return { ...outcome };
  } finally {
    progress?.stop();
  }
}

/** Flags go over the config and over --set. */
function settingsOf(flags: DaggerFlags): string[] {
  const settings = [...flags.set];
  if (flags.episodes !== undefined) settings.push(`episodes=${flags.episodes}`);
  if (flags.duration !== undefined) settings.push(`duration_s=${flags.duration}`);
  return settings;
}

/** The run's own training, with what the flags change. */
async function trainingOf(folder: string, flags: DaggerFlags): Promise<TrainConfig> {
  const { config: written, dataFolders } = await readRun(folder);
  const config = { ...written, data: { ...written.data, folders: dataFolders } };
  const settings = [...flags.setTrain];
  if (flags.steps !== undefined) settings.push(`train.steps=${flags.steps}`);
  const flag = '--set-train';
  const tree = applySettings(structuredClone(config), settings, (text) => parse(text), flag);
  const file = join(folder, RUN_FILES.config);
  return blaming(settings, () => parseConfig(trainConfigSchema, tree, file), file, flag);
}

function describeRound(round: RoundRecord, episodes: number): string {
  const { falls, dropped, hours, share, teacher, student, dataset } = round;
  const driven = share > 0 ? `, who drives ${(100 * share).toFixed(0)} % of the steps` : '';
  const short = dropped > 0 ? `, ${dropped} too short to keep` : '';
  return (
    `round ${round.round}: ${episodes} rollouts of ${student}, ${falls} falls${short}; ` +
    `${hours.toFixed(2)} h labelled by ${teacher.name}${driven}: ${dataset}`
  );
}

function describe({ run, begun, finished, rounds }: DaggerOutcome): string {
  if (!begun) return `interrupted before the first rollout was done: ${run} is as it was`;
  if (finished) return `policy of ${rounds.length} rounds; run folder: ${run}`;
  return `stopped and saved in ${run}; go on with the same command and --append`;
}

function parseShare(text: string): number {
  const share = parseNumber(text);
  if (share >= 0 && share <= 1) return share;
  throw new InvalidArgumentError(`expected a number from 0 to 1, found "${text}".`);
}
