// nextgait ingest <source>: files of other tools into a dataset. One subcommand per kind of source.

import { Command } from 'commander';
import { withExample } from './common.js';
import { ingestBvhCommand, ingestVideoCommand } from './ingest-human.js';
import { ingestControllerCommand, ingestRolloutCommand } from './ingest-mapped.js';

export function ingestCommand(): Command {
  const command = new Command('ingest')
    .addCommand(ingestRolloutCommand())
    .addCommand(ingestControllerCommand())
    .addCommand(ingestBvhCommand())
    .addCommand(ingestVideoCommand());
  return withExample(command, 'nextgait ingest bvh walk.bvh --robot g1 --out datasets/mocap');
}
