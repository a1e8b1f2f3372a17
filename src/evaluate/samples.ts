// What the plots need of a few trials: paths, velocities over time, and a phase portrait of the left knee.
//
// Thinned to SAMPLE_RATE_HZ and rounded: a report holds a few hundred numbers of each trial, not all of them.

import { yawOf } from '../math/quaternion.js';
import { type CommandSchedule, commandAt } from '../sim/command-schedule.js';
import { integrateCommands } from './command-path.js';
import type { Condition, PlannedTrial } from './trial-plan.js';
import type { Trace } from './trial-recorder.js';

export const SAMPLE_RATE_HZ = 10;
/** Half the span of the mean that smooths velocities over time (s): the gait's own swing is not what they show. */
const HALF_SMOOTHING_S = 0.25;
/** The start of the phase portrait's trial is left out (s). */
const PHASE_FROM_S = 3;
/** The paper's speed of the phase portrait (arXiv 2402.19469, section 4). */
export const PHASE_SPEED_MPS = 0.5;

export interface RunSample {
  /** Key of the contender. */
  readonly contender: string;
  readonly fell: boolean;
  readonly x_m: readonly number[];
  readonly y_m: readonly number[];
  /** Heading-frame velocity, smoothed over 0.5 s. */
  readonly vx_mps: readonly number[];
  readonly wz_radps: readonly number[];
}

export interface TrialSample {
  readonly number: number;
  readonly condition: Condition;
  /** The first command: vx, vy (m/s), wz (rad/s). */
  readonly command: readonly [number, number, number];
  /** Time of each kick (s). */
  readonly kicks_s: readonly number[];
  /** The integrated command at SAMPLE_RATE_HZ, and the command itself. */
  readonly planned: Omit<RunSample, 'contender' | 'fell'>;
  readonly runs: readonly RunSample[];
}

export interface PhaseSample {
  readonly joint: string;
  readonly speed_mps: number;
  readonly runs: readonly {
    readonly contender: string;
    readonly position_rad: readonly number[];
    readonly velocity_radps: readonly number[];
  }[];
}

export interface Samples {
  readonly trials: readonly TrialSample[];
  readonly phase: PhaseSample | null;
}

/** The commanded side of a sample. */
export function samplePlan(
  trial: PlannedTrial,
  duration_s: number,
  start: { readonly x_m: number; readonly y_m: number; readonly yaw_rad: number },
): TrialSample['planned'] {
  const frameCount = Math.round(duration_s * SAMPLE_RATE_HZ);
  // Integrated in steps that a command holds for: a change of command between two samples is not lost.
  const fine = 10;
  const { position_m } = integrateCommands(trial.commands, frameCount * fine, SAMPLE_RATE_HZ * fine, start);
  const each = (value: (frame: number) => number) => Array.from({ length: frameCount }, (_, at) => round(value(at)));
  const command = (frame: number, axis: number) => commandOf(trial.commands, frame / SAMPLE_RATE_HZ)[axis];
  return {
    x_m: each((frame) => position_m[2 * fine * frame]),
    y_m: each((frame) => position_m[2 * fine * frame + 1]),
    vx_mps: each((frame) => command(frame, 0)),
    wz_radps: each((frame) => command(frame, 2)),
  };
}

/** Pose at the start of a trace. */
export function startOf(trace: Trace): { x_m: number; y_m: number; yaw_rad: number } {
  const position = trace.channels.basePosition!.data;
  return { x_m: position[0], y_m: position[1], yaw_rad: yawOf(trace.channels.baseQuaternion!.data, 0) };
}

export function sampleRun(contender: string, trace: Trace): RunSample {
  const { rate_hz, frameCount } = trace;
  const position = trace.channels.basePosition!.data;
  const orientation = trace.channels.baseQuaternion!.data;
  const yaw = unwrappedYaw(orientation, frameCount);
  const half = Math.max(1, Math.round(HALF_SMOOTHING_S * rate_hz));
  const frames = Array.from({ length: Math.ceil((frameCount * SAMPLE_RATE_HZ) / rate_hz) }, (_, at) =>
    Math.round((at * rate_hz) / SAMPLE_RATE_HZ),
  ).filter((frame) => frame < frameCount);
  const velocity = (frame: number, axis: 'forward' | 'turn') => {
    const from = Math.max(0, frame - half);
    const to = Math.min(frameCount - 1, frame + half);
    if (to <= from) return 0;
    if (axis === 'turn') return ((yaw[to] - yaw[from]) * rate_hz) / (to - from);
    let forward = 0;
    for (let k = from; k < to; k++) {
      const heading = (yaw[k] + yaw[k + 1]) / 2;
      forward +=
        (position[3 * k + 3] - position[3 * k]) * Math.cos(heading) +
        (position[3 * k + 4] - position[3 * k + 1]) * Math.sin(heading);
    }
    return (forward * rate_hz) / (to - from);
  };
  return {
    contender,
    fell: trace.fell === true,
    x_m: frames.map((frame) => round(position[3 * frame])),
    y_m: frames.map((frame) => round(position[3 * frame + 1])),
    vx_mps: frames.map((frame) => round(velocity(frame, 'forward'))),
    wz_radps: frames.map((frame) => round(velocity(frame, 'turn'))),
  };
}

/** Index of the left knee among joint names; of several (pitch first), the first. -1 where there is none. */
export function findLeftKnee(jointNames: readonly string[]): number {
  const knees = jointNames
    .map((name, at) => ({ at, name: name.toLowerCase() }))
    .filter(({ name }) => /knee/.test(name));
  return knees.find(({ name }) => /left|(^|[^a-z])l([^a-z]|$)/.test(name))?.at ?? -1;
}

/** Position and velocity of one joint at every control step once the robot walks. */
export function samplePhase(contender: string, trace: Trace, joint: number): PhaseSample['runs'][number] {
  const { jointPosition, jointVelocity } = trace.channels;
  const width = jointPosition!.width;
  const from = Math.min(trace.frameCount, Math.round(PHASE_FROM_S * trace.rate_hz));
  const column = (data: Float32Array) =>
    Array.from({ length: trace.frameCount - from }, (_, at) => round(data[(from + at) * width + joint]));
  return { contender, position_rad: column(jointPosition!.data), velocity_radps: column(jointVelocity!.data) };
}

function unwrappedYaw(orientation: Float32Array, frameCount: number): Float64Array {
  const yaw = new Float64Array(frameCount);
  for (let frame = 0; frame < frameCount; frame++) {
    yaw[frame] = yawOf(orientation, 4 * frame);
    if (frame > 0) yaw[frame] -= 2 * Math.PI * Math.round((yaw[frame] - yaw[frame - 1]) / (2 * Math.PI));
  }
  return yaw;
}

function commandOf(schedule: CommandSchedule, time_s: number): Float64Array {
  const command = new Float64Array(3);
  commandAt(schedule, time_s, command, 0);
  return command;
}

/** Five significant digits are more than a plot shows. */
function round(value: number): number {
  return Number(value.toPrecision(5));
}
