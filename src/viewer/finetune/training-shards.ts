// Shards to train on in the page, dropped or served: what they hold, whether they belong together, their episodes.
//
// A shard's footer is read when it is chosen, its episodes when training begins: they are then held in memory, so that
// how much may be chosen is bounded.

import { type Difference, robotDifference } from '../../dataset/robot-match.js';
import type { Episode } from '../../motion/episode.js';
import { robotFromJson } from '../../robot/robot-json.js';
import { identityOf, type RobotModel } from '../../robot/robot-model.js';
import { type EpisodeEntry, episodeEntry, hasChannel, type ShardEntry } from '../dataset/dataset-index.js';
import { readShardFooter, type ShardFooter } from '../dataset/shard-footer.js';
import { checkEpisode, decodeChannels } from '../dataset/shard-reader.js';
import { ProblemError, type ViewerSource } from '../page.js';

/** Bytes of shards that are trained on in a page (in memory, with the weights beside them). */
export const MOST_TRAINING_BYTES = 512 * 1024 * 1024;

/** A file by byte ranges: a dropped one, or one of the viewer's. */
export interface ShardFile {
  readonly name: string;
  readonly bytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
  /** The whole of it, for a worker. */
  blob(): Promise<Blob>;
}

export interface TrainingShard {
  readonly file: ShardFile;
  readonly robot: RobotModel;
  readonly rate_hz: number;
  readonly episodes: readonly EpisodeEntry[];
  readonly footer: ShardFooter;
  /** Episodes with actions, and time of all. */
  readonly labelledCount: number;
  readonly seconds: number;
}

/** @throws ProblemError where the file is no shard, or does not carry its robot */
export async function openTrainingShard(file: ShardFile): Promise<TrainingShard> {
  const footer = await readShardFooter(file.read, file.name, file.bytes).catch((error: unknown) => {
    if (!(error instanceof ProblemError)) throw error;
    throw new ProblemError(
      {
        what: `${file.name} is not a shard of NextGait, or it is damaged`,
        fix: 'Give .arrow files that nextgait record, nextgait ingest or the page "Drive" wrote. Other data becomes one with nextgait ingest.',
        detail: error.problem.fix,
      },
      { cause: error },
    );
  });
  if (footer.robotJson === undefined) {
    throw new ProblemError({
      what: `${file.name} knows its robot by name only`,
      fix: 'Write it again with --robot, so that the shard carries the whole robot: default pose, gains and limits.',
    });
  }
  const { rate_hz, columns, content } = footer;
  const shard: ShardEntry = { file: file.name, bytes: file.bytes, columns };
  const episodes = content.episodes.map((episode, number) =>
    episodeEntry({ ...episode, findings: {} }, shard, rate_hz, { index: number, number }),
  );
  return {
    file,
    robot: robotFromJson(JSON.parse(footer.robotJson), file.name),
    rate_hz,
    episodes,
    footer,
    labelledCount: episodes.filter((episode) => hasChannel(episode, 'action')).length,
    seconds: episodes.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/** What a shard must agree with: the policy that goes on from it, or the shard before it. */
export interface Reference {
  readonly name: string;
  readonly robot: RobotModel;
  readonly rate_hz: number;
}

/** @throws ProblemError naming the first joint, or what else differs */
export function requireBelonging({ file, robot, rate_hz }: TrainingShard, reference: Reference): void {
  const rate: Difference = { what: 'rate', expected: `${reference.rate_hz} Hz`, found: `${rate_hz} Hz` };
  const difference = robotDifference(robot, reference.robot) ?? (rate_hz === reference.rate_hz ? undefined : rate);
  if (difference === undefined) return;
  throw new ProblemError({
    what: `${file.name} does not belong to ${reference.name}`,
    fix: `${difference.what}: expected ${difference.expected}, found ${difference.found}. Choose data and a policy of one robot, with the same joints in the same order, or a new policy.`,
  });
}

/** All episodes, checked against their checksums. @throws ProblemError for damage, and for an id that comes twice */
export async function readTrainingEpisodes(shards: readonly TrainingShard[]): Promise<Episode[]> {
  const episodes: Episode[] = [];
  const files = new Map<string, string>();
  for (const { file, robot, rate_hz, episodes: entries, footer } of shards) {
    for (const entry of entries) {
      const before = files.get(entry.id);
      if (before !== undefined) {
        throw new ProblemError({
          what: `The episode ${entry.id} is there twice`,
          fix: `It is in ${before} and in ${file.name}: leave one of them out.`,
        });
      }
      files.set(entry.id, file.name);
      const bytes = await file.read(entry.offset, entry.offset + entry.length);
      checkEpisode(file.name, entry, bytes);
      const listed = footer.content.episodes[entry.number];
      const { id, source, kind, frames, derived, startsAtReset, fell, findings } = listed;
      episodes.push({
        ...{ id, source, kind, derived, startsAtReset, fell, findings, rate_hz },
        robot: identityOf(robot),
        frameCount: frames,
        channels: decodeChannels(entry, bytes),
        provenance: footer.content.provenances[listed.provenance],
      });
    }
  }
  return episodes;
}

/** A dropped file. */
export function shardOfBlob(blob: Blob, name: string): ShardFile {
  return {
    name,
    bytes: blob.size,
    read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
    blob: async () => blob,
  };
}

/** A file of the viewer's. */
export function shardOfSource(source: ViewerSource, path: string, name: string, bytes: number): ShardFile {
  return {
    name,
    bytes,
    read: (start, end) => source.readBytes(path, { start, end }),
    blob: async () => new Blob([(await source.readBytes(path)) as BlobPart]),
  };
}
