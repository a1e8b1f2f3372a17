// Command hindsight on paths whose velocity is known in closed form.

import { describe, expect, it } from 'vitest';
import { fromAxisAngle } from '../../src/math/quaternion.js';
import { buildColumn, type Column, type Columns, type Motion } from '../../src/motion/columns.js';
import { deriveChannels } from '../../src/motion/derive.js';
import { hindsightCommand } from '../../src/motion/hindsight.js';

const RATE = 50;
const RADIUS_M = 2;
const TURN_RADPS = 0.3;

/** Walks a circle, swaying by `sway_m` sideways at 1 Hz as a gait does, while facing along the path. */
function circle(frameCount: number, sway_m = 0, more: Columns = {}): Motion {
  const basePosition = buildColumn(frameCount, 3, (frame, data, offset) => {
    const time = frame / RATE;
    const radius = RADIUS_M + sway_m * Math.sin(2 * Math.PI * time);
    data.set([radius * Math.sin(TURN_RADPS * time), -radius * Math.cos(TURN_RADPS * time), 0.8], offset);
    return true;
  })!;
  const baseQuaternion = buildColumn(frameCount, 4, (frame, data, offset) => {
    fromAxisAngle(data, offset, [0, 0, 1], 0, (TURN_RADPS * frame) / RATE);
    return true;
  })!;
  return { rate_hz: RATE, frameCount, columns: { basePosition, baseQuaternion, ...more } };
}

function commands(frameCount: number, of: (frame: number) => number[]): Column {
  return buildColumn(frameCount, 3, (frame, data, offset) => {
    data.set(of(frame), offset);
    return true;
  })!;
}

const row = (label: { data: Float32Array }, frame: number) => [...label.data.subarray(frame * 3, frame * 3 + 3)];

describe('hindsight', () => {
  it('gives a circle its speed along the heading, no sideways speed, and its turning rate', () => {
    // A chord per frame: 2 R sin(w dt / 2) / dt.
    const speed = 2 * RADIUS_M * Math.sin(TURN_RADPS / RATE / 2) * RATE;
    const label = hindsightCommand(circle(1500))!;
    for (const frame of [0, 700, 1499]) {
      const [vx, vy, wz] = row(label, frame);
      // float32 labels.
      expect(vx).toBeCloseTo(speed, 6);
      expect(vy).toBeCloseTo(0, 6);
      expect(wz).toBeCloseTo(TURN_RADPS, 6);
    }
    expect(label.valid).toBeUndefined();
  });

  it('means over each segment of constant command, and moves nothing across a change', () => {
    // Stands for 4 s, then drives 6 s at 0.5 m/s, asked for 0 and 0.6.
    const basePosition = buildColumn(500, 3, (frame, data, offset) => {
      data[offset] = Math.max(0, frame - 200) * (0.5 / RATE);
      return true;
    })!;
    const { baseQuaternion } = circle(500).columns;
    const still = { ...baseQuaternion!, data: baseQuaternion!.data.map((_, at) => (at % 4 === 0 ? 1 : 0)) };
    const command = commands(500, (frame) => [frame < 200 ? 0 : 0.6, 0, 0]);
    const motion = { rate_hz: RATE, frameCount: 500, columns: { basePosition, baseQuaternion: still, command } };
    const label = hindsightCommand(motion)!;
    expect(row(label, 0)).toEqual([0, 0, 0]);
    expect(row(label, 199)).toEqual([0, 0, 0]);
    expect(row(label, 200)[0]).toBeCloseTo(0.5, 6);
    expect(row(label, 499)[0]).toBeCloseTo(0.5, 6);
  });

  it('leaves a transient after each change out of the mean where asked', () => {
    // Speed rises linearly over the first second of each 4 s segment.
    let x = 0;
    const speeds = Array.from({ length: 400 }, (_, frame) => Math.min(1, (frame % 200) / RATE));
    const basePosition = buildColumn(400, 3, (frame, data, offset) => {
      data[offset] = x;
      x += speeds[frame] / RATE;
      return true;
    })!;
    const baseQuaternion = buildColumn(400, 4, (_, data, offset) => {
      data[offset] = 1;
      return true;
    })!;
    const command = commands(400, (frame) => [frame < 200 ? 1 : 0.9, 0, 0]);
    const motion = { rate_hz: RATE, frameCount: 400, columns: { basePosition, baseQuaternion, command } };
    const mean = speeds.slice(0, 200).reduce((sum, speed) => sum + speed, 0) / 200;
    expect(row(hindsightCommand(motion)!, 100)[0]).toBeCloseTo(mean, 6);
    expect(row(hindsightCommand(motion, { transient_s: 1 })!, 100)[0]).toBeCloseTo(1, 6);
    expect(row(hindsightCommand(motion, { transient_s: 99 })!, 100)[0]).toBeGreaterThan(0.9);
  });

  it('averages the sway of a gait away where there is no command, up to both ends', () => {
    const label = hindsightCommand(circle(1000, 0.05))!;
    const short = hindsightCommand(circle(1000, 0.05), { smoothing_s: 0.5 })!;
    let worst = 0;
    let worstShort = 0;
    for (let frame = 0; frame < 1000; frame++) {
      worst = Math.max(worst, Math.abs(row(label, frame)[1]));
      worstShort = Math.max(worstShort, Math.abs(row(short, frame)[1]));
    }
    // 3 s hold three whole sways; half a second does not (the sway's own speed is 0.31 m/s).
    expect(worst).toBeLessThan(0.01);
    expect(worstShort).toBeGreaterThan(0.1);
  });

  it('is the same from velocities as from positions, and leans do not enter it', () => {
    const motion = circle(600);
    const { columns } = deriveChannels(motion);
    const fromPositions = hindsightCommand(motion)!;
    const { baseLinearVelocity, baseAngularVelocity, baseQuaternion, projectedGravity } = columns;
    for (const tilt of [{ baseQuaternion }, { projectedGravity }]) {
      const label = hindsightCommand({ ...motion, columns: { baseLinearVelocity, baseAngularVelocity, ...tilt } })!;
      // Central differences at frames against chords between them: second order in w dt.
      for (const frame of [0, 300, 599]) {
        for (let k = 0; k < 3; k++) expect(row(label, frame)[k]).toBeCloseTo(row(fromPositions, frame)[k], 4);
      }
    }
    // Leaning 0.3 rad forward: the same horizontal velocity, seen from a tilted base.
    const lean = 0.3;
    const constant = (values: number[]) => commands(100, () => values);
    const leaning = {
      baseLinearVelocity: constant([0.7 * Math.cos(lean), 0, 0.7 * Math.sin(lean)]),
      baseAngularVelocity: constant([-0.4 * Math.sin(lean), 0, 0.4 * Math.cos(lean)]),
      projectedGravity: constant([Math.sin(lean), 0, -Math.cos(lean)]),
    };
    const label = hindsightCommand({ rate_hz: RATE, frameCount: 100, columns: leaning })!;
    for (let k = 0; k < 3; k++) expect(row(label, 50)[k]).toBeCloseTo([0.7, 0, 0.4][k], 6);
  });

  it('has no label where nothing was measured', () => {
    expect(hindsightCommand({ rate_hz: RATE, frameCount: 9, columns: {} })).toBeUndefined();
    const motion = circle(500, 0, { command: commands(500, () => [1, 0, 0]) });
    const valid = new Uint8Array(500).fill(1);
    const half = { ...motion.columns.basePosition!, valid: valid.fill(0, 0, 250) };
    const label = hindsightCommand({ ...motion, columns: { ...motion.columns, basePosition: half } })!;
    expect(row(label, 10)[2]).toBeCloseTo(TURN_RADPS, 6);
    const none = { ...half, valid: new Uint8Array(500) };
    expect(hindsightCommand({ ...motion, columns: { ...motion.columns, basePosition: none } })).toBeUndefined();
  });
});
