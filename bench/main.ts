// Measurements against peers: `node dist/bench/main.js training --out bench/results/training.json`.

import { Command } from 'commander';
import { type TrainingBenchOptions, trainingBench } from './training.js';

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const program = new Command('bench').description(
  'measurements of this machine, against peers where they are installed',
);

program
  .command('training')
  .description('milliseconds of a training step, against PyTorch where python3 can import it')
  .option('--preset <name>', 'tiny or base', 'base')
  .option('--rounds <count>', 'interleaved rounds', Number, 7)
  .option('--steps <count>', 'steps a round and engine', Number, 12)
  .option('--threads <count>', 'threads of every engine; 0 leaves it to each', Number, 0)
  .option('--out <file>', 'JSON record of the measurement')
  .action((options: TrainingBenchOptions) => trainingBench(options, print));

await program.parseAsync();
