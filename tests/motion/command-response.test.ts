// A controller with a known response, seen through noise: the fit finds it, and the labels lose the noise.

import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import {
  type CommandSegment,
  calibrateLabel,
  commandSegments,
  fitCommandResponse,
  isMoving,
  respond,
} from '../../src/motion/command-response.js';
import type { Episode } from '../../src/motion/episode.js';
import { syntheticEpisode } from '../fixtures.js';

const RESPONSE = [0.9, 0.7, 0.5];

function segments(count: number, noise: (random: Random) => number, noisy = false): CommandSegment[] {
  const random = new Random(4);
  return Array.from({ length: count }, (_, at) => {
    const command = [random.uniform(-1, 1), random.uniform(-0.5, 0.5), random.uniform(-0.5, 0.5)] as const;
    const achieved = RESPONSE.map((slope, axis) => slope * command[axis] + noise(random));
    return { first: 200 * at, end: 200 * at + 200, command, achieved: achieved as [number, number, number], noisy };
  });
}

/** Commands well inside those of segments(). */
function asked(count: number): [number, number, number][] {
  const random = new Random(5);
  return Array.from({ length: count }, () => [
    random.uniform(-0.7, 0.7),
    random.uniform(-0.35, 0.35),
    random.uniform(-0.35, 0.35),
  ]);
}

/** Largest difference from a known response, by axis. */
function largestError(found: readonly CommandSegment[], known: (command: readonly number[]) => readonly number[]) {
  const response = fitCommandResponse(found)!;
  return [0, 1, 2].map((axis) =>
    Math.max(...asked(30).map((command) => Math.abs(respond(response, command)[axis] - known(command)[axis]))),
  );
}
const linear = (command: readonly number[]) => RESPONSE.map((slope, axis) => slope * command[axis]);

describe('fitCommandResponse', () => {
  it('finds a linear response', () => {
    // Four digits are kept, and the ridge of 1e-6 pulls by some 1e-5.
    for (const error of largestError(
      segments(200, () => 0),
      linear,
    ))
      expect(error).toBeLessThan(2e-4);
  });

  it('finds a dead zone, which no polynomial of low degree has', () => {
    const dead = (value: number) => Math.sign(value) * Math.max(0, Math.abs(value) - 0.2);
    const found = segments(600, () => 0).map((segment) => {
      const [x, y, z] = segment.command;
      return { ...segment, achieved: [x, y, dead(z)] as const };
    });
    const [, , yaw] = largestError(found, ([x, y, z]) => [x, y, dead(z)]);
    // A neighbourhood of 32 in 600 is a third of each range wide: at the edge of the zone it rounds the corner.
    expect(yaw).toBeLessThan(0.05);
    const response = fitCommandResponse(found)!;
    for (const z of [-0.1, 0, 0.1]) expect(Math.abs(respond(response, [0.2, 0.1, z])[2])).toBeLessThan(0.02);
  });

  it('asks the segments without action noise alone, where there are enough', () => {
    const slowed = segments(200, (random) => -0.3 + 0.1 * random.normal(), true);
    const clean = fitCommandResponse([...slowed, ...segments(60, () => 0)])!;
    expect(clean).toHaveLength(60);
    expect(Math.abs(respond(clean, [0, 0, 0])[0])).toBeLessThan(1e-3);
    const mostlyNoisy = fitCommandResponse([...slowed, ...segments(20, () => 0)])!;
    expect(respond(mostlyNoisy, [0, 0, 0])[0]).toBeLessThan(-0.1);
  });

  it('is hardly moved by a third of wild segments', () => {
    const wild = (random: Random) => (random.uniform() < 0.33 ? 0.6 * random.normal() : 0.01 * random.normal());
    const response = fitCommandResponse(segments(400, wild))!;
    const errors = asked(100).flatMap((command) =>
      respond(response, command).map((value, axis) => Math.abs(value - linear(command)[axis])),
    );
    // The segments' own means are off by 0.16: a third of them by 0.6 √(2/π).
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.04);
  });

  it('keeps no more than a policy can carry, evenly spread, and says nothing of too few', () => {
    const many = fitCommandResponse(segments(2500, () => 0))!;
    expect(many).toHaveLength(600);
    expect(fitCommandResponse(segments(20, () => 0))).toBeUndefined();
  });

  it.each([0.3, 0.4, 0.5])(
    'answers where all were asked for the same, %d m/s, whose rounding is no spread',
    (speed) => {
      const command = [Math.fround(speed), 0, Math.fround(speed / 3)] as const;
      const segments = Array.from({ length: 60 }, (_, at) => ({
        ...{ first: 0, end: 500, command, noisy: false },
        achieved: [0.9 * speed + 1e-3 * ((at % 3) - 1), 0.01, 0.1] as const,
      }));
      const [vx, vy, wz] = respond(fitCommandResponse(segments)!, command);
      expect([vx, vy, wz].map((value) => Number(value.toFixed(3)))).toEqual([
        Number((0.9 * speed).toFixed(3)),
        0.01,
        0.1,
      ]);
    },
  );

  it('answers on an axis where all were asked on that axis', () => {
    const found = segments(100, () => 0).map((segment) => {
      const command = [segment.command[0], 0, 0] as const;
      return { ...segment, command, achieved: [0.9 * command[0], 0, 0.1] as const };
    });
    const [vx, vy, wz] = respond(fitCommandResponse(found)!, [0.5, 0, 0]);
    expect([vx, vy, wz].map((value) => Math.round(1e3 * value) / 1e3)).toEqual([0.45, 0, 0.1]);
  });
});

describe('calibrateLabel', () => {
  it('gives moving segments the response to their command, and leaves standing ones alone', () => {
    const base = syntheticEpisode(1, { frameCount: 240 });
    const command = Float32Array.from({ length: 720 }, (_, at) => (at < 360 ? [0.8, 0, 0.2] : [0.1, 0, 0])[at % 3]);
    const episode: Episode = { ...base, channels: { ...base.channels, command: { width: 3, data: command } } };
    const label = {
      width: 3,
      data: Float32Array.from({ length: 720 }, (_, at) => (at < 360 ? [0.6, 0.1, 0.3] : [0.01, 0, 0])[at % 3]),
    };
    const found = commandSegments(episode, label);
    expect(found.map(({ first, end }) => [first, end])).toEqual([
      [0, 120],
      [120, 240],
    ]);
    const response = fitCommandResponse(segments(200, () => 0))!;
    const calibrated = calibrateLabel(label, found.filter(isMoving), response).data;
    // As exact as the linear response above.
    [0.72, 0, 0.1].map((value, axis) => expect(calibrated[axis]).toBeCloseTo(value, 3));
    expect(calibrated.slice(360)).toEqual(label.data.slice(360));
  });
});
