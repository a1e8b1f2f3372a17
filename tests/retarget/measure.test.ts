// Unit, up axis, stature and floor, measured on bodies of known size in known places.

import { describe, expect, it } from 'vitest';
import { type HumanKeypoint, REQUIRED_KEYPOINTS } from '../../src/motion/human-motion.js';
import { measureBody, median, quantile, UNITS_M, type UnitName } from '../../src/retarget/measure.js';
import { followFloor, measureFloor } from '../../src/retarget/measure-floor.js';
import type { Axis } from '../../src/retarget/rig.js';
import type { KeypointTrack } from '../../src/retarget/skeleton.js';
import { apply, fileAxes, truth } from './human-bvh.js';

const motion = truth(40);
const KEYPOINTS = [...REQUIRED_KEYPOINTS, 'left_toe', 'right_toe'] as HumanKeypoint[];

/** The known body, scaled to a stature, in a file's axes and unit. */
function track(stature_m: number, unit_m: number, up: Axis): KeypointTrack {
  const positions = new Float64Array(motion.frameCount * KEYPOINTS.length * 3);
  for (let frame = 0; frame < motion.frameCount; frame++) {
    for (const [k, keypoint] of KEYPOINTS.entries()) {
      const place = apply(fileAxes(up), motion.position.get(keypoint)![frame]).map(
        (value) => (value * stature_m) / 1.8 / unit_m,
      );
      positions.set(place, (frame * KEYPOINTS.length + k) * 3);
    }
  }
  return {
    rate_hz: 30,
    frameCount: motion.frameCount,
    keypoints: KEYPOINTS,
    positions,
    quaternions: new Float64Array((positions.length / 3) * 4),
    oriented: new Uint8Array(KEYPOINTS.length),
    valid: new Uint8Array(motion.frameCount).fill(1),
  };
}

describe('unit and stature', () => {
  it.each(Object.keys(UNITS_M) as UnitName[])('%s, for adults of all sizes', (unit) => {
    for (const stature_m of [1.5, 1.65, 1.8, 2]) {
      const body = measureBody(track(stature_m, UNITS_M[unit], '+y'), {}, 'file');
      expect(body.unit).toBe(unit);
      // Legs are the published fractions of the stature; the trunk bends in this motion.
      expect(body.heights_m.legs).toBeCloseTo(stature_m, 9);
      expect(Math.abs(body.height_m / stature_m - 1)).toBeLessThan(0.03);
      expect(body.segments_m.thigh).toBeCloseTo(0.245 * stature_m, 9);
    }
  });

  it('children in metric units', () => {
    for (const unit of ['m', 'cm', 'mm'] as const) {
      expect(measureBody(track(1.15, UNITS_M[unit], '+z'), {}, 'file').unit).toBe(unit);
    }
  });

  it('refuses what is no human in any unit, unless told', () => {
    const giant = track(1.8, 1 / 80, '+y');
    expect(measureBody(giant, {}, 'f').unit).toBe('cm');
    const odd = track(1.8, 60, '+y');
    expect(() => measureBody(odd, {}, 'odd.bvh')).toThrow(
      /odd\.bvh: unit of length: .*0\.85 to 2\.4 m tall, found 0\.0\d+ units/,
    );
    expect(measureBody(odd, { unit: 60 }, 'f').segments_m.shank).toBeCloseTo(0.246 * 1.8, 9);
    expect(measureBody(odd, { height_m: 1.7 }, 'f')).toMatchObject({ height_m: 1.7 });
  });
});

it.each(['+x', '-x', '+y', '-y', '+z', '-z'] as const)('%s is up', (up) => {
  const body = measureBody(track(1.8, 0.01, up), {}, 'file');
  expect(body.up).toBe(up);
  expect(body.upright).toBeGreaterThan(0.9);
});

describe('floor', () => {
  const zUp = track(1.8, 1, '+z');
  const input = { ...zUp, positions_m: zUp.positions };

  it('lies 0.015 of the stature under the balls of feet that stand', () => {
    const floor = measureFloor(input, 1.8);
    const toe = motion.position.get('left_toe')!.map((place) => place[2]);
    expect(Math.abs(floor.height_m - (median(toe) - 0.015 * 1.8))).toBeLessThan(0.02);
    expect(floor.soles_m.left_foot).toBeCloseTo(0.05 + 0.015 * 1.8, 9);
    expect(floor.standing.length).toBeGreaterThan(10);
  });

  it('moves with the clip, and not with feet that are lifted', () => {
    const floor = measureFloor(input, 1.8);
    const lifted = input.positions_m.map((value, at) => (at % 3 === 2 ? value + 7.5 : value));
    expect(measureFloor({ ...input, positions_m: lifted }, 1.8).height_m).toBeCloseTo(floor.height_m + 7.5, 9);
    const kicking = input.positions_m.slice();
    for (let frame = 10; frame < 20; frame++) {
      for (const name of ['left_foot', 'left_toe'] as const) {
        kicking[(frame * KEYPOINTS.length + KEYPOINTS.indexOf(name)) * 3 + 2] += 0.5 * Math.sin((frame - 10) / 3);
      }
    }
    expect(Math.abs(measureFloor({ ...input, positions_m: kicking }, 1.8).height_m - floor.height_m)).toBeLessThan(
      0.01,
    );
  });

  it('follows a drift', () => {
    const drifting = input.positions_m.map((value, at) => {
      const frame = Math.floor(at / (KEYPOINTS.length * 3));
      return at % 3 === 2 ? value + 0.004 * frame : value;
    });
    const floor = measureFloor({ ...input, positions_m: drifting }, 1.8);
    const levels = followFloor(floor, 40, 30, 0.3);
    expect(levels[30] - levels[8]).toBeCloseTo(0.004 * 22, 2);
  });
});

it('quantiles interpolate and pass over what is not finite', () => {
  expect(quantile([3, 1, 2, Number.NaN], 0.25)).toBe(1.5);
  expect(median([])).toBeNaN();
  expect(median([5])).toBe(5);
});
