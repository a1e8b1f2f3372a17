import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { bandIndex, createBand, factorizeBand, solveBand } from '../../src/retarget/banded.js';

/** A random symmetric matrix of the band, made diagonally dominant and so positive definite. */
function randomBand(size: number, halfBandwidth: number, seed: number) {
  const random = new Random(seed);
  const dense = Array.from({ length: size }, () => new Float64Array(size));
  for (let row = 0; row < size; row++) {
    for (let column = Math.max(0, row - halfBandwidth); column < row; column++) {
      dense[row][column] = dense[column][row] = random.normal();
    }
  }
  for (let row = 0; row < size; row++) dense[row][row] = 1 + dense[row].reduce((sum, x) => sum + Math.abs(x), 0);
  const band = createBand(size, halfBandwidth);
  for (let row = 0; row < size; row++) {
    for (let column = Math.max(0, row - halfBandwidth); column <= row; column++) {
      band.data[bandIndex(band, row, column)] = dense[row][column];
    }
  }
  return { dense, band, random };
}

describe('band Cholesky', () => {
  it.each([
    [1, 0],
    [3, 2],
    [8, 3],
    [41, 7],
    [97, 14],
    [64, 63],
  ])('solves %i equations of half bandwidth %i', (size, halfBandwidth) => {
    const { dense, band, random } = randomBand(size, halfBandwidth, size);
    const solution = Float64Array.from({ length: size }, () => random.normal());
    const vector = new Float64Array(size + 3);
    vector.set(dense.map((row) => row.reduce((sum, x, column) => sum + x * solution[column], 0)));
    expect(factorizeBand(band, size)).toBe(true);
    solveBand(band, size, vector);
    // Diagonally dominant: the condition number is small, so that rounding alone remains.
    for (let row = 0; row < size; row++) expect(vector[row]).toBeCloseTo(solution[row], 11);
  });

  it('solves a smaller system in a larger band, whatever lies beyond it', () => {
    const { dense, band } = randomBand(30, 6, 5);
    const size = 21;
    const vector = new Float64Array(size + 3).fill(1);
    expect(factorizeBand(band, size)).toBe(true);
    solveBand(band, size, vector);
    for (let row = 0; row < size; row++) {
      let sum = 0;
      for (let column = 0; column < size; column++) sum += dense[row][column] * vector[column];
      expect(sum).toBeCloseTo(1, 12);
    }
  });

  it('says so where the matrix is not positive definite', () => {
    const { band } = randomBand(20, 5, 6);
    band.data[bandIndex(band, 11, 11)] = -1;
    expect(factorizeBand(band, 20)).toBe(false);
  });
});
