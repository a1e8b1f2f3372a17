// Solves a retargeting problem: a warm start frame by frame, then whole windows, then the limits for certain.
//
// A window's last control points are solved again in the next one, whose first two before them stay: what a later
// frame can change reaches back a few frames only, because the smoothness terms are short, so that no seam is seen.
// Time grows linearly with the frames, memory with the frames of one window and the trajectory itself.

import { normalizeQuaternion } from '../math/quaternion.js';
import { forwardKinematics } from '../robot/kinematics.js';
import type { Band } from './banded.js';
import { BASE_VARIABLES, type Problem, type SolverModel } from './problem.js';
import { createFrameSolver, type FrameSolver, solveFrame } from './solver-frame.js';
import { enforceLimits } from './solver-limits.js';
import { controlsFromFrames, writeConfiguration, writeVelocity } from './solver-spline.js';
import { createWindowSolver, solveWindow, WINDOW_DEFAULTS, type WindowOptions } from './solver-window.js';

export interface SolverOptions extends WindowOptions {
  /** Frames of a window; a shorter clip is one window. */
  readonly windowFrames: number;
  /** Frames that are solved again in the next window. */
  readonly overlapFrames: number;
  /** Steps a frame of the warm start, and for the first frame. */
  readonly startIterations: number;
  readonly firstIterations: number;
  /** Damping of the warm start (1/rad², 1/m²). */
  readonly startDamping: number;
}

export const SOLVER_DEFAULTS: SolverOptions = {
  ...WINDOW_DEFAULTS,
  windowFrames: 320,
  overlapFrames: 24,
  startIterations: 2,
  firstIterations: 40,
  startDamping: 20,
};

export interface Trajectory {
  readonly rate_hz: number;
  readonly frameCount: number;
  /** qpos rows [frame, positionSize]. */
  readonly configurations: Float64Array;
  /** Velocities over the problem's variables [frame, size]: base linear and angular in the world, joints in tree order. */
  readonly velocities: Float64Array;
  /** Cost of all terms, summed over windows (overlaps count in both). */
  readonly cost: number;
  /** Largest change in a window's last step (rad or m): how far from converged. */
  readonly lastStep: number;
}

/**
 * Solves the problem. The result's arrays are new.
 * @param band to work in (windowBand()); a new one where absent
 */
export function solveTrajectory(problem: Problem, options: Partial<SolverOptions> = {}, band?: Band): Trajectory {
  const settings = { ...SOLVER_DEFAULTS, ...options };
  const { model, targets } = problem;
  const { frameCount, rate_hz } = targets;
  const width = model.rest.length;
  const configurations = new Float64Array(frameCount * width);
  warmStart(problem, configurations, settings);
  const controls = new Float64Array((frameCount + 1) * width);
  controlsFromFrames(model, configurations, frameCount, controls);
  const { cost, lastStep } = solveWindows(problem, controls, settings, band);
  enforceLimits(model, controls, frameCount + 1, rate_hz);
  const velocities = new Float64Array(frameCount * model.size);
  for (let frame = 0; frame < frameCount; frame++) {
    writeConfiguration(model, controls, frame, configurations, frame * width);
    writeVelocity(model, controls, frame, rate_hz, velocities, frame * model.size);
  }
  return { rate_hz, frameCount, configurations, velocities, cost, lastStep };
}

/** Per-frame solutions [frame, qpos], each from the frame before. */
export function warmStart(problem: Problem, configurations: Float64Array, settings: SolverOptions): void {
  const { model, targets } = problem;
  const solver = createFrameSolver(problem);
  const width = model.rest.length;
  for (let frame = 0; frame < targets.frameCount; frame++) {
    if (frame === 0) {
      configurations.set(model.rest);
      placeAtTargets(solver, configurations);
      solveFrame(solver, configurations, 0, 0, settings.firstIterations, settings.startDamping);
    } else {
      configurations.copyWithin(frame * width, (frame - 1) * width, frame * width);
    }
    solveFrame(solver, configurations, frame, frame, settings.startIterations, settings.startDamping);
  }
}

function solveWindows(problem: Problem, controls: Float64Array, settings: SolverOptions, band: Band | undefined) {
  const { frameCount } = problem.targets;
  const capacity = Math.min(frameCount, settings.windowFrames) + 1;
  const solver = createWindowSolver(problem, capacity, band);
  let cost = 0;
  let lastStep = 0;
  for (let start = 0; ; ) {
    const end = Math.min(frameCount, start + capacity - 1);
    const result = solveWindow(solver, controls, start, end, settings);
    cost += result.cost;
    lastStep = Math.max(lastStep, result.lastStep);
    if (end === frameCount) return { cost, lastStep };
    start = end + 1 - settings.overlapFrames;
  }
}

/** Turns the rest pose about the vertical and moves it so that its points lie as near to frame 0's as they can. */
function placeAtTargets(solver: FrameSolver, configuration: Float64Array): void {
  const { model, targets } = solver.problem;
  const { pose } = solver.terms;
  forwardKinematics(model.tree, configuration, 0, pose);
  const { points, pointTarget_m, pointWeight } = targets;
  let total = 0;
  const from = new Float64Array(3);
  const to = new Float64Array(3);
  points.forEach((point, at) => {
    total += pointWeight[at];
    for (let k = 0; k < 3; k++) {
      from[k] += pointWeight[at] * pose.position_m[3 * point.body + k];
      to[k] += pointWeight[at] * pointTarget_m[3 * at + k];
    }
  });
  if (total === 0) return;
  let cosine = 0;
  let sine = 0;
  points.forEach((point, at) => {
    const x = pose.position_m[3 * point.body] - from[0] / total;
    const y = pose.position_m[3 * point.body + 1] - from[1] / total;
    const u = pointTarget_m[3 * at] - to[0] / total;
    const v = pointTarget_m[3 * at + 1] - to[1] / total;
    cosine += pointWeight[at] * (x * u + y * v);
    sine += pointWeight[at] * (x * v - y * u);
  });
  turnAndShift(model, configuration, Math.atan2(sine, cosine), from, to, total);
}

function turnAndShift(
  model: SolverModel,
  configuration: Float64Array,
  yaw: number,
  from: Float64Array,
  to: Float64Array,
  total: number,
): void {
  const at = model.baseAddress;
  const x = configuration[at] - from[0] / total;
  const y = configuration[at + 1] - from[1] / total;
  configuration[at] = to[0] / total + Math.cos(yaw) * x - Math.sin(yaw) * y;
  configuration[at + 1] = to[1] / total + Math.sin(yaw) * x + Math.cos(yaw) * y;
  configuration[at + 2] += (to[2] - from[2]) / total;
  const w = Math.cos(yaw / 2);
  const z = Math.sin(yaw / 2);
  const [qw, qx, qy, qz] = configuration.subarray(at + 3, at + 7);
  configuration.set([w * qw - z * qz, w * qx - z * qy, w * qy + z * qx, w * qz + z * qw], at + 3);
  normalizeQuaternion(configuration, at + 3);
}

/** Joint positions [frame, joint] in the robot's joint order from qpos rows. */
export function jointPositions(model: SolverModel, configurations: Float64Array, frameCount: number): Float64Array {
  const width = model.rest.length;
  const count = model.joints.length;
  const out = new Float64Array(frameCount * count);
  for (let frame = 0; frame < frameCount; frame++) {
    for (let joint = 0; joint < count; joint++) {
      out[frame * count + model.columns[joint]] = configurations[frame * width + model.addresses[joint]];
    }
  }
  return out;
}

/** Joint velocities [frame, joint] in the robot's joint order from velocities over the variables. */
export function jointVelocities(model: SolverModel, velocities: Float64Array, frameCount: number): Float64Array {
  const count = model.joints.length;
  const out = new Float64Array(frameCount * count);
  for (let frame = 0; frame < frameCount; frame++) {
    for (let joint = 0; joint < count; joint++) {
      out[frame * count + model.columns[joint]] = velocities[frame * model.size + BASE_VARIABLES + joint];
    }
  }
  return out;
}
