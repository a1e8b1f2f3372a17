// Trials as Episodes: what is kept of an evaluation's motion, so that people can watch each trial again.
//
// Only what a replay needs is written (pose, command, contacts), as a dataset of its own beside the evaluation: the
// dataset browser, and any Arrow reader, opens it. Kicks and the fall are findings, marked in time; the planned commands
// are in the provenance, so that the commanded path can be drawn beyond a fall.

import { rm } from 'node:fs/promises';
import { TOOL } from '../base/version.js';
import { DatasetWriter } from '../dataset/dataset-writer.js';
import { channelWidth, type Episode, type Finding } from '../motion/episode.js';
import { identityOf, type RobotModel } from '../robot/robot-model.js';
import type { TracedTrial } from './closed-loop.js';
import type { Contender } from './contenders.js';
import { trialKey } from './trial-plan.js';
import { MOTION_CHANNELS } from './trial-recorder.js';

/** Folder of the trials' dataset within an evaluation's. */
export const TRIALS_FOLDER = 'trials';

/** Most bytes of trials that are written unless more are asked for: one shard. */
export const SAVE_TRIALS_DEFAULTS = { bytes: 64 * 1024 * 1024 } as const;

/** What the provenance of a trial's episode says of it. JSON. */
export interface TrialOptions {
  readonly contender: string;
  readonly condition: string;
  readonly number: number;
  readonly seed: number;
  /** Length that was planned (s); a fall ends an episode earlier. */
  readonly duration_s: number;
  readonly commands: readonly { readonly start_s: number; readonly command: readonly [number, number, number] }[];
  readonly drawn: {
    readonly kicks: readonly { readonly time_s: number; readonly velocityChange_mps: readonly number[] }[];
  };
}

/** Bytes of one trial's rows in a shard: its channels, and the columns episode and frame. */
export function bytesOfTrial(robot: RobotModel, duration_s: number): number {
  const width = MOTION_CHANNELS.reduce(
    (sum, name) => sum + channelWidth(name, robot.jointNames.length, robot.feet.length),
    0,
  );
  return Math.round(duration_s * robot.control.rate_hz) * 4 * (width + 2);
}

export function trialEpisode(
  { contender, planned, trace }: TracedTrial,
  { name }: Pick<Contender, 'name'>,
  robot: RobotModel,
  settings: { readonly duration_s: number; readonly seed: number },
): Episode {
  const { condition, number, commands, disturbance } = planned;
  const { frameCount, rate_hz } = trace;
  const fell = trace.fell === true;
  const options: TrialOptions = {
    contender,
    condition,
    number,
    ...settings,
    commands,
    drawn: { kicks: disturbance.kicks },
  };
  const kicks = disturbance.kicks.flatMap(({ time_s, velocityChange_mps }): Finding[] => {
    const frame = Math.ceil(time_s * rate_hz - 1e-6);
    if (frame >= frameCount) return [];
    const speed = Math.hypot(...velocityChange_mps);
    return [{ kind: 'kick', severity: 'info', frames: [frame, frame + 1], message: `kick of ${speed.toFixed(2)} m/s` }];
  });
  const fall: Finding[] = fell
    ? [{ kind: 'fall', severity: 'warning', frames: [frameCount - 1, frameCount], message: 'fell; the trial ends' }]
    : [];
  return {
    id: trialKey(contender, condition, number),
    robot: identityOf(robot),
    rate_hz,
    frameCount,
    kind: 'rollout',
    source: contender,
    channels: Object.fromEntries(
      MOTION_CHANNELS.flatMap((channel) => {
        const found = trace.channels[channel];
        return found === undefined || found.width === 0 ? [] : [[channel, found]];
      }),
    ),
    derived: [],
    startsAtReset: true,
    fell,
    provenance: { input: name, tool: TOOL, options: { ...options } },
    findings: [...kicks, ...fall],
  };
}

/** Runs `use` with a dataset's writer, opened with the first episode; where it throws, nothing is left in the folder. */
export async function writingTrials<Result>(
  folder: string,
  robot: RobotModel,
  use: (append: (episode: Episode) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  let writer: DatasetWriter | undefined;
  try {
    const result = await use(async (episode) => {
      writer ??= await DatasetWriter.open(folder, { robot, rate_hz: robot.control.rate_hz });
      await writer.append(episode);
    });
    await writer?.close();
    return result;
  } catch (error) {
    // Without a writer the folder is not ours.
    if (writer !== undefined) {
      await writer.abort();
      await rm(folder, { recursive: true, force: true });
    }
    throw error;
  }
}
