// The quality report of a retargeted clip: what was asked for, what the robot does, and whether it could.
//
// Errors are against the scaled targets, contacts those that were found on them; skating is the speed of the held part of
// a sole while it is in contact, beside that of its target. Nothing here feeds back into the motion.

import type { Numbers } from '../base/arrays.js';
import { createPose, forwardKinematics, type Pose, pointPosition } from '../robot/kinematics.js';
import type { Contact, Sole } from './contact.js';
import { BASE_VARIABLES, type Problem } from './problem.js';
import { pushPose } from './quality-dynamics.js';
import {
  createFeasibilityMeter,
  type FeasibilityReport,
  feasibilityReport,
  measureFeasibility,
  percentile,
} from './quality-feasibility.js';
import { turnBetween } from './residual-frame.js';
import type { Trajectory } from './solver.js';

export interface Spread {
  readonly mean: number;
  readonly p95: number;
  readonly max: number;
}

export interface QualityReport {
  readonly frames: number;
  readonly seconds: number;
  /** Mean cost of a frame: half the sum of the keypoints' squared errors over their tolerances. */
  readonly cost: number;
  /** Distances to targets (mm) and turns (degrees), by keypoint. */
  readonly position_mm: Readonly<Record<string, Spread>>;
  readonly orientation_deg: Readonly<Record<string, Spread>>;
  /** Mean distance over all tracked keypoints (m). */
  readonly keypoint_m: number;
  /** Share of the feet's time in contact; speed of the held soles (m/s) and of their targets, null where none is held. */
  readonly contactShare: number;
  readonly skating_mps: Spread | null;
  readonly targetSkating_mps: Spread | null;
  /** Depth of the soles under the floor (mm), and height of held soles over it. */
  readonly penetration_mm: Spread;
  readonly floating_mm: Spread;
  /** Share of frames with a joint within a thousandth of a radian of a limit; greatest share of a speed limit. */
  readonly onLimit: number;
  readonly limitExcess_rad: number;
  readonly speedShare: number;
  /** Joint acceleration (rad/s²) and jerk (rad/s³), root mean square over joints and frames, and greatest. */
  readonly acceleration_radps2: { readonly rms: number; readonly max: number };
  readonly jerk_radps3: { readonly rms: number };
  readonly feasibility: FeasibilityReport;
}

export interface Judged {
  readonly problem: Problem;
  readonly soles: readonly Sole[];
  readonly contacts: readonly Contact[];
  /** Index of the first sole corner among the tracked points. */
  readonly firstCorner: number;
  /** Target paths of the soles' corners, one a foot [frame, 4, 3]. */
  readonly corners: readonly Float64Array[];
}

export function judge(judged: Judged, trajectory: Trajectory): QualityReport {
  const { problem, soles, firstCorner } = judged;
  const { model, targets, ground } = problem;
  const { frameCount, configurations, rate_hz } = trajectory;
  const width = model.rest.length;
  const poses = [0, 1, 2].map(() => createPose(model.tree));
  const errors = targets.points.slice(0, firstCorner).map(() => new Float64Array(frameCount));
  const turns = targets.frames.map(() => new Float64Array(frameCount));
  const corners = soles.map(() => new Float64Array(12 * frameCount));
  const depths = new Float64Array(frameCount);
  const meter = createFeasibilityMeter(model, soles, ground.height_m, rate_hz);
  const point = new Float64Array(3);
  for (let frame = 0; frame < frameCount; frame++) {
    const pose = poses[frame % 3];
    forwardKinematics(model.tree, configurations, frame * width, pose);
    measureErrors(problem, pose, frame, errors, turns, point);
    soles.forEach(({ body, corners_m }, sole) => {
      corners_m.forEach((corner, at) => {
        pointPosition(corners[sole], 12 * frame + 3 * at, pose, body, corner, 0);
        depths[frame] = Math.max(depths[frame], ground.height_m - corners[sole][12 * frame + 3 * at + 2]);
      });
    });
    pushPose(meter.dynamics, pose);
    if (frame < 2) continue;
    writeAccelerations(judged, trajectory, frame - 1, meter.accelerations);
    measureFeasibility(meter, poses[(frame - 1) % 3]);
  }
  const feet = measureContacts(judged, corners, frameCount, rate_hz);
  const keypoint_m = errors.length === 0 ? 0 : errors.reduce((sum, one) => sum + mean(one), 0) / errors.length;
  return {
    frames: frameCount,
    seconds: frameCount / rate_hz,
    cost: trackingCost(problem, errors, turns, frameCount),
    position_mm: named(targets.points, errors, 1000),
    orientation_deg: named(targets.frames, turns, 180 / Math.PI),
    keypoint_m,
    contactShare: feet.share,
    skating_mps: feet.speeds.length === 0 ? null : spread(feet.speeds, 1),
    targetSkating_mps: feet.targetSpeeds.length === 0 ? null : spread(feet.targetSpeeds, 1),
    penetration_mm: spread(depths, 1000),
    floating_mm: spread(feet.heights, 1000),
    ...measureLimits(problem, trajectory),
    ...measureSmoothness(problem, trajectory),
    feasibility: feasibilityReport(meter),
  };
}

function measureErrors(
  { targets }: Problem,
  pose: Pose,
  frame: number,
  errors: readonly Float64Array[],
  turns: readonly Float64Array[],
  point: Float64Array,
): void {
  const { points, pointTarget_m, frames, frameTarget } = targets;
  errors.forEach((error, at) => {
    const { body, offset_m } = points[at];
    pointPosition(point, 0, pose, body, offset_m, 0);
    const to = 3 * (frame * points.length + at);
    error[frame] = Math.hypot(
      point[0] - pointTarget_m[to],
      point[1] - pointTarget_m[to + 1],
      point[2] - pointTarget_m[to + 2],
    );
  });
  turns.forEach((turn, at) => {
    turnBetween(point, 0, frameTarget, 4 * (frame * frames.length + at), pose.quaternion, 4 * frames[at].body);
    turn[frame] = Math.hypot(point[0], point[1], point[2]);
  });
}

function trackingCost(
  { targets }: Problem,
  errors: readonly Float64Array[],
  turns: readonly Float64Array[],
  frameCount: number,
): number {
  const sum = (values: readonly Float64Array[], weights: Float64Array, width: number) => {
    let total = 0;
    values.forEach((value, at) => {
      for (let frame = 0; frame < frameCount; frame++) total += 0.5 * weights[frame * width + at] * value[frame] ** 2;
    });
    return total;
  };
  const points = sum(errors, targets.pointWeight, targets.points.length);
  return (points + sum(turns, targets.frameWeight, targets.frames.length)) / frameCount;
}

/** Joint accelerations (rad/s²) about a frame, by central differences of velocities. */
function writeAccelerations({ problem }: Judged, trajectory: Trajectory, frame: number, out: Float64Array): void {
  const { size } = problem.model;
  const { velocities, rate_hz } = trajectory;
  for (let joint = 0; joint < out.length; joint++) {
    const at = BASE_VARIABLES + joint;
    out[joint] = ((velocities[(frame + 1) * size + at] - velocities[(frame - 1) * size + at]) * rate_hz) / 2;
  }
}

function measureContacts(judged: Judged, corners: readonly Float64Array[], frameCount: number, rate_hz: number) {
  const { contacts, problem } = judged;
  const speeds: number[] = [];
  const targetSpeeds: number[] = [];
  const heights: number[] = [];
  let frames = 0;
  for (const { foot, part, start, end } of contacts) {
    frames += end - start;
    for (let frame = start; frame < end; frame++) {
      for (let corner = 2 * part; corner < 2 * part + 2; corner++) {
        heights.push(Math.abs(corners[foot][12 * frame + 3 * corner + 2] - problem.ground.height_m));
      }
      if (frame + 1 >= end) continue;
      speeds.push(partSpeed(corners[foot], part, frame, rate_hz));
      targetSpeeds.push(partSpeed(judged.corners[foot], part, frame, rate_hz));
    }
  }
  return { share: frames / Math.max(1, 2 * corners.length * frameCount), speeds, targetSpeeds, heights };
}

/** Horizontal speed (m/s) of the middle of a part's corners from one frame to the next. */
function partSpeed(corners: Float64Array, part: number, frame: number, rate_hz: number): number {
  const at = 12 * frame + 6 * part;
  const step = (k: number) =>
    0.5 * (corners[at + 12 + k] + corners[at + 15 + k] - corners[at + k] - corners[at + 3 + k]);
  return Math.hypot(step(0), step(1)) * rate_hz;
}

function measureLimits({ model }: Problem, { configurations, velocities, frameCount }: Trajectory) {
  const { robot, columns, addresses, rest, size } = model;
  let limitFrames = 0;
  let limitExcess_rad = 0;
  let speedShare = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    let isOn = false;
    for (let joint = 0; joint < addresses.length; joint++) {
      const value = configurations[frame * rest.length + addresses[joint]];
      const excess = Math.max(robot.lower_rad[columns[joint]] - value, value - robot.upper_rad[columns[joint]]);
      if (excess > -1e-3) isOn = true;
      limitExcess_rad = Math.max(limitExcess_rad, excess);
      const limit = robot.velocityLimit_radps[columns[joint]];
      const speed = Math.abs(velocities[frame * size + BASE_VARIABLES + joint]);
      if (limit > 0) speedShare = Math.max(speedShare, speed / limit);
    }
    if (isOn) limitFrames++;
  }
  return { onLimit: limitFrames / frameCount, limitExcess_rad, speedShare };
}

/** Second and third differences of joint positions, as a reader of the data will take them. */
function measureSmoothness({ model }: Problem, { configurations, frameCount, rate_hz }: Trajectory) {
  const { addresses, rest } = model;
  const rate2 = rate_hz * rate_hz;
  let [square, most, jerk] = [0, 0, 0];
  for (let frame = 2; frame < frameCount; frame++) {
    for (const address of addresses) {
      const value = (back: number) => configurations[(frame - back) * rest.length + address];
      const acceleration = rate2 * (value(0) - 2 * value(1) + value(2));
      square += acceleration * acceleration;
      most = Math.max(most, Math.abs(acceleration));
      if (frame >= 3) jerk += (rate2 * rate_hz * (value(0) - 3 * value(1) + 3 * value(2) - value(3))) ** 2;
    }
  }
  const count = Math.max(1, (frameCount - 2) * addresses.length);
  return {
    acceleration_radps2: { rms: Math.sqrt(square / count), max: most },
    jerk_radps3: { rms: Math.sqrt(jerk / Math.max(1, count - addresses.length)) },
  };
}

function named(
  items: readonly { readonly name: string }[],
  values: readonly Float64Array[],
  scale: number,
): Record<string, Spread> {
  return Object.fromEntries(values.map((value, at) => [items[at].name, spread(value, scale)]));
}

export function spread(values: Numbers, scale: number): Spread {
  if (values.length === 0) return { mean: 0, p95: 0, max: 0 };
  let max = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < values.length; at++) max = Math.max(max, values[at]);
  return { mean: scale * mean(values), p95: scale * percentile(values, 0.95), max: scale * max };
}

function mean(values: Numbers): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at];
  return values.length === 0 ? 0 : sum / values.length;
}
