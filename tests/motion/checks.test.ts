// Findings and repairs: each defect is found, told once, and a clean motion has none.

import { describe, expect, it } from 'vitest';
import { CHECK_DEFAULTS, checkMotion } from '../../src/motion/checks.js';
import { buildColumn, type Columns, type Motion } from '../../src/motion/columns.js';
import { deriveChannels } from '../../src/motion/derive.js';
import { repairTrack } from '../../src/motion/repair.js';
import { splitOf } from '../../src/motion/split.js';
import { TINY_ROBOT } from '../fixtures.js';

function swinging(amplitude_rad: number, change: (data: Float64Array) => void = () => {}): Motion {
  const jointPosition = buildColumn(100, 2, (frame, data, offset) => {
    data[offset] = amplitude_rad * Math.sin((2 * Math.PI * frame) / 50);
    data[offset + 1] = 0;
    return true;
  })!;
  change(jointPosition.data as Float64Array);
  return { rate_hz: 50, frameCount: 100, columns: { jointPosition } };
}

const kinds = (motion: Motion) => checkMotion(motion, TINY_ROBOT).map(({ kind, channel }) => `${kind} ${channel}`);

describe('checks', () => {
  it('find nothing in a plausible motion', () => {
    const motion = swinging(0.9);
    expect(kinds({ ...motion, columns: deriveChannels(motion).columns })).toEqual([]);
  });

  it('find joints past their limits, with joint, value and frames', () => {
    const [finding] = checkMotion(swinging(1.3), TINY_ROBOT);
    expect(finding).toMatchObject({ kind: 'joint-limit', severity: 'warning', channel: 'jointPosition' });
    expect(finding.message).toContain('left_joint at');
    // Where |1.3 sin| exceeds the limit of 1 by more than the margin.
    const frames = Array.from({ length: 100 }, (_, f) => f).filter(
      (f) => Math.abs(1.3 * Math.sin((2 * Math.PI * f) / 50)) > 1 + CHECK_DEFAULTS.positionMargin_rad,
    );
    expect(finding.frames).toEqual([frames[0], frames.at(-1)! + 1]);
    expect(finding.message).toContain(`in ${frames.length} of 100 frames`);
    expect(checkMotion(swinging(50), TINY_ROBOT)[0].message).toContain('degrees?');
  });

  it('find jumps, speeding, and velocities that are not the derivative of the positions', () => {
    expect(kinds(swinging(0.5, (data) => data.fill(0.9, 100, 120)))).toEqual(['jump jointPosition']);
    const motion = swinging(0.9);
    const velocity = deriveChannels(motion).columns.jointVelocity!;
    const scaled = (factor: number): Columns => ({
      ...motion.columns,
      jointVelocity: { ...velocity, data: velocity.data.map((value) => value * factor) },
    });
    expect(kinds({ ...motion, columns: scaled(0.9) })).toEqual([]);
    expect(kinds({ ...motion, columns: scaled(180 / Math.PI) })).toEqual([
      'joint-velocity jointVelocity',
      'disagreement jointVelocity',
    ]);
    expect(kinds({ ...motion, columns: scaled(-1) })).toEqual(['disagreement jointVelocity']);
  });

  it('find a base that jumps or flips', () => {
    const columns: Columns = {
      basePosition: buildColumn(20, 3, (frame, data, offset) => {
        data[offset] = frame < 10 ? 0 : 1;
        return true;
      })!,
      baseQuaternion: buildColumn(20, 4, (frame, data, offset) => {
        data[offset + (frame < 5 ? 0 : 3)] = 1;
        return true;
      })!,
    };
    expect(kinds({ rate_hz: 50, frameCount: 20, columns })).toEqual(['jump basePosition', 'jump baseQuaternion']);
  });
});

describe('repair', () => {
  const quaternions = (rows: number[][]) => ({ width: 4, data: Float64Array.from(rows.flat()) });

  it('drops repeated stamps and masks values that are not finite, leaving its input alone', () => {
    const torque = { width: 1, data: Float64Array.of(0, 1, 2, Number.NaN, 4) };
    const { track, findings } = repairTrack({ time_s: Float64Array.of(0, 1, 1, 2, 3), columns: { torque } }, 'log.csv');
    expect([...track.time_s]).toEqual([0, 1, 2, 3]);
    expect([...track.columns.torque!.valid!]).toEqual([1, 1, 0, 1]);
    expect(track.columns.torque!.data[1]).toBe(1);
    expect(findings.map(({ kind }) => kind)).toEqual(['repeated-time', 'non-finite']);
    expect(torque.data.length).toBe(5);
  });

  it('refuses time that runs backwards, naming every place', () => {
    const track = { time_s: Float64Array.of(0, 1, 0.5, 2, Number.NaN), columns: {} };
    expect(() => repairTrack(track, 'log.csv')).toThrow(
      /log.csv:frame 2: time goes backwards: expected more than 1 s, found 0.5 s.*\n.*frame 4: time stamp/,
    );
  });

  it('rescales quaternions that are a little off and masks those that are none', () => {
    const baseQuaternion = quaternions([
      [1.01, 0, 0, 0],
      [0.6, 0, 0, 0.8],
      [0, 0, 0, 0],
    ]);
    const { track, findings } = repairTrack({ time_s: Float64Array.of(0, 1, 2), columns: { baseQuaternion } }, 'x');
    expect([...track.columns.baseQuaternion!.data.subarray(0, 8)]).toEqual([1, 0, 0, 0, 0.6, 0, 0, 0.8]);
    expect([...track.columns.baseQuaternion!.valid!]).toEqual([1, 1, 0]);
    expect(findings.map(({ severity }) => severity)).toEqual(['info', 'warning']);
  });
});

describe('split', () => {
  it('holds out the asked share, by id alone', () => {
    const ids = Array.from({ length: 5000 }, (_, number) => `walks/${number}`);
    for (const share of [0, 0.1, 0.5, 1]) {
      const held = ids.filter((id) => splitOf(id, share) === 'validation').length;
      // Five standard deviations of a binomial.
      expect(Math.abs(held - 5000 * share)).toBeLessThanOrEqual(5 * Math.sqrt(5000 * share * (1 - share)));
    }
    const held = ids.filter((id) => splitOf(id) === 'validation');
    expect(ids.toReversed().filter((id) => splitOf(id) === 'validation')).toEqual(held.toReversed());
    // A larger share holds out what a smaller one does, and more.
    expect(held.every((id) => splitOf(id, 0.3) === 'validation')).toBe(true);
  });
});
