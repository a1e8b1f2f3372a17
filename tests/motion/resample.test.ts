// Resampling: what passes through unchanged, closed forms between samples, and what is never invented.

import { describe, expect, it } from 'vitest';
import { fromAxisAngle } from '../../src/math/quaternion.js';
import type { Column } from '../../src/motion/columns.js';
import { resampleTracks, type Track } from '../../src/motion/resample.js';

const times = (count: number, rate_hz: number, start_s = 0) =>
  Float64Array.from({ length: count }, (_, frame) => start_s + frame / rate_hz);

function column(width: number, frames: number, value: (frame: number, k: number) => number, valid?: number[]): Column {
  const data = Float64Array.from({ length: frames * width }, (_, at) => value(Math.floor(at / width), at % width));
  return valid === undefined ? { width, data } : { width, data, valid: Uint8Array.from(valid) };
}

describe('resampling', () => {
  it('passes data of its own rate through bit for bit, with stamps rounded to a tenth of a millisecond', () => {
    const jointPosition = column(2, 40, (frame, k) => Math.sin(frame * 7 + k));
    const command = column(
      3,
      40,
      (frame) => frame,
      Array.from({ length: 40 }, (_, frame) => (frame === 7 ? 0 : 1)),
    );
    const time_s = times(40, 50, 3.0001).map((time) => Math.round(time * 1e4) / 1e4);
    const result = resampleTracks([{ time_s, columns: { jointPosition, command } }]);
    expect(result.frameCount).toBe(40);
    expect(result.columns.jointPosition).toEqual(jointPosition);
    expect(result.columns.command!.valid).toEqual(command.valid);
  });

  it('refuses stamps that cannot be seconds, before anything is made of that length', () => {
    const at = (period_s: number, count = 200) => {
      const time_s = times(count, 1 / period_s);
      return resampleTracks([{ time_s, columns: { jointPosition: column(1, count, (frame) => frame) } }]);
    };
    // Nanoseconds and milliseconds at 500 Hz taken for seconds; seconds taken for nanoseconds.
    expect(() => at(2e6)).toThrow(/200 rows to last less, found 3.98e\+8 s.*time\.unit/);
    expect(() => at(2)).toThrow(/time\.unit/);
    expect(() => at(2e6, 3)).toThrow(/time\.unit/);
    expect(() => at(2e-12)).toThrow(/200 rows to last longer, found 3.98e-10 s.*time\.unit/);
    // A pause of an hour is a gap, and a slow camera is slow.
    const paused = Float64Array.from(times(100, 50), (time, frame) => (frame < 50 ? time : time + 3600));
    expect(resampleTracks([{ time_s: paused, columns: {} }]).frameCount).toBe(180_100);
    expect(at(1 / 2, 30).frameCount).toBe(29 * 25 + 1);
  });

  it('is exact for what is linear in time, at any pair of rates', () => {
    for (const [from, to] of [
      [30, 50],
      [120, 50],
      [100, 50],
      [50, 30],
    ]) {
      const track: Track = {
        time_s: times(from * 2 + 1, from),
        columns: { jointPosition: column(1, from * 2 + 1, (frame) => 3 * (frame / from) - 1) },
      };
      const { columns, frameCount } = resampleTracks([track], { rate_hz: to });
      expect(frameCount).toBe(2 * to + 1);
      for (let frame = 0; frame < frameCount; frame++) {
        // A source frame within 1 % of an output period is taken as it is: an error of slope times that at most.
        expect(Math.abs(columns.jointPosition!.data[frame] - (3 * (frame / to) - 1))).toBeLessThanOrEqual(
          3 * (0.01 / to),
        );
      }
    }
  });

  it('turns at a constant rate between orientations, also across the sign of the quaternion', () => {
    const angle = (time: number) => 4 * time;
    const axis = [0.36, 0.48, 0.8];
    const baseQuaternion = column(4, 61, () => 0);
    for (let frame = 0; frame < 61; frame++) {
      fromAxisAngle(baseQuaternion.data, frame * 4, axis, 0, angle(frame / 30));
      if (frame % 2 === 1) for (let k = 0; k < 4; k++) baseQuaternion.data[frame * 4 + k] *= -1;
    }
    const { columns, frameCount } = resampleTracks([{ time_s: times(61, 30), columns: { baseQuaternion } }]);
    const expected = new Float64Array(4);
    for (let frame = 0; frame < frameCount; frame++) {
      fromAxisAngle(expected, 0, axis, 0, angle(frame / 50));
      const found = columns.baseQuaternion!.data.subarray(frame * 4, frame * 4 + 4);
      const cosine = Math.abs(Array.from(found).reduce((sum, value, k) => sum + value * expected[k], 0));
      // acos near 1 has a resolution of sqrt(2 eps).
      expect(2 * Math.acos(Math.min(1, cosine))).toBeLessThan(1e-7);
    }
  });

  it('holds commands, actions and contacts at their previous value', () => {
    const value = (frame: number) => frame;
    const names = ['command', 'action', 'executedAction', 'footContact'] as const;
    const columns = Object.fromEntries(names.map((name) => [name, column(name === 'command' ? 3 : 2, 11, value)]));
    const result = resampleTracks([{ time_s: times(11, 10), columns }]);
    for (const name of names) {
      const { data, width } = result.columns[name]!;
      for (let frame = 0; frame < result.frameCount; frame++) expect(data[frame * width]).toBe(Math.floor(frame / 5));
    }
  });

  it('never interpolates over an invalid frame or a gap', () => {
    const time_s = Float64Array.of(0, 0.04, 0.08, 0.12, 0.16, 0.8, 0.84);
    const jointPosition = column(1, 7, (frame) => frame, [1, 1, 0, 1, 1, 1, 1]);
    const torque = column(1, 7, (frame) => frame);
    const { columns, frameCount } = resampleTracks([{ time_s, columns: { jointPosition, torque } }]);
    const valid = Array.from(columns.jointPosition!.valid!);
    expect(frameCount).toBe(43);
    // 0.04 is the last before the invalid 0.08, 0.12 the first after; then the gap of 0.64 s from 0.16 to 0.8.
    expect(valid.slice(0, 10)).toEqual([1, 1, 1, 0, 0, 0, 1, 1, 1, 0]);
    expect(valid.slice(9, 40)).toEqual(new Array(31).fill(0));
    expect(valid.slice(40)).toEqual([1, 1, 1]);
    expect(Array.from(columns.torque!.valid!).slice(2, 7)).toEqual([1, 1, 1, 1, 1]);
  });

  it('joins parts with their own stamps on the time that all of them cover', () => {
    const fast: Track = { time_s: times(200, 100), columns: { jointPosition: column(1, 200, (frame) => frame / 100) } };
    const late: Track = { time_s: times(50, 40, 0.5), columns: { torque: column(1, 50, (frame) => 0.5 + frame / 40) } };
    const { start_s, frameCount, columns } = resampleTracks([fast, late]);
    expect(start_s).toBe(0.5);
    expect(frameCount).toBe(Math.floor((0.5 + 49 / 40 - 0.5) * 50) + 1);
    for (let frame = 0; frame < frameCount; frame++) {
      expect(columns.jointPosition!.data[frame]).toBeCloseTo(columns.torque!.data[frame], 3);
    }
    expect(() => resampleTracks([fast, { ...late, time_s: times(50, 40, 99) }])).toThrow(/one common stretch of time/);
    expect(() => resampleTracks([fast, fast])).toThrow(/jointPosition comes from two places/);
    expect(() => resampleTracks([{ ...fast, time_s: Float64Array.of(0, 1, 1) }])).toThrow(/frame 2: time stamp/);
  });
});
