// nextgait ingest <source>: files of other tools into a dataset. One subcommand per kind of source.

import { Command } from 'commander';
import type { Assembled } from '../../ingest/assemble.js';
import { readControllerLog } from '../../ingest/controller.js';
import { loadFieldMap } from '../../ingest/field-map.js';
import type { MappedInputOptions } from '../../ingest/mapped-input.js';
import { readRollout } from '../../ingest/rollout.js';
import { verbAction, withExample } from './common.js';
import { ingestBvhCommand, ingestVideoCommand } from './ingest-human.js';
import { expandFolders, type IngestFlags, runIngest, withIngestFlags } from './ingest-run.js';

interface MappedFlags extends IngestFlags {
  readonly map: string;
}

export function ingestCommand(): Command {
  return new Command('ingest')
    .description('read files of other tools into a dataset')
    .addCommand(
      mappedCommand(
        'rollout',
        'rollouts of a policy (npz, csv, jsonl), by a field map',
        'nextgait ingest rollout rollouts/*.npz --map t1-playground-npz --robot t1 --out datasets/t1',
        readRollout,
      ),
    )
    .addCommand(
      mappedCommand(
        'controller',
        'logs of a model-based controller (csv, jsonl), by a field map: torques, no actions',
        'nextgait ingest controller logs/squat --map model-based-g1-csv --robot g1 --out datasets/squat',
        readControllerLog,
      ),
    )
    .addCommand(ingestBvhCommand())
    .addCommand(ingestVideoCommand());
}

function mappedCommand(
  name: string,
  description: string,
  example: string,
  read: (path: string, options: MappedInputOptions) => AsyncIterable<Assembled>,
): Command {
  const command = new Command(name)
    .description(description)
    .argument('<inputs...>', 'files, or folders of them; a map with several tables takes one folder per episode')
    .requiredOption('--map <name|file.yaml>', 'field map: a name in configs/ingest or a file');
  const texts = { source: "the field map's", setting: 'time.rate_hz=100' };
  return withExample(withIngestFlags(command, texts), example).action(
    verbAction(async (context, flags: MappedFlags, inputs: readonly string[]) => {
      const map = await loadFieldMap(flags.map, flags.set);
      const { rate: rate_hz, source } = flags;
      const files = map.tables === undefined ? await expandFolders(inputs, [`.${map.format}`]) : inputs;
      return runIngest(context, flags, files, async (robot) => (path) => read(path, { map, robot, rate_hz, source }));
    }),
  );
}
