// The command line put together: one file per verb, and quickstart, which runs the others one after another.

import { Command } from 'commander';
import { VERSION } from '../base/version.js';
import { daggerCommand } from './dagger.js';
import { doctorCommand } from './doctor.js';
import { evaluateCommand } from './evaluate.js';
import { exportCommand } from './export.js';
import { exportDatasetCommand } from './export-dataset.js';
import { ingestCommand } from './ingest.js';
import { inspectCommand } from './inspect.js';
import { quickstartCommand } from './quickstart.js';
import { recordCommand } from './record.js';
import { trainCommand } from './train.js';
import { viewCommand } from './view.js';

export function createProgram(): Command {
  const program = new Command('nextgait')
    .description('Humanoid locomotion policies by next-token prediction on heterogeneous data.')
    .version(VERSION);
  for (const command of [
    quickstartCommand(async (words) => void (await createProgram().parseAsync([...words], { from: 'user' }))),
    recordCommand(),
    ingestCommand(),
    inspectCommand(),
    trainCommand(),
    daggerCommand(),
    evaluateCommand(),
    exportCommand(),
    exportDatasetCommand(),
    viewCommand(),
    doctorCommand(),
  ]) {
    program.addCommand(command);
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
