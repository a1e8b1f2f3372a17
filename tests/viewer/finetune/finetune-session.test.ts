// Training in a page, run in Node on the browser's engine: the same numbers as nextgait train, and the refusals.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SILENT } from '../../../src/base/logger.js';
import { DatasetWriter } from '../../../src/dataset/dataset-writer.js';
import type { Episode } from '../../../src/motion/episode.js';
import { BUNDLE_FILES, decodeBundle, type PolicyBundle } from '../../../src/policy/bundle.js';
import type { RobotModel } from '../../../src/robot/robot-model.js';
import { readBundle } from '../../../src/sim/read-bundle.js';
import type { MetricsLine } from '../../../src/train/metrics.js';
import { bundleOfRun } from '../../../src/train/run-folder.js';
import { startTraining } from '../../../src/train/run-training.js';
import type { TrainConfig } from '../../../src/train/train-config.js';
import { finetuneConfig } from '../../../src/viewer/finetune/finetune-config.js';
import { createFinetuneSession, type FinetuneJob } from '../../../src/viewer/finetune/finetune-session.js';
import { zipBundle } from '../../../src/viewer/finetune/trained-policy.js';
import { openTrainingShard, type ShardFile, shardOfBlob } from '../../../src/viewer/finetune/training-shards.js';
import { syntheticEpisode, TINY_ROBOT } from '../../fixtures.js';
import { loadOnnxWeb } from '../../runtime/engines.js';

let folder: string;
let shards: ShardFile[];
let config: TrainConfig;

async function writeShards(name: string, robot: RobotModel, episodes: readonly Episode[]): Promise<ShardFile[]> {
  const dataset = join(folder, name);
  const writer = await DatasetWriter.open(dataset, { robot, rate_hz: 50 });
  for (const episode of episodes) await writer.append(episode);
  await writer.close();
  const files = (await readdir(dataset)).filter((file) => file.endsWith('.arrow')).sort();
  return Promise.all(
    files.map(async (file) => shardOfBlob(new Blob([await readFile(join(dataset, file))]), `${name}/${file}`)),
  );
}

const EPISODES = [
  ...Array.from({ length: 9 }, (_, at) => syntheticEpisode(at + 1, { source: 'rollouts', frameCount: 60 })),
  ...Array.from({ length: 3 }, (_, at) =>
    syntheticEpisode(at + 50, { source: 'free', actions: false, frameCount: 60 }),
  ),
];

interface Trained {
  readonly lines: readonly MetricsLine[];
  readonly policies: readonly { readonly step: number; readonly files: Readonly<Record<string, Uint8Array>> }[];
  readonly bundle: PolicyBundle;
}

async function trainInPage(job: FinetuneJob): Promise<Trained> {
  const session = await createFinetuneSession(job, { runtime: await loadOnnxWeb(), log: SILENT, now_s: () => 0 });
  const lines: MetricsLine[] = [];
  const policies: { step: number; files: Readonly<Record<string, Uint8Array>> }[] = [];
  await session.run({
    onMetrics: (line) => lines.push(line),
    onPolicy: (step, files) => policies.push({ step, files }),
  });
  const { files } = policies.at(-1)!;
  return {
    lines,
    policies,
    bundle: decodeBundle(files[BUNDLE_FILES.description], files[BUNDLE_FILES.weights], 'page'),
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-finetune-'));
  shards = await writeShards('walks', TINY_ROBOT, EPISODES);
  const base = finetuneConfig('tuned', { steps: 20, batch: 8, learningRate: 3e-3 }, { episodeCount: EPISODES.length });
  config = {
    ...base,
    // Each validation makes a session anew: one in the middle, one at the end.
    log: { ...base.log, validateEvery: 10 },
    // These episodes have no base motion that a command could be told from.
    data: { ...base.data, command: 'recorded' },
    tokens: { ...base.tokens, context: 4 },
    model: { ...base.model, width: 16, heads: 2, blocks: 1 },
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// Engines start slowly on a machine with other work.
describe('a training in the page', { timeout: 120_000 }, () => {
  it('gives the losses and the weights of nextgait train, to the bit, on the same engine', async () => {
    const { lines, bundle } = await trainInPage({ config, shards });
    expect(lines.filter(({ split }) => split === 'train')).toHaveLength(20);
    expect(lines.some(({ split }) => split === 'validation')).toBe(true);
    expect(lines.at(-1)!.loss).toBeLessThan(0.8 * lines[0].loss);

    const run = join(folder, 'run');
    const own = { ...config, data: { ...config.data, folders: [join(folder, 'walks')] } };
    await startTraining(run, own, { runtime: await loadOnnxWeb(), log: SILENT });
    const written = (await readFile(join(run, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as MetricsLine);
    // Only the clock differs.
    const numbers = (line: MetricsLine) => ({ ...JSON.parse(JSON.stringify(line)), stepsPerSecond: 0 });
    expect(lines.map(numbers)).toEqual(written.map(numbers));
    const { parameters, normaliser, tokens, model } = await bundleOfRun(run);
    expect({ ...bundle.parameters }).toEqual(parameters);
    expect(bundle.normaliser).toEqual(normaliser);
    expect([bundle.tokens, bundle.model]).toEqual([tokens, model]);
    expect(bundle.provenance).toMatchObject({ step: 20, trainedIn: 'browser' });
  });

  it('goes on from a policy: its weights are the first, its normaliser and network stay', async () => {
    const { bundle: start } = await trainInPage({ config, shards });
    const again = finetuneConfig('again', { steps: 3, batch: 4, learningRate: 1e-4 }, { episodeCount: 12 });
    const { policies, bundle } = await trainInPage({ config: { ...again, data: config.data }, shards, start });
    const [{ step, files }] = policies;
    expect(step).toBe(0);
    const first = decodeBundle(files[BUNDLE_FILES.description], files[BUNDLE_FILES.weights], 'first');
    expect(first.parameters).toEqual(start.parameters);
    expect(bundle.parameters).not.toEqual(start.parameters);
    expect(bundle.model).toEqual(start.model);
    expect(bundle.normaliser).toEqual(start.normaliser);
    expect(bundle.provenance.data).toMatchObject({ from: { name: 'tuned' } });
  });

  it('leaves a zip whose folder is a bundle', async () => {
    const { policies, bundle } = await trainInPage({
      config: { ...config, train: { ...config.train, steps: 2 } },
      shards,
    });
    const { unzipSync } = await import('fflate');
    const { mkdir, writeFile } = await import('node:fs/promises');
    await mkdir(join(folder, 'tuned'));
    for (const [path, bytes] of Object.entries(unzipSync(zipBundle('tuned', policies.at(-1)!)))) {
      await writeFile(join(folder, path), bytes);
    }
    const read = await readBundle(join(folder, 'tuned'));
    expect(read.bundle.parameters).toEqual(bundle.parameters);
  });
});

it('refuses settings that mean nothing, by name', () => {
  const settings = { steps: 2.5, batch: 8, learningRate: -1 };
  expect(() => finetuneConfig('tuned', settings, { episodeCount: 1 })).toThrow(/train\.steps.*\n.*train\.learningRate/);
});

describe('shards that do not fit', () => {
  const refusal = (job: Partial<FinetuneJob>) =>
    loadOnnxWeb()
      .then((runtime) => createFinetuneSession({ config, shards, ...job }, { runtime, log: SILENT, now_s: () => 0 }))
      .then(
        () => 'accepted',
        (error: Error) => error.message,
      );

  it('another robot is refused with the first joint that differs', async () => {
    const other: RobotModel = { ...TINY_ROBOT, name: 'other', hash: 'other', jointNames: ['left_joint', 'knee'] };
    const robot = { name: 'other', hash: 'other', jointNames: other.jointNames };
    const found = await writeShards('other', other, [{ ...syntheticEpisode(1), robot }]);
    expect(await refusal({ shards: [...shards, ...found] })).toMatch(
      /other\/shard-00000.arrow does not belong to walks\/.*joint 1 of robot other: expected right_joint, found knee/,
    );
    const { bundle: start } = await trainInPage({
      config: { ...config, train: { ...config.train, steps: 1 } },
      shards: found,
    });
    expect(await refusal({ start })).toMatch(
      /belong to tuned\. joint 1 of robot tiny: expected knee, found right_joint/,
    );
  });

  it('a file of another kind, a cut one and a damaged one are refused by name', async () => {
    const bytes = new Uint8Array(await (await shards[0].blob()).arrayBuffer());
    const broken = bytes.slice();
    const [first] = (await openTrainingShard(shards[0])).episodes;
    broken[first.body + 400] ^= 1;
    const shardOf = (content: Uint8Array, name: string) => shardOfBlob(new Blob([content as BlobPart]), name);
    expect(await refusal({ shards: [shardOf(new Uint8Array(3), 'empty.arrow')] })).toMatch(
      /empty.arrow is not a shard/,
    );
    expect(await refusal({ shards: [shardOf(bytes.subarray(0, 5000), 'cut.arrow')] })).toMatch(
      /cut.arrow is not a shard/,
    );
    expect(await refusal({ shards: [shardOf(broken, 'damaged.arrow')] })).toMatch(/damaged.arrow is damaged/);
    expect(await refusal({ shards: [...shards, shardOf(bytes, 'twice.arrow')] })).toMatch(/is there twice/);
    expect(await refusal({ shards: [] })).toMatch(/no shard to train on/);
  });
});
