// Observations of foreign policies against vectors written out by hand.

import { expect, test } from 'vitest';
import { foreignPolicySchema, type ObservationConfig } from '../../src/policy/foreign-config.js';
import {
  advanceObservation,
  compileObservation,
  type ObservationContext,
  type ObservationInput,
} from '../../src/policy/observation-terms.js';
import { PhaseClock } from '../../src/policy/phase-clock.js';
import { stateOf } from './foreign-fixtures.js';

// The robot's order is knee, hip, toe; the policy's is hip, knee.
const CONTEXT: ObservationContext = {
  joints: ['hip', 'knee'],
  robotIndices: Int32Array.of(1, 0),
  defaultPosition_rad: Float64Array.of(0.1, 0.2),
  phaseCount: 2,
  where: 'test.yaml',
};

function observation(value: unknown): ObservationConfig {
  return foreignPolicySchema.shape.observation.parse(value);
}

/** Frame k of a made-up motion: every value tells its frame and place. */
function inputOf(frame: number): ObservationInput {
  return {
    state: stateOf(3, {
      baseAngularVelocity_radps: Float64Array.of(frame + 0.25, frame + 0.5, frame + 0.75),
      jointPosition_rad: Float64Array.of(10 + frame, 20 + frame, 30 + frame),
      jointVelocity_radps: Float64Array.of(1 + frame, 2 + frame, 3 + frame),
      // A quarter turn about x: gravity points along -y of that frame.
      sensors: { imu: Float64Array.of(Math.SQRT1_2, Math.SQRT1_2, 0, 0), gyro: Float64Array.of(7, 8, 9) },
    }),
    command: [0.5, -0.25, frame],
    lastAction: [frame * 2, frame * 4],
    phases: [0, Math.PI],
  };
}

function run(config: ObservationConfig, frames: number): number[] {
  const layout = compileObservation(config, CONTEXT);
  const history = new Float32Array(layout.size).fill(99);
  for (let frame = 0; frame < frames; frame++) advanceObservation(layout, history, inputOf(frame), frame === 0);
  return Array.from(history);
}

test('one frame: joint order, default, scale, clip, sensors, phases', () => {
  const config = observation({
    terms: [
      { term: 'baseAngularVelocity', scale: [1, 2, 4] },
      { term: 'baseAngularVelocity', sensor: 'gyro', clip: [7.5, 8.5], scale: 2 },
      { term: 'projectedGravity', sensor: 'imu' },
      { term: 'command' },
      { term: 'jointPositionOffset' },
      { term: 'jointPosition', joints: ['knee'] },
      { term: 'jointVelocity', zeroed: ['hip'], scale: 0.5 },
      { term: 'lastAction' },
      { term: 'phaseCosine' },
      { term: 'constant', values: [0.5] },
    ],
  });
  const expected = [0.25, 1, 3, 15, 16, 17, 0, -1, 0, 0.5, -0.25, 0, 19.9, 9.8, 10, 0, 0.5, 0, 0, 1, -1, 0.5];
  const found = run(config, 1);
  expect(found.length).toBe(expected.length);
  // float32 of values up to 20: one unit in the last place is 2e-6.
  for (let k = 0; k < expected.length; k++) expect(found[k]).toBeCloseTo(expected[k], 5);
});

const TWO_TERMS = [{ term: 'lastAction' }, { term: 'command' }];
const c = (frame: number) => [0.5, -0.25, frame];
const a = (frame: number) => [2 * frame, 4 * frame];

test('history grouped by term, oldest first, filled with the first frame', () => {
  const config = observation({ history: 3, terms: TWO_TERMS });
  expect(run(config, 1)).toEqual([...a(0), ...a(0), ...a(0), ...c(0), ...c(0), ...c(0)]);
  expect(run(config, 2)).toEqual([...a(0), ...a(0), ...a(1), ...c(0), ...c(0), ...c(1)]);
  expect(run(config, 5)).toEqual([...a(2), ...a(3), ...a(4), ...c(2), ...c(3), ...c(4)]);
});

test('history grouped by frame, newest first, zeros before the first frame', () => {
  const config = observation({
    history: 3,
    grouping: 'frame',
    order: 'newest-first',
    fill: 'zero',
    terms: TWO_TERMS,
  });
  expect(run(config, 1)).toEqual([...a(0), ...c(0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(run(config, 5)).toEqual([...a(4), ...c(4), ...a(3), ...c(3), ...a(2), ...c(2)]);
});

test('terms may keep histories of their own lengths, by term only', () => {
  const terms = [{ term: 'lastAction' }, { term: 'command', history: 2 }];
  expect(run(observation({ terms }), 3)).toEqual([...a(2), ...c(1), ...c(2)]);
  expect(() => run(observation({ grouping: 'frame', terms }), 1)).toThrow(/terms\.1\.history.*expected 1.*found 2/);
});

test('mistakes in terms are named', () => {
  expect(() => run(observation({ terms: [{ term: 'jointVelocity', joints: ['hipp'] }] }), 1)).toThrow(
    /terms\.0\.joints.*found hipp\. Did you mean "hip"/,
  );
  expect(() => run(observation({ terms: [{ term: 'command', scale: [1, 2] }] }), 1)).toThrow(
    /expected 1 or 3, found 2/,
  );
  expect(() => run(observation({ terms: [{ term: 'projectedGravity', sensor: 'gyro' }] }), 1)).toThrow(
    /sensor "gyro": expected 4 values, found 3/,
  );
  expect(() => observation({ terms: [{ term: 'gravity' }] })).toThrow();
});

test('phase clock: closed form, wrap and standing', () => {
  const config = {
    frequency_hz: 1.5,
    offsets_rad: [0, Math.PI],
    standing: { commandBelow: 0.01, phases_rad: [Math.PI, Math.PI] },
  };
  const clock = new PhaseClock(config, 50);
  const phases = new Float64Array(2);
  for (let frame = 0; frame <= 100_003; frame++) {
    clock.tick([1, 0, 0], phases);
    if (![0, 1, 17, 33, 34, 100, 100_003].includes(frame)) continue;
    const turns = (1.5 * frame) / 50;
    // cos and sin do not see whole turns; a turn of each of 1e5 steps is rounded by 1e-16.
    expect(Math.cos(phases[0])).toBeCloseTo(Math.cos(2 * Math.PI * (turns % 1)), 9);
    expect(Math.cos(phases[1])).toBeCloseTo(-Math.cos(2 * Math.PI * (turns % 1)), 9);
    for (const phase of phases) expect(Math.abs(phase)).toBeLessThanOrEqual(Math.PI);
  }
  clock.tick([0.005, 0, 0.005], phases);
  expect(Array.from(phases)).toEqual([Math.PI, Math.PI]);
  // After standing it begins anew.
  clock.tick([1, 0, 0], phases);
  expect(Array.from(phases)).toEqual([0, -Math.PI]);
  clock.reset();
  clock.advance_rad = -1;
  expect(clock.advance_rad).toBeCloseTo(2 * Math.PI - 1, 12);
  clock.tick([1, 0, 0], phases);
  expect(phases[0]).toBeCloseTo(-1, 12);
});
