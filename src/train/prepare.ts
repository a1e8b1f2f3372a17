// The one pass over the data before training: normaliser, hindsight commands, and what there is to learn actions from.

import { DataError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { hasActionNoise } from '../motion/action-noise.js';
import { motionOf } from '../motion/columns.js';
import {
  type CommandResponse,
  type CommandSegment,
  calibrateLabel,
  commandSegments,
  fitCommandResponse,
  isMoving,
} from '../motion/command-response.js';
import type { Episode } from '../motion/episode.js';
import { hindsightCommand } from '../motion/hindsight.js';
import { type TaughtCommand, taughtCommand } from '../motion/taught-command.js';
import type { CommandRange } from '../policy/controller.js';
import type { RobotModel } from '../robot/robot-model.js';
import { framesNeeded, leastFirstFrame } from '../tokens/batch.js';
import { type Normaliser, NormaliserStatistics } from '../tokens/normaliser.js';
import { windowsIn } from '../tokens/sampler.js';
import { rowWidth, type TokenSpec } from '../tokens/token-spec.js';
import type { WindowSource } from '../tokens/window-source.js';
import { withOtherCommands } from './shared-commands.js';

/** Share of labelled frames with noise below which a dataset counts as without action diversity. */
const LEAST_DIVERSITY = 0.05;

export interface EpisodeReader extends WindowSource {
  /** Whole episodes, one at a time. */
  readEpisode(index: number): Promise<Episode>;
}

export interface PreparedData {
  readonly source: WindowSource;
  readonly normaliser: Normaliser;
  readonly report: DataReport;
}

export interface DataReport {
  readonly episodes: number;
  readonly heldOut: number;
  /** Episodes by source that are too short for a window: no batch has them; normaliser and labels count their frames. */
  readonly tooShort: Readonly<Record<string, number>>;
  readonly hours: number;
  /** Share of frames with an action label, and share of those whose executed action differs from it. */
  readonly labelledShare: number;
  readonly diverseShare: number;
  /** The fitted response to commands by source, where labels are calibrated by it. */
  readonly responses: Readonly<Record<string, CommandResponse>>;
  /** Commands that the policy learns to follow: 5th to 95th percentile of the labels of training frames with actions. */
  readonly commandRange?: CommandRange;
}

/** Which velocity stands in the command channel of training data; see data.command in train-config.ts. */
export type CommandLabel = 'recorded' | 'hindsight' | 'calibrated';

interface Label {
  readonly data: Float32Array;
  readonly valid?: Uint8Array;
}

export interface PrepareOptions {
  readonly command: CommandLabel;
  readonly hindsightWindow_s: number;
  readonly hindsightTransient_s: number;
  /** A source of weight 0 takes no part, in the normaliser neither. */
  readonly sourceWeights?: Readonly<Record<string, number>>;
  readonly heldOut: (id: string) => boolean;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/** @throws DataError where no window of training has an action, or a channel is nowhere */
export async function prepareData(
  reader: EpisodeReader,
  spec: TokenSpec,
  robot: RobotModel,
  options: PrepareOptions,
): Promise<PreparedData> {
  const { labels: commands, responses } = await relabel(reader, options);
  const statistics = new NormaliserStatistics(rowWidth(spec));
  const row = new Float32Array(rowWidth(spec));
  const asked: number[][] = [[], [], []];
  let frames = 0;
  let labelled = 0;
  let diverse = 0;
  let heldOut = 0;
  let duration_s = 0;
  let teaches = false;
  for (let index = 0; index < reader.episodes.length; index++) {
    options.signal?.throwIfAborted();
    const episode = await reader.readEpisode(index);
    duration_s += episode.frameCount / episode.rate_hz;
    if (options.heldOut(episode.id)) {
      heldOut += 1;
      continue;
    }
    if (options.sourceWeights?.[episode.source] === 0) continue;
    frames += episode.frameCount;
    const labels = addEpisode(statistics, episode, commands.get(index), spec, robot, options.command, row);
    labelled += labels.labelled;
    diverse += labels.diverse;
    if (labels.labelled > 0) {
      teaches ||= windowsIn(spec, reader.episodes[index]) > 0;
      collectCommands(asked, options.command === 'recorded' ? episode.channels.command : commands.get(index));
    }
  }
  const report: DataReport = {
    episodes: reader.episodes.length,
    heldOut,
    tooShort: warnOfShort(reader, spec, options),
    hours: duration_s / 3600,
    labelledShare: labelled / Math.max(1, frames),
    diverseShare: diverse / Math.max(1, labelled),
    responses,
    ...(asked[0].length > 0 ? { commandRange: rangeOf(asked) } : {}),
  };
  // Data without any window is refused where windows are drawn (sampler.ts), which says how long they are.
  const hasWindow = reader.episodes.some(
    (episode) =>
      !options.heldOut(episode.id) && options.sourceWeights?.[episode.source] !== 0 && windowsIn(spec, episode) > 0,
  );
  if (labelled === 0 || (hasWindow && !teaches)) {
    const known = `${reader.episodes.length} episodes${heldOut === 0 ? '' : `, ${heldOut} of them held out`}`;
    throw new DataError({
      where: 'training data',
      what: 'no training episode with room for a window has an action: there is nothing to learn to act from',
      found: labelled === 0 ? known : `${known}; those with actions are too short for a window`,
      fix:
        'Add a source with actions (nextgait record, nextgait ingest rollout) whose weight in data.sources is not 0; ' +
        'action-free data helps only beside one',
    });
  }
  if (report.diverseShare < LEAST_DIVERSITY) {
    options.log.warn(
      `no action diversity: ${(100 * report.diverseShare).toFixed(1)} % of the labelled frames executed something other ` +
        'than their label. A policy trained on such data has a low loss and falls, because it never saw a recovery. ' +
        'Record with action noise and kicks (nextgait record does by default), or relabel rollouts of the student.',
    );
  }
  const source = options.command === 'recorded' ? reader : withCommands(reader, commands);
  return { source, normaliser: statistics.finish(spec), report };
}

/** Episodes by source that are too short for a window, after a word on each source and on held-out data of nothing else. */
function warnOfShort(reader: EpisodeReader, spec: TokenSpec, { heldOut, log }: PrepareOptions): Record<string, number> {
  const count: Record<string, number> = {};
  const tooShort: Record<string, number> = {};
  for (const episode of reader.episodes) {
    const { source } = episode;
    count[source] = (count[source] ?? 0) + 1;
    if (windowsIn(spec, episode) === 0) tooShort[source] = (tooShort[source] ?? 0) + 1;
  }
  for (const [source, short] of Object.entries(tooShort)) {
    log.warn(
      `${source}: ${short} of ${count[source]} episodes ${short === 1 ? 'is' : 'are'} too short for a window ` +
        `(${framesNeeded(spec) + leastFirstFrame(spec, false)} frames) and not trained on; record longer ones, or lower tokens.context`,
    );
  }
  const held = reader.episodes.filter(({ id }) => heldOut(id));
  if (held.length > 0 && held.every((episode) => windowsIn(spec, episode) === 0)) {
    log.warn(
      `no held-out loss: ${held.length === 1 ? 'the held-out episode is' : 'the held-out episodes are'} too short`,
    );
  }
  return tooShort;
}

interface SourceSegments {
  readonly training: CommandSegment[];
  readonly episodes: Map<number, readonly CommandSegment[]>;
}

interface Relabelled {
  readonly labels: Map<number, Label | undefined>;
  readonly responses: Record<string, CommandResponse>;
}

/** The command labels of every episode by index, unless recorded commands are kept. */
async function relabel(reader: EpisodeReader, options: PrepareOptions): Promise<Relabelled> {
  const labels = new Map<number, Label | undefined>();
  const responses: Record<string, CommandResponse> = {};
  if (options.command === 'recorded') return { labels, responses };
  const hindsight = { smoothing_s: options.hindsightWindow_s, transient_s: options.hindsightTransient_s };
  const bySource = new Map<string, SourceSegments>();
  const taught = new Map<number, TaughtCommand>();
  for (let index = 0; index < reader.episodes.length; index++) {
    options.signal?.throwIfAborted();
    const episode = await reader.readEpisode(index);
    const teacher = taughtCommand(episode);
    if (teacher !== undefined) {
      taught.set(index, teacher);
      continue;
    }
    const label = hindsightCommand(motionOf(episode), hindsight);
    labels.set(index, label);
    if (label === undefined || options.command !== 'calibrated') continue;
    const entry: SourceSegments = bySource.get(episode.source) ?? { training: [], episodes: new Map() };
    bySource.set(episode.source, entry);
    const segments = commandSegments(episode, label);
    entry.episodes.set(index, segments);
    if (!options.heldOut(episode.id)) entry.training.push(...segments);
  }
  for (const [source, { training, episodes }] of bySource) {
    const response = fitCommandResponse(training);
    if (response === undefined) continue;
    responses[source] = response;
    for (const [index, segments] of episodes) {
      labels.set(index, calibrateLabel(labels.get(index)!, segments.filter(isMoving), response));
    }
  }
  for (const [index, teacher] of taught) labels.set(index, teacher.label(responses));
  return { labels, responses };
}

/** One value a second is plenty: commands hold for several. */
const COMMAND_STRIDE = 50;

function collectCommands(asked: number[][], label: Label | undefined): void {
  if (label === undefined) return;
  for (let frame = 0; frame < label.data.length / 3; frame += COMMAND_STRIDE) {
    if (label.valid !== undefined && label.valid[frame] === 0) continue;
    for (let axis = 0; axis < 3; axis++) asked[axis].push(label.data[frame * 3 + axis]);
  }
}

/** 5th to 95th percentile of each axis, to two digits. */
function rangeOf(asked: readonly number[][]): CommandRange {
  const [vx_mps, vy_mps, wz_radps] = asked.map((values): [number, number] => {
    const sorted = Float64Array.from(values).sort();
    const at = (share: number) => Number(sorted[Math.round(share * (sorted.length - 1))].toFixed(2));
    return [at(0.05), at(0.95)];
  });
  return { vx_mps, vy_mps, wz_radps };
}

function addEpisode(
  statistics: NormaliserStatistics,
  episode: Episode,
  relabelled: Label | undefined,
  spec: TokenSpec,
  robot: RobotModel,
  command: CommandLabel,
  row: Float32Array,
): { labelled: number; diverse: number } {
  for (const { name, width, offset } of spec.channels) {
    const channel = name === 'command' && command !== 'recorded' ? relabelled : episode.channels[name];
    if (channel === undefined) continue;
    for (let frame = 0; frame < episode.frameCount; frame++) {
      if (channel.valid !== undefined && channel.valid[frame] === 0) continue;
      if (name !== 'jointPosition') statistics.add(offset, channel.data, frame * width, width);
      else {
        for (let joint = 0; joint < width; joint++) {
          row[joint] = channel.data[frame * width + joint] - robot.defaultPosition_rad[joint];
        }
        statistics.add(offset, row, 0, width);
      }
    }
  }
  const { action } = episode.channels;
  let labelled = 0;
  let diverse = 0;
  if (action !== undefined) {
    const n = spec.actionWidth;
    for (let frame = 0; frame < episode.frameCount; frame++) {
      if (action.valid !== undefined && action.valid[frame] === 0) continue;
      statistics.add(spec.observationWidth, action.data, frame * n, n);
      labelled += 1;
      if (hasActionNoise(episode, frame)) diverse += 1;
    }
  }
  return { labelled, diverse };
}

/** The same windows with these labels as commands. */
function withCommands(source: WindowSource, commands: ReadonlyMap<number, Label | undefined>): WindowSource {
  return withOtherCommands(source, {
    has: (index) => commands.get(index) !== undefined,
    read(index, first, count, out, valid) {
      const label = commands.get(index);
      if (label === undefined) {
        valid.fill(0, 0, count);
        return;
      }
      out.set(label.data.subarray(first * 3, (first + count) * 3));
      for (let frame = 0; frame < count; frame++) valid[frame] = label.valid?.[first + frame] ?? 1;
    },
  });
}
