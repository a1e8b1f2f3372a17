import quadprog from 'quadprog';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { createProgram, type QuadraticProgram, solveProgram } from '../../src/control/quadratic-program.js';

function fill(
  program: QuadraticProgram,
  values: { hessian: number[]; gradient: number[]; rows: number[]; bounds: number[] },
) {
  program.hessian.set(values.hessian);
  program.gradient.set(values.gradient);
  program.constraints.set(values.rows);
  program.bounds.set(values.bounds);
  return program;
}

/** The same program by the package, whose arrays count from 1. */
function byPackage(values: Parameters<typeof fill>[1], size: number, count: number, equalityCount: number) {
  const square = [
    [],
    ...Array.from({ length: size }, (_, i) => [0, ...values.hessian.slice(i * size, (i + 1) * size)]),
  ];
  const rows = [
    [],
    ...Array.from({ length: size }, (_, k) => [
      0,
      ...Array.from({ length: count }, (_, j) => values.rows[j * size + k]),
    ]),
  ];
  const result = quadprog.solveQP(
    square,
    [0, ...values.gradient.map((value) => -value)],
    rows,
    [0, ...values.bounds],
    equalityCount,
  );
  expect(result.message).toBe('');
  return result.solution.slice(1);
}

describe('quadratic programs', () => {
  it('a corner and an edge, by hand', () => {
    // min ½|x|² - (3, 2)·x over x ≤ 1, y ≤ 5: the first bound holds, the second does not matter.
    const program = fill(createProgram(2, 2), {
      hessian: [1, 0, 0, 1],
      gradient: [-3, -2],
      rows: [-1, 0, 0, -1],
      bounds: [-1, -5],
    });
    expect(solveProgram(program)).toBe('solved');
    expect([...program.solution]).toEqual([1, 2]);
  });

  it('an equality: the nearest point of a line', () => {
    const program = fill(createProgram(2, 1, 1), {
      hessian: [1, 0, 0, 1],
      gradient: [0, 0],
      rows: [1, 1],
      bounds: [2],
    });
    expect(solveProgram(program)).toBe('solved');
    expect(program.solution[0]).toBeCloseTo(1, 12);
    expect(program.solution[1]).toBeCloseTo(1, 12);
  });

  it('says so where constraints contradict one another, and where there is no least value', () => {
    const opposed = fill(createProgram(1, 2), { hessian: [1], gradient: [0], rows: [1, -1], bounds: [1, 1] });
    expect(solveProgram(opposed)).toBe('infeasible');
    const endless = fill(createProgram(1, 1), { hessian: [-1], gradient: [0], rows: [1], bounds: [0] });
    expect(solveProgram(endless)).toBe('indefinite');
  });

  it('ends on a degenerate cone: many constraints through one point', () => {
    const random = new Random(4);
    const rows = Array.from({ length: 36 * 6 }, (_, at) => (at % 6 === 2 ? 1 : 0.2 * random.normal()));
    const hessian = Array.from({ length: 36 }, (_, at) => (at % 7 === 0 ? 1e-4 : 0));
    // Pulled hard out of the cone: the tip is the solution.
    const program = fill(createProgram(6, 36), {
      hessian,
      gradient: [0, 0, 1e3, 0, 0, 0],
      rows,
      bounds: rows.slice(0, 36).fill(0),
    });
    expect(solveProgram(program)).toBe('solved');
    expect(Math.max(...program.solution.map(Math.abs))).toBeLessThan(1e-3);
  });

  it("random programs: the package's solutions", () => {
    const random = new Random(9);
    for (let round = 0; round < 200; round++) {
      const size = 1 + random.integer(12);
      const count = 1 + random.integer(20);
      const equalityCount = Math.min(random.integer(3), size - 1, count);
      const factor = Array.from({ length: size * size }, () => random.normal());
      const hessian = Array.from({ length: size * size }, (_, at) => {
        const [i, j] = [Math.floor(at / size), at % size];
        let sum = i === j ? 0.1 : 0;
        for (let k = 0; k < size; k++) sum += factor[i * size + k] * factor[j * size + k];
        return sum;
      });
      const rows = Array.from({ length: count * size }, () => random.normal());
      const inside = Array.from({ length: size }, () => random.normal());
      // A point that satisfies every constraint, some of them with room, keeps the program feasible.
      const bounds = Array.from({ length: count }, (_, j) => {
        const value = inside.reduce((sum, x, k) => sum + x * rows[j * size + k], 0);
        return j < equalityCount ? value : value - random.uniform();
      });
      const gradient = Array.from({ length: size }, () => 3 * random.normal());
      const values = { hessian, gradient, rows, bounds };
      const expected = byPackage(values, size, count, equalityCount);
      const program = fill(createProgram(size, count, equalityCount), values);
      expect(solveProgram(program)).toBe('solved');
      // Conditioned to about 1e4 with float64: rounding stays under this.
      const errors = expected.map((value, k) => Math.abs(program.solution[k] - value));
      expect(Math.max(...errors)).toBeLessThan(1e-7);
    }
  });
});
