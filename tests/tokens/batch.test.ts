// What a window holds, entry by entry, for every pairing; and what the sampler may draw.

import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import type { Episode } from '../../src/motion/episode.js';
import { allocateBatch, createCutter, framesNeeded } from '../../src/tokens/batch.js';
import { createSampler, windowsIn } from '../../src/tokens/sampler.js';
import { createTokenSpec, entryNames, rowWidth, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { memorySource } from '../../src/tokens/window-source.js';
import { syntheticEpisode, TINY_ROBOT } from '../fixtures.js';

const WEIGHTS = { observation: 2, action: 3 };

function cutOne(episode: Episode, first: number, tokens: object = {}) {
  const spec = createTokenSpec(tokenConfigSchema.parse({ context: 3, ...tokens }), TINY_ROBOT, 50);
  const buffers = allocateBatch(spec, 1);
  createCutter(spec, TINY_ROBOT, memorySource([episode]))({ episode: 0, first }, buffers, 0, WEIGHTS);
  const width = rowWidth(spec);
  const row = (array: ArrayLike<number>, step: number) => Array.from(array).slice(step * width, (step + 1) * width);
  return { spec, buffers, row };
}

const at = (episode: Episode, channel: 'action' | 'executedAction' | 'jointPosition', frame: number) =>
  Array.from(episode.channels[channel]!.data.slice(2 * frame, 2 * frame + 2));

describe('the cutter', () => {
  const episode = syntheticEpisode(1);

  it.each([
    { pairing: 'previous', input: -1, target: 0 },
    { pairing: 'same', input: 0, target: 1 },
  ] as const)('pairs actions by the spec: $pairing', ({ pairing, input, target }) => {
    const { spec, buffers, row } = cutOne(episode, 7, { pairing });
    const m = spec.observationWidth;
    for (let step = 0; step < 3; step++) {
      expect(row(buffers.values, step).slice(m)).toEqual(at(episode, 'executedAction', 7 + step + input));
      expect(row(buffers.targets, step).slice(m)).toEqual(at(episode, 'action', 7 + step + target));
      expect(row(buffers.weights, step)).toEqual([...new Array(m).fill(2), 3, 3]);
    }
  });

  it('writes joint positions as offsets from the default pose, inputs and targets alike', () => {
    const { spec, buffers, row } = cutOne(episode, 7);
    const { offset } = spec.channels.find(({ name }) => name === 'jointPosition')!;
    const offsets = (frame: number) =>
      at(episode, 'jointPosition', frame).map((q, joint) =>
        Math.fround(q - Math.fround(TINY_ROBOT.defaultPosition_rad[joint])),
      );
    for (let step = 0; step < 3; step++) {
      expect(row(buffers.values, step).slice(offset, offset + 2)).toEqual(offsets(7 + step));
      expect(row(buffers.targets, step).slice(offset, offset + 2)).toEqual(offsets(8 + step));
    }
  });

  it('starts a reset episode with the default pose as the action before it', () => {
    const { spec, buffers, row } = cutOne(episode, 0);
    const m = spec.observationWidth;
    expect(row(buffers.values, 0).slice(m)).toEqual([0, 0]);
    expect(row(buffers.present, 0).slice(m)).toEqual([1, 1]);
    expect(row(buffers.values, 1).slice(m)).toEqual(at(episode, 'executedAction', 0));
  });

  it('masks what is absent and weighs no target of it', () => {
    const { spec, buffers, row } = cutOne(syntheticEpisode(2, { actions: false, command: false }), 4);
    const m = spec.observationWidth;
    const command = spec.channels.find(({ name }) => name === 'command')!;
    for (let step = 0; step < 3; step++) {
      for (let entry = 0; entry < rowWidth(spec); entry++) {
        const absent = entry >= m || (entry >= command.offset && entry < command.offset + 3);
        expect(row(buffers.present, step)[entry]).toBe(absent ? 0 : 1);
        expect(row(buffers.weights, step)[entry]).toBe(absent ? 0 : 2);
      }
    }
  });

  it('masks single invalid frames: as an input, as a target, and the prediction made from it', () => {
    const valid = new Uint8Array(episode.frameCount).fill(1);
    valid[8] = 0;
    const holed: Episode = {
      ...episode,
      channels: { ...episode.channels, baseAngularVelocity: { ...episode.channels.baseAngularVelocity!, valid } },
    };
    const { buffers, row } = cutOne(holed, 7);
    expect([0, 1, 2].map((step) => row(buffers.present, step)[0])).toEqual([1, 0, 1]);
    // Step 0 has no target (frame 8), step 1 no input (frame 8), step 2 both.
    expect([0, 1, 2].map((step) => row(buffers.weights, step)[0])).toEqual([0, 0, 2]);
  });

  it('asks of a window of one step, too, whether there are actions', () => {
    const free = syntheticEpisode(1, { actions: false });
    const { spec, buffers, row } = cutOne(free, 0, { context: 1 });
    expect(row(buffers.present, 0).slice(spec.observationWidth)).toEqual([0, 0]);
    const taught = cutOne(episode, 0, { context: 1 });
    expect(taught.row(taught.buffers.present, 0).slice(spec.observationWidth)).toEqual([1, 1]);
    expect(taught.row(taught.buffers.weights, 0).slice(spec.observationWidth)).toEqual([3, 3]);
  });

  it('lets the label alone decide where the action is predicted from the observation before it', () => {
    const executed = episode.channels.executedAction!;
    const valid = new Uint8Array(episode.frameCount).fill(1);
    valid[8] = 0;
    const gap = { ...episode, channels: { ...episode.channels, executedAction: { ...executed, valid } } };
    const weightsOf = (alignment: string) => {
      const { spec, buffers, row } = cutOne(gap, 7, { layout: 'separate', pairing: 'same', alignment });
      return [0, 1, 2].map((step) => row(buffers.weights, step)[spec.observationWidth]);
    };
    expect(weightsOf('nonaligned')).toEqual([3, 3, 3]);
    expect(weightsOf('aligned')).toEqual([3, 0, 3]);
  });

  it('predicts actions alone where targets say so', () => {
    const { spec, buffers, row } = cutOne(episode, 7, { targets: 'action' });
    expect(row(buffers.weights, 1)).toEqual([...new Array(spec.observationWidth).fill(0), 3, 3]);
  });

  it('takes the action as executed where a source has no column for it', () => {
    const { executedAction: _, ...channels } = episode.channels;
    const { spec, buffers, row } = cutOne({ ...episode, channels }, 7);
    expect(row(buffers.values, 0).slice(spec.observationWidth)).toEqual(at(episode, 'action', 6));
  });
});

describe('the sampler', () => {
  const spec = createTokenSpec(tokenConfigSchema.parse({ context: 4 }), TINY_ROBOT, 50);
  const source = memorySource([
    syntheticEpisode(1, { source: 'long', frameCount: 100 }),
    syntheticEpisode(2, { source: 'short', frameCount: 10 }),
    { ...syntheticEpisode(3, { source: 'short', frameCount: 30 }), startsAtReset: false },
    syntheticEpisode(4, { source: 'tiny', frameCount: 4 }),
  ]);

  it('draws every window that fits and no other', () => {
    const sampler = createSampler(spec, source, { sourceWeights: { long: 0 } });
    const random = new Random(1);
    const seen = new Set<string>();
    for (let draw = 0; draw < 4000; draw++) {
      const { episode, first } = sampler.draw(random);
      seen.add(`${episode}:${first}`);
      expect(first + framesNeeded(spec)).toBeLessThanOrEqual(source.episodes[episode].frameCount);
      // An episode cut out of a longer one has no action before its first frame.
      expect(first).toBeGreaterThanOrEqual(source.episodes[episode].startsAtReset ? 0 : 1);
    }
    expect(seen.size).toBe(windowsIn(spec, source.episodes[1]) + windowsIn(spec, source.episodes[2]));
  });

  it('keeps to the weights', () => {
    const sampler = createSampler(spec, source, { sourceWeights: { long: 1, short: 3 } });
    const random = new Random(2);
    let long = 0;
    for (let draw = 0; draw < 20000; draw++) long += Number(sampler.draw(random).episode === 0);
    // Five standard errors of a share of 1/4 over 20,000 draws.
    expect(Math.abs(long / 20000 - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / 20000));
  });

  it('refuses a weight for a source that is not there, and data without a window', () => {
    expect(() => createSampler(spec, source, { sourceWeights: { lnog: 1 } })).toThrow(/lnog.*Did you mean "long"/);
    const short = memorySource([syntheticEpisode(1, { frameCount: 4 })]);
    expect(() => createSampler(spec, short)).toThrow(/no window to draw/);
  });
});

describe('createTokenSpec', () => {
  it('names every entry of the row', () => {
    const spec = createTokenSpec(tokenConfigSchema.parse({}), TINY_ROBOT, 50);
    const names = entryNames(spec, TINY_ROBOT);
    expect(names).toHaveLength(rowWidth(spec));
    expect(names[6]).toBe('command.vx');
    expect(names.slice(-3)).toEqual(['jointVelocity.right_joint', 'action.left_joint', 'action.right_joint']);
  });

  it('refuses nonaligned prediction where it has no meaning', () => {
    const config = tokenConfigSchema.parse({ alignment: 'nonaligned' });
    expect(() => createTokenSpec(config, TINY_ROBOT, 50)).toThrow(/nonaligned.*tokens\.layout=separate/s);
  });
});
