// What a run may rely on: nothing is lost to a start that cannot be made, to a kill, or to a damaged file.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENT } from '../../src/base/logger.js';
import { prepareOutput } from '../../src/base/output-folder.js';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import type { Episode } from '../../src/motion/episode.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { readCheckpoint, writeCheckpoint } from '../../src/train/checkpoint.js';
import type { MetricsLine } from '../../src/train/metrics.js';
import { readRun } from '../../src/train/run-folder.js';
import { resumeTraining, startTraining } from '../../src/train/run-training.js';
import { trainConfigSchema } from '../../src/train/train-config.js';
import { syntheticEpisode, TINY_ROBOT } from '../fixtures.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-safety-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const hooks = async (warnings: string[] = []) => ({
  runtime: await onnxRuntime(),
  log: { ...SILENT, warn: (text: string) => warnings.push(text) },
});

type Settings = Readonly<Record<string, object>>;

const configWith = (settings: Settings = {}) =>
  trainConfigSchema.parse({
    tokens: { context: 4, ...settings.tokens },
    model: { width: 16, heads: 2, blocks: 1, ...settings.model },
    train: { steps: 4, batch: 4, warmupSteps: 2, ...settings.train },
    data: { folders: [at('data')], command: 'recorded', validationShare: 0, ...settings.data },
    log: { metricsEvery: 1, validateEvery: 2, checkpointEvery: 2 },
    runtime: settings.runtime,
  });

async function writeData(episodes: readonly Episode[]): Promise<void> {
  const writer = await DatasetWriter.open(at('data'), { robot: TINY_ROBOT, rate_hz: 50, overwrite: true });
  for (const episode of episodes) await writer.append(episode);
  await writer.close();
}

const start = async (settings: Settings = {}, warnings: string[] = []) => {
  const claim = () => prepareOutput(at('run'), { overwrite: true, marker: 'config.yaml' });
  return startTraining(at('run'), configWith(settings), await hooks(warnings), { claim });
};
const linesOf = async (): Promise<MetricsLine[]> =>
  (await readFile(at('run/metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const WALKS = [1, 2, 3].map((seed) => syntheticEpisode(seed, { source: 'walks' }));

describe('a start that cannot be made leaves the run that it would replace', () => {
  beforeEach(async () => {
    await writeData(WALKS);
    await start();
  });

  it.each<[string, Settings, RegExp]>([
    ['an MLP without a unit', { model: { mlpRatio: 0.001 } }, /^model\.mlpRatio: .*at least 0\.0625.*found 0\.001/],
    ['a batch beyond all memory', { train: { batch: 1e11 } }, /^train\.batch: .*GiB of memory.*train\.accumulate/],
  ])('%s', async (_, settings, message) => {
    await expect(start(settings)).rejects.toThrow(message);
    expect((await readCheckpoint(at('run'))).info.step).toBe(4);
    expect((await linesOf()).length).toBeGreaterThan(0);
  });

  it('a program that the engine refuses', async () => {
    const { runtime, log } = await hooks();
    const refusing = { ...runtime, compile: () => Promise.reject(new Error('no such operator')) };
    const claim = () => prepareOutput(at('run'), { overwrite: true, marker: 'config.yaml' });
    await expect(startTraining(at('run'), configWith(), { runtime: refusing, log }, { claim })).rejects.toThrow(
      'no such',
    );
    expect((await readCheckpoint(at('run'))).info.step).toBe(4);
    await expect(startTraining(at('new'), configWith(), { runtime: refusing, log })).rejects.toThrow('no such');
    expect(await readdir(folder)).not.toContain('new');
  });
});

describe('a policy needs actions that it is trained on', () => {
  const free = [4, 5].map((seed) => syntheticEpisode(seed, { source: 'motion', actions: false }));

  it('not only in a source that takes no part', async () => {
    await writeData([...WALKS, ...free]);
    await expect(start({ data: { sources: { walks: 0 } } })).rejects.toThrow(
      /nothing to learn to act from.*data\.sources/,
    );
  });

  it('not only in episodes too short for a window', async () => {
    await writeData([syntheticEpisode(1, { frameCount: 8 }), ...free]);
    await expect(start({ tokens: { context: 16 } })).rejects.toThrow(/with actions are too short for a window/);
  });
});

it('a source of weight 0 takes no part in normaliser and held-out loss', async () => {
  const other = [7, 8, 9, 10].map((seed) => syntheticEpisode(seed, { source: 'other', noise: 0.4 }));
  const settings = { data: { sources: { other: 0 }, validationShare: 0.5 } };
  await writeData([...WALKS, ...other]);
  await start(settings);
  const { normaliser } = (await readRun(at('run'))).recipe;
  expect((await linesOf()).filter(({ split }) => split === 'validation').length).toBeGreaterThan(0);
  expect((await linesOf()).flatMap(({ sources }) => Object.keys(sources))).not.toContain('other');
  await writeData(WALKS);
  await start({ data: { validationShare: 0.5 } });
  expect((await readRun(at('run'))).recipe.normaliser).toEqual(normaliser);
});

it('weights are taken over with their network, or not at all', async () => {
  await writeData(WALKS);
  await start();
  const from = { from: at('run') };
  const other = configWith({ model: { width: 32 } });
  await expect(startTraining(at('next'), other, await hooks(), from)).rejects.toThrow(
    /^model\.width: the weights of .*run have another: expected 16, found 32.*--anew/,
  );
  const shorter = configWith({ tokens: { context: 3 } });
  await expect(startTraining(at('next'), shorter, await hooks(), from)).rejects.toThrow(/^tokens\.context: /);
  expect(await startTraining(at('next'), configWith(), await hooks(), from)).toMatchObject({ finished: true });
});

it('a dataset without an episode is told as such', async () => {
  await writeData([]);
  await expect(start()).rejects.toThrow(/data: no episode to train on.*ingest-report\.json/);
});

describe('a checkpoint', () => {
  beforeEach(async () => {
    await writeData(WALKS);
    await start();
  });
  const state = () => at('run/checkpoints/step-000004/state.safetensors');

  it('that the run went on from is not written again', async () => {
    const { info, state: values } = await readCheckpoint(at('run'));
    const before = await readFile(state());
    // A kill while it was moved away would have left no checkpoint under the name that `last` gives.
    await writeCheckpoint(at('run'), { ...info, pending: { changed: [1] } }, values);
    expect((await readCheckpoint(at('run'))).info.pending).toEqual(info.pending);
    expect((await resumeTraining(at('run'), await hooks())).step).toBe(4);
    expect(await readFile(state())).toEqual(before);
  });

  it('with changed bytes, or without its numbers, is refused by name', async () => {
    const bytes = await readFile(state());
    bytes[bytes.length - 3] ^= 1;
    await writeFile(state(), bytes);
    await expect(resumeTraining(at('run'), await hooks())).rejects.toThrow(
      /state\.safetensors: damaged.*SHA-256.*checkpoints\/last/,
    );
    await rm(state());
    await expect(resumeTraining(at('run'), await hooks())).rejects.toThrow(
      /state\.safetensors: cannot be read.*ENOENT/,
    );
    await writeFile(at('run/checkpoints/step-000004/state.json'), '{"step": 4, "tool": "x"}');
    await expect(resumeTraining(at('run'), await hooks())).rejects.toThrow(/state\.json: pending/);
  });

  it('that is not of the settings in config.yaml is refused', async () => {
    const file = at('run/config.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('averageDecay: 0', 'averageDecay: 0.9'));
    await expect(resumeTraining(at('run'), await hooks())).rejects.toThrow(/not that of .*config\.yaml.*averageDecay/);
  });

  it('that a kill cut short is cleared away', async () => {
    await mkdir(at('run/checkpoints/.step-000006.99999.tmp'));
    await writeFile(at('run/checkpoints/.last.99999.tmp'), '');
    await resumeTraining(at('run'), await hooks());
    expect((await readdir(at('run/checkpoints'))).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

it('a resume on another number of threads is warned of', async () => {
  await writeData(WALKS);
  await start({ runtime: { threads: 1 } });
  const file = at('run/config.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('threads: 1', 'threads: 3'));
  const warnings: string[] = [];
  await resumeTraining(at('run'), await hooks(warnings));
  expect(warnings.join()).toMatch(/started with 1 threads: with 3 some sums/);
});
