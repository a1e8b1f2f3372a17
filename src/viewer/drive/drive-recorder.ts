// Records what is driven as episodes, and makes a shard of them that every verb reads.
//
// An episode ends at a reset, at a fall, and when it is as long as memory should hold; the recording goes on with the
// next one. Pushes and changes of the ground or the payload are noted: they are not the policy's doing.

import { createCrc32 } from '../../base/crc32.js';
import { TOOL } from '../../base/version.js';
import { FORMAT, META } from '../../dataset/schema.js';
import { ShardEncoder } from '../../dataset/shard-encoder.js';
import { CHANNEL_NAMES, type Episode, type Finding } from '../../motion/episode.js';
import { identityOf, type RobotModel } from '../../robot/robot-model.js';
import {
  channelsOf,
  createEpisodeColumns,
  type EpisodeColumns,
  type EpisodeFrame,
  writeEpisodeFrame,
} from '../../sim/episode-columns.js';

export const RECORDER_DEFAULTS = {
  /** Frames of one episode: 10 minutes at 50 Hz, about 25 MB for 29 joints. */
  mostFrames: 30_000,
  /** Episodes shorter than this are left out: nothing can be learnt from them. */
  leastFrames: 10,
} as const;

/** What was driven, for the provenance of its episodes. */
export interface DrivenPolicy {
  readonly name: string;
  readonly weightsSha256: string;
}

export interface DriveRecorder {
  readonly recording: boolean;
  /** Frames of all episodes so far. */
  readonly frames: number;
  start(): void;
  /** One control step, before physics. @param frame control steps since the reset */
  step(frame: number, values: EpisodeFrame, action: Float64Array, conditions: Readonly<Record<string, unknown>>): void;
  /** Notes what happens in the next step. */
  note(kind: string, message: string): void;
  /** Ends the episode: at a reset, or at a fall. */
  end(fell: boolean): void;
  /** Stops, and gives the shard of all episodes since start(); undefined where there is none. */
  finish(name: string): Uint8Array | undefined;
}

interface OpenEpisode {
  readonly columns: EpisodeColumns;
  readonly startsAtReset: boolean;
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly findings: Finding[];
  frames: number;
}

export function createDriveRecorder(
  robot: RobotModel,
  rate_hz: number,
  policy: DrivenPolicy,
  options: Partial<typeof RECORDER_DEFAULTS> = {},
): DriveRecorder {
  const { mostFrames, leastFrames } = { ...RECORDER_DEFAULTS, ...options };
  const firstCapacity = Math.min(mostFrames, Math.ceil(20 * rate_hz));
  let isRecording = false;
  let open: OpenEpisode | undefined;
  let closed: Omit<Episode, 'id'>[] = [];

  const end = (fell: boolean) => {
    const ended = open;
    open = undefined;
    if (ended === undefined || ended.frames < leastFrames) return;
    closed.push({
      robot: identityOf(robot),
      rate_hz,
      frameCount: ended.frames,
      kind: 'rollout',
      source: `${policy.name}-driven`,
      channels: channelsOf(ended.columns, ended.frames),
      derived: [],
      startsAtReset: ended.startsAtReset,
      fell,
      provenance: {
        input: policy.name,
        sha256: policy.weightsSha256,
        tool: TOOL,
        options: { driven: true, ...ended.conditions },
      },
      findings: ended.findings.filter(({ frames }) => frames === undefined || frames[1] <= ended.frames),
    });
  };

  return {
    get recording() {
      return isRecording;
    },
    get frames() {
      return closed.reduce((sum, { frameCount }) => sum + frameCount, open?.frames ?? 0);
    },
    start() {
      isRecording = true;
      closed = [];
      open = undefined;
    },
    step(frame, values, action, conditions) {
      if (!isRecording) return;
      if (open !== undefined && open.frames >= mostFrames) end(false);
      open ??= {
        columns: createEpisodeColumns(robot, firstCapacity),
        startsAtReset: frame === 0,
        conditions: { ...conditions },
        findings: [],
        frames: 0,
      };
      if (open.frames >= capacityOf(open.columns)) open = { ...open, columns: grown(robot, open, mostFrames) };
      writeEpisodeFrame(open.columns, open.frames, values, action);
      open.frames++;
    },
    note(kind, message) {
      if (open === undefined) return;
      open.findings.push({ kind, severity: 'info', frames: [open.frames, open.frames + 1], message });
    },
    end,
    finish(name) {
      end(false);
      isRecording = false;
      const episodes = closed.map((episode, number): Episode => ({ ...episode, id: `${name}/${number}` }));
      closed = [];
      return episodes.length === 0 ? undefined : shardOf(robot, rate_hz, episodes);
    },
  };
}

function capacityOf({ basePosition: { data, width } }: EpisodeColumns): number {
  return data.length / width;
}

function grown(robot: RobotModel, { columns }: OpenEpisode, mostFrames: number): EpisodeColumns {
  const bigger = createEpisodeColumns(robot, Math.min(mostFrames, 2 * capacityOf(columns)));
  for (const name of CHANNEL_NAMES) bigger[name].data.set(columns[name].data);
  return bigger;
}

/** The bytes of a shard-00000.arrow with these episodes, which must have the same channels. */
export function shardOf(robot: RobotModel, rate_hz: number, episodes: readonly Episode[]): Uint8Array {
  const columns = CHANNEL_NAMES.flatMap((name) => {
    const channel = episodes[0].channels[name];
    return channel === undefined ? [] : [{ name, width: channel.width }];
  });
  const metadata = new Map([
    [META.format, FORMAT],
    [META.tool, TOOL],
    [META.robot, JSON.stringify(identityOf(robot))],
    [META.robotModel, JSON.stringify(robot)],
    [META.rate, String(rate_hz)],
  ]);
  const encoder = new ShardEncoder(columns, metadata, createCrc32());
  const chunks = episodes.flatMap((episode) => encoder.append(episode));
  chunks.push(...encoder.finish().chunks);
  const shard = new Uint8Array(encoder.bytes);
  let at = 0;
  for (const chunk of chunks) {
    shard.set(chunk, at);
    at += chunk.byteLength;
  }
  return shard;
}
