import { describe, expect, it } from 'vitest';
import { type Footprint, planFootsteps, type StrideLimits } from '../../src/control/footsteps.js';

const limits: StrideLimits = { width_m: 0.22, leastWidth_m: 0.15, greatestWidth_m: 0.5, stride_m: 0.45 };
const left: Footprint = { x: 0, y: 0.11, heading_rad: 0 };
const STEP_S = 0.5;
const plan = (command: readonly number[], count = 8) =>
  planFootsteps(left, 1, command, command[2] * STEP_S, STEP_S, limits, count);

describe('footsteps', () => {
  it('in place: right and left in turn, at their distance', () => {
    const feet = plan([0, 0, 0]);
    expect(feet.map(({ y }) => Number(y.toFixed(12)))).toEqual([
      0.11, -0.11, 0.11, -0.11, 0.11, -0.11, 0.11, -0.11, 0.11,
    ]);
  });

  it.each([
    [0.3, 0],
    [-0.2, 0.1],
    [0.1, 0.25],
    [0, -0.3],
  ])('two steps go as far as the command says: %f, %f m/s', (vx, vy) => {
    const feet = plan([vx, vy, 0]);
    expect(feet[8].x - feet[0].x).toBeCloseTo(8 * STEP_S * vx, 12);
    expect(feet[8].y - feet[0].y).toBeCloseTo(8 * STEP_S * vy, 12);
    for (let step = 1; step < feet.length; step++) {
      const across = Math.abs(feet[step].y - feet[step - 1].y);
      expect(across).toBeGreaterThan(limits.leastWidth_m - 1e-9);
      expect(across).toBeLessThan(limits.greatestWidth_m + 1e-9);
    }
  });

  it('turning on the spot: the middle of the feet stays', () => {
    const feet = plan([0, 0, 0.4]);
    const middle = (at: number) => [(feet[at].x + feet[at + 1].x) / 2, (feet[at].y + feet[at + 1].y) / 2];
    for (let at = 0; at < 7; at++) expect(Math.hypot(...middle(at))).toBeLessThan(0.015);
    expect(feet[8].heading_rad).toBeCloseTo(8 * STEP_S * 0.4, 12);
  });

  it('a turned frame turns the plan', () => {
    const turned: Footprint = { x: -0.11, y: 0, heading_rad: Math.PI / 2 };
    const feet = planFootsteps(turned, 1, [0.3, 0.1, 0], Math.PI / 2, STEP_S, limits, 4);
    plan([0.3, 0.1, 0], 4).forEach((foot, at) => {
      expect(feet[at].x).toBeCloseTo(-foot.y, 12);
      expect(feet[at].y).toBeCloseTo(foot.x, 12);
    });
  });
});
