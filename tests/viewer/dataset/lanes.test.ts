// The modality mask as lanes.

import { describe, expect, it } from 'vitest';
import { CHANNEL_NAMES } from '../../../src/motion/episode.js';
import { lanesOf, laneText, stretches } from '../../../src/viewer/dataset/lanes.js';

describe('stretches', () => {
  it.each([
    [
      [0, 1, 1, 0, 1],
      [
        [1, 3],
        [4, 5],
      ],
    ],
    [[1, 1, 1], [[0, 3]]],
    [[0, 0], []],
    [[1, 0], [[0, 1]]],
  ])('%j', (flags, expected) => {
    expect(stretches(flags, flags.length).map(({ start, end }) => [start, end])).toEqual(expected);
  });

  it('without flags is all', () => {
    expect(stretches(undefined, 4)).toEqual([{ start: 0, end: 4 }]);
  });
});

describe('lanes', () => {
  const data = new Float32Array(12);
  const lanes = lanesOf(
    { command: { width: 3, data, valid: Uint8Array.of(0, 1, 1, 0) }, basePosition: { width: 3, data } },
    ['basePosition'],
    4,
  );
  const lane = (name: string) => lanes.find((one) => one.name === name)!;

  it('are there for every channel', () => {
    expect(lanes.map(({ name }) => name).sort()).toEqual([...CHANNEL_NAMES].sort());
  });

  it('tell what is there, what was computed and what is masked', () => {
    expect(lane('command')).toMatchObject({ state: 'measured', presentFrames: 2, present: [{ start: 1, end: 3 }] });
    expect(lane('basePosition')).toMatchObject({ state: 'derived', presentFrames: 4 });
    expect(lane('action')).toMatchObject({ presentFrames: 0, present: [] });
  });

  it('say so in words', () => {
    expect(laneText(lane('action'), 4)).toMatch(/masked in all 4 frames/);
    expect(laneText(lane('command'), 4)).toMatch(/2 of 4 frames/);
    expect(laneText(lane('basePosition'), 4)).toMatch(/computed from others/);
  });
});
