import { describe, expect, test } from 'vitest';
import { createDriveClock } from '../../../src/viewer/drive/drive-clock.js';

/** Runs a clock on a machine whose steps take so long; returns the times at which steps began. */
function simulate(clock: ReturnType<typeof createDriveClock>, until_ms: number, step_ms: (index: number) => number) {
  const begun: number[] = [];
  let now = 0;
  clock.start(now);
  while (now < until_ms) {
    if (clock.take(now)) {
      begun.push(now);
      now += step_ms(begun.length - 1);
      // A timer of a browser comes late by a little, and not always by the same.
    } else now += Math.max(0.5, clock.wait_ms(now)) + (begun.length % 5);
  }
  return { begun, now };
}

describe('control clock', () => {
  test('keeps 50 Hz without drift, however late timers are', () => {
    const clock = createDriveClock(50);
    const { begun } = simulate(clock, 60_000, () => 6);
    expect(begun).toHaveLength(3000);
    // No step before its time, none later than the timer's own lateness.
    for (const [index, time] of begun.entries()) {
      expect(time).toBeGreaterThanOrEqual(20 * index);
      expect(time).toBeLessThan(20 * index + 5);
    }
    const report = clock.report(60_000);
    expect(report.dropped_ms).toBe(0);
    expect(report.tooSlow).toBe(false);
    // Two seconds hold 99 to 101 steps.
    expect(Math.abs(report.rate_hz - 50)).toBeLessThanOrEqual(0.5);
  });

  test('catches up after a short stall', () => {
    const clock = createDriveClock(50);
    const { begun } = simulate(clock, 10_000, (index) => (index === 100 ? 80 : 2));
    expect(begun).toHaveLength(500);
    expect(clock.report(10_000).dropped_ms).toBe(0);
  });

  test('drops what a long stall cost, and says so', () => {
    const clock = createDriveClock(50);
    const { begun } = simulate(clock, 10_000, (index) => (index === 100 ? 1000 : 2));
    const { dropped_ms } = clock.report(10_000);
    // A second, less the debt that may be caught up.
    expect(dropped_ms).toBeGreaterThan(850);
    expect(dropped_ms).toBeLessThan(950);
    expect(begun).toHaveLength(500 - dropped_ms / 20);
    // Never more steps in a burst than the debt that it keeps.
    for (let at = 8; at < begun.length; at++) expect(begun[at] - begun[at - 8]).toBeGreaterThan(30);
  });

  test('says when the machine is too slow, once it knows', () => {
    const clock = createDriveClock(50);
    clock.start(0);
    expect(clock.report(500).tooSlow).toBe(false);
    const { now } = simulate(clock, 5000, () => 26);
    const report = clock.report(now);
    expect(report.tooSlow).toBe(true);
    expect(Math.abs(report.rate_hz - 1000 / 26)).toBeLessThanOrEqual(0.5);
  });

  test('takes no step while stopped, and owes none for the time', () => {
    const clock = createDriveClock(50);
    clock.start(0);
    expect(clock.take(0)).toBe(true);
    clock.stop();
    expect(clock.take(1000)).toBe(false);
    expect(clock.wait_ms(1000)).toBe(Number.POSITIVE_INFINITY);
    clock.start(60_000);
    expect([clock.take(60_000), clock.take(60_001), clock.take(60_020)]).toEqual([true, false, true]);
    expect(clock.report(60_020).dropped_ms).toBe(0);
  });
});
