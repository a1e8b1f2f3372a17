// nextgait export-dataset: a dataset as files of another tool.

import { Command, Option } from 'commander';
import { DataError } from '../base/errors.js';
import { openDatasets } from '../dataset/dataset.js';
import { exportLeRobot, LEROBOT_EXPORT_DEFAULTS } from '../dataset/lerobot-export.js';
import { LEROBOT_FIELD_MAP } from '../dataset/lerobot-features.js';
import {
  type CommonOptions,
  type VerbContext,
  type VerbResult,
  verbAction,
  withCommonFlags,
  withExample,
} from './common.js';
import { startProgress } from './progress.js';

interface ExportDatasetFlags extends Pick<CommonOptions, 'out' | 'overwrite' | 'json' | 'quiet'> {
  readonly format: 'lerobot';
  readonly task?: string;
}

export function exportDatasetCommand(): Command {
  const command = new Command('export-dataset')
    .argument('<datasets...>', 'dataset folders of one robot and rate')
    .addOption(new Option('--format <name>', 'format to write').choices(['lerobot']).default('lerobot'))
    .option('--task <text>', "task of every episode, in words (default: the name of the episode's source)");
  withCommonFlags(command, ['out'], { append: false });
  withExample(command, 'nextgait export-dataset datasets/walks --format lerobot --out exports/walks');
  return command.action(verbAction(exportDataset));
}

async function exportDataset(
  { log, interactive, signal }: VerbContext,
  { out, overwrite, task }: ExportDatasetFlags,
  folders: readonly string[],
): Promise<VerbResult> {
  if (out === undefined) throw new DataError({ where: '--out', what: 'no folder to write', fix: 'Name one' });
  const dataset = await openDatasets(folders, { memoryBytes: 0 });
  const progress = startProgress(interactive, 'export', dataset.episodes.length, 'episodes');
  try {
    const result = await exportLeRobot(dataset, out, {
      ...LEROBOT_EXPORT_DEFAULTS,
      overwrite,
      ...(task === undefined ? {} : { task }),
      onProgress: (episodes) => progress.update(episodes, ''),
      signal,
    });
    progress.stop();
    log.info(`${out}: LeRobot v3, ${result.episodes} episodes, ${result.frames} frames, ${result.files} data files`);
    if (result.masked.length > 0)
      log.info(`missing values are NaN; ${result.masked.join(', ')} say where they are not`);
    const verb = result.kind === 'controller' ? 'controller' : 'rollout';
    log.info(`read back with: nextgait ingest ${verb} ${out} --robot ${result.robot} (by its ${LEROBOT_FIELD_MAP})`);
    return { ...result, exitCode: 0 };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new DataError({ where: out, what: 'interrupted', fix: 'Start again with --overwrite' });
  } finally {
    progress.stop();
    dataset.close();
  }
}
