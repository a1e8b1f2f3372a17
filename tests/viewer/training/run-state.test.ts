// Whether a run goes on: told from what it wrote, or from how long it has been silent.

import { describe, expect, it } from 'vitest';
import type { RunStatus } from '../../../src/train/run-status.js';
import { describeRun, durationText, type RunFacts } from '../../../src/viewer/training/run-state.js';

const now = new Date('2026-01-01T12:00:00Z');
const status = (state: RunStatus['state'], secondsAgo: number, message?: string): RunStatus => ({
  state,
  step: 300,
  steps: 1000,
  started: '2026-01-01T10:00:00Z',
  updated: new Date(now.getTime() - 1000 * secondsAgo).toISOString(),
  message,
  tool: 'nextgait 0',
});
const stateOf = (facts: Partial<RunFacts>) =>
  describeRun(
    { step: 300, steps: 1000, metricsEvery: 10, stepsPerSecond: 10, quiet_s: 5, sawGrowth: false, now, ...facts },
    'runs/walk',
  );

describe('the state of a run', () => {
  it('is what the training says of itself', () => {
    expect(stateOf({ status: status('going', 3) })).toMatchObject({
      state: 'going',
      text: 'Step 300 of 1000; about 70 s left.',
    });
    expect(stateOf({ status: status('finished', 9999) }).state).toBe('finished');
    expect(stateOf({ status: status('stopped', 9999) }).text).toMatch(/step 300 of 1000.*--resume runs\/walk/);
    expect(stateOf({ status: status('failed', 9, 'the loss is not finite') }).text).toMatch(
      /step 300: the loss is not/,
    );
  });

  it('is silent where a training that says it goes on has given no sign for longer than its lines take', () => {
    expect(stateOf({ status: status('going', 59) }).state).toBe('going');
    expect(stateOf({ status: status('going', 300) })).toMatchObject({ state: 'silent' });
    expect(stateOf({ status: status('going', 300) }).text).toMatch(/No sign of life for 5 min/);
    // 10 steps between lines at 1 step in 10 s: 100 s a line.
    expect(stateOf({ status: status('going', 300), stepsPerSecond: 0.1 }).state).toBe('going');
  });

  it('of a folder without a status is told from its metrics and from what was seen of them', () => {
    expect(stateOf({ step: 1000 }).state).toBe('finished');
    expect(stateOf({ sawGrowth: true }).state).toBe('going');
    expect(stateOf({ sawGrowth: true, quiet_s: 90 }).state).toBe('silent');
    expect(stateOf({ quiet_s: 9000 }).state).toBe('unknown');
  });
});

it('durations are short', () => {
  expect([0, 89, 100, 5000, 7200, 3 * 86400 + 7200].map(durationText)).toEqual([
    '0 s',
    '89 s',
    '2 min',
    '83 min',
    '2 h 00 min',
    '3 days 2 h',
  ]);
});
