// nextgait train: a causal transformer on one or more datasets, by next-token prediction with mixed masks.

import { Command, Option } from 'commander';
import { loadConfig } from '../base/config-file.js';
import { DataError } from '../base/errors.js';
import { claimOutput, prepareOutput, requireOutside } from '../base/output-folder.js';
import { chooseRuntime, describeRefusals, RUNTIME_NAMES } from '../runtime/choose.js';
import { DEVICES } from '../runtime/onnx-device.js';
import { RUN_FILES, readRun } from '../train/run-folder.js';
import { resumeTraining, startTraining, type TrainingHooks, type TrainingOutcome } from '../train/run-training.js';
import { type TrainConfig, trainConfigSchema } from '../train/train-config.js';
import { type CommonOptions, parseSeed, type VerbContext, verbAction, withCommonFlags, withExample } from './common.js';
import { configPath } from './config-path.js';
import { startProgress } from './progress.js';

interface TrainFlags extends Omit<CommonOptions, 'seed' | 'append'> {
  readonly data?: readonly string[];
  readonly resume?: string;
  readonly runtime?: TrainConfig['runtime']['name'];
  readonly device?: TrainConfig['runtime']['device'];
  readonly seed?: number;
}

export function trainCommand(): Command {
  const command = new Command('train')
    .argument(
      '[config]',
      'a name in configs/train (tiny, base, paper-1m, paper-2m, paper-8m) or a YAML file (default: base)',
    )
    .option('--data <folders...>', "dataset folders to train on (default: the config's data.folders)")
    .option('--resume <run>', 'go on with a run from its last checkpoint, to the bit on the same engine')
    .addOption(
      new Option('--runtime <name>', 'engine; nextgait doctor says which one auto is (default: auto)').choices(
        RUNTIME_NAMES,
      ),
    )
    .addOption(
      new Option(
        '--device <name>',
        'where it runs: an NVIDIA GPU, any GPU, the CPU, or the best that runs here (default: auto)',
      ).choices(DEVICES),
    )
    .addOption(new Option('--seed <integer>', 'seed of weights and batches (default: 1)').argParser(parseSeed));
  withCommonFlags(command, ['out', 'set'], {
    out: "runs/<the config's name>",
    append: false,
    setting: 'train.steps=2000',
  });
  withExample(
    command,
    'nextgait train base --data datasets/walks datasets/mocap --out runs/walk --set train.steps=3000',
  );
  return command.action(
    verbAction(async (context, flags: TrainFlags, config?: string) => {
      const outcome =
        flags.resume === undefined ? await start(context, flags, config) : await resume(context, flags, config);
      return { ...summary(outcome), exitCode: 0 };
    }),
  );
}

async function start(context: VerbContext, flags: TrainFlags, name = 'base'): Promise<TrainingOutcome> {
  const settings = [...flags.set];
  if (flags.seed !== undefined) settings.push(`train.seed=${flags.seed}`);
  if (flags.runtime !== undefined) settings.push(`runtime.name=${flags.runtime}`);
  if (flags.device !== undefined) settings.push(`runtime.device=${flags.device}`);
  if (flags.data !== undefined) settings.push(`data.folders=${JSON.stringify(flags.data)}`);
  const config = await loadConfig(trainConfigSchema, configPath('train', name), settings);
  const run = flags.out ?? `runs/${config.name}`;
  const output = { overwrite: flags.overwrite, marker: RUN_FILES.config };
  await requireOutside(run, config.data.folders);
  await claimOutput(run, output);
  // Emptied only when config and data have been found to fit.
  const claim = () => prepareOutput(run, output);
  return withHooks(context, config, (hooks) => startTraining(run, config, hooks, { claim }), run);
}

async function resume(context: VerbContext, flags: TrainFlags, name?: string): Promise<TrainingOutcome> {
  const run = flags.resume!;
  const fixed = [
    name === undefined ? '' : `config ${name}`,
    flags.data === undefined ? '' : '--data',
    flags.set.length > 0 ? '--set' : '',
    flags.out === undefined ? '' : '--out',
    flags.seed === undefined ? '' : '--seed',
    flags.overwrite ? '--overwrite' : '',
  ].filter((flag) => flag !== '');
  if (fixed.length > 0) {
    throw new DataError({
      where: fixed.join(', '),
      what: 'a resumed run keeps its own settings',
      fix: 'Leave them out (--runtime and --device may differ), or start a new run',
    });
  }
  const { config, data } = await readRun(run);
  const own = config.runtime;
  const runtime = { ...own, name: flags.runtime ?? own.name, device: flags.device ?? own.device };
  // Runs that name their engine are compared by it, whatever chose it (resumeTraining).
  if (data.engine === undefined && (runtime.name !== own.name || runtime.device !== own.device)) {
    context.log.warn(
      `the run was started with --runtime ${own.name} --device ${own.device}: on another engine it goes on with the same ` +
        'batches, and with other rounding, so not to the bit',
    );
  }
  return withHooks(context, { ...config, runtime }, (hooks) => resumeTraining(run, hooks), run);
}

async function withHooks(
  context: VerbContext,
  config: TrainConfig,
  run: (hooks: TrainingHooks) => Promise<TrainingOutcome>,
  folder: string,
): Promise<TrainingOutcome> {
  const { name, device } = config.runtime;
  const { runtime, reason, refused } = await chooseRuntime(name, { device });
  context.log.info(`engine: ${runtime.description}, ${reason}`);
  if (name !== 'auto' && refused.length > 0) context.log.info(describeRefusals(refused));
  const progress = startProgress(context.interactive, 'training', config.train.steps, 'steps');
  try {
    const outcome = await run({
      runtime,
      log: context.log,
      signal: context.signal,
      onStep: (step, _steps, loss, rate) => {
        progress.update(step, `loss ${loss.toFixed(4)} | ${rate.toFixed(1)} steps/s`);
      },
      onValidation: (line) => {
        if (!context.interactive) {
          const { observation, action } = line.modalities;
          context.log.info(
            `step ${line.step}: held-out loss ${line.loss.toFixed(4)}, state ${observation?.toFixed(4) ?? '-'}, ` +
              `action ${action?.toFixed(4) ?? '-'}`,
          );
        }
      },
    });
    progress.stop();
    if (!outcome.finished) {
      context.log.info(`stopped and saved after step ${outcome.step}; go on with: nextgait train --resume ${folder}`);
    } else context.log.info(`trained ${outcome.step} steps; run folder: ${folder}`);
    return outcome;
  } finally {
    progress.stop();
  }
}

function summary(outcome: TrainingOutcome): Record<string, unknown> {
  const { run, step, steps, finished, parameterCount, last, validation } = outcome;
  return { run, step, steps, finished, parameterCount, train: last, validation };
}
