// Where and when the swing foot lands, given where the divergent component of motion is: a quadratic program of five
// variables, after Khadiv et al., "Walking control based on step timing adaptation" (IEEE T-RO 2020).
//
// With the zero-moment point held at p, ξ at landing is p + (ξ - p) τ, with τ = exp(ω · remaining time). It must be
// foot + offset. Unknown are foot (2), offset (2) and τ: linear constraints, and the cost keeps all near the nominal step.

import { createProgram, type QuadraticProgram, solveProgram } from './quadratic-program.js';

export interface StepProblem {
  readonly omega: number;
  /** ξ and p at the beginning of the remaining time (m). */
  readonly dcm_m: ArrayLike<number>; // [2]
  readonly zmp_m: ArrayLike<number>; // [2]
  /** The nominal landing: foot (m), offset of ξ from it (m), and time to go (s). */
  readonly foot_m: ArrayLike<number>; // [2]
  readonly offset_m: ArrayLike<number>; // [2]
  readonly remaining_s: number;
  /** Allowed time to go (s). */
  readonly shortest_s: number;
  readonly longest_s: number;
  /** Axes of the stance foot's frame, in which reach is given: heading (rad). */
  readonly heading_rad: number;
  /** Origin of that frame (m), and bounds of the foot in it: x from, x to, y from, y to (m). */
  readonly origin_m: ArrayLike<number>; // [2]
  readonly reach_m: ArrayLike<number>; // [4]
  readonly weights: StepWeights;
}

export interface StepWeights {
  /** Cost of moving the foot (1/m²), of changing τ, and of missing the offset (1/m²). */
  readonly foot: number;
  readonly timing: number;
  readonly offset: number;
}

export interface StepSolution {
  readonly foot_m: Float64Array; // [2]
  readonly offset_m: Float64Array; // [2]
  remaining_s: number;
}

/** The program of one step. */
export function createStepSolver(): QuadraticProgram {
  return createProgram(5, 8, 2);
}

/** Writes the landing to `out`; leaves it as it is and returns false where there is none. */
export function adjustStep(program: QuadraticProgram, problem: StepProblem, out: StepSolution): boolean {
  const { hessian, gradient, constraints, bounds } = program;
  const { omega, dcm_m, zmp_m, foot_m, offset_m, weights, reach_m, origin_m, heading_rad } = problem;
  const nominal = [foot_m[0], foot_m[1], offset_m[0], offset_m[1], Math.exp(omega * problem.remaining_s)];
  const cost = [weights.foot, weights.foot, weights.offset, weights.offset, weights.timing];
  hessian.fill(0);
  constraints.fill(0);
  for (let k = 0; k < 5; k++) {
    hessian[6 * k] = cost[k];
    gradient[k] = -cost[k] * nominal[k];
  }
  for (let axis = 0; axis < 2; axis++) {
    constraints[5 * axis + axis] = 1;
    constraints[5 * axis + 2 + axis] = 1;
    constraints[5 * axis + 4] = zmp_m[axis] - dcm_m[axis];
    bounds[axis] = zmp_m[axis];
  }
  const [cosine, sine] = [Math.cos(heading_rad), Math.sin(heading_rad)];
  bound(2, cosine, sine, reach_m[0], reach_m[1]);
  bound(4, -sine, cosine, reach_m[2], reach_m[3]);
  constraints[5 * 6 + 4] = 1;
  bounds[6] = Math.exp(omega * problem.shortest_s);
  constraints[5 * 7 + 4] = -1;
  bounds[7] = -Math.exp(omega * Math.max(problem.shortest_s, problem.longest_s));
  const outcome = solveProgram(program);
  if (outcome === 'infeasible' || outcome === 'indefinite') return false;
  const [x, y, offsetX, offsetY, growth] = program.solution;
  out.foot_m[0] = x;
  out.foot_m[1] = y;
  out.offset_m[0] = offsetX;
  out.offset_m[1] = offsetY;
  out.remaining_s = Math.log(Math.max(growth, 1e-9)) / omega;
  return true;

  function bound(row: number, x: number, y: number, low: number, high: number): void {
    const origin = x * origin_m[0] + y * origin_m[1];
    constraints[5 * row] = x;
    constraints[5 * row + 1] = y;
    bounds[row] = origin + low;
    constraints[5 * row + 5] = -x;
    constraints[5 * row + 6] = -y;
    bounds[row + 1] = -origin - high;
  }
}
