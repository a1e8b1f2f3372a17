// nextgait ingest <source>: files of other tools into a dataset. One subcommand per kind of source.

import { Command } from 'commander';
import { ingestBvhCommand, ingestVideoCommand } from './ingest-human.js';
import { ingestControllerCommand, ingestRolloutCommand } from './ingest-mapped.js';

export function ingestCommand(): Command {
  return new Command('ingest')
    .addCommand(ingestRolloutCommand())
    .addCommand(ingestControllerCommand())
    .addCommand(ingestBvhCommand())
    .addCommand(ingestVideoCommand());
}
