// nextgait quickstart: the whole way on the bundled robot, as the very commands that one would type.

import { join } from 'node:path';
import { Command } from 'commander';
import { packagePath } from '../base/files.js';
import { prepareOutput } from '../base/output-folder.js';
import { type CommonOptions, verbAction, withCommonFlags, withExample } from './common.js';

interface Step {
  readonly title: string;
  readonly words: readonly string[];
}

export const QUICKSTART_DEFAULTS = { out: 'quickstart', policy: 'g1-walk', episodes: 120, trials: 20 } as const;

/** Marks the folder as ours, so that --overwrite may replace it. */
const MARKER = 'rollouts';

/** @param run runs one command line of this program */
export function quickstartCommand(run: (words: readonly string[]) => Promise<void>): Command {
  const command = new Command('quickstart').description(
    'record, ingest, train, evaluate and export on the bundled robot, in under ten minutes on two cores',
  );
  withCommonFlags(command, ['out', 'seed', 'workers']);
  withExample(command, 'nextgait quickstart --out quickstart');
  return command.action(
    verbAction(async (context, options: CommonOptions) => {
      const out = options.out ?? QUICKSTART_DEFAULTS.out;
      await prepareOutput(out, { overwrite: options.overwrite, marker: MARKER });
      const started_ms = performance.now();
      const steps = quickstartSteps(out, options);
      for (const [at, { title, words }] of steps.entries()) {
        context.log.info(`\n[${at + 1}/${steps.length}] ${title}\n$ nextgait ${words.join(' ')}`);
        await run(options.quiet ? [...words, '--quiet'] : words);
        if (process.exitCode !== 0 && process.exitCode !== undefined) return { out, exitCode: 1 };
        if (context.signal.aborted) return { out, finished: false, exitCode: 0 };
      }
      const minutes = (performance.now() - started_ms) / 60_000;
      context.log.info(
        [
          `\ndone in ${minutes.toFixed(1)} minutes; everything is in ${out}/`,
          `  rollouts/, samples/   datasets (Arrow shards; nextgait inspect ${join(out, 'rollouts')})`,
          '  run/                  checkpoints, metrics.jsonl, TensorBoard events',
          '  evaluation/           evaluation.json, report.html',
          '  policy/               policy.json, weights.safetensors, policy.onnx',
        ].join('\n'),
      );
      return { out, minutes, finished: true, exitCode: 0 };
    }),
  );
}

/** The commands, in order. The teacher is the bundled policy; a share of its episodes loses its actions. */
export function quickstartSteps(out: string, options: Pick<CommonOptions, 'seed' | 'workers'>): Step[] {
  const { policy, episodes, trials } = QUICKSTART_DEFAULTS;
  const rollouts = join(out, 'rollouts');
  const samples = join(out, 'samples');
  const run = join(out, 'run');
  const seed = ['--seed', String(options.seed)];
  const workers = ['--workers', String(options.workers)];
  const sample = (...parts: string[]) => packagePath('data', 'samples', ...parts);
  const robot = ['--robot', 'g1'];
  return [
    {
      title: 'Rollouts of a walking controller, with noise and kicks; 30 % of them without actions',
      words: [
        ...['record', '--controller', policy, ...robot, '--episodes', String(episodes)],
        ...['--drop-actions', '0.3', '--source', 'walks', '--out', rollouts, ...seed, ...workers],
      ],
    },
    {
      title: 'Rollout files of another tool, by a map of their fields',
      words: ['ingest', 'rollout', sample('rollouts'), '--map', 'mujoco-npz', ...robot, '--out', samples],
    },
    {
      title: 'The log of a model-based controller: torques are no actions, so it has none',
      words: [
        ...['ingest', 'controller', sample('logs', 'g1_squat'), '--map', 'sample-squat-csv', ...robot],
        ...['--out', samples, '--append'],
      ],
    },
    { title: 'What the datasets hold, and what is masked', words: ['inspect', rollouts, samples] },
    {
      title: 'A causal transformer on complete and on action-missing sequences',
      words: ['train', 'tiny', '--data', rollouts, samples, '--out', run, ...seed],
    },
    {
      title: 'Command following in physics, beside the teacher and the baselines',
      words: ['evaluate', run, '--trials', String(trials), '--out', join(out, 'evaluation'), ...seed, ...workers],
    },
    { title: 'The policy as files that run elsewhere', words: ['export', run, '--out', join(out, 'policy')] },
  ];
}
