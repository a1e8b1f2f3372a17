// Frame-by-frame warm start: damped Gauss-Newton on one configuration at a time, each from the one before.
//
// The matrix of one frame has the tree's own sparsity: eliminating joints from the leaves inwards fills nothing in
// (Featherstone, "Efficient factorization of the joint-space inertia matrix", 2005), so a step costs about as much as
// the kinematics. The result is what per-frame tools give; the whole-trajectory solver starts from it.

import { BASE_VARIABLES, type Problem } from './problem.js';
import { createFrameTerms, evaluateFrame, type FrameTerms } from './residual-frame.js';
import { limitForce, limitStiffness } from './residual-limit.js';
import { moveControl } from './solver-spline.js';

export interface FrameSolver {
  readonly problem: Problem;
  readonly terms: FrameTerms;
  /** Next variable towards the base, -1 at the first. */
  readonly parents: Int32Array; // [size]
  readonly step: Float64Array; // [size]
}

export function createFrameSolver(problem: Problem): FrameSolver {
  const { size, firstAncestor, ancestors } = problem.model;
  const parents = new Int32Array(size);
  for (let variable = 0; variable < BASE_VARIABLES; variable++) parents[variable] = variable - 1;
  for (let joint = 0; joint < size - BASE_VARIABLES; joint++) {
    const nearest = firstAncestor[joint] < firstAncestor[joint + 1] ? ancestors[firstAncestor[joint]] : -1;
    parents[BASE_VARIABLES + joint] = BASE_VARIABLES + nearest;
  }
  return { problem, terms: createFrameTerms(problem), parents, step: new Float64Array(size) };
}

/**
 * Moves a configuration towards the frame's targets, in place.
 * @param configurations qpos rows; row `row` is moved
 * @param damping added to the diagonal (1/rad², 1/m²): how hard each step is
 * @returns the cost before the last step
 */
export function solveFrame(
  solver: FrameSolver,
  configurations: Float64Array,
  row: number,
  frame: number,
  iterations: number,
  damping: number,
): number {
  const { problem, terms, parents, step } = solver;
  const { model } = problem;
  const { size, lower, upper, margin, addresses } = model;
  const at = row * model.rest.length;
  let cost = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    cost = evaluateFrame(terms, configurations, at, frame, true);
    const { matrix, gradient } = terms;
    for (let variable = 0; variable < size; variable++) {
      matrix[variable * (size + 1)] += damping;
      step[variable] = -gradient[variable];
    }
    for (let joint = 0; joint < addresses.length; joint++) {
      const value = configurations[at + addresses[joint]];
      const variable = BASE_VARIABLES + joint;
      step[variable] -= limitForce(value, lower[joint], upper[joint], margin[joint]);
      matrix[variable * (size + 1)] += limitStiffness(value, lower[joint], upper[joint], margin[joint]);
    }
    factorizeTree(matrix, size, parents);
    solveTree(matrix, size, parents, step);
    moveControl(model, configurations, row, step, 0, 1, configurations);
  }
  return cost;
}

/** Replaces the lower triangle by L with H = Lᵀ L; only entries between a variable and those above it are touched. */
function factorizeTree(h: Float64Array, size: number, parents: Int32Array): void {
  for (let k = size - 1; k >= 0; k--) {
    const row = k * size;
    const diagonal = Math.sqrt(h[row + k]);
    h[row + k] = diagonal;
    for (let i = parents[k]; i >= 0; i = parents[i]) h[row + i] /= diagonal;
    for (let i = parents[k]; i >= 0; i = parents[i]) {
      const factor = h[row + i];
      for (let j = i; j >= 0; j = parents[j]) h[i * size + j] -= factor * h[row + j];
    }
  }
}

/** Solves Lᵀ L x = b in place. */
function solveTree(l: Float64Array, size: number, parents: Int32Array, x: Float64Array): void {
  for (let i = size - 1; i >= 0; i--) {
    x[i] /= l[i * size + i];
    for (let j = parents[i]; j >= 0; j = parents[j]) x[j] -= l[i * size + j] * x[i];
  }
  for (let i = 0; i < size; i++) {
    for (let j = parents[i]; j >= 0; j = parents[j]) x[i] -= l[i * size + j] * x[j];
    x[i] /= l[i * size + i];
  }
}
