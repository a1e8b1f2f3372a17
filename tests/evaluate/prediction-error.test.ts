// Held against hand-written loops over the episodes, and for the network against the training's own program.

import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/base/config.js';
import { Random } from '../../src/base/random.js';
import {
  type PredictionOptions,
  type PredictionResult,
  predictionErrors,
} from '../../src/evaluate/prediction-error.js';
import { modelConfigSchema } from '../../src/model/model-config.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import type { Episode } from '../../src/motion/episode.js';
import { splitOf } from '../../src/motion/split.js';
import type { PolicyBundle } from '../../src/policy/bundle.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import { allocateBatch, createCutter } from '../../src/tokens/batch.js';
import { createTokenSpec, rowWidth, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { memorySource } from '../../src/tokens/window-source.js';
import { buildValidationGraph, STATE } from '../../src/train/training-program.js';
import { syntheticEpisode, TINY_ROBOT } from '../fixtures.js';

const CONTEXT = 4;
const FRAMES = 12;
const OPTIONS: PredictionOptions = {
  runtime: referenceRuntime(),
  windows: 10_000,
  split: 'all',
  validationShare: 0.5,
  command: 'recorded',
  hindsightWindow_s: 3,
  hindsightTransient_s: 1,
  resamples: 100,
  seed: 1,
};

function tinyBundle(tokens: Record<string, unknown> = {}): PolicyBundle {
  const spec = createTokenSpec(parseConfig(tokenConfigSchema, { context: CONTEXT, ...tokens }, 'test'), TINY_ROBOT, 50);
  const model = parseConfig(modelConfigSchema, { width: 8, heads: 2, blocks: 1 }, 'test');
  const random = new Random(4);
  return {
    name: 'tiny',
    model,
    tokens: spec,
    normaliser: {
      mean: Array.from({ length: rowWidth(spec) }, () => Math.fround(random.uniform(-0.3, 0.3))),
      deviation: Array.from({ length: rowWidth(spec) }, () => Math.fround(random.uniform(0.2, 1))),
    },
    robot: TINY_ROBOT,
    parameters: initialParameters(parameterSpecs(model, spec), random),
    provenance: {},
  };
}

function datasetOf(episodes: readonly Episode[]) {
  return {
    folders: ['test'],
    episodes: memorySource(episodes).episodes as never,
    readEpisode: async (index: number) => episodes[index],
  };
}

const EPISODES = [1, 2, 3].map((seed) => syntheticEpisode(seed, { frameCount: FRAMES }));
const run = (episodes: readonly Episode[], bundle = tinyBundle(), options: Partial<PredictionOptions> = {}) =>
  predictionErrors(datasetOf(episodes), [{ key: 'policy', name: 'tiny', bundle }], { ...OPTIONS, ...options });
const rowOf = (result: PredictionResult | null, key: string) => result!.rows.find((row) => row.key === key)!.errors;

/** Observation of a frame as a token has it: gyro 3, gravity 3, command 3, joint position minus default 2, velocity 2. */
function observation(episode: Episode, frame: number): number[] {
  const read = (name: 'baseAngularVelocity' | 'projectedGravity' | 'command' | 'jointPosition' | 'jointVelocity') => {
    const { width, data } = episode.channels[name]!;
    return [...data.subarray(frame * width, (frame + 1) * width)];
  };
  const position = read('jointPosition').map((value, joint) => value - TINY_ROBOT.defaultPosition_rad[joint]);
  return [
    ...read('baseAngularVelocity'),
    ...read('projectedGravity'),
    ...read('command'),
    ...position,
    ...read('jointVelocity'),
  ];
}

function action(episode: Episode, name: 'action' | 'executedAction', frame: number): number[] {
  const { data } = episode.channels[name]!;
  return frame < 0 ? [0, 0] : [data[2 * frame], data[2 * frame + 1]];
}

describe('prediction error', () => {
  it('of copying and of the mean is what a loop over the frames gives', async () => {
    const bundle = tinyBundle();
    const { mean, deviation } = bundle.normaliser;
    const sums = { copyState: 0, copyAction: 0, meanState: 0, meanAction: 0 };
    let windows = 0;
    for (const episode of EPISODES) {
      // The newest token of a full window is (o_t, executed a_{t-1}); it foretells (o_{t+1}, a_t).
      for (let t = CONTEXT - 1; t + 1 < FRAMES; t++, windows++) {
        const [now, next] = [observation(episode, t), observation(episode, t + 1)];
        next.forEach((target, at) => {
          sums.copyState += ((now[at] - target) / deviation[at]) ** 2;
          sums.meanState += ((mean[at] - target) / deviation[at]) ** 2;
        });
        const [executed, label] = [action(episode, 'executedAction', t - 1), action(episode, 'action', t)];
        label.forEach((target, joint) => {
          const at = now.length + joint;
          sums.copyAction += ((executed[joint] - target) / deviation[at]) ** 2;
          sums.meanAction += ((mean[at] - target) / deviation[at]) ** 2;
        });
      }
    }
    const result = await run(EPISODES, bundle);
    expect(result).toMatchObject({ windows, episodes: 3, split: 'all', command: 'recorded' });
    const [copy, average] = [rowOf(result, 'copy-last'), rowOf(result, 'predict-mean')];
    // Float32 rows against float64 loops.
    expect(copy.state!.mean).toBeCloseTo(sums.copyState / (13 * windows), 5);
    expect(copy.action!.mean).toBeCloseTo(sums.copyAction / (2 * windows), 5);
    expect(copy.both!.mean).toBeCloseTo((sums.copyState + sums.copyAction) / (15 * windows), 5);
    expect(average.state!.mean).toBeCloseTo(sums.meanState / (13 * windows), 5);
    expect(average.action!.mean).toBeCloseTo(sums.meanAction / (2 * windows), 5);
    expect(average.both!.interval95[0]).toBeLessThanOrEqual(average.both!.mean);
  });

  it.each([
    [{}],
    [{ layout: 'separate' }],
    [{ layout: 'separate', pairing: 'same', alignment: 'nonaligned' }],
    [{ pairing: 'same' }],
  ])("of a network is that of the training's own program: %j", async (tokens) => {
    const bundle = tinyBundle(tokens);
    const { tokens: spec } = bundle;
    const width = rowWidth(spec);
    const program = await OPTIONS.runtime.compile(buildValidationGraph(bundle, 1), {
      state: Object.fromEntries(
        Object.entries(bundle.parameters).map(([name, initial]) => [STATE.parameter + name, { initial }]),
      ),
    });
    const batch = allocateBatch(spec, 1);
    let errors = 0;
    let windows = 0;
    for (const episode of EPISODES) {
      const cut = createCutter(spec, TINY_ROBOT, memorySource([episode]));
      for (let first = 0; first + CONTEXT < FRAMES; first++, windows++) {
        cut({ episode: 0, first }, batch, 0, { observation: 1, action: 1 });
        for (const name of ['values', 'present', 'targets', 'weights'] as const) program.feeds[name].set(batch[name]);
        program.feeds.inverseWeight?.fill(1);
        await program.run();
        const last = 2 * (CONTEXT - 1);
        errors += program.results.errors[last] + program.results.errors[last + 1];
      }
    }
    const { both } = rowOf(await run(EPISODES, bundle), 'policy');
    // The policy's program returns physical units, which are normalised again in float32.
    expect(both!.mean).toBeCloseTo(errors / (width * windows), 4);
    await program.dispose();
  });

  it('does not let copying look at the answer where the action stands beside its own observation', async () => {
    const bundle = tinyBundle({ layout: 'separate', pairing: 'same', alignment: 'nonaligned' });
    const noiseless = [1, 2].map((seed) => syntheticEpisode(seed, { frameCount: FRAMES, noise: 0 }));
    expect(rowOf(await run(noiseless, bundle), 'copy-last').action!.mean).toBeGreaterThan(0.001);
  });

  it('counts complete windows only', async () => {
    const gaps = syntheticEpisode(4, { frameCount: FRAMES });
    const valid = new Uint8Array(FRAMES).fill(1);
    valid[6] = 0;
    const holed: Episode = {
      ...gaps,
      channels: { ...gaps.channels, projectedGravity: { ...gaps.channels.projectedGravity!, valid } },
    };
    // Of 8 windows (first 0 .. 7), those that touch frame 6 as token or target: first 2 .. 6.
    expect((await run([holed]))!.windows).toBe(3);
    expect(await run([syntheticEpisode(5, { actions: false })])).toBeNull();
    expect(await run([syntheticEpisode(5, { command: false })])).toBeNull();
  });

  it('keeps to the held-out episodes and to the number of windows asked for', async () => {
    const many = Array.from({ length: 12 }, (_, seed) => syntheticEpisode(seed, { frameCount: FRAMES }));
    const heldOut = many.filter(({ id }) => splitOf(id, 0.5) === 'validation');
    expect(heldOut.length).toBeGreaterThan(1);
    const result = await run(many, tinyBundle(), { split: 'held-out' });
    expect(result).toMatchObject({ episodes: heldOut.length, windows: heldOut.length * (FRAMES - CONTEXT) });
    expect(rowOf(result, 'policy')).toEqual(rowOf(await run(heldOut), 'policy'));
    const few = await run(many, tinyBundle(), { windows: 12 });
    expect(few).toMatchObject({ episodes: 12, windows: 12 });
  });

  it('says nothing about states for a policy that was trained on actions alone', async () => {
    const errors = rowOf(await run(EPISODES, tinyBundle({ targets: 'action' })), 'policy');
    expect(errors).toMatchObject({ state: null, both: null });
    expect(errors.action!.mean).toBeGreaterThan(0);
  });
});
