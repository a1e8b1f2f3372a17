// A trial to be watched again: the motion of each contender on one clock, the commanded path, kicks and falls in time.
//
// Times are those of the trial: frame k of a motion is the state at k control steps. A robot that fell stays where it
// fell, as it does in every number of the evaluation.

import { integrateCommands } from '../../evaluate/command-path.js';
import { samplePlan, sampleRun, startOf, type TrialSample } from '../../evaluate/samples.js';
import type { TrialOptions } from '../../evaluate/trial-episodes.js';
import type { Condition } from '../../evaluate/trial-plan.js';
import type { Trace } from '../../evaluate/trial-recorder.js';
import { yawOf } from '../../math/quaternion.js';
import type { EpisodeData } from '../dataset/shard-reader.js';
import type { TrialRun } from './trials.js';

export interface ReplayRun {
  readonly contender: string;
  readonly role: 'policy' | 'teacher';
  readonly name: string;
  readonly trace: Trace;
}

export interface ReplayMark {
  readonly kind: 'kick' | 'fall';
  readonly time_s: number;
  readonly text: string;
  /** Who fell; a kick meets all. */
  readonly role?: 'policy' | 'teacher';
  /** Change of velocity (m/s, world frame). */
  readonly velocityChange_mps?: readonly number[];
}

export interface Replay {
  readonly condition: Condition;
  readonly number: number;
  readonly rate_hz: number;
  /** Frames to be watched. */
  readonly frameCount: number;
  /** Length of the trial as planned (s). */
  readonly duration_s: number;
  /** The policy first, where it is there. */
  readonly runs: readonly ReplayRun[];
  /** Commanded path over the planned duration, x y of each frame (m). */
  readonly planned_m: Float64Array;
  /** In order of time. */
  readonly marks: readonly ReplayMark[];
  /** The trial as the report's plots take it. */
  readonly sample: TrialSample;
}

/** After the last robot fell there is nothing to see but how it lies (s). */
const AFTER_FALL_S = 1.5;

/** @param motions the runs that have a motion, each with its episode; at least one */
export function createReplay(
  motions: readonly { readonly run: TrialRun; readonly episode: EpisodeData }[],
  rate_hz: number,
): Replay {
  const options = motions[0].episode.provenance.options as unknown as TrialOptions;
  const { duration_s, commands, condition, number, drawn } = options;
  const runs = motions.map(({ run, episode }): ReplayRun => {
    const { entry, channels } = episode;
    return {
      contender: run.contender,
      role: run.role,
      name: run.name,
      trace: {
        id: entry.id,
        rate_hz,
        frameCount: entry.frames,
        channels,
        fell: entry.fell,
      },
    };
  });
  const start = startOf(runs[0].trace);
  const plannedFrames = Math.round(duration_s * rate_hz);
  const longest = Math.max(...runs.map(({ trace }) => trace.frameCount));
  const marks = [
    ...drawn.kicks.map(({ time_s, velocityChange_mps }): ReplayMark => {
      const text = `kick of ${Math.hypot(...velocityChange_mps).toFixed(2)} m/s`;
      return { kind: 'kick', time_s, text, velocityChange_mps };
    }),
    ...runs.flatMap(({ trace, name, role }): ReplayMark[] =>
      trace.fell === true
        ? [{ kind: 'fall', time_s: (trace.frameCount - 1) / rate_hz, text: `${name} fell`, role }]
        : [],
    ),
  ].sort((a, b) => a.time_s - b.time_s);
  const trial = { number, condition: condition as Condition, commands, disturbance: { kicks: [] }, seed: options.seed };
  return {
    condition: condition as Condition,
    number,
    rate_hz,
    frameCount: Math.min(plannedFrames, longest + (longest < plannedFrames ? Math.round(AFTER_FALL_S * rate_hz) : 0)),
    duration_s,
    runs,
    planned_m: integrateCommands(commands, plannedFrames, rate_hz, start).position_m,
    marks,
    sample: {
      number,
      condition: condition as Condition,
      command: commands[0].command,
      kicks_s: drawn.kicks.map(({ time_s }) => time_s),
      planned: samplePlan(trial, duration_s, start),
      runs: runs.map(({ contender, trace }) => sampleRun(contender, trace)),
    },
  };
}

/** The frame of a run that is shown at a frame of the trial: its last one once it is over. */
export function frameOf({ trace }: ReplayRun, frame: number): number {
  return Math.min(trace.frameCount - 1, Math.max(0, Math.round(frame)));
}

/** Pose at a frame, as views of the motion. */
export function poseAt(run: ReplayRun, frame: number) {
  const at = frameOf(run, frame);
  const { basePosition, baseQuaternion, jointPosition, footContact } = run.trace.channels;
  const width = jointPosition!.width;
  return {
    basePosition: basePosition!.data.subarray(3 * at, 3 * at + 3),
    baseQuaternion: baseQuaternion!.data.subarray(4 * at, 4 * at + 4),
    jointPosition: jointPosition!.data.subarray(width * at, width * (at + 1)),
    footContact: footContact?.data.subarray(footContact.width * at, footContact.width * (at + 1)),
  };
}

export interface Readout {
  /** vx, vy (m/s), wz (rad/s), as commanded and as achieved over the half second around the frame. */
  readonly commanded: readonly [number, number, number];
  readonly achieved: readonly [number, number, number];
  /** Distance from the commanded path's point of that time (m). */
  readonly offPath_m: number;
  readonly isDown: boolean;
}

const HALF_SPAN_S = 0.25;

export function readoutAt(replay: Replay, run: ReplayRun, frame: number): Readout {
  const { trace } = run;
  const at = frameOf(run, frame);
  const whole = Math.max(0, Math.round(frame));
  const isDown = trace.fell === true && whole >= trace.frameCount;
  const position = trace.channels.basePosition!.data;
  const planned = 2 * Math.min(whole, replay.planned_m.length / 2 - 1);
  const command = trace.channels.command?.data.subarray(3 * at, 3 * at + 3) ?? [Number.NaN, Number.NaN, Number.NaN];
  return {
    commanded: [command[0], command[1], command[2]],
    achieved: isDown ? [0, 0, 0] : velocityAround(trace, at, Math.round(HALF_SPAN_S * trace.rate_hz)),
    offPath_m: Math.hypot(
      position[3 * at] - replay.planned_m[planned],
      position[3 * at + 1] - replay.planned_m[planned + 1],
    ),
    isDown,
  };
}

/** Mean velocity in the heading frame over frames at - half .. at + half, from displacement. */
function velocityAround({ channels, frameCount, rate_hz }: Trace, at: number, half: number): [number, number, number] {
  const position = channels.basePosition!.data;
  const orientation = channels.baseQuaternion!.data;
  const from = Math.max(0, at - half);
  const to = Math.min(frameCount - 1, at + half);
  const sums: [number, number, number] = [0, 0, 0];
  if (to <= from) return sums;
  for (let frame = from; frame < to; frame++) {
    const yaw = yawOf(orientation, 4 * frame);
    let turn = yawOf(orientation, 4 * frame + 4) - yaw;
    turn -= 2 * Math.PI * Math.round(turn / (2 * Math.PI));
    const dx = position[3 * frame + 3] - position[3 * frame];
    const dy = position[3 * frame + 4] - position[3 * frame + 1];
    const heading = yaw + turn / 2;
    sums[0] += dx * Math.cos(heading) + dy * Math.sin(heading);
    sums[1] += dy * Math.cos(heading) - dx * Math.sin(heading);
    sums[2] += turn;
  }
  const perSecond = rate_hz / (to - from);
  return [sums[0] * perSecond, sums[1] * perSecond, sums[2] * perSecond];
}

/** The part of a plot over time that has passed, from 0 to 1. */
export function shareOfPlot({ duration_s, rate_hz }: Replay, frame: number): number {
  return Math.min(1, Math.max(0, frame / rate_hz / duration_s));
}
