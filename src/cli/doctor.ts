// nextgait doctor: what would run here, and why each better engine would not.

import { availableParallelism, totalmem } from 'node:os';
import { Command } from 'commander';
import { VERSION } from '../base/version.js';
import { chooseRuntime } from '../runtime/choose.js';
import { robotNames } from '../sim/load-robot.js';
import { verbAction, withCommonFlags, withExample } from './common.js';

export function doctorCommand(): Command {
  const command = new Command('doctor').description('which engine and device would run, and why each better one not');
  withCommonFlags(command, []);
  withExample(command, 'nextgait doctor');
  return command.action(
    verbAction(async (context) => {
      const chosen = await chooseRuntime('auto');
      // Where a package was looked for from is of no use to people, and is another path on every machine.
      const refused = chosen.refused.map((one) => ({ ...one, reason: one.reason.replace(/ imported from .*/, '') }));
      const robots = await robotNames();
      const rows: [string, string][] = [
        ['nextgait', VERSION],
        ['node', `${process.version} on ${process.platform} ${process.arch}`],
        ['machine', `${availableParallelism()} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`],
        ['engine', `${chosen.runtime.description} (${chosen.reason})`],
        ...refused.map(({ engine, reason }): [string, string] => ['  refused', `${engine}: ${reason}`]),
        ['robots', robots.join(', ')],
      ];
      for (const [name, text] of rows) context.log.info(`${name.padEnd(12)} ${text}`);
      return {
        version: VERSION,
        node: process.version,
        engine: chosen.runtime.description,
        reason: chosen.reason,
        refused,
        robots,
      };
    }),
  );
}
