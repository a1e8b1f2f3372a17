import { expect, it } from 'vitest';
import { type AxisState, evaluateQuintic, followTarget, quintic } from '../../src/control/quintic.js';

const from: AxisState = { position: 0.1, velocity: -0.4, acceleration: 2 };
const to: AxisState = { position: 0.45, velocity: 0.2, acceleration: -1 };

it('begins and ends as told', () => {
  const spline = quintic(from, to, 0.37);
  const at = (time_s: number) => {
    const state: AxisState = { position: 0, velocity: 0, acceleration: 0 };
    evaluateQuintic(spline, time_s, state);
    return state;
  };
  for (const key of ['position', 'velocity', 'acceleration'] as const) {
    expect(at(0)[key]).toBeCloseTo(from[key], 12);
    expect(at(0.37)[key]).toBeCloseTo(to[key], 10);
  }
  // Velocity is the slope of position, acceleration that of velocity; central differences of 10 µs.
  const [before, now, after] = [at(0.19999), at(0.2), at(0.20001)];
  expect((after.position - before.position) / 2e-5).toBeCloseTo(now.velocity, 6);
  expect((after.velocity - before.velocity) / 2e-5).toBeCloseTo(now.acceleration, 5);
});

it('followed tick by tick it is the same spline', () => {
  const state = { ...from };
  const tick_s = 0.002;
  const spline = quintic(from, to, 0.3);
  for (let k = 0; k < 120; k++) followTarget(state, to, 0.3 - k * tick_s, tick_s);
  const expected: AxisState = { position: 0, velocity: 0, acceleration: 0 };
  evaluateQuintic(spline, 0.24, expected);
  // 120 replannings, each exact to rounding.
  expect(state.position).toBeCloseTo(expected.position, 8);
  expect(state.velocity).toBeCloseTo(expected.velocity, 6);
});

it('reaches a target that moved under way', () => {
  const state = { ...from };
  for (let k = 0; k < 150; k++) {
    const target = k < 75 ? to : { position: 0.3, velocity: 0, acceleration: 0 };
    followTarget(state, target, 0.3 - k * 0.002, 0.002);
  }
  expect(state.position).toBeCloseTo(0.3, 4);
});
