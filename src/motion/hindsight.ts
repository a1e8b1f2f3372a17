// Command hindsight: the velocity that a motion did achieve, as the command it would have been a good answer to.
//
// Commanded data gets the mean achieved velocity of each constant-command segment: a student trained on it tracks better
// than its teacher, because the teacher's under-shoot is in the label instead of in the answer. Motion without a command,
// and segments too short to hold a gait cycle, get a centred mean over several cycles. The windows are long on purpose:
// the gait's own oscillation inside a short one makes a noisy label, and a noisy label flattens the response.
// Velocities are those of a command: vx, vy (m/s) in the heading frame and wz (rad/s) about the vertical.

import { wrapAngle } from '../math/angle.js';
import { projectedGravity, yawOf } from '../math/quaternion.js';
import { type Column, isValidAt, type Motion } from './columns.js';
import type { Channel } from './episode.js';

export interface HindsightOptions {
  /** Time after a change of command that is left out of its segment's mean (s); 0 is the plain mean. */
  readonly transient_s: number;
  /** Length of the centred mean (s): several gait cycles. */
  readonly smoothing_s: number;
  /** A segment of constant command shorter than this is smoothed instead (s). */
  readonly minimumSegment_s: number;
}

export const HINDSIGHT_DEFAULTS: HindsightOptions = { transient_s: 0, smoothing_s: 3, minimumSegment_s: 1 };

/** Achieved velocity over each interval frame → frame + 1, as prefix sums so that any mean costs two reads. */
interface Achieved {
  /** [interval + 1, 3]: sums of vx, vy, wz over the intervals before. */
  readonly sums: Float64Array;
  /** [interval + 1]: number of valid intervals before. */
  readonly counts: Int32Array;
  readonly intervalCount: number;
}

/**
 * Labels every frame with the achieved velocity that belongs to it.
 * @returns [frame, 3] vx, vy, wz; undefined where the motion has neither base position and orientation nor base
 *   velocities with gravity or orientation
 */
export function hindsightCommand(motion: Motion, options: Partial<HindsightOptions> = {}): Channel | undefined {
  const settings = { ...HINDSIGHT_DEFAULTS, ...options };
  const { frameCount, rate_hz } = motion;
  const achieved = achievedVelocities(motion);
  if (achieved === undefined) return undefined;
  const data = new Float32Array(frameCount * 3);
  const valid = new Uint8Array(frameCount);
  const mean = new Float64Array(3);

  const command = motion.columns.command;
  let first = 0;
  while (first < frameCount) {
    const end = command === undefined ? frameCount : segmentEnd(command, first, frameCount);
    const commanded = command !== undefined && isValidAt(command, first);
    if (commanded && end - first >= settings.minimumSegment_s * rate_hz) {
      const transient = Math.min(Math.round(settings.transient_s * rate_hz), end - first - 2);
      if (meanVelocity(achieved, first + Math.max(0, transient), end, mean)) {
        for (let frame = first; frame < end; frame++) write(frame);
      }
    } else {
      const half = (settings.smoothing_s * rate_hz) / 2;
      for (let frame = first; frame < end; frame++) {
        if (meanVelocity(achieved, ...windowAround(frame, half, achieved.intervalCount), mean)) write(frame);
      }
    }
    first = end;
  }
  return valid.includes(0) ? { width: 3, data, valid } : { width: 3, data };

  function write(frame: number): void {
    data.set(mean, frame * 3);
    valid[frame] = 1;
  }
}

/** One past the last frame of the stretch that has the same command (or the same lack of one) as `first`. */
function segmentEnd(command: Column, first: number, frameCount: number): number {
  const { data } = command;
  const present = isValidAt(command, first);
  let end = first + 1;
  while (end < frameCount && isValidAt(command, end) === present) {
    if (present && [0, 1, 2].some((k) => data[end * 3 + k] !== data[first * 3 + k])) break;
    end++;
  }
  return end;
}

/** A window of full length around a frame, pushed inwards at the ends so that it never gets shorter. */
function windowAround(frame: number, half: number, intervalCount: number): [first: number, end: number] {
  const length = Math.min(intervalCount, Math.max(1, Math.round(2 * half)));
  const first = Math.max(0, Math.min(intervalCount - length, Math.round(frame - half)));
  return [first, first + length];
}

/** Mean over intervals [first, end), cut at the end of the motion; false where none of them is valid. */
function meanVelocity(achieved: Achieved, first: number, end: number, out: Float64Array): boolean {
  const { sums, counts, intervalCount } = achieved;
  const to = Math.min(end, intervalCount);
  const from = Math.min(first, Math.max(0, to - 1));
  const count = counts[to] - counts[from];
  if (count <= 0) return false;
  for (let k = 0; k < 3; k++) out[k] = (sums[to * 3 + k] - sums[from * 3 + k]) / count;
  return true;
}

function achievedVelocities(motion: Motion): Achieved | undefined {
  const measure = fromPositions(motion) ?? fromVelocities(motion);
  if (measure === undefined || motion.frameCount < 2) return undefined;
  const intervalCount = motion.frameCount - 1;
  const sums = new Float64Array((intervalCount + 1) * 3);
  const counts = new Int32Array(intervalCount + 1);
  const velocity = new Float64Array(3);
  for (let interval = 0; interval < intervalCount; interval++) {
    const ok = measure(interval, velocity);
    counts[interval + 1] = counts[interval] + (ok ? 1 : 0);
    for (let k = 0; k < 3; k++) sums[interval * 3 + 3 + k] = sums[interval * 3 + k] + (ok ? velocity[k] : 0);
  }
  return counts[intervalCount] === 0 ? undefined : { sums, counts, intervalCount };
}

/** Writes vx, vy, wz of an interval; false where it has none. */
type Measure = (interval: number, out: Float64Array) => boolean;

/** Displacement and turn between frames, in the heading halfway: exact on a circle up to the chord. */
function fromPositions({ columns, rate_hz }: Motion): Measure | undefined {
  const { basePosition: position, baseQuaternion: orientation } = columns;
  if (position === undefined || orientation === undefined) return undefined;
  return (interval, out) => {
    for (const frame of [interval, interval + 1]) {
      if (!isValidAt(position, frame) || !isValidAt(orientation, frame)) return false;
    }
    const yaw = yawOf(orientation.data, interval * 4);
    const turn = wrapAngle(yawOf(orientation.data, interval * 4 + 4) - yaw);
    const at = interval * 3;
    const dx = position.data[at + 3] - position.data[at];
    const dy = position.data[at + 4] - position.data[at + 1];
    const cosine = Math.cos(yaw + turn / 2);
    const sine = Math.sin(yaw + turn / 2);
    out[0] = (dx * cosine + dy * sine) * rate_hz;
    out[1] = (dy * cosine - dx * sine) * rate_hz;
    out[2] = turn * rate_hz;
    return true;
  };
}

/** Base velocities levelled by gravity, for sources without a position in the world. */
function fromVelocities({ columns }: Motion): Measure | undefined {
  const {
    baseLinearVelocity: linear,
    baseAngularVelocity: angular,
    baseQuaternion,
    projectedGravity: gravity,
  } = columns;
  const tilt = gravity ?? baseQuaternion;
  if (linear === undefined || angular === undefined || tilt === undefined) return undefined;
  const down = new Float64Array(3);
  return (frame, out) => {
    if (!isValidAt(linear, frame) || !isValidAt(angular, frame) || !isValidAt(tilt, frame)) return false;
    if (gravity === undefined) projectedGravity(down, 0, tilt.data, frame * 4);
    else for (let k = 0; k < 3; k++) down[k] = gravity.data[frame * 3 + k];
    const ux = -down[0];
    const uy = -down[1];
    const uz = -down[2];
    // Heading: the base's x axis laid onto the horizontal plane; left is up × heading.
    const length = Math.hypot(1 - ux * ux, ux * uy, ux * uz);
    if (length < 1e-6) return false;
    const hx = (1 - ux * ux) / length;
    const hy = (-ux * uy) / length;
    const hz = (-ux * uz) / length;
    const at = frame * 3;
    const vx = linear.data[at];
    const vy = linear.data[at + 1];
    const vz = linear.data[at + 2];
    out[0] = vx * hx + vy * hy + vz * hz;
    out[1] = vx * (uy * hz - uz * hy) + vy * (uz * hx - ux * hz) + vz * (ux * hy - uy * hx);
    out[2] = angular.data[at] * ux + angular.data[at + 1] * uy + angular.data[at + 2] * uz;
    return true;
  };
}
