// Measurements against peers: `npm run bench -- training --out bench/results/training.json`; then `npm run bench -- docs`.

import { Command, Option } from 'commander';
import { reportError } from '../src/cli/common.js';
import { controlBench } from './control.js';
import { driveBench } from './drive.js';
import { type IngestBenchOptions, ingestBench } from './ingest.js';
import { loaderBench } from './loader.js';
import { writePerformance } from './performance.js';
import { recordBench } from './record.js';
import { type BenchResult, describeResult, writeResult } from './result.js';
import { retargetBench } from './retarget.js';
import { trainingBench } from './training.js';
import { viewerBench } from './viewer.js';

const program = new Command('bench').description(
  'measurements of this machine, against peers where they are installed',
);

/** A bench as a command: prints its result, and writes it where --out says. */
function bench<Options>(
  name: string,
  about: string,
  measure: (options: Options, words: readonly string[]) => Promise<BenchResult>,
): Command {
  return program
    .command(name)
    .description(about)
    .option('--rounds <count>', 'interleaved rounds', Number, 7)
    .option('--out <file>', 'JSON record of the measurement, for instance bench/results/<name>.json')
    .action(async (...all: unknown[]) => {
      const command = all[all.length - 1] as Command;
      const { out, ...options } = command.opts<{ readonly out?: string }>();
      const result = await measure(options as Options, command.args);
      process.stdout.write(`${describeResult(result)}\n`);
      if (out !== undefined) await writeResult(out, result);
    });
}

bench('training', 'milliseconds of a training step, against PyTorch where python3 can import it', trainingBench)
  .option('--preset <name>', 'a name in configs/train', 'base')
  .option('--set <key=value...>', 'settings over the preset (default for base: tokens.context=32)')
  .option('--steps <count>', 'steps a round and engine', Number, 20)
  .option('--steps-per-call <count>', "steps that ours makes in one call (default: the engine's choice)", Number)
  .addOption(new Option('--device <name>', 'where all of them run').choices(['cpu', 'cuda', 'webgpu']).default('cpu'))
  .option('--threads <count>', 'threads of every engine; 0 leaves it to each', Number, 0);

bench('control', 'milliseconds of one control step, and actions a second of many robots, against PyTorch', controlBench)
  .option('--steps <count>', 'control steps a round', Number, 100)
  .option('--robots <count>', 'robots of the batched step', Number, 256)
  .option('--python <command>', 'Python that has PyTorch', 'python3');

bench('loader', 'share of a training step that waits for its batch', loaderBench)
  .option('--preset <name>', 'a name in configs/train', 'base')
  .option('--steps <count>', 'steps a round', Number, 20)
  .option('--data <folders...>', 'datasets (default: rollouts made up on the spot)')
  .option('--memory <GiB>', 'memory that counts as free (default: what is)', Number);

bench<IngestBenchOptions>('ingest', "megabytes a second of BVH, against three's BVHLoader", (options, [file]) =>
  ingestBench({ ...options, file }),
)
  .argument('[file.bvh]', 'whose rows are repeated; made up where absent')
  .option('--megabytes <count>', 'size of the text that both parse in memory', Number, 4)
  .option('--stream <count>', 'size of the file that is streamed (MB)', Number, 1000);

bench('record', 'times real time of recording on one core, and physics against MuJoCo in Python', recordBench)
  .option('--policy <name>', 'controller (default: g1-unitree-rl-lab where its network is there, else g1-walk)')
  .option('--robot <name>', 'its robot', 'g1')
  .option('--seconds <count>', 'simulated time of a round', Number, 10)
  .option('--python <command>', 'Python that has mujoco', 'python3');

bench('drive', 'the control loop of the page "Drive" in Chromium', driveBench)
  .option('--seconds <count>', 'of a round', Number, 10)
  .option('--policy <path>', 'bundle or run', 'data/pretrained/g1-walk')
  .option('--chromium <path>', 'browser', '/usr/bin/chromium');

bench('viewer', 'the dataset browser in Chromium: first picture, scrubbing, memory', viewerBench)
  .requiredOption('--data <folder>', 'dataset')
  .option('--seconds <count>', 'of scrubbing in a round', Number, 10)
  .option('--episodes <count>', 'episodes to go through for the memory', Number, 1000)
  .option('--chromium <path>', 'browser', '/usr/bin/chromium');

bench('retarget', "frames a second and quality of retargeting, against GMR's own motion", retargetBench)
  .requiredOption('--peer <folder>', "folder with gmr_*.npz, GMR's robot and metrics.py")
  .option('--motions <folder>', 'where our motions go', 'retarget-bench')
  .option('--python <command>', 'Python that has mujoco and numpy', 'python3');

program
  .command('docs')
  .description('docs/performance.md from the records')
  .option('--results <folder>', 'JSON records', 'bench/results')
  .option('--out <file>', 'page to write', 'docs/performance.md')
  .action(async ({ results, out }: { readonly results: string; readonly out: string }) => {
    const count = await writePerformance(results, out);
    process.stdout.write(`${out}: ${count} benches\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}
