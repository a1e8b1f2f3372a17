// What numbers are, found from the numbers: made with one meaning, they must be recognised as that and no other.

import { describe, expect, it } from 'vitest';
import { fromAxisAngle, multiplyQuaternions, projectedGravity, rotate } from '../../src/math/quaternion.js';
import { type ActionInput, actionEvidence } from '../../src/motion/check-action.js';
import { contradictedOrientation, type OrientationInput, readOrientation } from '../../src/motion/check-orientation.js';
import { isClearlyBetter, measureSupport } from '../../src/motion/check-support.js';
import { fitTravel, fitTurn, fitVelocity } from '../../src/motion/check-velocity.js';
import type { Column } from '../../src/motion/columns.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { drivenJoints } from '../driven-joints.js';

const RATE = 50;
const FRAMES = 200;

function column(width: number, value: (time: number, k: number) => number): Column {
  const data = Float64Array.from({ length: FRAMES * width }, (_, at) => {
    return value(Math.floor(at / width) / RATE, at % width);
  });
  return { width, data };
}

describe('a velocity', () => {
  const position = column(2, (time, k) => Math.sin((k + 2) * 3 * time));

  it('is the derivative of the position to a thousandth, at 3 Hz', () => {
    const velocity = column(2, (time, k) => (k + 2) * 3 * Math.cos((k + 2) * 3 * time));
    const fit = fitVelocity(position, velocity, FRAMES, RATE)!;
    // Simpson's rule is off by (ω dt)^4 / 180 < 1e-5 here.
    expect(fit.correlation).toBeGreaterThan(0.99999);
    expect(fit.ratio).toBeCloseTo(1, 3);
    expect(fitVelocity(position, velocity, FRAMES, 2 * RATE)!.ratio).toBeCloseTo(0.5, 3);
  });

  it('shows its unit and its sign in the ratio', () => {
    const degrees = column(2, (time, k) => (-180 / Math.PI) * (k + 2) * 3 * Math.cos((k + 2) * 3 * time));
    expect(fitVelocity(position, degrees, FRAMES, RATE)!.ratio).toBeCloseTo(-57.296, 1);
  });

  it('is nothing of the kind where it is the position itself', () => {
    expect(Math.abs(fitVelocity(position, position, FRAMES, RATE)!.correlation)).toBeLessThan(0.1);
  });
});

/** A base that walks a circle of a metre at a radian a second, and sways: all that an IMU and odometry would give. */
function circle() {
  const orientation = new Float64Array(FRAMES * 4);
  const turn = new Float64Array(4);
  const sway = new Float64Array(4);
  const angularBase = new Float64Array(FRAMES * 3);
  const angularWorld = new Float64Array(FRAMES * 3);
  const gravity = new Float64Array(FRAMES * 3);
  for (let frame = 0; frame < FRAMES; frame++) {
    const time = frame / RATE;
    fromAxisAngle(turn, 0, [0, 0, 1], 0, time);
    fromAxisAngle(sway, 0, [1, 0, 0], 0, 0.4 * Math.sin(3 * time));
    multiplyQuaternions(orientation, frame * 4, turn, 0, sway, 0);
    // About x in its own frame, and about the world's z as the base sees it.
    const angle = 0.4 * Math.sin(3 * time);
    angularBase.set([1.2 * Math.cos(3 * time), Math.sin(angle), Math.cos(angle)], frame * 3);
    rotate(angularWorld, frame * 3, orientation, frame * 4, angularBase, frame * 3);
    projectedGravity(gravity, frame * 3, orientation, frame * 4);
  }
  const wide = (data: Float64Array): Column => ({ width: data.length / FRAMES, data });
  const position = column(3, (time, k) => [Math.sin(time), -Math.cos(time), 0.8][k]);
  const velocityBase = column(3, (time, k) => [1, 0, 0][k] + 0 * time);
  return {
    orientation: wide(orientation),
    angularBase: wide(angularBase),
    angularWorld: wide(angularWorld),
    gravity: wide(gravity),
    position,
    velocityBase,
  };
}

describe('an orientation', () => {
  const { orientation, angularBase, angularWorld, gravity, position, velocityBase } = circle();
  const input: OrientationInput = { frameCount: FRAMES, rate_hz: RATE, orientation, order: 'wxyz' };
  const swapped = readOrientation(orientation, 'other order', 'xyzw');
  const inverse = readOrientation(orientation, 'inverse', 'wxyz');

  it('agrees with its angular velocity in the frame it is in', () => {
    expect(fitTurn(orientation, angularBase, 'base', FRAMES, RATE)!.ratio).toBeCloseTo(1, 2);
    expect(fitTurn(orientation, angularWorld, 'world', FRAMES, RATE)!.ratio).toBeCloseTo(1, 2);
    expect(
      fitTravel(
        position,
        velocityBase,
        column(4, (_, k) => (k === 0 ? 1 : 0)),
        FRAMES,
        RATE,
      )!.correlation,
    ).toBeLessThan(0.5);
  });

  it.each([
    ['as it is', orientation, angularBase, 'base', undefined],
    ['in the other order', swapped, angularBase, 'base', 'other order'],
    ['inverse', inverse, angularBase, 'base', 'inverse'],
  ] as const)('is found by the gyro: %s', (_, mapped, angularVelocity, angularFrame, reading) => {
    const verdict = contradictedOrientation({ ...input, orientation: mapped, angularVelocity, angularFrame });
    expect(verdict?.reading).toBe(reading);
  });

  it('is found by gravity, by the path, or by standing at all', () => {
    expect(contradictedOrientation({ ...input, gravity })).toBeUndefined();
    expect(contradictedOrientation({ ...input, orientation: swapped, gravity })?.reading).toBe('other order');
    expect(contradictedOrientation({ ...input, orientation: swapped })?.evidence).toMatch(/robot then stands/);
    const path = { position, linearVelocity: velocityBase, linearFrame: 'base' } as const;
    expect(contradictedOrientation({ ...input, ...path })).toBeUndefined();
    expect(contradictedOrientation({ ...input, orientation: inverse, ...path })?.reading).toBe('inverse');
  });

  it('is not blamed where the gyro has the opposite sign', () => {
    const negative = { width: 3, data: angularBase.data.map((value) => -value) };
    expect(
      contradictedOrientation({ ...input, angularVelocity: negative, angularFrame: 'base' })?.reading,
    ).toBeUndefined();
  });

  it('is left alone where nothing moves and nothing else is known', () => {
    const still = column(4, (_, k) => (k === 0 ? 1 : 0));
    const rest = column(3, () => 0);
    expect(
      contradictedOrientation({ ...input, orientation: still, angularVelocity: rest, angularFrame: 'base' }),
    ).toBeUndefined();
  });
});

describe('an action', () => {
  const driven = (scale: number, meaning: 'offset' | 'absolute', statesAfter = false): ActionInput =>
    drivenJoints({ frameCount: FRAMES, default_rad: [0.3, -0.2, 0.9, -0.6, 0.1, 0.4], scale, meaning, statesAfter });

  it.each([
    ['offset', 1, 0],
    ['offset', 0.25, 0],
    ['absolute', 1, 1],
  ] as const)('%s times %f is found from motion and from torque', (meaning, scale, slope) => {
    const input = driven(scale, meaning);
    const { torque: _, ...withoutTorque } = input;
    const moved = actionEvidence(withoutTorque);
    // Of a mean over 200 frames of noise.
    expect(Math.abs(moved.meanSlope! - slope)).toBeLessThan(0.15 / scale);
    expect(moved.scale).toMatchObject({ from: 'motion', joints: 6 });
    // A second-order joint sampled at 50 Hz under a held target is exactly linear.
    expect(moved.scale!.value / scale).toBeCloseTo(1, 6);
    const law = actionEvidence({ ...input, torque: input.torque });
    expect(law.scale!.from).toBe('torque');
    expect(law.scale!.value / scale).toBeCloseTo(1, 6);
  });

  it('of the row before or after the state is told apart', () => {
    const before = actionEvidence(driven(1, 'offset')).lags!;
    expect(before.get(0)!).toBeGreaterThan(3 * before.get(-1)!);
    const after = actionEvidence(driven(1, 'offset', true)).lags!;
    expect(after.get(-1)!).toBeGreaterThan(3 * after.get(0)!);
  });

  it('that is torque is seen as torque', () => {
    const input = driven(1, 'offset');
    const { torqueCorrelation, scale } = actionEvidence({ ...input, action: input.torque! });
    expect(torqueCorrelation).toBeCloseTo(1, 9);
    expect(scale?.from).not.toBe('torque');
  });

  it('in the order of other joints is told by the joints that follow it, and in its own is not', () => {
    const input = driven(1, 'offset');
    expect(actionEvidence(input).foreign).toEqual([]);
    // Each joint has the action of the next one.
    const turned = input.action.data.map((_, at) => input.action.data[at - (at % 6) + ((at + 1) % 6)]);
    const { foreign } = actionEvidence({ ...input, action: { width: 6, data: turned } });
    expect(foreign.map(({ joint, drivenBy }) => [joint, (drivenBy + 1) % 6])).toEqual(
      [0, 1, 2, 3, 4, 5].map((joint) => [joint, joint]),
    );
  });

  it('of held joints says nothing', () => {
    const input = driven(1, 'offset');
    const evidence = actionEvidence({ ...input, action: { width: 6, data: new Float64Array(FRAMES * 6) } });
    expect(evidence).toMatchObject({ scale: undefined, lags: undefined });
  });
});

describe('joint angles', () => {
  it('in the order of the robot keep limits and a flat foot; in another they do not', async () => {
    const { robot } = await loadRobot('g1');
    const pose = robot.defaultPosition_rad;
    const own: Column = { width: pose.length, data: Float64Array.from(pose) };
    const reversed: Column = { width: pose.length, data: Float64Array.from(pose).reverse() };
    const base = { frameCount: 1, basePosition: { width: 3, data: Float64Array.of(0, 0, 0.79) } };
    const upright = { ...base, baseQuaternion: { width: 4, data: Float64Array.of(1, 0, 0, 0) } };
    const right = measureSupport({ ...upright, jointPosition: own }, robot);
    const wrong = measureSupport({ ...upright, jointPosition: reversed }, robot);
    expect(right.pastLimits).toBe(0);
    expect(right.footTilt_rad).toBeLessThan(1e-6);
    expect(wrong.footTilt_rad! > 0.3 || wrong.pastLimits > 0.02).toBe(true);
    expect(isClearlyBetter(right, wrong)).toBe(true);
    expect(isClearlyBetter(wrong, right)).toBe(false);
    expect(measureSupport({ frameCount: 1, jointPosition: own }, robot).footTilt_rad).toBeUndefined();
    // How a foot lies does not depend on where the base is.
    const { baseQuaternion } = upright;
    expect(measureSupport({ frameCount: 1, jointPosition: reversed, baseQuaternion }, robot).footTilt_rad).toBeCloseTo(
      wrong.footTilt_rad!,
      12,
    );
  });
});
