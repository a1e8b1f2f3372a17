// Small dense quadratic programs, by the dual active-set method of Goldfarb and Idnani (package quadprog).
//
// The package counts from 1 and overwrites what it is given; this file is the only one that knows.

import quadprog from 'quadprog';

/** Minimise ½ xᵀ H x + gᵀ x over constraints · x ≥ bounds, the first `equalityCount` of them with equality. */
export interface QuadraticProgram {
  readonly size: number;
  /** Symmetric and positive definite. */
  readonly hessian: Float64Array; // [size, size]
  readonly gradient: Float64Array; // [size]
  readonly constraints: Float64Array; // [count, size]
  readonly bounds: Float64Array; // [count]
  readonly count: number;
  readonly equalityCount: number;
}

/** Room for a program of up to so many variables and constraints. */
export function createProgram(size: number, count: number): { -readonly [K in keyof QuadraticProgram]: QuadraticProgram[K] } {
  return {
    size,
    hessian: new Float64Array(size * size),
    gradient: new Float64Array(size),
    constraints: new Float64Array(count * size),
    bounds: new Float64Array(count),
    count,
    equalityCount: 0,
  };
}

/**
 * @param out [size], written where there is a solution
 * @returns false where the constraints contradict one another or the Hessian is not positive definite
 */
export function solveProgram(program: QuadraticProgram, out: Float64Array): boolean {
  const { size, hessian, gradient, constraints, bounds, count, equalityCount } = program;
  const matrix: number[][] = [[]];
  const transposed: number[][] = [[]];
  const linear: number[] = [0];
  const right: number[] = [0];
  for (let i = 0; i < size; i++) {
    const row = new Array<number>(size + 1).fill(0);
    for (let j = 0; j < size; j++) row[j + 1] = hessian[i * size + j];
    matrix.push(row);
    const column = new Array<number>(count + 1).fill(0);
    for (let j = 0; j < count; j++) column[j + 1] = constraints[j * size + i];
    transposed.push(column);
    linear.push(-gradient[i]);
  }
  for (let j = 0; j < count; j++) right.push(bounds[j]);
  const { solution, message } = quadprog.solveQP(matrix, linear, transposed, right, equalityCount);
  if (message !== '') return false;
  for (let i = 0; i < size; i++) out[i] = solution[i + 1];
  return true;
}
