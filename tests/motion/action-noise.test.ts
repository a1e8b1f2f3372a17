// Executed against answered actions, with frames that lack one of them.

import { describe, expect, it } from 'vitest';
import { hasActionNoise } from '../../src/motion/action-noise.js';
import { commandSegments } from '../../src/motion/command-response.js';
import type { Channel, Episode } from '../../src/motion/episode.js';
import { syntheticEpisode } from '../fixtures.js';

const ACTION: Channel = { width: 2, data: Float32Array.of(0.1, 0.2, 0.1, 0.2, 0.1, 0.2) };

function executed(data: readonly number[], valid?: readonly number[]): Channel {
  return { width: 2, data: Float32Array.from(data), ...(valid ? { valid: Uint8Array.from(valid) } : {}) };
}

const noiseOf = (channels: Episode['channels']) => [0, 1, 2].map((frame) => hasActionNoise({ channels }, frame));

describe('hasActionNoise', () => {
  it('is true where one joint executed something else than its action, beyond rounding', () => {
    const executedAction = executed([0.1, 0.2, 0.1, 0.25, 0.10005, 0.2]);
    expect(noiseOf({ action: ACTION, executedAction })).toEqual([false, true, false]);
  });

  it('sees no noise in frames that lack one of the two, whatever stands in them', () => {
    const executedAction = executed([9, 9, Number.NaN, 9, 0.1, 0.9], [0, 0, 1]);
    expect(noiseOf({ action: ACTION, executedAction })).toEqual([false, false, true]);
    const action = { ...ACTION, valid: Uint8Array.of(1, 1, 0) };
    expect(noiseOf({ action, executedAction })).toEqual([false, false, false]);
    expect(noiseOf({ action: ACTION })).toEqual([false, false, false]);
    expect(noiseOf({ executedAction })).toEqual([false, false, false]);
  });
});

describe('commandSegments', () => {
  it('calls a segment noisy by its valid frames alone', () => {
    const base = syntheticEpisode(1, { frameCount: 240 });
    const { action } = base.channels;
    const data = action!.data.slice();
    // Both halves differ in one frame; in the first it is masked.
    data[30 * action!.width] += 1;
    data[200 * action!.width] += 1;
    const valid = new Uint8Array(240).fill(1);
    valid[30] = 0;
    const command = Float32Array.from({ length: 720 }, (_, at) => (at < 360 ? [0.8, 0, 0] : [0.4, 0, 0])[at % 3]);
    const episode: Episode = {
      ...base,
      channels: {
        ...base.channels,
        command: { width: 3, data: command },
        executedAction: { width: action!.width, data, valid },
      },
    };
    expect(commandSegments(episode, { data: command }).map(({ noisy }) => noisy)).toEqual([false, true]);
  });
});
