// Loaders: a worker thread cuts the batches that this thread would cut, to the bit, and ends; what it cannot read is told.

import { rmSync, truncateSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { type Dataset, openDatasets } from '../../src/dataset/dataset.js';
import { createTokenSpec } from '../../src/tokens/token-spec.js';
import type { WindowSource } from '../../src/tokens/window-source.js';
import { type BatchServerData, batchServer } from '../../src/train/batch-server.js';
import { createBatchMaker } from '../../src/train/batches.js';
import { type BatchLoader, localLoader } from '../../src/train/loader.js';
import { canPoolBatches, planLoader, pooledLoader } from '../../src/train/loader-pool.js';
import { shareCommands, withSharedCommands } from '../../src/train/shared-commands.js';
import { trainConfigSchema } from '../../src/train/train-config.js';
import { temporaryFolder, writeTinyDataset } from '../cli/run-cli.js';
import { TINY_ROBOT } from '../fixtures.js';

let folder: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
  await writeTinyDataset(join(folder, 'tiny'));
});
afterAll(() => remove());

const STEPS = 14;
const heldOut = () => false;

function dataOf(name: string): Omit<BatchServerData, 'sets' | 'memoryBytes'> {
  const config = trainConfigSchema.parse({
    tokens: { context: 4 },
    data: { folders: [join(folder, name)], validationShare: 0, sources: { free: 0.25 } },
    // Two stages, so that the loss weights and the episodes change on the way.
    train: { steps: STEPS, batch: 8, accumulate: 2, schedule: 'staged', seed: 5 },
  });
  return { config, tokens: createTokenSpec(config.tokens, TINY_ROBOT, 50), robot: TINY_ROBOT };
}

/** Other commands than those of the shards; every third episode has none, every frame number that is a multiple of 7 neither. */
function relabelled(dataset: Dataset): WindowSource {
  const isLabelled = (index: number) => index % 3 !== 0;
  return {
    episodes: dataset.episodes.map((episode, index) => {
      const channels = new Set(episode.channels);
      if (!isLabelled(index)) channels.delete('command');
      return { ...episode, channels };
    }),
    read(index, channel, first, count, out, valid) {
      if (channel !== 'command') {
        dataset.read(index, channel, first, count, out, valid);
        return;
      }
      for (let frame = 0; frame < count; frame++) {
        valid[frame] = Number(isLabelled(index) && (first + frame) % 7 !== 0);
        for (let axis = 0; axis < 3; axis++) out[3 * frame + axis] = Math.fround(index + 0.01 * (first + frame) + axis);
      }
    },
  };
}

/** Every number of the steps that are left, copied. */
async function allOf(loader: BatchLoader, firstStep: number) {
  const steps = [];
  for (let step = firstStep; step < STEPS; step++) {
    const batches = await loader.next();
    loader.ahead();
    steps.push(
      batches.map(({ windows, weight, buffers: { values, present, targets, weights } }) => ({
        windows: windows.map(({ episode, first }) => [episode, first]),
        weight,
        numbers: [values, present, targets, weights].map((array) => Float32Array.from(array)),
      })),
    );
  }
  await loader.dispose();
  return steps;
}

function localOf(
  data: Omit<BatchServerData, 'sets' | 'memoryBytes'>,
  source: WindowSource,
  firstStep: number,
): BatchLoader {
  const { config, tokens, robot } = data;
  const maker = createBatchMaker(config.train, tokens, robot, source, { sourceWeights: config.data.sources, heldOut });
  return localLoader(maker, config.train, firstStep);
}

const ONE = { workers: 1, memoryBytes: 1e6 };

describe.skipIf(!canPoolBatches())('a worker thread', () => {
  it.each([0, 5])('cuts the same batches from step %i on, with the recorded commands', async (firstStep) => {
    const data = dataOf('tiny');
    const dataset = await openDatasets(data.config.data.folders);
    const expected = await allOf(localOf(data, dataset, firstStep), firstStep);
    dataset.close();
    expect(expected).toHaveLength(STEPS - firstStep);
    expect(await allOf(await pooledLoader(data, ONE, firstStep, 1), firstStep)).toEqual(expected);
  });

  it('or three, without memory for the data, cut the same batches with labels in place of the commands', async () => {
    const data = dataOf('tiny');
    const dataset = await openDatasets(data.config.data.folders);
    const source = relabelled(dataset);
    const expected = await allOf(localOf(data, source, 0), 0);
    const recorded = await allOf(localOf(data, dataset, 0), 0);
    expect(expected).not.toEqual(recorded);
    const commands = shareCommands(source);
    expect(await allOf(localOf(data, withSharedCommands(dataset, commands), 0), 0)).toEqual(expected);
    dataset.close();
    expect(await allOf(await pooledLoader({ ...data, commands }, { workers: 3, memoryBytes: 0 }, 0, 4), 0)).toEqual(
      expected,
    );
  });

  it('says at its start what it cannot open, as this thread would', async () => {
    await writeTinyDataset(join(folder, 'short'));
    const data = dataOf('short');
    truncateSync(await shardOf('short'), 5000);
    const here = await openDatasets(data.config.data.folders).catch((error: Error) => error);
    const there = await pooledLoader(data, ONE, 0, 1).catch((error: Error) => error);
    expect(here).toBeInstanceOf(DataError);
    expect(there).toBeInstanceOf(DataError);
    expect((there as DataError).message).toBe((here as DataError).message);
  });

  it('ends in the middle of its work without a word', async () => {
    const loader = await pooledLoader(dataOf('tiny'), ONE, 0, 1);
    await loader.next();
    await loader.dispose();
    expect(process.getActiveResourcesInfo()).not.toContain('Worker');
  });
});

it('data is held in memory by one worker, or read by several where it is too large', () => {
  expect(planLoader(1e9, 8e9)).toEqual({ workers: 1, memoryBytes: 1e9 });
  const { workers, memoryBytes } = planLoader(3e9, 8e9);
  expect(workers).toBeGreaterThan(1);
  expect(workers * memoryBytes).toBeLessThanOrEqual(2e9);
});

async function shardOf(name: string): Promise<string> {
  const [shard] = (await readdir(join(folder, name))).filter((file) => file.endsWith('.arrow'));
  return join(folder, name, shard);
}

it.each([
  ['is cut short', (path: string) => truncateSync(path, 5000)],
  ['is gone', (path: string) => rmSync(path)],
])('a shard that %s while a training goes on is named', async (_, damage) => {
  await writeTinyDataset(join(folder, 'damaged'));
  const data = dataOf('damaged');
  const set = Array.from({ length: 2 }, () => {
    const size = 8 * 4 * 100;
    const [values, present, targets, weights] = Array.from({ length: 4 }, () => new Float32Array(size));
    return { values, present, targets, weights };
  });
  const server = await batchServer({ ...data, sets: [set], memoryBytes: 1e6 });
  const shard = await shardOf('damaged');
  damage(shard);
  const failure = await server.run({ step: 0, set: 0 }).catch((error: Error) => error);
  expect(failure).toBeInstanceOf(DataError);
  expect((failure as DataError).message).toContain(shard);
  await server.dispose();
  rmSync(join(folder, 'damaged'), { recursive: true });
});
