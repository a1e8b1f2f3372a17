// A controller with a known response, seen through noise: the fit finds it, and the labels lose the noise.

import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import {
  type CommandSegment,
  calibrateLabel,
  commandSegments,
  fitCommandResponse,
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

const slopes = (response: readonly (readonly number[])[]) =>
  response.map((coefficients, axis) => coefficients[1 + axis]);

describe('fitCommandResponse', () => {
  it('finds a linear response, and nothing beside it', () => {
    const response = fitCommandResponse(segments(200, () => 0))!;
    // The ridge of 1e-6 on squares of about 0.1 to 0.3 pulls slopes down by 1e-5.
    slopes(response).forEach((slope, axis) => {
      expect(Math.abs(slope / RESPONSE[axis] - 1)).toBeLessThan(1e-4);
    });
  });

  it('asks the segments without action noise alone, where there are enough', () => {
    const slowed = segments(200, (random) => -0.3 + 0.1 * random.normal(), true);
    const clean = fitCommandResponse([...slowed, ...segments(60, () => 0)])!;
    expect(Math.abs(clean[0][0])).toBeLessThan(1e-3);
    const mostlyNoisy = fitCommandResponse([...slowed, ...segments(20, () => 0)])!;
    expect(mostlyNoisy[0][0]).toBeLessThan(-0.1);
  });

  it('is hardly moved by a third of wild segments', () => {
    const wild = (random: Random) => (random.uniform() < 0.33 ? 0.6 * random.normal() : 0.01 * random.normal());
    slopes(fitCommandResponse(segments(400, wild))!).forEach((slope, axis) => {
      expect(Math.abs(slope / RESPONSE[axis] - 1)).toBeLessThan(0.1);
    });
  });

  it('says nothing of too few segments', () => {
    expect(fitCommandResponse(segments(20, () => 0))).toBeUndefined();
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
    const response = RESPONSE.map((slope, axis) =>
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((at) => (at === axis + 1 ? slope : 0)),
    );
    const calibrated = calibrateLabel(label, found, response).data;
    expect(Array.from(calibrated.slice(0, 3))).toEqual([0.72, 0, 0.1].map(Math.fround));
    expect(calibrated.slice(360)).toEqual(label.data.slice(360));
  });
});
