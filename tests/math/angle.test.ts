import { expect, test } from 'vitest';
import { wrapAngle } from '../../src/math/angle.js';

test('is the same angle, from -π on and below π', () => {
  expect(wrapAngle(Math.PI)).toBe(-Math.PI);
  expect(wrapAngle(-Math.PI)).toBe(-Math.PI);
  for (let angle = -20; angle < 20; angle += 0.37) {
    const wrapped = wrapAngle(angle);
    expect(Math.abs(wrapped)).toBeLessThanOrEqual(Math.PI);
    // Sine and cosine tell the direction; subtracting up to three turns rounds at 1e-15.
    expect(Math.hypot(Math.sin(wrapped) - Math.sin(angle), Math.cos(wrapped) - Math.cos(angle))).toBeLessThan(1e-13);
  }
});
