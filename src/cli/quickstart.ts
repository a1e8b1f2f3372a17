// nextgait quickstart: the whole way on the bundled robot, as the very commands that one would type.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { packagePath, parseJson } from '../base/files.js';
import { prepareOutput } from '../base/output-folder.js';
import { type CommonOptions, verbAction, withCommonFlags, withExample } from './common.js';

interface Step {
  readonly title: string;
  readonly words: readonly string[];
  /** The words that go on with what an earlier start left, where they are others; undefined where nothing is left. */
  readonly again?: () => Promise<readonly string[] | undefined>;
}

export const QUICKSTART_DEFAULTS = { out: 'quickstart', policy: 'g1-walk', episodes: 240, trials: 20 } as const;

/** Marks the folder as ours, so that --overwrite may replace it. */
const MARKER = 'rollouts';

/** @param run runs one command line of this program */
export function quickstartCommand(run: (words: readonly string[]) => Promise<void>): Command {
  const command = new Command('quickstart');
  withCommonFlags(command, ['out', 'seed', 'workers'], {
    out: QUICKSTART_DEFAULTS.out,
    append: 'go on with a quickstart that was stopped: what is done is kept',
  });
  withExample(command, 'nextgait quickstart --out quickstart');
  return command.action(
    verbAction(async (context, options: CommonOptions) => {
      const out = options.out ?? QUICKSTART_DEFAULTS.out;
      const { append, overwrite } = options;
      await prepareOutput(out, { append, overwrite, marker: MARKER, what: 'a quickstart' });
      const started_ms = performance.now();
      const steps = quickstartSteps(out, options);
      for (const [at, step] of steps.entries()) {
        const words = append && step.again !== undefined ? await step.again() : step.words;
        const typed = words === undefined ? 'done already' : `$ nextgait ${words.join(' ')}`;
        context.log.info(`\n[${at + 1}/${steps.length}] ${step.title}\n${typed}`);
        if (words === undefined) continue;
        await run(options.quiet ? [...words, '--quiet'] : words);
        const exitCode = process.exitCode === 1 || process.exitCode === 2 ? process.exitCode : 0;
        if (exitCode === 0 && !context.signal.aborted) continue;
        context.log.info(
          [
            `\n${exitCode === 0 ? 'stopped' : 'failed'} in step ${at + 1} of ${steps.length}; go on with:`,
            `$ npx nextgait quickstart --out ${out} --append --seed ${options.seed} --workers ${options.workers}`,
          ].join('\n'),
        );
        return { out, finished: false, exitCode };
      }
      const minutes = (performance.now() - started_ms) / 60_000;
      context.log.info(
        [
          `\ndone in ${minutes.toFixed(1)} minutes; everything is in ${out}/`,
          `  rollouts/, samples/   datasets (Arrow shards; nextgait inspect ${join(out, 'rollouts')})`,
          '  run/                  checkpoints, metrics.jsonl, TensorBoard events',
          '  evaluation/           evaluation.json, report.html, trials/ (nextgait view)',
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
  const record = [
    ...['record', '--controller', policy, ...robot, '--episodes', String(episodes)],
    ...['--drop-actions', '0.25', '--source', 'walks', '--config', 'gentle'],
    ...['--out', rollouts, ...seed, ...workers],
  ];
  const ingest = ['ingest', 'rollout', sample('rollouts'), '--map', 'mujoco-npz', ...robot, '--out', samples];
  // A tenth is held out: a twentieth of so few episodes might leave none that is complete.
  const train = [
    ...['train', 'tiny', '--data', rollouts, samples, '--out', run],
    ...['--set', 'data.validationShare=0.1', ...seed],
  ];
  const evaluation = join(out, 'evaluation');
  const evaluate = ['evaluate', run, '--trials', String(trials), '--out', evaluation, ...seed, ...workers];
  const exported = ['export', run, '--out', join(out, 'policy')];
  return [
    {
      title: 'Rollouts of a walking controller, with noise and kicks; a quarter of them without actions',
      words: record,
      again: async () => [...record, '--append'],
    },
    {
      title: 'Rollout files of another tool, by a map of their fields',
      words: ingest,
      again: async () => [...ingest, '--append'],
    },
    {
      title: 'The log of a model-based controller: torques are no actions, so it has none',
      words: [
        ...['ingest', 'controller', sample('logs', 'g1_squat'), '--map', 'sample-squat-csv', ...robot],
        ...['--out', samples, '--append'],
      ],
    },
    {
      title: 'Motion capture, retargeted to the robot: no actions',
      words: ['ingest', 'bvh', sample('motion', 'walk.bvh'), ...robot, '--out', samples, '--append', ...workers],
    },
    {
      title: 'Human motion as reconstructions from video give it: no actions',
      words: [
        'ingest',
        'video',
        sample('motion', 'walk_poses.npz'),
        ...robot,
        '--out',
        samples,
        '--append',
        ...workers,
      ],
    },
    { title: 'What the datasets hold, and what is masked', words: ['inspect', rollouts, samples] },
    {
      title: 'A causal transformer on complete and on action-missing sequences',
      words: train,
      again: async () =>
        existsSync(join(run, 'checkpoints', 'last')) ? ['train', '--resume', run] : [...train, '--overwrite'],
    },
    {
      title: 'Command following in physics, beside the teacher and the baselines',
      words: evaluate,
      again: async () => ((await isEvaluated(evaluation)) ? undefined : [...evaluate, '--overwrite']),
    },
    {
      title: 'The policy as files that run elsewhere',
      words: exported,
      again: async () => [...exported, '--overwrite'],
    },
  ];
}

/** False for an evaluation that was interrupted, which says so. */
async function isEvaluated(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'evaluation.json'), 'utf8').catch(() => '{}');
  return parseJson(text, folder).complete === true;
}
