// Least squares against numpy's lstsq and the textbook's standard errors.

import { describe, expect, it } from 'vitest';
import { leastSquares } from '../../src/math/least-squares.js';

const X = [2.041, -2.556, 0.418, -0.568, -0.453, -0.216, -2.02, -0.232];
const Z = [-0.865, 3.323, 0.226, -0.353, -0.281, -0.668, -1.055, -0.391];
const Y = [4.563, -6.797, 0.819, -0.979, -0.763, 0.057, -3.458, -0.319];
const ONES = new Float64Array(8).fill(1);

describe('least squares', () => {
  it('gives what numpy gives', () => {
    const fit = leastSquares([X, Z, ONES], Y)!;
    // numpy.linalg.lstsq, and sqrt(diag(inv(X'X)) residual / 5); both in double precision.
    [2.0069833409059394, -0.513010516008148, 0.03590119843302254].forEach((value, k) => {
      expect(fit.coefficients[k]).toBeCloseTo(value, 11);
    });
    [0.024234847194706383, 0.02442612351776608, 0.029089200713081846].forEach((value, k) => {
      expect(fit.standardErrors[k]).toBeCloseTo(value, 11);
    });
    expect(fit.residual).toBeCloseTo(0.029033459047401167, 11);
    expect(fit.explained).toBeCloseTo(0.999642859944262, 11);
  });

  it('does not depend on the units of a regressor', () => {
    const fit = leastSquares([X.map((value) => value * 1e6), Z, ONES], Y)!;
    expect(fit.coefficients[0] * 1e6).toBeCloseTo(2.0069833409059394, 9);
    expect(fit.standardErrors[0] * 1e6).toBeCloseTo(0.024234847194706383, 9);
  });

  it('says nothing where the regressors cannot be told apart, or are too many', () => {
    expect(leastSquares([X, X.map((value) => 2 * value)], Y)).toBeUndefined();
    expect(leastSquares([X, new Float64Array(8)], Y)).toBeUndefined();
    expect(leastSquares([[1], [2]], [3])).toBeUndefined();
  });
});
