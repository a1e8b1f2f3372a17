import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import {
  CONTACT_DEFAULTS,
  cornerPaths,
  findContacts,
  floorShift,
  type Sole,
  solePoints,
  writeContactTargets,
} from '../../src/retarget/contact.js';
import type { Targets } from '../../src/retarget/problem.js';

const SOLE: Sole = {
  name: 'foot',
  body: 0,
  corners_m: [
    [-0.05, 0.03, -0.04],
    [-0.05, -0.03, -0.04],
    [0.12, 0.03, -0.04],
    [0.12, -0.03, -0.04],
  ],
};
const RATE = 50;

/** A foot that stands, steps 0.6 m forward in half a second with its toes down last, and stands again. */
function step({ noise_m = 0, floor_m = 0, creep_mps = 0, seed = 1 }) {
  const frameCount = 150;
  const random = new Random(seed);
  const position_m = new Float64Array(3 * frameCount);
  const quaternion = new Float64Array(4 * frameCount);
  for (let frame = 0; frame < frameCount; frame++) {
    const phase = Math.max(0, Math.min(1, (frame - 60) / 25));
    const x = 0.6 * (phase - Math.sin(2 * Math.PI * phase) / (2 * Math.PI)) + (creep_mps * frame) / RATE;
    const z = floor_m + 0.04 + 0.1 * Math.sin(Math.PI * phase);
    position_m.set(
      [x, 0.1, z].map((value) => value + noise_m * random.normal()),
      3 * frame,
    );
    quaternion[4 * frame] = 1;
  }
  return { path: { position_m, quaternion }, frameCount };
}

function contactsOf(options: Parameters<typeof step>[0], floor_m = 0) {
  const { path, frameCount } = step(options);
  const corners = [cornerPaths(path, SOLE, frameCount)];
  return { contacts: findContacts(corners, frameCount, RATE, floor_m), corners, frameCount };
}

describe('contacts', () => {
  it('are found before and after a step, of heel and toe', () => {
    const { contacts, frameCount } = contactsOf({});
    expect(contacts.map(({ part }) => part)).toEqual([0, 0, 1, 1]);
    for (const [first, second] of [contacts.slice(0, 2), contacts.slice(2)]) {
      expect(first.start).toBe(0);
      // The step is slower than 0.35 m/s for some three frames at either end.
      expect(Math.abs(first.end - 61)).toBeLessThanOrEqual(4);
      expect(Math.abs(second.start - 84)).toBeLessThanOrEqual(4);
      expect(second.end).toBe(frameCount);
    }
  });

  it('are found through noise of a millimetre and on a floor that is two centimetres off', () => {
    const { contacts } = contactsOf({ noise_m: 0.001, floor_m: 0.02 });
    const held = contacts.reduce((sum, { start, end }) => sum + end - start, 0);
    // 60 frames before and 65 after, of heel and toe.
    expect(held).toBeGreaterThan(2 * 112);
  });

  it('are not found high above the floor', () => {
    expect(contactsOf({ floor_m: 0.3 }).contacts).toEqual([]);
  });

  it('are cut where they creep', () => {
    const { contacts, corners } = contactsOf({ creep_mps: 0.1 });
    expect(contacts.length).toBeGreaterThan(6);
    for (const { part, start, end } of contacts) {
      const x = (frame: number) => corners[0][12 * frame + 6 * part];
      expect(x(end - 1) - x(start)).toBeLessThanOrEqual(2 * CONTACT_DEFAULTS.radius_m + 1e-9);
    }
  });

  it('tell how far the floor is off', () => {
    const { contacts, corners, frameCount } = contactsOf({ floor_m: 0.02 });
    const shift = floorShift(contacts, corners, frameCount, 0);
    // A contact's first and last frames are a few millimetres up already.
    for (const frame of [0, 30, 70, 140]) expect(Math.abs(shift[frame] - 0.02)).toBeLessThan(0.002);
  });

  it('hold corners where they stood, with a weight that swells and ebbs', () => {
    const { contacts, corners, frameCount } = contactsOf({ noise_m: 0.001 });
    const points = solePoints([SOLE]);
    const targets: Targets = {
      rate_hz: RATE,
      frameCount,
      points,
      pointTarget_m: new Float64Array(frameCount * 12),
      pointWeight: new Float64Array(frameCount * 4),
      frames: [],
      frameTarget: new Float64Array(0),
      frameWeight: new Float64Array(0),
    };
    writeContactTargets(targets, 0, contacts, corners, 0);
    const most = 1 / CONTACT_DEFAULTS.tolerance_m ** 2;
    for (const { part, start, end } of contacts.slice(0, 1)) {
      const corner = 2 * part;
      const weight = (frame: number) => targets.pointWeight[4 * frame + corner];
      // The clip begins in contact: it was held before.
      expect(weight(start)).toBeCloseTo(most);
      expect(weight(end - 1)).toBeLessThan(0.1 * most);
      expect(weight(end)).toBe(0);
      for (let frame = start + 1; frame < end; frame++) {
        expect(targets.pointTarget_m[12 * frame + 3 * corner]).toBe(targets.pointTarget_m[3 * corner]);
        expect(targets.pointTarget_m[12 * frame + 3 * corner + 2]).toBe(0);
      }
      expect(targets.pointTarget_m[3 * corner]).toBeCloseTo(SOLE.corners_m[corner][0], 2);
    }
  });
});
