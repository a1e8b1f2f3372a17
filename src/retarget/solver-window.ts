// Gauss-Newton over one window of a trajectory.
//
// Unknowns are the control points [start, end] of the spline; two before `start` belong to the window before and stay.
// A frame touches two control points and an acceleration three, its own variables only: the matrix is a band two
// frames wide, factorised in time that grows linearly with the frames. Steps that do not lower the cost are shortened.

import { type Band, bandStart, createBand, factorizeBand, solveBand } from './banded.js';
import { BASE_VARIABLES, type Problem, type SolverModel } from './problem.js';
import { createFrameTerms, evaluateFrame, type FrameTerms } from './residual-frame.js';
import { limitCost, limitForce, limitStiffness } from './residual-limit.js';
import { addSmoothness, excess, SPEED_WEIGHT } from './residual-smooth.js';
import { moveControl, spreadGradient, writeConfiguration, writeVelocity } from './solver-spline.js';

/** Shortenings of a step before it is given up. */
const SHORTENINGS = 4;

export interface WindowOptions {
  /** Steps with a matrix of their own. */
  readonly iterations: number;
  /** Further steps with the last matrix, which cost a quarter as much. */
  readonly refinements: number;
  /** Ends when no variable moves further than this in a step (rad or m). */
  readonly tolerance: number;
  /** Added to the diagonal (1/rad² or 1/m²). */
  readonly damping: number;
}

export const WINDOW_DEFAULTS: WindowOptions = { iterations: 3, refinements: 2, tolerance: 1e-4, damping: 1 };

export interface WindowSolver {
  readonly problem: Problem;
  readonly terms: FrameTerms;
  readonly band: Band;
  /** Control points that fit. */
  readonly capacity: number;
  /** Gauss-Newton matrix of the frame before. */
  readonly before: Float64Array;
  readonly configuration: Float64Array; // qpos of one frame
  readonly velocities: Float64Array; // [velocity from the window's origin, size]
  readonly gradient: Float64Array; // [control point from the window's origin, size]
  readonly step: Float64Array; // [unknown control point, size]
  readonly start: Float64Array; // controls before the step
  readonly pull: Float64Array; // [size]
}

export interface WindowResult {
  readonly cost: number;
  readonly iterations: number;
  /** Largest change of a variable in the last step (rad or m). */
  readonly lastStep: number;
}

/** Room for the matrix of a window with `capacity` control points. */
export function windowBand({ size }: SolverModel, capacity: number): Band {
  return createBand(capacity * size, 2 * size);
}

/** @param band to work in, from windowBand(); a new one where absent or too small */
export function createWindowSolver(problem: Problem, capacity: number, band?: Band): WindowSolver {
  const { size, rest } = problem.model;
  const fits = band !== undefined && band.halfBandwidth === 2 * size && band.capacity >= capacity * size;
  return {
    problem,
    terms: createFrameTerms(problem),
    band: fits ? band : windowBand(problem.model, capacity),
    capacity,
    before: new Float64Array(size * size),
    configuration: Float64Array.from(rest),
    velocities: new Float64Array((capacity + 2) * size),
    gradient: new Float64Array((capacity + 3) * size),
    step: new Float64Array(capacity * size + 4),
    start: new Float64Array(capacity * rest.length),
    pull: new Float64Array(size),
  };
}

/**
 * Improves control points [start, end] in place; end is the control point after the window's last frame.
 * @param controls [control point, qpos] of the whole trajectory, within the limits
 */
export function solveWindow(
  solver: WindowSolver,
  controls: Float64Array,
  start: number,
  end: number,
  options: WindowOptions = WINDOW_DEFAULTS,
): WindowResult {
  const { problem, band } = solver;
  const { size } = problem.model;
  const unknowns = (end - start + 1) * size;
  let cost = Number.POSITIVE_INFINITY;
  let lastStep = 0;
  let iteration = 0;
  for (; iteration < options.iterations + options.refinements; iteration++) {
    const withMatrix = iteration < options.iterations;
    const next = shortenUntilLower(solver, controls, start, end, cost, withMatrix, options.damping);
    if (Number.isNaN(next)) return { cost, iterations: iteration, lastStep };
    cost = next;
    if (withMatrix && !factorizeBand(band, unknowns)) break;
    negate(solver, start, unknowns);
    solveBand(band, unknowns, solver.step);
    lastStep = largest(solver.step, unknowns);
    keep(solver, controls, start, end);
    move(solver, controls, start, end, 1);
    if (lastStep < options.tolerance) return { cost, iterations: iteration + 1, lastStep };
  }
  const last = shortenUntilLower(solver, controls, start, end, cost, false, options.damping);
  return { cost: Number.isNaN(last) ? cost : last, iterations: iteration, lastStep };
}

/** Evaluates; while the last step raised the cost, takes less of it. NaN where even a little of it did. */
function shortenUntilLower(
  solver: WindowSolver,
  controls: Float64Array,
  start: number,
  end: number,
  cost: number,
  withMatrix: boolean,
  damping: number,
): number {
  for (let scale = 1, tries = 0; tries <= SHORTENINGS; tries++) {
    const next = evaluateWindow(solver, controls, start, end, withMatrix, damping);
    if (next <= cost * (1 + 1e-9)) return next;
    scale *= 0.35;
    move(solver, controls, start, end, scale);
  }
  move(solver, controls, start, end, 0);
  return Number.NaN;
}

/** First control point that the window's terms reach. */
function originOf(start: number): number {
  return Math.max(0, start - 2);
}

/**
 * Cost, gradient and, if wanted, the band of the window. Terms that lie wholly before the window are constants and are
 * left out but for those that velocities bring in.
 */
export function evaluateWindow(
  solver: WindowSolver,
  controls: Float64Array,
  start: number,
  end: number,
  withMatrix: boolean,
  damping: number,
): number {
  const { problem, terms, velocities, gradient, configuration, before } = solver;
  const { model, targets } = problem;
  const { size } = model;
  const origin = originOf(start);
  const rate = targets.rate_hz;
  gradient.fill(0, 0, (end - origin + 1) * size);
  for (let k = origin; k < end; k++) writeVelocity(model, controls, k, rate, velocities, (k - origin) * size);
  let cost = addSmoothness(problem, velocities, end - origin, gradient, solver.pull);
  before.fill(0);
  for (let frame = Math.max(0, start - 1); frame < end; frame++) {
    writeConfiguration(model, controls, frame, configuration, 0);
    cost += evaluateFrame(terms, configuration, 0, frame, withMatrix);
    const at = (frame - origin) * size;
    spreadGradient(terms.gradient, velocities, at, 1 / rate, gradient, at, at + size, size);
    if (!withMatrix) continue;
    if (frame >= start) writeRows(solver, frame, start, end, damping, true);
    before.set(terms.matrix);
  }
  if (withMatrix) writeRows(solver, end, start, end, damping, false);
  return cost + addLimits(solver, controls, start, end, withMatrix);
}

/** Writes the band's rows of one control point, from the matrices of the frames before and after it. */
function writeRows(
  solver: WindowSolver,
  control: number,
  start: number,
  end: number,
  damping: number,
  hasAfter: boolean,
): void {
  const { problem, band, before, velocities } = solver;
  const { model, targets, smoothness } = problem;
  const { size, speedLimit } = model;
  const { data, stride } = band;
  const after = solver.terms.matrix;
  const origin = originOf(start);
  const block = control - start;
  const rate2 = targets.rate_hz * targets.rate_hz;
  // Accelerations that this control point begins, is the middle of, ends.
  const begins = control <= end - 2;
  const middles = control > origin && control < end;
  const ends = control >= origin + 2;
  const ownShare = (begins ? 1 : 0) + (middles ? 4 : 0) + (ends ? 1 : 0);
  const neighbourShare = -2 * ((middles ? 1 : 0) + (ends ? 1 : 0));
  const velocityCount = (control > origin ? 1 : 0) + (control < end ? 1 : 0);
  for (let row = 0; row < size; row++) {
    const line = block * size + row;
    const base = line * stride - bandStart(band, line) + block * size;
    data.fill(0, line * stride, (line + 1) * stride);
    const matrixRow = row * size;
    for (let column = 0; column <= row; column++) {
      const sum = before[matrixRow + column] + (hasAfter ? after[matrixRow + column] : 0);
      data[base + column] = 0.25 * sum;
    }
    const velocityWeight = smoothness.velocityWeight[row] * rate2;
    const accelerationWeight = smoothness.accelerationWeight[row] * rate2 * rate2;
    data[base + row] += damping + velocityCount * velocityWeight + ownShare * accelerationWeight;
    let limitAbove = 0;
    if (row >= BASE_VARIABLES) {
      const limit = speedLimit[row - BASE_VARIABLES];
      const at = (control - origin) * size + row;
      if (control < end && excess(velocities[at], limit) !== 0) data[base + row] += SPEED_WEIGHT * rate2;
      if (control > origin && excess(velocities[at - size], limit) !== 0) limitAbove = SPEED_WEIGHT * rate2;
      data[base + row] += limitAbove;
    }
    if (block === 0) continue;
    const left = base - size;
    for (let column = 0; column <= row; column++) data[left + column] = 0.25 * before[matrixRow + column];
    for (let column = row + 1; column < size; column++) data[left + column] = 0.25 * before[column * size + row];
    data[left + row] += neighbourShare * accelerationWeight - velocityWeight - limitAbove;
    if (block > 1) data[left - size + row] = accelerationWeight;
  }
}

/** Adds the joints' limits to the gradient and, if wanted, to the band's diagonal; returns their cost. */
function addLimits(
  solver: WindowSolver,
  controls: Float64Array,
  start: number,
  end: number,
  withMatrix: boolean,
): number {
  const { gradient, band } = solver;
  const { size, lower, upper, margin, addresses, rest } = solver.problem.model;
  const origin = originOf(start);
  let cost = 0;
  for (let control = start; control <= end; control++) {
    for (let joint = 0; joint < addresses.length; joint++) {
      const value = controls[control * rest.length + addresses[joint]];
      const force = limitForce(value, lower[joint], upper[joint], margin[joint]);
      if (force === 0) continue;
      cost += limitCost(value, lower[joint], upper[joint], margin[joint]);
      gradient[(control - origin) * size + BASE_VARIABLES + joint] += force;
      if (!withMatrix) continue;
      const line = (control - start) * size + BASE_VARIABLES + joint;
      const stiffness = limitStiffness(value, lower[joint], upper[joint], margin[joint]);
      band.data[line * band.stride - bandStart(band, line) + line] += stiffness;
    }
  }
  return cost;
}

function negate(solver: WindowSolver, start: number, unknowns: number): void {
  const from = (start - originOf(start)) * solver.problem.model.size;
  for (let at = 0; at < unknowns; at++) solver.step[at] = -solver.gradient[from + at];
}

function largest(values: Float64Array, count: number): number {
  let most = 0;
  for (let at = 0; at < count; at++) {
    const size = Math.abs(values[at]);
    if (size > most) most = size;
  }
  return most;
}

function keep(solver: WindowSolver, controls: Float64Array, start: number, end: number): void {
  const width = solver.problem.model.rest.length;
  for (let at = 0, from = start * width; from < (end + 1) * width; at++, from++) solver.start[at] = controls[from];
}

/** controls = kept controls moved by `scale` times the step. */
function move(solver: WindowSolver, controls: Float64Array, start: number, end: number, scale: number): void {
  const { model } = solver.problem;
  const width = model.rest.length;
  for (let control = start; control <= end; control++) {
    const at = control * width;
    const from = (control - start) * width;
    for (let k = 0; k < width; k++) controls[at + k] = solver.start[from + k];
    moveControl(model, controls, control, solver.step, (control - start) * model.size, scale, controls);
  }
}
