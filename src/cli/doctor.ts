// nextgait doctor: what is here, which engine would run, and what every other one lacks.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { VERSION } from '../base/version.js';
import { chooseRuntime, surveyRuntimes } from '../runtime/choose.js';
import { hasModel, robotNames } from '../sim/load-robot.js';
import { verbAction, withCommonFlags, withExample } from './common.js';
import { readMachine } from './machine.js';

/** Packages whose versions decide what runs. */
const PACKAGES = ['onnxruntime-node', '@mujoco/mujoco'] as const;

export function doctorCommand(): Command {
  const command = new Command('doctor');
  withCommonFlags(command, []);
  withExample(command, 'nextgait doctor');
  return command.action(
    verbAction(async (context) => {
      const chosen = await chooseRuntime('auto');
      const survey = await surveyRuntimes();
      const engines = survey.map((one) => ({
        engine: one.engine,
        device: one.device,
        ...('runtime' in one
          ? { runs: true, version: one.runtime.description, reason: one.passedBy }
          : { runs: false, reason: withoutPaths(one.refusal.reason), install: one.refusal.install }),
      }));
      const refused = chosen.refused.map((one) => ({ ...one, reason: withoutPaths(one.reason) }));
      const machine = await readMachine();
      const versions = Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)]));
      const robots = await robotNames();
      const there = await Promise.all(robots.map(hasModel));
      const absent = robots.filter((_, at) => !there[at]);
      const { threads, processors, memory_GiB } = machine;
      const rows: (readonly [string, string])[] = [
        ['nextgait', VERSION],
        ['node', `${process.version} on ${process.platform} ${process.arch}`],
        ['processor', machine.processor],
        ['  features', machine.features.join(' ') || 'not known'],
        [
          '  threads',
          `${threads} of ${processors} processors; --set runtime.threads=N of nextgait train takes another`,
        ],
        ['memory', `${memory_GiB.toFixed(0)} GiB`],
        ['gpu', machine.gpus.join('; ') || 'none that nvidia-smi knows'],
        ['packages', Object.entries(versions).flat().join(' ')],
        ['engine', `${chosen.runtime.description} (${chosen.reason})`],
        ...engines.flatMap(describeEngine),
        ['robots', robots.filter((_, at) => there[at]).join(', ')],
        ...(absent.length === 0
          ? []
          : [['  absent', `${absent.join(', ')}: set NEXTGAIT_ROBOTS to the folder that holds their models`] as const]),
      ];
      for (const [name, text] of rows) context.log.info(`${name.padEnd(12)} ${text}`);
      return {
        version: VERSION,
        node: process.version,
        machine,
        packages: versions,
        engine: chosen.runtime.description,
        reason: chosen.reason,
        refused,
        engines,
        robots,
        robotsWithoutModel: absent,
      };
    }),
  );
}

interface EngineRow {
  readonly engine: string;
  readonly runs: boolean;
  readonly version?: string;
  readonly reason?: string;
  readonly install?: string;
}

function describeEngine({ engine, runs, version, reason, install }: EngineRow): (readonly [string, string])[] {
  if (runs) return [['  runs', `${version}${reason === undefined ? '' : `; ${reason}`}`]];
  return [['  refused', `${engine}: ${reason}`], ...(install === undefined ? [] : ([['', `  ${install}`]] as const))];
}

/** Where a package was looked for from is of no use to people, and is another path on every machine. */
function withoutPaths(reason: string): string {
  return reason.replace(/ imported from .*/, '');
}

/** From the package.json above the file that the name resolves to: some packages do not export theirs. */
function versionOf(packageName: string): string {
  try {
    let folder = dirname(fileURLToPath(import.meta.resolve(packageName)));
    while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
  } catch {
    return 'not found';
  }
}
