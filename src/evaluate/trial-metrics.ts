// What one closed-loop trial is worth, from its recorded episode and the commands it was given.
//
// Tracking error: mean distance between base and commanded path over all control steps of the trial (arXiv 2402.19469,
// section 4). A robot that falls stays where it fell for the rest of the trial, in every metric: to count up to the fall
// only would make a policy that falls at once the best of all. Falls are counted beside it.
// Velocities are means over constant-command stretches, after a settling time, in the heading frame, from displacement.

import { DataError } from '../base/errors.js';
import { wrapAngle } from '../math/angle.js';
import { yawOf } from '../math/quaternion.js';
import type { ChannelName } from '../motion/episode.js';
import { type CommandSchedule, commandAt } from '../sim/command-schedule.js';
import { integrateCommands } from './command-path.js';
import type { Trace } from './trial-recorder.js';

export interface TrialOptions {
  /** Length of the trial; a fallen robot's episode is shorter. */
  readonly duration_s: number;
  /** Time after the start, and after each change of command, that velocities are not judged. */
  readonly settle_s: number;
}

/** A stretch of constant command: vx (m/s), vy (m/s), wz (rad/s), asked for and achieved. */
export interface Stretch {
  readonly commanded: readonly [number, number, number];
  readonly achieved: readonly [number, number, number];
  /** Time over which the velocity was measured (s). */
  readonly duration_s: number;
}

export interface TrialMetrics {
  readonly fell: boolean;
  readonly survival_s: number;
  readonly tracking_m: number;
  readonly stretches: readonly Stretch[];
  /** Mean over stretches, weighted by time, of |achieved - commanded|: m/s, m/s, rad/s; null without a stretch. */
  readonly velocityError: readonly [number, number, number] | null;
  /** Root mean square over steps and joints of the action's change per second (rad/s); null without two steps. */
  readonly actionRate_radps: number | null;
  /** Root mean square joint torque (N m); null where it is not recorded. */
  readonly torque_Nm: number | null;
}

/** Shortest stretch that is judged (s): about one gait cycle. */
const LEAST_STRETCH_S = 0.5;

/**
 * Measures one trial.
 * @param trace an episode, from its first control step on; shorter than the trial where the robot fell
 * @throws DataError where the episode lacks base position or orientation
 */
export function measureTrial(trace: Trace, schedule: CommandSchedule, options: TrialOptions): TrialMetrics {
  const position = completeChannel(trace, 'basePosition');
  const orientation = completeChannel(trace, 'baseQuaternion');
  const frameCount = Math.round(options.duration_s * trace.rate_hz);
  const last = Math.min(frameCount, trace.frameCount) - 1;
  const planned = integrateCommands(schedule, frameCount, trace.rate_hz, {
    x_m: position[0],
    y_m: position[1],
    yaw_rad: yawOf(orientation, 0),
  }).position_m;
  let distance = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    const at = 3 * Math.min(frame, last);
    distance += Math.hypot(position[at] - planned[2 * frame], position[at + 1] - planned[2 * frame + 1]);
  }
  const stretches = measureStretches(position, orientation, schedule, frameCount, last, trace.rate_hz, options);
  const action = trace.channels.executedAction ?? trace.channels.action;
  return {
    fell: trace.fell === true,
    survival_s: Math.min(frameCount, trace.frameCount) / trace.rate_hz,
    tracking_m: distance / frameCount,
    stretches,
    velocityError: meanError(stretches),
    actionRate_radps: action === undefined ? null : changeRate(action.data, action.width, last + 1, trace.rate_hz),
    torque_Nm: rootMeanSquare(trace.channels.torque?.data.subarray(0, (last + 1) * trace.channels.torque.width)),
  };
}

function completeChannel(trace: Trace, name: ChannelName): Float32Array {
  const channel = trace.channels[name];
  if (channel !== undefined && channel.valid === undefined && trace.frameCount > 0) return channel.data;
  throw new DataError({
    where: trace.id,
    what: `channel ${name}, which every frame of a trial needs`,
    found: channel === undefined ? 'none' : 'gaps',
  });
}

function measureStretches(
  position: Float32Array,
  orientation: Float32Array,
  schedule: CommandSchedule,
  frameCount: number,
  last: number,
  rate_hz: number,
  { settle_s }: TrialOptions,
): Stretch[] {
  const command = new Float64Array(3);
  const segmentAt = (frame: number) => commandAt(schedule, frame / rate_hz, command, 0);
  const stretches: Stretch[] = [];
  let first = 0;
  while (first < frameCount) {
    const segment = segmentAt(first);
    const commanded = [command[0], command[1], command[2]] as const;
    let end = first + 1;
    while (end < frameCount && segmentAt(end) === segment) end++;
    // The last frame of a trial has no frame after it; elsewhere the interval up to the next segment counts too.
    const from = first + Math.round(settle_s * rate_hz);
    const to = Math.min(end, frameCount - 1);
    if (to - from >= LEAST_STRETCH_S * rate_hz) {
      const achieved = meanVelocity(position, orientation, from, to, last, rate_hz);
      stretches.push({ commanded, achieved, duration_s: (to - from) / rate_hz });
    }
    first = end;
  }
  return stretches;
}

/** Mean heading-frame velocity over frames from .. to; beyond `last` the robot lies still. */
function meanVelocity(
  position: Float32Array,
  orientation: Float32Array,
  from: number,
  to: number,
  last: number,
  rate_hz: number,
): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let frame = from; frame < Math.min(to, last); frame++) {
    const yaw = yawOf(orientation, 4 * frame);
    const turn = wrapAngle(yawOf(orientation, 4 * frame + 4) - yaw);
    const dx = position[3 * frame + 3] - position[3 * frame];
    const dy = position[3 * frame + 4] - position[3 * frame + 1];
    const cosine = Math.cos(yaw + turn / 2);
    const sine = Math.sin(yaw + turn / 2);
    sums[0] += dx * cosine + dy * sine;
    sums[1] += dy * cosine - dx * sine;
    sums[2] += turn;
  }
  const perSecond = rate_hz / (to - from);
  return [sums[0] * perSecond, sums[1] * perSecond, sums[2] * perSecond];
}

function meanError(stretches: readonly Stretch[]): [number, number, number] | null {
  const sums: [number, number, number] = [0, 0, 0];
  let duration_s = 0;
  for (const stretch of stretches) {
    duration_s += stretch.duration_s;
    for (let axis = 0; axis < 3; axis++) {
      sums[axis] += stretch.duration_s * Math.abs(stretch.achieved[axis] - stretch.commanded[axis]);
    }
  }
  return duration_s === 0 ? null : [sums[0] / duration_s, sums[1] / duration_s, sums[2] / duration_s];
}

function changeRate(data: Float32Array, width: number, frameCount: number, rate_hz: number): number | null {
  if (frameCount < 2) return null;
  let squares = 0;
  for (let at = width; at < frameCount * width; at++) squares += (data[at] - data[at - width]) ** 2;
  return rate_hz * Math.sqrt(squares / ((frameCount - 1) * width));
}

function rootMeanSquare(values: Float32Array | undefined): number | null {
  if (values === undefined || values.length === 0) return null;
  let squares = 0;
  for (let at = 0; at < values.length; at++) squares += values[at] ** 2;
  return Math.sqrt(squares / values.length);
}
