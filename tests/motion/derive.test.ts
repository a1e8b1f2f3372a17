// Derived channels against motions whose derivatives are known.

import { describe, expect, it } from 'vitest';
import { fromAxisAngle, rotateInverse } from '../../src/math/quaternion.js';
import { buildColumn, type Column, type Motion } from '../../src/motion/columns.js';
import { deriveChannels, differentiate } from '../../src/motion/derive.js';

const RATE = 50;

/** A body that turns about a fixed axis at a constant rate while its position follows `position`. */
function turning(
  frameCount: number,
  rate_radps: number,
  position: (time: number) => number[],
  valid?: Uint8Array,
): Motion {
  const axis = [0.6, 0, 0.8];
  const quaternion = buildColumn(frameCount, 4, (frame, data, offset) => {
    fromAxisAngle(data, offset, axis, 0, (rate_radps * frame) / RATE);
    return true;
  })!;
  const places = buildColumn(frameCount, 3, (frame, data, offset) => {
    data.set(position(frame / RATE), offset);
    return true;
  })!;
  const masked: Column = valid === undefined ? quaternion : { ...quaternion, valid };
  return { rate_hz: RATE, frameCount, columns: { baseQuaternion: masked, basePosition: places } };
}

describe('derived channels', () => {
  it('are exact for a constant turning rate and a parabola', () => {
    const motion = turning(101, 1.7, (time) => [time * time, 2 * time, -3]);
    const { columns, derived } = deriveChannels(motion);
    expect(derived).toEqual(['projectedGravity', 'baseAngularVelocity', 'baseLinearVelocity']);
    const gravity = new Float64Array(3);
    const velocity = new Float64Array(3);
    for (let frame = 0; frame < 101; frame++) {
      const q = motion.columns.baseQuaternion!.data;
      rotateInverse(gravity, 0, q, frame * 4, [0, 0, -1], 0);
      // Central differences of a parabola are its derivative; at the ends the one-sided one is half a frame off.
      const slope = 2 * Math.min(Math.max(frame / RATE, 0.5 / RATE), 99.5 / RATE);
      rotateInverse(velocity, 0, q, frame * 4, [slope, 2, 0], 0);
      for (let k = 0; k < 3; k++) {
        expect(columns.projectedGravity!.data[frame * 3 + k]).toBeCloseTo(gravity[k], 12);
        expect(columns.baseAngularVelocity!.data[frame * 3 + k]).toBeCloseTo(1.7 * [0.6, 0, 0.8][k], 10);
        expect(columns.baseLinearVelocity!.data[frame * 3 + k]).toBeCloseTo(velocity[k], 10);
      }
    }
  });

  it('leave recorded channels alone, and what cannot be derived absent', () => {
    const recorded: Column = { width: 3, data: new Float64Array(303).fill(5) };
    const motion = turning(101, 1, () => [0, 0, 0]);
    const with_ = { ...motion, columns: { ...motion.columns, baseAngularVelocity: recorded } };
    const { columns, derived } = deriveChannels(with_);
    expect(columns.baseAngularVelocity).toBe(recorded);
    expect(derived).not.toContain('baseAngularVelocity');
    expect(columns.jointVelocity).toBeUndefined();
    expect(deriveChannels({ ...motion, columns: {} }).columns).toEqual({});
    expect(deriveChannels(turning(1, 1, () => [0, 0, 0])).derived).toEqual(['projectedGravity']);
  });

  it('take one-sided differences beside invalid frames and none where a frame stands alone', () => {
    const column: Column = {
      width: 1,
      data: Float64Array.of(0, 1, 4, 99, 16, 99, 36),
      valid: Uint8Array.of(1, 1, 1, 0, 1, 0, 1),
    };
    const derivative = differentiate(column, 7, 1)!;
    expect([...derivative.valid!]).toEqual([1, 1, 1, 0, 0, 0, 0]);
    expect([...derivative.data.subarray(0, 3)]).toEqual([1, 2, 3]);
  });
});
