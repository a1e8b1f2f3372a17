// Small dense quadratic programs, by the dual active-set method of Goldfarb and Idnani (Mathematical Programming 27, 1983).
//
// A control tick must end: the number of iterations is bounded and violations are judged relative to rounding. (The
// package quadprog has the same method without either and can go round in circles on degenerate wrench cones; tests use
// it as the oracle.) Allocation-free after createProgram; runs in a browser.

import { factorise } from './cholesky.js';

/** Minimise ½ xᵀ H x + gᵀ x over constraints · x ≥ bounds, the first `equalityCount` of them with equality. */
export interface QuadraticProgram {
  readonly size: number;
  readonly count: number;
  readonly equalityCount: number;
  /** Symmetric and positive definite; overwritten by solveProgram. */
  readonly hessian: Float64Array; // [size, size]
  readonly gradient: Float64Array; // [size]
  readonly constraints: Float64Array; // [count, size]
  readonly bounds: Float64Array; // [count]
  /** Solution, after solveProgram. */
  readonly solution: Float64Array; // [size]
  readonly room: Room;
}

interface Room {
  readonly basis: Float64Array; // [size, size] J: J Jᵀ = H⁻¹; its first columns span the active constraints
  readonly triangle: Float64Array; // [size, size] R, upper
  readonly multipliers: Float64Array; // [size + 1]
  readonly active: Int32Array; // [size + 1]
  readonly isActive: Uint8Array; // [count]
  readonly norms: Float64Array; // [count]
  readonly normal: Float64Array; // [size]
  readonly product: Float64Array; // [size] d = Jᵀ n
  readonly direction: Float64Array; // [size] z
  readonly change: Float64Array; // [size] r = R⁻¹ d
}

export type Outcome = 'solved' | 'unfinished' | 'infeasible' | 'indefinite';

const TOLERANCE = 1e-9;

export function createProgram(size: number, count: number, equalityCount = 0): QuadraticProgram {
  return {
    size,
    count,
    equalityCount,
    hessian: new Float64Array(size * size),
    gradient: new Float64Array(size),
    constraints: new Float64Array(count * size),
    bounds: new Float64Array(count),
    solution: new Float64Array(size),
    room: {
      basis: new Float64Array(size * size),
      triangle: new Float64Array(size * size),
      multipliers: new Float64Array(size + 1),
      active: new Int32Array(size + 1),
      isActive: new Uint8Array(count),
      norms: new Float64Array(count),
      normal: new Float64Array(size),
      product: new Float64Array(size),
      direction: new Float64Array(size),
      change: new Float64Array(size),
    },
  };
}

/** `unfinished`: the solution is the best there was after the last iteration, and may violate constraints a little. */
export function solveProgram(program: QuadraticProgram): Outcome {
  const { size, count, room } = program;
  if (!begin(program)) return 'indefinite';
  let activeCount = 0;
  const most = 10 * (size + count);
  for (let iteration = 0; iteration < most; iteration++) {
    const worst = mostViolated(program);
    if (worst < 0) return 'solved';
    const sign = takeNormal(program, worst);
    room.multipliers[activeCount] = 0;
    let added = false;
    while (!added) {
      if (++iteration > most) return 'unfinished';
      findDirection(program, activeCount);
      const [blocking, partial] = longestDualStep(program, activeCount);
      const full = fullStep(program, worst, sign);
      const step = Math.min(partial, full);
      if (step === Number.POSITIVE_INFINITY) return 'infeasible';
      if (full !== Number.POSITIVE_INFINITY) {
        for (let i = 0; i < size; i++) program.solution[i] += step * room.direction[i];
      }
      for (let k = 0; k < activeCount; k++) room.multipliers[k] -= step * room.change[k];
      room.multipliers[activeCount] += step;
      if (step === full) {
        addConstraint(program, worst, activeCount);
        activeCount++;
        added = true;
      } else {
        dropConstraint(program, blocking, activeCount);
        activeCount--;
      }
    }
  }
  return 'unfinished';
}

/** The minimum without constraints, and J = L⁻ᵀ. */
function begin({ size, count, hessian, gradient, constraints, solution, room }: QuadraticProgram): boolean {
  if (!factorise(hessian, size)) return false;
  const { basis, isActive, norms } = room;
  for (let column = 0; column < size; column++) {
    // Column by column of L⁻¹, which are the rows of J.
    for (let row = 0; row < size; row++) {
      let sum = row === column ? 1 : 0;
      for (let k = column; k < row; k++) sum -= hessian[row * size + k] * basis[column * size + k];
      basis[column * size + row] = row < column ? 0 : sum / hessian[row * size + row];
    }
  }
  for (let i = 0; i < size; i++) {
    room.product[i] = 0;
    for (let k = 0; k < size; k++) room.product[i] += basis[k * size + i] * gradient[k];
  }
  for (let i = 0; i < size; i++) {
    solution[i] = 0;
    for (let k = 0; k < size; k++) solution[i] -= basis[i * size + k] * room.product[k];
  }
  isActive.fill(0);
  for (let j = 0; j < count; j++) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += constraints[j * size + k] ** 2;
    norms[j] = Math.sqrt(sum);
  }
  return true;
}

/** Equalities first, in their order; then the inequality that is violated most, for its length. -1 where all hold. */
function mostViolated(program: QuadraticProgram): number {
  const { size, count, equalityCount, constraints, bounds, solution, room } = program;
  for (let j = 0; j < equalityCount; j++) if (room.isActive[j] === 0) return j;
  let worst = -1;
  let least = 0;
  for (let j = equalityCount; j < count; j++) {
    if (room.isActive[j] !== 0 || room.norms[j] === 0) continue;
    let value = -bounds[j];
    let scale = Math.abs(bounds[j]);
    for (let k = 0; k < size; k++) {
      const term = constraints[j * size + k] * solution[k];
      value += term;
      scale += Math.abs(term);
    }
    const violation = value / room.norms[j];
    if (violation < least && value < -TOLERANCE * Math.max(scale, room.norms[j])) {
      least = violation;
      worst = j;
    }
  }
  return worst;
}

/** The constraint's normal, turned so that its value has to grow. */
function takeNormal({ size, constraints, bounds, solution, room }: QuadraticProgram, j: number): number {
  let value = -bounds[j];
  for (let k = 0; k < size; k++) value += constraints[j * size + k] * solution[k];
  const sign = value > 0 ? -1 : 1;
  for (let k = 0; k < size; k++) room.normal[k] = sign * constraints[j * size + k];
  return sign;
}

function findDirection({ size, room }: QuadraticProgram, activeCount: number): void {
  const { basis, normal, product, direction, change, triangle } = room;
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += basis[k * size + i] * normal[k];
    product[i] = sum;
  }
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let k = activeCount; k < size; k++) sum += basis[i * size + k] * product[k];
    direction[i] = sum;
  }
  for (let i = activeCount - 1; i >= 0; i--) {
    let sum = product[i];
    for (let k = i + 1; k < activeCount; k++) sum -= triangle[i * size + k] * change[k];
    change[i] = sum / triangle[i * size + i];
  }
}

/** Which multiplier reaches zero first, and after which step. Equalities never leave. */
function longestDualStep({ equalityCount, room }: QuadraticProgram, activeCount: number): [number, number] {
  let blocking = -1;
  let step = Number.POSITIVE_INFINITY;
  for (let k = 0; k < activeCount; k++) {
    if (room.active[k] < equalityCount || room.change[k] <= 0) continue;
    const length = room.multipliers[k] / room.change[k];
    if (length < step) {
      step = length;
      blocking = k;
    }
  }
  return [blocking, step];
}

/** The step at which the constraint holds; infinite where no direction is left. */
function fullStep(program: QuadraticProgram, j: number, sign: number): number {
  const { size, bounds, solution, room } = program;
  let slope = 0;
  let whole = 0;
  let value = -sign * bounds[j];
  for (let k = 0; k < size; k++) {
    slope += room.direction[k] * room.normal[k];
    whole += room.product[k] ** 2;
    value += room.normal[k] * solution[k];
  }
  return slope <= 1e-12 * whole ? Number.POSITIVE_INFINITY : Math.max(0, -value / slope);
}

/** Rotations make the new constraint's d a column of R; J turns with them. */
function addConstraint({ size, room }: QuadraticProgram, j: number, activeCount: number): void {
  const { product, triangle, active, isActive } = room;
  for (let i = size - 1; i > activeCount; i--) {
    const length = Math.hypot(product[i - 1], product[i]);
    if (length === 0) continue;
    const [cosine, sine] = [product[i - 1] / length, product[i] / length];
    product[i - 1] = length;
    product[i] = 0;
    turnColumns(room.basis, size, i - 1, cosine, sine);
  }
  for (let i = 0; i <= activeCount; i++) triangle[i * size + activeCount] = product[i];
  active[activeCount] = j;
  isActive[j] = 1;
}

function dropConstraint({ size, room }: QuadraticProgram, at: number, activeCount: number): void {
  const { triangle, active, isActive, multipliers } = room;
  isActive[active[at]] = 0;
  for (let k = at; k < activeCount - 1; k++) {
    active[k] = active[k + 1];
    multipliers[k] = multipliers[k + 1];
    for (let i = 0; i <= k + 1; i++) triangle[i * size + k] = triangle[i * size + k + 1];
  }
  // The multiplier of the constraint that is being added comes last.
  multipliers[activeCount - 1] = multipliers[activeCount];
  for (let k = at; k < activeCount - 1; k++) {
    const [upper, lower] = [triangle[k * size + k], triangle[(k + 1) * size + k]];
    const length = Math.hypot(upper, lower);
    if (length === 0) continue;
    const [cosine, sine] = [upper / length, lower / length];
    for (let column = k; column < activeCount - 1; column++) {
      const [a, b] = [triangle[k * size + column], triangle[(k + 1) * size + column]];
      triangle[k * size + column] = cosine * a + sine * b;
      triangle[(k + 1) * size + column] = cosine * b - sine * a;
    }
    turnColumns(room.basis, size, k, cosine, sine);
  }
}

/** Turns columns `first` and `first + 1` of a square matrix. */
function turnColumns(matrix: Float64Array, size: number, first: number, cosine: number, sine: number): void {
  for (let row = 0; row < size; row++) {
    const at = row * size + first;
    const [a, b] = [matrix[at], matrix[at + 1]];
    matrix[at] = cosine * a + sine * b;
    matrix[at + 1] = cosine * b - sine * a;
  }
}
