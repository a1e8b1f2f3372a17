#!/usr/bin/env node
// The command line: `nextgait <verb> [inputs...]`. One file per verb; this one only puts them together.

import { Command } from 'commander';
import { VERSION } from '../base/version.js';
import { doctorCommand } from './doctor.js';
import { evaluateCommand } from './evaluate.js';
import { exportCommand } from './export.js';
import { ingestCommand } from './ingest.js';
import { inspectCommand } from './inspect.js';
import { recordCommand } from './record.js';
import { trainCommand } from './train.js';

const program = new Command('nextgait')
  .description('Humanoid locomotion policies by next-token prediction on heterogeneous data.')
  .version(VERSION)
  .showHelpAfterError('(nextgait <verb> --help shows the flags)')
  // The parser's own errors are the user's flags: exit code 1, as everywhere.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 1));

for (const command of [
  recordCommand(),
  ingestCommand(),
  inspectCommand(),
  trainCommand(),
  evaluateCommand(),
  exportCommand(),
  doctorCommand(),
]) {
  program.addCommand(command);
}

await program.parseAsync();
