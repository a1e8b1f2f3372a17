import { expect, test } from 'vitest';
import { upperMedian } from '../../src/math/median.js';

test('is the middle one of the finite values, the larger of two, and leaves the list as it was', () => {
  const odd = [10, 9, 1];
  expect(upperMedian(odd)).toBe(9);
  expect(odd).toEqual([10, 9, 1]);
  expect(upperMedian([4, 1, 3, 2])).toBe(3);
  expect(upperMedian(Float32Array.of(Number.NaN, 2, Number.POSITIVE_INFINITY, 1, 5))).toBe(2);
  expect(upperMedian([Number.NaN])).toBeNaN();
  expect(upperMedian([])).toBeNaN();
});
