// nextgait evaluate: a policy in closed loop and open loop, beside its teacher and the baselines.

import { join } from 'node:path';
import { Command, Option } from 'commander';
import { loadConfig } from '../base/config-file.js';
import { writeFileAtomic } from '../base/files.js';
import { claimOutput, prepareOutput } from '../base/output-folder.js';
import { ENGINES, type EngineName } from '../evaluate/engine.js';
import { evaluate } from '../evaluate/evaluate.js';
import { COMMAND_SETS, type CommandSetName, evaluateConfigSchema } from '../evaluate/evaluate-config.js';
import type { Evaluation } from '../evaluate/evaluation.js';
import { renderReport } from '../evaluate/report.js';
import { formatEvaluation } from '../evaluate/table.js';
import { TRIALS_FOLDER } from '../evaluate/trial-episodes.js';
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

interface EvaluateFlags extends Omit<CommonOptions, 'append'> {
  readonly weights?: string;
  readonly checkpoint?: string;
  readonly from?: 'weights' | 'onnx';
  readonly runtime?: EngineName;
  readonly teacher?: string;
  readonly data?: readonly string[];
  readonly trials?: number;
  readonly duration?: number;
  readonly commands?: CommandSetName;
  readonly kicks?: boolean;
  /** False under --no-save-trials. */
  readonly saveTrials?: number | false;
}

/** Files of an evaluation's folder. */
const FILES = { result: 'evaluation.json', report: 'report.html' } as const;

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .argument('<policy>', 'run folder, policy bundle, policy config, or the name of one in the package')
    .option(
      '--weights <path>',
      "the policy's ONNX file where it is a policy config, else its teacher's; or a folder that holds it",
    )
    .option('--checkpoint <name>', "a run's checkpoint, for instance step-000500 (default: the newest)")
    .addOption(
      new Option('--from <part>', 'run a bundle from this part (default: weights)').choices(['weights', 'onnx']),
    )
    .addOption(
      new Option('--runtime <name>', 'engine of the networks; nextgait doctor says what runs (default: onnx)').choices(
        ENGINES,
      ),
    )
    .option('--teacher <policy>', 'policy to stand beside it (default: the one its data was recorded with)')
    .option('--data <folders...>', 'datasets for the prediction error (default: those of the training)')
    .addOption(
      new Option('--trials <count>', 'trials of each policy and condition (default: 100)').argParser(parseCount),
    )
    .addOption(new Option('--duration <seconds>', 'length of a trial in s (default: 10)').argParser(parseNumber))
    .addOption(
      new Option(
        '--commands <set>',
        'the range the policy was made for, or tasks of the paper (default: range)',
      ).choices(COMMAND_SETS),
    )
    .option('--kicks', 'run the trials again with two kicks of 0.5 m/s (default)')
    .option('--no-kicks', 'undisturbed trials only')
    .addOption(
      new Option(
        '--save-trials <count>',
        'trials of each condition whose motion is written to <out>/trials, to be watched (default: all, up to 64 MB)',
      ).argParser(parseCount),
    )
    .option('--no-save-trials', 'numbers only');
  withCommonFlags(command, ['robot', 'out', 'seed', 'workers', 'config', 'set'], {
    robot: "the policy's own",
    out: 'none, the table alone',
    append: false,
    configs: 'configs/evaluate',
    setting: 'kicks.speed_mps=0.8',
  });
  withExample(command, 'nextgait evaluate runs/walk --teacher g1-unitree-rl-lab --trials 100 --out evaluations/walk');
  return command.action(verbAction(run));
}

async function run(context: VerbContext, flags: EvaluateFlags, policy: string): Promise<VerbResult> {
  const { log, interactive, signal } = context;
  const config = await loadConfig(evaluateConfigSchema, configPath('evaluate', flags.config), settingsOf(flags));
  const { out } = flags;
  const output = { overwrite: flags.overwrite, marker: FILES.result, what: 'an evaluation' };
  if (out !== undefined) await claimOutput(out, output);
  const started_ms = performance.now();
  let progress: ReturnType<typeof startProgress> | undefined;
  let begun = false;
  try {
    const evaluation = await evaluate({
      policy,
      weights: flags.weights,
      checkpoint: flags.checkpoint,
      from: flags.from,
      engine: flags.runtime,
      robot: flags.robot,
      teacher: flags.teacher,
      data: flags.data,
      config,
      seed: flags.seed,
      workers: flags.workers,
      saveTrials: trialsToSave(flags),
      // Emptied only when there is something to put in its place.
      claim: async () => {
        begun = true;
        if (out !== undefined) await prepareOutput(out, output);
      },
      signal,
      log,
      onProgress: (done, all) => {
        progress ??= startProgress(interactive, 'evaluating', all, 'trials');
        progress.update(done, '');
      },
    });
    progress?.stop();
    if (!begun) {
      log.warn(`interrupted before any trial was done${out === undefined ? '' : `: ${out} is as it was`}`);
      return summaryOf(evaluation);
    }
    log.info(`\n${formatEvaluation(evaluation)}`);
    if (out !== undefined) await writeEvaluation(out, evaluation);
    const place = out === undefined ? '' : `; ${join(out, FILES.report)}`;
    log.info(`${((performance.now() - started_ms) / 1000).toFixed(1)} s${place}`);
    return { ...summaryOf(evaluation), ...(out === undefined ? {} : { out }) };
  } finally {
    progress?.stop();
  }
}

function trialsToSave({ out, saveTrials }: EvaluateFlags) {
  if (out === undefined || saveTrials === false) return undefined;
  return { folder: join(out, TRIALS_FOLDER), count: saveTrials };
}

/** The report first: a folder with evaluation.json has both. */
async function writeEvaluation(folder: string, evaluation: Evaluation): Promise<void> {
  await writeFileAtomic(join(folder, FILES.report), renderReport(evaluation));
  await writeFileAtomic(join(folder, FILES.result), `${JSON.stringify(evaluation)}\n`);
}

/** What --json prints: everything but single trials and samples, which evaluation.json has. */
function summaryOf({ contenders, samples: _, ...rest }: Evaluation): Record<string, unknown> {
  return {
    ...rest,
    contenders: contenders.map(({ conditions, ...contender }) => ({
      ...contender,
      conditions: Object.fromEntries(
        Object.entries(conditions).map(([condition, { summary }]) => [condition, summary]),
      ),
    })),
  };
}

/** Flags go over the config and over --set. */
function settingsOf(flags: EvaluateFlags): string[] {
  const settings = [...flags.set];
  if (flags.trials !== undefined) settings.push(`trials=${flags.trials}`);
  if (flags.duration !== undefined) settings.push(`duration_s=${flags.duration}`);
  if (flags.commands !== undefined) settings.push(`commands.set=${flags.commands}`);
  if (flags.kicks !== undefined) settings.push(`kicks.enabled=${flags.kicks}`);
  return settings;
}
