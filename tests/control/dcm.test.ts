import { describe, expect, it } from 'vitest';
import {
  dcmAfterHold,
  dcmAfterRamp,
  dcmBeforeRamp,
  offsetAtLanding,
  pendulumFrequency,
  zmpFor,
} from '../../src/control/dcm.js';

const OMEGA = pendulumFrequency(0.65, 9.81);

/** ξ̇ = ω (ξ - p(t)) by the classical Runge-Kutta method: an oracle that knows no exponential. */
function integrate(dcm: number, zmpAt: (time_s: number) => number, duration_s: number): number {
  const count = 2000;
  const h = duration_s / count;
  let x = dcm;
  for (let k = 0; k < count; k++) {
    const t = k * h;
    const slope = (time_s: number, value: number) => OMEGA * (value - zmpAt(time_s));
    const a = slope(t, x);
    const b = slope(t + h / 2, x + (h / 2) * a);
    const c = slope(t + h / 2, x + (h / 2) * b);
    const d = slope(t + h, x + h * c);
    x += (h / 6) * (a + 2 * b + 2 * c + d);
  }
  return x;
}

describe('divergent component of motion', () => {
  it('its closed forms are what integration gives', () => {
    expect(dcmAfterHold(0.05, 0.02, 0.4, OMEGA)).toBeCloseTo(
      integrate(0.05, () => 0.02, 0.4),
      10,
    );
    const ramp = (time_s: number) => -0.1 + (0.25 * time_s) / 0.08;
    expect(dcmAfterRamp(0.03, -0.1, 0.15, 0.08, OMEGA)).toBeCloseTo(integrate(0.03, ramp, 0.08), 10);
  });

  it('a ramp is undone by its inverse', () => {
    const after = dcmAfterRamp(0.03, -0.1, 0.15, 0.08, OMEGA);
    expect(dcmBeforeRamp(after, -0.1, 0.15, 0.08, OMEGA)).toBeCloseTo(0.03, 12);
  });

  it('is still where it equals the zero-moment point', () => {
    expect(zmpFor(0.07, 0, OMEGA)).toBe(0.07);
    expect(dcmAfterHold(0.07, 0.07, 3, OMEGA)).toBe(0.07);
  });

  it('a pendulum driven by it follows: c̈ = ω² (c - p)', () => {
    // Centre of mass and its velocity from ξ = c + ċ/ω, stepped finely.
    let [c, velocity] = [0, 0.1];
    const dcm = c + velocity / OMEGA;
    const [zmp, duration_s, count] = [0.03, 0.3, 300_000];
    for (let k = 0; k < count; k++) {
      velocity += ((OMEGA * OMEGA * (c - zmp)) / count) * duration_s;
      c += (velocity / count) * duration_s;
    }
    // First-order stepping of 1 µs: error of the order of the step.
    expect(c + velocity / OMEGA).toBeCloseTo(dcmAfterHold(dcm, zmp, duration_s, OMEGA), 5);
  });

  it('begun with the offset of the boundary condition, it stays near the feet for many steps', () => {
    const timing = { singleSupport_s: 0.4, doubleSupport_s: 0.08 };
    const feet = Array.from({ length: 40 }, (_, k) => 0.2 * k + (k % 2 === 0 ? 0.05 : 0));
    let dcm = feet[1] + offsetAtLanding(feet, timing, OMEGA);
    for (let step = 1; step < 12; step++) {
      dcm = dcmAfterRamp(dcm, feet[step - 1], feet[step], timing.doubleSupport_s, OMEGA);
      dcm = dcmAfterHold(dcm, feet[step], timing.singleSupport_s, OMEGA);
      expect(Math.abs(dcm - feet[step + 1])).toBeLessThan(0.1);
    }
  });

  it('a preview of five steps is nearly one without end', () => {
    const timing = { singleSupport_s: 0.4, doubleSupport_s: 0.08 };
    const feet = Array.from({ length: 40 }, (_, k) => 0.2 * k);
    const far = offsetAtLanding(feet, timing, OMEGA);
    // What is left out shrinks by exp(-ω T), about 1/6, with each step: 0.1 m becomes less than 0.1 mm.
    expect(Math.abs(offsetAtLanding(feet.slice(0, 6), timing, OMEGA) - far)).toBeLessThan(1e-3);
  });
});
