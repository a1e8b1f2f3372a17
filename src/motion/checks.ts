// Plausibility of an episode on its robot: joint and velocity limits, jumps, and whether recorded velocities agree with
// the recorded positions. One finding a kind and channel, with the count, the worst case and the frames it spans.
//
// Findings describe; they change nothing. The agreement checks exist for field maps: a wrong unit, frame, column or
// quaternion order gives numbers that look like motion but do not differentiate into one another.

import type { RobotModel } from '../robot/robot-model.js';
import { type Column, isValidAt, type Motion } from './columns.js';
import { type DerivableChannel, deriveChannel } from './derive.js';
import type { ChannelName, Finding } from './episode.js';

export interface CheckOptions {
  /** How far a joint may pass its limit before it is told (rad): soft limits and sensor noise. */
  readonly positionMargin_rad: number;
  /** How far a joint velocity may pass its limit before it is told (share of the limit). */
  readonly velocityMargin: number;
  /** Joint speed taken as a limit where the robot has none (rad/s). */
  readonly assumedVelocityLimit_radps: number;
  /** A joint that moves between two frames faster than this many limits has jumped. */
  readonly jumpFactor: number;
  /** Base speed (m/s) and turning rate (rad/s) between two frames that count as a jump. */
  readonly baseJump_mps: number;
  readonly baseJump_radps: number;
  /** Relative RMS difference at which a recorded velocity contradicts its position. */
  readonly disagreement: number;
}

export const CHECK_DEFAULTS: CheckOptions = {
  positionMargin_rad: 0.05,
  velocityMargin: 0.1,
  assumedVelocityLimit_radps: 40,
  jumpFactor: 2,
  baseJump_mps: 10,
  baseJump_radps: 30,
  disagreement: 0.8,
};

export type JointLimits = Pick<RobotModel, 'jointNames' | 'lower_rad' | 'upper_rad' | 'velocityLimit_radps'>;

/** Checks a motion against a robot's limits. Frames without a channel are passed over. */
export function checkMotion(motion: Motion, limits: JointLimits, options: Partial<CheckOptions> = {}): Finding[] {
  const settings = { ...CHECK_DEFAULTS, ...options };
  const found = [
    checkJointLimits(motion, limits, settings),
    checkJointVelocities(motion, limits, settings),
    checkJointJumps(motion, limits, settings),
    checkBaseJumps(motion, settings),
    checkTurns(motion, settings),
    ...(['jointVelocity', 'baseAngularVelocity', 'baseLinearVelocity'] as const).map((name) =>
      checkAgreement(motion, name, settings),
    ),
  ];
  return found.filter((finding) => finding !== undefined);
}

/** Gathers single violations into one finding. */
class Violations {
  count = 0;
  first = -1;
  last = -1;
  worst = 0;
  worstText = '';

  add(frame: number, size: number, text: () => string): void {
    if (frame !== this.last || this.count === 0) this.count++;
    if (this.first < 0) this.first = frame;
    this.last = frame;
    if (size > this.worst) {
      this.worst = size;
      this.worstText = text();
    }
  }

  finding(kind: string, channel: ChannelName, frameCount: number, what: string, hint = ''): Finding | undefined {
    if (this.count === 0) return undefined;
    const message = `${what} in ${this.count} of ${frameCount} frames; worst ${this.worstText}${hint}`;
    return { kind, severity: 'warning', channel, frames: [this.first, this.last + 1], message };
  }
}

function checkJointLimits({ columns, frameCount }: Motion, limits: JointLimits, options: CheckOptions) {
  const position = columns.jointPosition;
  if (position === undefined) return undefined;
  const violations = new Violations();
  const jointCount = limits.jointNames.length;
  for (let frame = 0; frame < frameCount; frame++) {
    if (!isValidAt(position, frame)) continue;
    for (let joint = 0; joint < jointCount; joint++) {
      const value = position.data[frame * jointCount + joint];
      const excess = Math.max(limits.lower_rad[joint] - value, value - limits.upper_rad[joint]);
      if (excess <= options.positionMargin_rad) continue;
      violations.add(frame, excess, () => {
        const range = `${limits.lower_rad[joint].toFixed(3)} .. ${limits.upper_rad[joint].toFixed(3)}`;
        return `${limits.jointNames[joint]} at ${value.toFixed(3)} rad (limits ${range}), frame ${frame}`;
      });
    }
  }
  // Two turns past a limit are no motion of a robot: degrees read as radians are.
  const hint = violations.worst > 4 * Math.PI ? '; are these degrees?' : '';
  return violations.finding('joint-limit', 'jointPosition', frameCount, 'joint past its limit', hint);
}

function velocityLimit(limits: JointLimits, joint: number, options: CheckOptions): number {
  const limit = limits.velocityLimit_radps[joint];
  return Number.isFinite(limit) && limit > 0 ? limit : options.assumedVelocityLimit_radps;
}

function checkJointVelocities({ columns, frameCount }: Motion, limits: JointLimits, options: CheckOptions) {
  const velocity = columns.jointVelocity;
  if (velocity === undefined) return undefined;
  const violations = new Violations();
  const jointCount = limits.jointNames.length;
  for (let frame = 0; frame < frameCount; frame++) {
    if (!isValidAt(velocity, frame)) continue;
    for (let joint = 0; joint < jointCount; joint++) {
      const speed = Math.abs(velocity.data[frame * jointCount + joint]);
      const limit = velocityLimit(limits, joint, options);
      if (speed <= limit * (1 + options.velocityMargin)) continue;
      violations.add(frame, speed / limit, () => {
        return `${limits.jointNames[joint]} at ${speed.toFixed(1)} rad/s (limit ${limit.toFixed(1)}), frame ${frame}`;
      });
    }
  }
  return violations.finding('joint-velocity', 'jointVelocity', frameCount, 'joint faster than its limit');
}

function checkJointJumps({ columns, frameCount, rate_hz }: Motion, limits: JointLimits, options: CheckOptions) {
  const position = columns.jointPosition;
  if (position === undefined) return undefined;
  const violations = new Violations();
  const jointCount = limits.jointNames.length;
  for (let frame = 1; frame < frameCount; frame++) {
    if (!isValidAt(position, frame) || !isValidAt(position, frame - 1)) continue;
    for (let joint = 0; joint < jointCount; joint++) {
      const at = frame * jointCount + joint;
      const step = Math.abs(position.data[at] - position.data[at - jointCount]);
      const speed = step * rate_hz;
      if (speed <= velocityLimit(limits, joint, options) * options.jumpFactor) continue;
      violations.add(frame, speed, () => {
        return `${limits.jointNames[joint]} by ${step.toFixed(3)} rad in one frame, frame ${frame}`;
      });
    }
  }
  return violations.finding('jump', 'jointPosition', frameCount, 'joint jumps');
}

function checkBaseJumps({ columns, frameCount, rate_hz }: Motion, options: CheckOptions) {
  const position = columns.basePosition;
  if (position === undefined) return undefined;
  const violations = new Violations();
  for (let frame = 1; frame < frameCount; frame++) {
    if (!isValidAt(position, frame) || !isValidAt(position, frame - 1)) continue;
    const at = frame * 3;
    const { data } = position;
    const step = Math.hypot(data[at] - data[at - 3], data[at + 1] - data[at - 2], data[at + 2] - data[at - 1]);
    if (step * rate_hz <= options.baseJump_mps) continue;
    violations.add(frame, step, () => `${step.toFixed(3)} m in one frame, frame ${frame}`);
  }
  return violations.finding('jump', 'basePosition', frameCount, 'base jumps');
}

function checkTurns({ columns, frameCount, rate_hz }: Motion, options: CheckOptions) {
  const orientation = columns.baseQuaternion;
  if (orientation === undefined) return undefined;
  const violations = new Violations();
  const { data } = orientation;
  for (let frame = 1; frame < frameCount; frame++) {
    if (!isValidAt(orientation, frame) || !isValidAt(orientation, frame - 1)) continue;
    let cosine = 0;
    for (let k = frame * 4; k < frame * 4 + 4; k++) cosine += data[k] * data[k - 4];
    const turn = 2 * Math.acos(Math.min(1, Math.abs(cosine)));
    if (turn * rate_hz <= options.baseJump_radps) continue;
    violations.add(frame, turn, () => `${turn.toFixed(3)} rad in one frame, frame ${frame}`);
  }
  return violations.finding('jump', 'baseQuaternion', frameCount, 'base orientation jumps');
}

/** RMS below which a velocity is at rest and says nothing about its mapping (m/s or rad/s). */
const AT_REST = 0.1;

const POSITION_OF: Record<Exclude<DerivableChannel, 'projectedGravity'>, string> = {
  jointVelocity: 'jointPosition',
  baseAngularVelocity: 'baseQuaternion',
  baseLinearVelocity: 'basePosition',
};

function checkAgreement(
  motion: Motion,
  name: Exclude<DerivableChannel, 'projectedGravity'>,
  options: CheckOptions,
): Finding | undefined {
  const recorded = motion.columns[name];
  const expected = recorded && deriveChannel(motion, name);
  if (recorded === undefined || expected === undefined) return undefined;
  const { difference, size } = rootMeanSquares(recorded, expected, motion.frameCount);
  if (size < AT_REST || difference <= options.disagreement * size) return undefined;
  return {
    kind: 'disagreement',
    severity: 'warning',
    channel: name,
    message:
      `${name} disagrees with the derivative of ${POSITION_OF[name]}: RMS difference ${difference.toPrecision(3)} ` +
      `against ${size.toPrecision(3)}; check units, frame, columns and quaternion order in the field map`,
  };
}

/** RMS of a - b, and the larger RMS of the two, over frames that both have. */
function rootMeanSquares(a: Column, b: Column, frameCount: number): { difference: number; size: number } {
  let difference = 0;
  let squaresA = 0;
  let squaresB = 0;
  let count = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    if (!isValidAt(a, frame) || !isValidAt(b, frame)) continue;
    for (let k = frame * a.width; k < (frame + 1) * a.width; k++) {
      difference += (a.data[k] - b.data[k]) ** 2;
      squaresA += a.data[k] ** 2;
      squaresB += b.data[k] ** 2;
      count++;
    }
  }
  if (count === 0) return { difference: 0, size: 0 };
  return { difference: Math.sqrt(difference / count), size: Math.sqrt(Math.max(squaresA, squaresB) / count) };
}
