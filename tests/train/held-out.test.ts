// Data of any size is trained on: a single episode, held-out ones that are too short, sources of nothing but short ones.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import type { Episode } from '../../src/motion/episode.js';
import { splitOf } from '../../src/motion/split.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { createTokenSpec } from '../../src/tokens/token-spec.js';
import { memorySource } from '../../src/tokens/window-source.js';
import { keepEnoughToTrain } from '../../src/train/held-out.js';
import { readRun } from '../../src/train/run-folder.js';
import { resumeTraining, startTraining } from '../../src/train/run-training.js';
import { trainConfigSchema } from '../../src/train/train-config.js';
import { syntheticEpisode, TINY_ROBOT } from '../fixtures.js';

let folder: string;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-held-out-'));
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const log = { info: () => {}, warn: (text: string) => warnings.push(text) };

const SHARE = 0.05;

/** An episode whose id the hash holds out, or not. */
function episode(held: boolean, options: Parameters<typeof syntheticEpisode>[1] = {}, after = 0): Episode {
  for (let seed = after; ; seed++) {
    const made = syntheticEpisode(seed, { ...options, frameCount: 1 });
    if ((splitOf(made.id, SHARE) === 'validation') === held) return syntheticEpisode(seed, options);
  }
}

const config = (data: object = {}) =>
  trainConfigSchema.parse({
    data: { folders: [join(folder, 'data')], command: 'recorded', validationShare: SHARE, ...data },
    tokens: { context: 16 },
    model: { width: 16, heads: 2, blocks: 1 },
    train: { steps: 2, batch: 4, warmupSteps: 1 },
    log: { metricsEvery: 1, validateEvery: 1, checkpointEvery: 1, validationWindows: 4 },
  });

async function trainOn(episodes: readonly Episode[]) {
  const writer = await DatasetWriter.open(join(folder, 'data'), { robot: TINY_ROBOT, rate_hz: 50 });
  for (const one of episodes) await writer.append(one);
  await writer.close();
  return startTraining(join(folder, 'run'), config(), { runtime: await onnxRuntime(), log });
}

const reportOf = async () => (await readRun(join(folder, 'run'))).data.report;

it('a single episode is trained on, whatever its id, and the run says that it holds out nothing', async () => {
  expect(await trainOn([episode(true)])).toMatchObject({ finished: true, validation: undefined });
  expect(warnings.join()).toMatch(/the one episode with actions.*validationShare=0\.05.*nothing is held out/);
  expect((await readRun(join(folder, 'run'))).config.data.validationShare).toBe(0);
  expect(await reportOf()).toMatchObject({ episodes: 1, heldOut: 0, tooShort: {} });
  const resumed = await resumeTraining(join(folder, 'run'), { runtime: await onnxRuntime(), log });
  expect(resumed.finished).toBe(true);
});

it('the only episode with actions, or with room for a window, is not held out', async () => {
  const free = episode(false, { source: 'free', actions: false });
  const short = episode(false, { source: 'short', frameCount: 12 });
  expect(await trainOn([episode(true), free, short])).toMatchObject({ finished: true });
  expect(await reportOf()).toMatchObject({ heldOut: 0, tooShort: { short: 1 } });
  expect(warnings.join()).toMatch(/short: 1 of 1 episodes is too short for a window \(18 frames\)/);
});

it('held-out episodes without room for a window leave the held-out loss out', async () => {
  const tiny = { source: 'tiny', frameCount: 10 };
  const episodes = [episode(false), episode(true, tiny), episode(false, tiny), episode(false, { source: 'tiny' }, 100)];
  expect(await trainOn(episodes)).toMatchObject({ finished: true, validation: undefined });
  expect(warnings).toEqual([
    expect.stringMatching(/tiny: 2 of 3 episodes are too short/),
    expect.stringMatching(/no held-out loss: the held-out episode is too short/),
  ]);
  expect(await reportOf()).toMatchObject({ episodes: 4, heldOut: 1, tooShort: { tiny: 2 } });
});

it('data with enough episodes keeps its share, and held-out ones are counted apart where nothing fits', async () => {
  const tokens = createTokenSpec(config().tokens, TINY_ROBOT, 50);
  const keep = (episodes: readonly Episode[], data: object = {}) =>
    keepEnoughToTrain(config(data), tokens, memorySource(episodes).episodes, log).data.validationShare;
  expect(keep([episode(true), episode(false)])).toBe(SHARE);
  expect(keep([episode(true, { frameCount: 5 }), episode(true, { actions: false })])).toBe(SHARE);
  expect(warnings).toEqual([]);
  // A source of weight 0 is not trained on.
  const left = episode(false, { source: 'left' });
  expect(keep([episode(true), left], { sources: { left: 0 } })).toBe(0);
  await expect(trainOn([episode(true, { frameCount: 9 }), episode(false, { frameCount: 12 })])).rejects.toThrow(
    /at least 18 frames.*found none longer than 12 frames among 1, and 1 more that are held out/,
  );
});
