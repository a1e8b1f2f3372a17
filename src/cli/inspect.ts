// nextgait inspect: what a dataset holds, whether its bytes are whole, and its manifest anew.

import { Command } from 'commander';
import { DataError } from '../base/errors.js';
import { type Dataset, openDatasets } from '../dataset/dataset.js';
import { rebuildManifest, type SourceSummary, verifyDataset } from '../dataset/manifest.js';
import { computeStatistics, type DatasetStatistics } from '../dataset/statistics.js';
import { CHANNEL_NAMES, CHANNELS, type ChannelName } from '../motion/episode.js';
import {
  type CommonOptions,
  type VerbContext,
  type VerbResult,
  verbAction,
  withCommonFlags,
  withExample,
} from './common.js';
import { startProgress } from './progress.js';
import { textTable } from './text-table.js';

interface InspectFlags extends CommonOptions {
  readonly verify: boolean;
  readonly rebuild: boolean;
  readonly statistics: boolean;
}

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .argument('<datasets...>', 'dataset folders; several are shown as the one that training would see')
    .option('--verify', 'read every shard from end to end against its checksums', false)
    .option('--rebuild', 'verify every shard and write manifest.json anew', false)
    .option('--no-statistics', 'leave out the statistics, which read all the data');
  withCommonFlags(command, []);
  withExample(command, 'nextgait inspect datasets/walks datasets/mocap --verify');
  return command.action(verbAction(inspect));
}

async function inspect(
  { log, interactive, signal }: VerbContext,
  flags: InspectFlags,
  folders: readonly string[],
): Promise<VerbResult> {
  for (const folder of folders) {
    if (flags.rebuild) await rebuildManifest(folder);
    else if (flags.verify) await verifyDataset(folder);
    if (flags.rebuild || flags.verify) {
      log.info(`${folder}: every shard matches its checksums${flags.rebuild ? '; manifest.json is written anew' : ''}`);
    }
  }
  const dataset = await openDatasets(folders, { memoryBytes: 0 });
  try {
    const progress = startProgress(interactive && flags.statistics, 'statistics', dataset.episodes.length, 'episodes');
    const onProgress = (done: number) => progress.update(done, '');
    const statistics = flags.statistics
      ? await computeStatistics(dataset, { onProgress, signal }).finally(() => progress.stop())
      : undefined;
    const summary = summarise(dataset, folders);
    for (const line of summaryLines(dataset, summary, statistics)) log.info(line);
    return { ...summary, ...(statistics === undefined ? {} : { statistics }) };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new DataError({
      where: folders.join(', '),
      what: 'interrupted',
      fix: 'Use --no-statistics for a quick look',
    });
  } finally {
    dataset.close();
  }
}

interface SourceRow extends SourceSummary {
  readonly validation: number;
  readonly fell: number;
  readonly startsAtReset: number;
}

interface DatasetSummary {
  readonly folders: readonly string[];
  readonly robot: { readonly name: string; readonly hash: string; readonly joints: number };
  readonly rate_hz: number;
  readonly shards: number;
  readonly bytes: number;
  readonly episodes: number;
  readonly frames: number;
  readonly hours: number;
  readonly sources: readonly SourceRow[];
  /** Number of findings of each kind, and of episodes that have any of them. */
  readonly findings: Readonly<Record<string, { readonly count: number; readonly episodes: number }>>;
}

function summarise(dataset: Dataset, folders: readonly string[]): DatasetSummary {
  const { manifests, robot, rate_hz, episodes } = dataset;
  const findings: Record<string, { count: number; episodes: number }> = {};
  for (const episode of episodes) {
    for (const [kind, count] of Object.entries(episode.findings)) {
      findings[kind] ??= { count: 0, episodes: 0 };
      findings[kind].count += count;
      findings[kind].episodes++;
    }
  }
  const sources = dataset.sources().map((source): SourceRow => {
    const own = episodes.filter((episode) => episode.source === source.source);
    return {
      ...source,
      validation: own.filter(({ split }) => split === 'validation').length,
      fell: own.filter(({ fell }) => fell === true).length,
      startsAtReset: own.filter(({ startsAtReset }) => startsAtReset).length,
    };
  });
  const frames = episodes.reduce((sum, episode) => sum + episode.frameCount, 0);
  return {
    folders,
    robot: { name: robot.name, hash: robot.hash, joints: robot.jointNames.length },
    rate_hz,
    shards: manifests.reduce((sum, manifest) => sum + manifest.shards.length, 0),
    bytes: manifests.reduce((sum, manifest) => sum + manifest.totals.bytes, 0),
    episodes: episodes.length,
    frames,
    hours: frames / rate_hz / 3600,
    sources,
    findings,
  };
}

function summaryLines(dataset: Dataset, summary: DatasetSummary, statistics: DatasetStatistics | undefined): string[] {
  const { robot, folders, rate_hz, shards, bytes, sources } = summary;
  const lines = [
    `${folders.join(' + ')}: robot ${robot.name} (${robot.joints} joints, ${robot.hash.slice(0, 12)}), ${rate_hz} Hz, ` +
      `${summary.episodes} episodes, ${hoursText(summary.hours)}, ${shards} shards, ${(bytes / 1e6).toFixed(1)} MB`,
  ];
  if (sources.length === 0) return lines;
  lines.push('', ...textTable([SOURCE_HEAD, ...sources.map(sourceRow)]));
  const present = CHANNEL_NAMES.filter((name) => sources.some(({ coverage }) => coverage[name] !== undefined));
  lines.push('', 'Share of frames that have each channel (the rest is masked):');
  lines.push(
    ...textTable([
      ['channel', ...sources.map(({ source }) => source)],
      ...present.map((name) => [name, ...sources.map(({ coverage }) => percent(coverage[name]))]),
    ]),
  );
  if (statistics !== undefined) {
    lines.push('', 'Statistics over all frames (of the smallest and the largest entry where a channel has several):');
    lines.push(...textTable([STATISTICS_HEAD, ...present.map((name) => statisticsRow(name, statistics))]));
  }
  lines.push('', ...findingLines(summary, dataset.episodes.length));
  return lines;
}

const SOURCE_HEAD = ['source', 'kind', 'episodes', 'held out', 'duration', 'falls', 'from reset'];

function sourceRow(source: SourceRow): string[] {
  return [
    source.source,
    source.kinds.join('+'),
    String(source.episodes),
    String(source.validation),
    hoursText(source.hours),
    String(source.fell),
    String(source.startsAtReset),
  ];
}

const STATISTICS_HEAD = ['channel', 'unit', 'entries', 'mean', 'std', 'min', 'max'];

function statisticsRow(name: ChannelName, { overall }: DatasetStatistics): string[] {
  const { mean, std, min, max } = overall[name]!;
  return [
    name,
    CHANNELS[name].unit.split(' ').length > 2 ? 'm/s, rad/s' : CHANNELS[name].unit,
    String(mean.length),
    rangeText(mean),
    rangeText(std),
    Math.min(...min).toFixed(3),
    Math.max(...max).toFixed(3),
  ];
}

function findingLines({ findings }: DatasetSummary, episodeCount: number): string[] {
  const kinds = Object.entries(findings).sort(([a], [b]) => (a < b ? -1 : 1));
  if (kinds.length === 0) return ['No findings.'];
  return [
    'Findings (each is described in its shard, and in the report of its ingestion):',
    ...textTable([
      ['kind', 'findings', 'episodes'],
      ...kinds.map(([kind, { count, episodes }]) => [kind, String(count), `${episodes} of ${episodeCount}`]),
    ]),
  ];
}

function rangeText(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.length === 1 ? low.toFixed(3) : `${low.toFixed(3)} .. ${high.toFixed(3)}`;
}

function percent(share: number | undefined): string {
  if (share === undefined) return '-';
  // Rounding must not hide that something is missing, or that anything is there.
  const text = (share * 100).toFixed(1);
  if (text === '100.0' && share < 1) return '>99.9 %';
  return share > 0 && text === '0.0' ? '<0.1 %' : `${text} %`;
}

function hoursText(hours: number): string {
  if (hours >= 1) return `${hours.toFixed(2)} h`;
  return hours * 60 >= 1 ? `${(hours * 60).toFixed(1)} min` : `${(hours * 3600).toFixed(1)} s`;
}
