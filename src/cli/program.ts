// The command line put together: one file per verb, and quickstart, which runs the others one after another.
//
// A verb's file is loaded when its name is among the words, because what verbs need (MuJoCo, Arrow, ONNX Runtime, the
// readers of a dozen formats) takes longer to load than most of them take to say what is wrong with a flag.

import { Command } from 'commander';
import { VERSION } from '../base/version.js';

interface Verb {
  readonly name: string;
  /** What it does, in the program's help and its own. */
  readonly about: string;
  /** The command with its flags, without description. */
  readonly load: () => Promise<Command>;
}

/** In the order of the help. */
export const VERBS: readonly Verb[] = [
  {
    name: 'quickstart',
    about: 'record, ingest, train, evaluate and export on the bundled robot, in under ten minutes on two cores',
    load: async () => (await import('./quickstart.js')).quickstartCommand(runProgram),
  },
  {
    name: 'record',
    about: 'record rollouts of a controller in physics, with exploration noise, as a dataset',
    load: async () => (await import('./record.js')).recordCommand(),
  },
  {
    name: 'ingest',
    about: 'read files of other tools into a dataset',
    load: async () => (await import('./ingest.js')).ingestCommand(),
  },
  {
    name: 'inspect',
    about: 'show what datasets hold: sources, hours, coverage, statistics, findings',
    load: async () => (await import('./inspect.js')).inspectCommand(),
  },
  {
    name: 'train',
    about: 'train a policy on datasets; writes a run folder with checkpoints and metrics',
    load: async () => (await import('./train.js')).trainCommand(),
  },
  {
    name: 'dagger',
    about: 'roll a policy out, label the states it comes to with its teacher, and train on (DAgger)',
    load: async () => (await import('./dagger.js')).daggerCommand(),
  },
  {
    name: 'evaluate',
    about: 'evaluate a policy in physics and on held-out data, beside its teacher and the baselines',
    load: async () => (await import('./evaluate.js')).evaluateCommand(),
  },
  {
    name: 'export',
    about: 'write a policy as a bundle, policy.onnx (checked against the training program) and TensorFlow.js',
    load: async () => (await import('./export.js')).exportCommand(),
  },
  {
    name: 'export-dataset',
    about: 'write datasets as a LeRobot v3 dataset (Parquet), masks and joint names included',
    load: async () => (await import('./export-dataset.js')).exportDatasetCommand(),
  },
  {
    name: 'view',
    about: 'look at datasets, runs, policies and evaluations in the browser, and drive a policy',
    load: async () => (await import('./view.js')).viewCommand(),
  },
  {
    name: 'doctor',
    about: 'what is here, which engine and device would run, and why each better one would not',
    load: async () => (await import('./doctor.js')).doctorCommand(),
  },
];

/** Parses `words` (without `node` and the script) and runs the verb among them. */
export async function runProgram(words: readonly string[]): Promise<void> {
  await (await createProgram(words)).parseAsync([...words], { from: 'user' });
}

/** The program for a command line: verbs that `words` do not name have a line in the help and nothing else. */
export async function createProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('nextgait')
    .description('Humanoid locomotion policies by next-token prediction on heterogeneous data.')
    .version(VERSION)
    .configureHelp({ subcommandTerm: (command) => command.name() });
  for (const { name, about, load } of VERBS) {
    const command = words.includes(name) ? await load() : new Command(name);
    program.addCommand(command.description(about));
  }
  exitWithOne(program, program.name());
  return program;
}

/** The parser's own errors are the user's flags: exit code 1, as everywhere. */
function exitWithOne(command: Command, words: string): void {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 1));
  command.showHelpAfterError(`(${words} --help shows ${command.commands.length > 0 ? 'the verbs' : 'the flags'})`);
  for (const child of command.commands) exitWithOne(child, `${words} ${child.name()}`);
}
