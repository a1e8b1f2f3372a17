#!/usr/bin/env node
// The command line: `nextgait <verb> [inputs...]`. One file per verb; this one only puts them together.

import { Command } from 'commander';
import { VERSION } from '../base/version.js';

const program = new Command('nextgait')
  .description('Humanoid locomotion policies by next-token prediction on heterogeneous data.')
  .version(VERSION)
  .showHelpAfterError('(nextgait <verb> --help shows the flags)')
  // The parser's own errors are the user's flags: exit code 1, as everywhere.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 1));

await program.parseAsync();
