// Tracks with known defects: what is found, what is filled in, and that sound tracks stay as they are.

import { describe, expect, it } from 'vitest';
import { BODY_JOINT_COUNT } from '../../../ingest/readers/smpl-body.js';
import { repairTracks } from '../../../ingest/readers/smpl-repair.js';
import { type BodyTrack, takeRows } from '../../../ingest/readers/smpl-tracks.js';
import { Random } from '../../../src/base/random.js';
import { fromRotationVector } from '../../../src/math/rotation.js';

const OPTIONS = { rate_hz: 30, maximumGap_s: 0.25, minimumPiece_s: 0.5, cutoff_hz: 6 };

/** Smooth motion; `seed` makes people differ. */
function track(frameCount: number, seed: number, noise = 0): BodyTrack {
  const random = new Random(seed);
  const rotations = new Float64Array(frameCount * BODY_JOINT_COUNT * 4);
  const translation = new Float64Array(frameCount * 3);
  const vector = new Float64Array(3);
  for (let frame = 0; frame < frameCount; frame++) {
    for (let joint = 0; joint < BODY_JOINT_COUNT; joint++) {
      for (let k = 0; k < 3; k++) {
        vector[k] = 0.5 * Math.sin(0.1 * frame + joint + k + 2 * seed) + noise * random.normal();
      }
      fromRotationVector(rotations, (frame * BODY_JOINT_COUNT + joint) * 4, vector, 0);
    }
    translation.set([0.03 * frame + seed, 0.02 * Math.sin(0.2 * frame), seed], frame * 3);
  }
  const shape = new Float64Array(frameCount * 10).fill(seed);
  return {
    person: String(seed),
    shot: 0,
    frames: Int32Array.from({ length: frameCount }, (_, k) => k),
    rotations,
    translation,
    shape,
  };
}

const without = (from: BodyTrack, lost: (frame: number) => boolean) =>
  takeRows(
    from,
    [...from.frames.keys()].filter((row) => !lost(from.frames[row])),
  );
const kinds = (findings: readonly { kind: string }[]) => findings.map(({ kind }) => kind);

it('leaves a sound track as it is', () => {
  const { pieces, findings } = repairTracks([track(60, 1)], OPTIONS);
  expect(findings).toEqual([]);
  expect(pieces).toHaveLength(1);
  expect(pieces[0].findings).toEqual([]);
  expect(pieces[0].valid).toEqual(new Uint8Array(60).fill(1));
  expect(pieces[0].track.rotations).toEqual(track(60, 1).rotations);
});

describe('gaps', () => {
  it('short ones are filled in', () => {
    const whole = track(60, 1);
    const { pieces } = repairTracks([without(whole, (frame) => frame >= 20 && frame < 25)], OPTIONS);
    expect(kinds(pieces[0].findings)).toEqual(['gap']);
    expect([...pieces[0].valid].flatMap((value, frame) => (value === 0 ? [frame] : []))).toEqual([20, 21, 22, 23, 24]);
    for (let at = 0; at < whole.translation!.length; at++) {
      // A sine of 0.2 rad a frame, cut by a chord of 6 frames: at most 0.02 m (0.6)^2 / 2.
      expect(Math.abs(pieces[0].track.translation![at] - whole.translation![at])).toBeLessThan(0.0037);
    }
    let worst = 0;
    for (let at = 0; at < whole.rotations.length; at += 4) {
      let dot = 0;
      for (let k = 0; k < 4; k++) dot += pieces[0].track.rotations[at + k] * whole.rotations[at + k];
      worst = Math.max(worst, 2 * Math.acos(Math.min(1, Math.abs(dot))));
    }
    // Rotation vectors of sines of 0.1 rad a frame: 0.5 sqrt(3) (0.3)^2 / 2.
    expect(worst).toBeLessThan(0.04);
  });

  it('long ones cut', () => {
    const { pieces, findings } = repairTracks([without(track(90, 1), (frame) => frame >= 30 && frame < 50)], OPTIONS);
    expect(kinds(findings)).toEqual(['gap']);
    expect(pieces.map(({ track: { frames } }) => [frames[0], frames.length])).toEqual([
      [0, 30],
      [50, 40],
    ]);
  });

  it('pieces too short are dropped and reported', () => {
    const { pieces, findings } = repairTracks([without(track(90, 1), (frame) => frame >= 10 && frame < 50)], OPTIONS);
    expect(kinds(findings)).toEqual(['short-piece', 'gap']);
    expect(pieces).toHaveLength(1);
  });
});

describe('jumps', () => {
  it('a frame that jumps away and back is filled in', () => {
    const broken = track(60, 1);
    broken.translation!.set([5, 5, 5], 33 * 3);
    const { pieces, findings } = repairTracks([broken], OPTIONS);
    expect(findings).toEqual([]);
    expect(kinds(pieces[0].findings)).toEqual(['spike']);
    expect(pieces[0].valid[33]).toBe(0);
    expect(pieces[0].track.translation![33 * 3]).toBeCloseTo(0.03 * 33 + 1, 9);
  });

  it('a jump for good is a cut; with another shape it is another person', () => {
    const start = track(60, 1);
    const moved = track(60, 1);
    for (let at = 40 * 3; at < 180; at += 3) moved.translation![at] += 3;
    expect(kinds(repairTracks([moved], OPTIONS).findings)).toEqual(['cut']);
    for (let at = 40 * 10; at < 600; at++) start.shape![at] += 0.6;
    const { pieces, findings } = repairTracks([start], OPTIONS);
    expect(kinds(findings)).toEqual(['identity-switch']);
    expect(pieces.map(({ track: { frames } }) => frames.length)).toEqual([40, 20]);
  });
});

it('exchanged people get their bodies back', () => {
  const [a, b] = [track(80, 1), track(80, 3)];
  const exchange = (x: BodyTrack, y: BodyTrack, from: number): BodyTrack => ({
    ...x,
    rotations: Float64Array.of(...x.rotations.subarray(0, from * 88), ...y.rotations.subarray(from * 88)),
    translation: Float64Array.of(...x.translation!.subarray(0, from * 3), ...y.translation!.subarray(from * 3)),
    shape: Float64Array.of(...x.shape!.subarray(0, from * 10), ...y.shape!.subarray(from * 10)),
  });
  const { pieces, findings } = repairTracks([exchange(a, b, 33), exchange(b, a, 33)], OPTIONS);
  expect(findings).toMatchObject([{ kind: 'identity-switch', frames: [33, 34] }]);
  expect(pieces.map(({ track: { person } }) => person)).toEqual(['1', '3']);
  expect(pieces[0].track.rotations).toEqual(a.rotations);
  expect(pieces[1].track.translation).toEqual(b.translation);
});

it('noise is filtered, and less of it is left', () => {
  const clean = track(120, 1);
  const noisy = track(120, 1, 0.02);
  const { pieces } = repairTracks([noisy], OPTIONS);
  expect(kinds(pieces[0].findings)).toEqual(['jitter']);
  expect(pieces[0].findings[0].message).toMatch(/joints shake by [01]\.\d\d degrees .*filtered at 6 Hz/);
  const error = (rotations: Float64Array) => {
    let sum = 0;
    for (let at = 0; at < rotations.length; at += 4) {
      let dot = 0;
      for (let k = 0; k < 4; k++) dot += rotations[at + k] * clean.rotations[at + k];
      sum += 1 - dot * dot;
    }
    return sum;
  };
  // White noise up to 15 Hz loses what lies above 6 Hz: six tenths of its power.
  expect(error(pieces[0].track.rotations)).toBeLessThan(0.5 * error(noisy.rotations));
  expect(kinds(repairTracks([noisy], { ...OPTIONS, cutoff_hz: 0 }).pieces[0].findings)).toEqual([]);
});
