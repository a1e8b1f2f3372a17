import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { type Sole, WRENCH_CONSTRAINTS, writeWrenchCone } from '../../src/control/contact-wrench.js';

const sole: Sole = { body: 0, centre_m: [0, 0, 0], halfLength_m: 0.09, halfWidth_m: 0.03 };
const FRICTION = 0.7;

/** The least slack of a wrench: negative where a constraint is broken. */
function slack(wrench: readonly number[], greatest_N = 1e4): number {
  const constraints = new Float64Array(WRENCH_CONSTRAINTS * 6);
  const bounds = new Float64Array(WRENCH_CONSTRAINTS);
  writeWrenchCone(constraints, bounds, 6, 0, 0, sole, { friction: FRICTION, soleShare: 1, least_N: 0, greatest_N });
  return Math.min(
    ...Array.from(bounds, (bound, row) =>
      wrench.reduce((sum, value, k) => sum + value * constraints[6 * row + k], -bound),
    ),
  );
}

/** The wrench at the centre of forces at the four corners. */
function ofCorners(forces: readonly (readonly number[])[]): number[] {
  const wrench = [0, 0, 0, 0, 0, 0];
  forces.forEach(([fx, fy, fz], corner) => {
    const x = (corner < 2 ? 1 : -1) * sole.halfLength_m;
    const y = (corner % 2 === 0 ? 1 : -1) * sole.halfWidth_m;
    [fx, fy, fz, y * fz, -x * fz, x * fy - y * fx].forEach((value, k) => {
      wrench[k] += value;
    });
  });
  return wrench;
}

describe('wrench cone of a sole', () => {
  it('holds whatever four corners with friction can give', () => {
    const random = new Random(3);
    for (let round = 0; round < 500; round++) {
      const forces = Array.from({ length: 4 }, () => {
        const normal = random.uniform() < 0.3 ? 0 : random.uniform(0, 100);
        return [FRICTION * normal * random.uniform(-1, 1), FRICTION * normal * random.uniform(-1, 1), normal];
      });
      expect(slack(ofCorners(forces))).toBeGreaterThan(-1e-9);
    }
  });

  it('is tight: the most that turning corners give lies on its face', () => {
    const f = FRICTION * 50;
    const twist = ofCorners([
      [-f, f, 50],
      [f, f, 50],
      [-f, -f, 50],
      [f, -f, 50],
    ]);
    expect(Math.abs(slack(twist))).toBeLessThan(1e-9);
    expect(slack(twist.map((value, k) => (k === 5 ? 1.01 * value : value)))).toBeLessThan(0);
  });

  it('refuses pulling, sliding and a centre of pressure outside', () => {
    expect(slack([0, 0, -1, 0, 0, 0])).toBeLessThan(0);
    expect(slack([80, 0, 100, 0, 0, 0])).toBeLessThan(0);
    expect(slack([0, 0, 100, 4, 0, 0])).toBeLessThan(0);
    expect(slack([0, 0, 100, 2, 0, 0])).toBeGreaterThan(0);
    expect(slack([0, 0, 100, 0, 0, 0], 90)).toBeLessThan(0);
  });

  it('on its edge a foot can hardly be kept from turning', () => {
    // All weight on the two corners of one long side: half the torsion of the whole sole's across, none of its width.
    const onEdge = [0, 0, 100, 100 * sole.halfWidth_m, 0, FRICTION * 100 * (sole.halfLength_m + sole.halfWidth_m)];
    expect(slack(onEdge)).toBeLessThan(0);
  });
});
