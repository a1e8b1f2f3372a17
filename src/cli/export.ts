// nextgait export: a trained policy as files that run elsewhere.

import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DataError } from '../base/errors.js';
import { readTrainingFacts } from '../evaluate/training-facts.js';
import { EXPORT_DEFAULTS, EXPORT_FORMATS, type ExportFormat, exportPolicy } from '../export/export-policy.js';
import { describeParity } from '../export/parity.js';
import type { PolicyBundle } from '../policy/bundle.js';
import { driveFiles } from '../sim/drive-files.js';
import { type FoundBundle, readBundle } from '../sim/read-bundle.js';
import { writeStaticBuild } from '../viewer/server/static-build.js';
import { builtApp } from './built-app.js';
import {
  type CommonOptions,
  parseCount,
  type VerbContext,
  type VerbResult,
  verbAction,
  withCommonFlags,
  withExample,
} from './common.js';

interface ExportFlags extends Pick<CommonOptions, 'out' | 'overwrite' | 'json' | 'quiet' | 'robot'> {
  readonly checkpoint?: string;
  readonly format: readonly ExportFormat[];
  readonly batch: number;
  readonly name?: string;
  readonly web: boolean;
}

export function exportCommand(): Command {
  const command = new Command('export')
    .argument('<run|bundle>', 'run folder, bundle folder, or the name of a policy in data/pretrained')
    .option('--checkpoint <name>', "a run's checkpoint, for instance step-000500; the newest where absent")
    .addOption(
      new Option('--format <list>', `any of ${EXPORT_FORMATS.join(', ')}; safetensors, the bundle, is always written`)
        .argParser(parseFormats)
        .default(EXPORT_DEFAULTS.formats, EXPORT_DEFAULTS.formats.join(',')),
    )
    .option('--batch <count>', 'robots that one run serves', parseCount, EXPORT_DEFAULTS.batch)
    .option('--name <text>', "name of the policy; the run's own where absent")
    .addOption(
      new Option('--web', 'write a web page instead, on which the policy is driven: a folder for any static host')
        .default(false)
        .conflicts(['format', 'batch']),
    );
  withCommonFlags(command, ['out', 'robot'], { append: false, robot: "the policy's own; for --web alone" });
  withExample(command, 'nextgait export runs/walk --out policies/walk --format onnx,tfjs');
  return command.action(
    verbAction(async (context, flags: ExportFlags, reference: string) => {
      const out = requireOut(flags);
      if (flags.robot !== undefined && !flags.web) throw robotWithoutPage(flags.robot);
      const found = await readBundle(reference, { checkpoint: flags.checkpoint });
      const { bundle } = found;
      const provenance = await withTrainingFacts(found);
      const named = { ...bundle, name: flags.name ?? bundle.name, provenance };
      if (flags.web) return exportPage(context, flags, { ...found, bundle: named }, out);
      const { format: formats, batch, overwrite } = flags;
      const report = await exportPolicy(named, out, { formats, batch, overwrite });
      const { parity } = report;
      if (parity !== undefined) context.log.info(`policy.onnx equals the training program: ${describeParity(parity)}`);
      for (const { name, bytes } of report.files) context.log.info(`${out}/${name}  ${(bytes / 1e6).toFixed(2)} MB`);
      return { policy: named.name, ...report, exitCode: 0 };
    }),
  );
}

/** The browser app with one policy and its robot in it. */
async function exportPage(
  { log, signal }: VerbContext,
  { robot, overwrite }: ExportFlags,
  found: FoundBundle,
  out: string,
): Promise<VerbResult> {
  const files = await driveFiles(found, { robot });
  const made = new Map(Object.entries(files).map(([name, bytes]) => [name, async () => bytes]));
  const { name } = found.bundle;
  const item = { kind: 'bundle', name, folder: found.folder, only: [], made } as const;
  const { bytes } = await writeStaticBuild(await builtApp(), [item], resolve(out), {
    flag: '--out',
    overwrite,
    signal,
  });
  log.info(`${out}: a page on which ${name} is driven, ${(bytes / 1e6).toFixed(1)} MB of data`);
  log.info(`Serve it from any web host; on this machine, for instance: python3 -m http.server --directory ${out}`);
  return { policy: name, folder: out, bytes };
}

/** What a bundle far from its data could not look up: the teacher, and the commands that it was trained with. */
async function withTrainingFacts({ bundle, dataFolders }: FoundBundle): Promise<PolicyBundle['provenance']> {
  const { provenance } = bundle;
  const { teacher, commandRange } = await readTrainingFacts(provenance, dataFolders);
  return {
    ...provenance,
    ...(teacher === undefined ? {} : { teacher }),
    ...(commandRange === undefined ? {} : { commandRange }),
  };
}

function robotWithoutPage(robot: string): DataError {
  return new DataError({
    where: `--robot ${robot}`,
    what: 'the robot of a web page',
    found: 'no --web',
    fix: "Leave the flag out: a policy's files name its own robot",
  });
}

function requireOut({ out }: ExportFlags): string {
  if (out !== undefined) return out;
  throw new DataError({
    where: '--out',
    what: 'no folder to write',
    fix: 'Name one, for instance --out policies/walk',
  });
}

function parseFormats(text: string): ExportFormat[] {
  const formats = text.split(',').map((format) => format.trim());
  const unknown = formats.find((format) => !EXPORT_FORMATS.some((known) => known === format));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`expected a list of ${EXPORT_FORMATS.join(', ')}, found "${unknown}".`);
  }
  return formats as ExportFormat[];
}
