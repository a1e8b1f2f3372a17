// DAgger rounds end to end on the bundled G1, with networks of a few thousand weights: what is written, remembered,
// gone on with and refused.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SILENT } from '../../src/base/logger.js';
import { openDataset } from '../../src/dataset/dataset.js';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { type DaggerOptions, dagger } from '../../src/sim/dagger.js';
import { DAGGER_FILE } from '../../src/sim/dagger-folder.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { record } from '../../src/sim/record-run.js';
import { recordSchema } from '../../src/sim/record-settings.js';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { bundleOfRun, readRun } from '../../src/train/run-folder.js';
import { startTraining } from '../../src/train/run-training.js';
import { trainConfigSchema } from '../../src/train/train-config.js';
import { type PolicyFixture, writePolicy } from './record-fixture.js';

let folder: string;
let teacher: PolicyFixture;
let options: DaggerOptions;

const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-dagger-'));
  const { robot } = await loadRobot('g1');
  teacher = await writePolicy(robot.jointNames);
  const settings = recordSchema.parse({ episodes: 3, duration_s: 1 });
  const writer = await DatasetWriter.open(at('walks'), { robot, rate_hz: 50 });
  const clock = { now_s: () => 0, seed: 1, workers: 0 };
  await record({ ...clock, controller: teacher.config, settings, openSink: async () => writer });
  await writer.close();
  const config = trainConfigSchema.parse({
    name: 'student',
    data: { folders: [at('walks')], validationShare: 0 },
    tokens: { context: 4 },
    model: { width: 16, heads: 2, blocks: 1 },
    train: { steps: 4, batch: 4, warmupSteps: 2 },
    log: { metricsEvery: 1, checkpointEvery: 2 },
  });
  const hooks = { runtime: await onnxRuntime(), log: SILENT };
  await startTraining(at('student'), config, hooks);
  options = {
    ...{ run: at('student'), teacher: { reference: teacher.config }, out: at('taught'), rounds: 2, mix: 0 },
    ...{ settings, config, anew: false, append: false, overwrite: false, hooks, ...clock },
  };
}, 60_000);
afterAll(async () => {
  for (const path of [folder, teacher.folder]) await rm(path, { recursive: true });
});

test('two rounds: datasets, warm starts, and a run that remembers both', async () => {
  const outcome = await dagger(options);
  expect(outcome).toMatchObject({ run: at('taught'), finished: true });
  expect(outcome.rounds.map(({ round, student, episodes }) => [round, student, episodes])).toEqual([
    [1, at('student'), 3],
    [2, at('taught/rounds/1/run'), 3],
  ]);
  const run = await readRun(at('taught'));
  expect(run.data.rounds).toEqual(outcome.rounds);
  expect(run.config.data.folders).toEqual([at('walks'), at('taught/rounds/1/data'), at('taught/rounds/2/data')]);
  const { data } = (await bundleOfRun(at('taught'))).provenance as { data: { rounds: unknown } };
  expect(data.rounds).toEqual(outcome.rounds);
  const student = await readRun(at('student'));
  expect(run.recipe).toEqual(student.recipe);
  const [begun, before] = await Promise.all([
    readCheckpoint(at('taught/rounds/1/run'), 'step-000000'),
    readCheckpoint(at('student')),
  ]);
  for (const name of Object.keys(before.state).filter((one) => one.startsWith('parameter.'))) {
    expect(begun.state[name]).toEqual(before.state[name]);
  }
  const dataset = await openDataset(at('taught/rounds/2/data'));
  expect(dataset.episodes.map(({ source }) => source)).toEqual(['dagger-2', 'dagger-2', 'dagger-2']);
  const { provenance } = await dataset.readEpisode(0);
  expect(provenance.options.teacher).toMatchObject({ name: 'stander', source: 'stander', share: 0 });
  dataset.close();
});

test('further rounds count on; training anew begins with fresh weights', async () => {
  const { config } = await readRun(at('taught'));
  const out = at('more');
  const { rounds } = await dagger({ ...options, run: at('taught'), config, out, rounds: 1, mix: 0.5, anew: true });
  expect(rounds.map(({ round, share }) => [round, share])).toEqual([
    [1, 0],
    [2, 0],
    [3, 0.5],
  ]);
  const fresh = await readCheckpoint(at('student'), 'step-000000');
  const begun = await readCheckpoint(at('more'), 'step-000000');
  expect(begun.state['parameter.in.weight']).toEqual(fresh.state['parameter.in.weight']);
});

test('interrupted anywhere and gone on with, it ends with the same weights', async () => {
  const out = at('broken');
  for (const stopAt of ['record', 'train'] as const) {
    const stop = new AbortController();
    const hooks = {
      ...options.hooks,
      signal: stop.signal,
      onRecordProgress: () => stopAt === 'record' && stop.abort(),
      onStep: (step: number) => stopAt === 'train' && step === 3 && stop.abort(),
    };
    const { finished } = await dagger({ ...options, out, hooks, append: stopAt === 'train' });
    expect(finished).toBe(false);
  }
  expect((await dagger({ ...options, out, append: true })).finished).toBe(true);
  const [whole, mended] = await Promise.all([readCheckpoint(at('taught')), readCheckpoint(out)]);
  expect(mended.state).toEqual(whole.state);
});

test('a folder that holds something is refused, and so is going on with other settings', async () => {
  await expect(dagger(options)).rejects.toThrow(/folder is not empty/);
  await expect(dagger({ ...options, append: true, mix: 0.3, rounds: 3 })).rejects.toThrow(
    /begun with other settings: expected rounds 2, mix 0, found rounds 3, mix 0.3/,
  );
  const { config } = options;
  const longer = { ...config, train: { ...config.train, steps: 9 } };
  await expect(dagger({ ...options, append: true, config: longer })).rejects.toThrow(
    /expected train.steps 4, found train.steps 9/,
  );
  const weighted = { ...config, data: { ...config.data, sources: { stander: 2 } } };
  await expect(dagger({ ...options, append: true, config: weighted })).rejects.toThrow(
    /expected data.sources.stander absent, found data.sources.stander 2/,
  );
  expect(JSON.parse(await readFile(at('taught/dagger.json'), 'utf8'))).toMatchObject({ rounds: 2, mix: 0 });
  expect(await readdir(at('taught'))).toContain(DAGGER_FILE);
  await expect(dagger({ ...options, run: at('walks'), out: at('none') })).rejects.toThrow(/not a run folder/);
  const wider = { ...config, model: { ...config.model, width: 2 * config.model.width } };
  await expect(dagger({ ...options, config: wider, out: at('none') })).rejects.toThrow(
    /^model\.width: the weights of /,
  );
});

/** What is wrong with a command, and what is said of it. */
const mistakes: readonly [string, () => Partial<DaggerOptions>, RegExp][] = [
  ['a teacher without actions', () => ({ teacher: { reference: 'model-based' } }), /model-based: commands torques/],
  ["a robot that is not the student's", () => ({ robot: 't1' }), /robot/],
  ['old data that is gone', () => changed({ folders: [at('walks'), at('gone')] }), /gone: not a dataset/],
  ['a weight for no source', () => changed({ sources: { standr: 1 } }), /data.sources.standr.*Did you mean "stander"/],
  ['a weight for a later round', () => changed({ sources: { 'dagger-2': 1 } }), /data.sources.dagger-2/],
];
const changed = (data: object) => ({ config: { ...options.config, data: { ...options.config.data, ...data } } });
const filesIn = async (name: string) => (await readdir(at(name), { recursive: true })).sort();

test.each(mistakes)('%s is found before anything is recorded, written or replaced', async (_, wrong, text) => {
  const before = await filesIn('taught');
  const onRecordProgress = () => expect.unreachable('recorded');
  const asked = { ...options, ...wrong(), hooks: { ...options.hooks, onRecordProgress } };
  await expect(dagger({ ...asked, overwrite: true })).rejects.toThrow(text);
  expect(await filesIn('taught')).toEqual(before);
  await expect(dagger({ ...asked, out: at('fresh') })).rejects.toThrow(text);
  expect(await filesIn('fresh')).toEqual([]);
});

test('a folder that holds or lies in what is read is refused, --overwrite or not', async () => {
  const before = await filesIn('taught');
  const over = { ...options, overwrite: true };
  for (const run of ['taught', 'taught/rounds/1/run']) {
    await expect(dagger({ ...over, run: at(run) })).rejects.toThrow(/folder holds what is to be read/);
  }
  const teacher = { reference: at('taught/rounds/1/run') };
  await expect(dagger({ ...over, teacher })).rejects.toThrow(/folder holds what is to be read/);
  const { config } = await readRun(at('taught'));
  await expect(dagger({ ...over, config })).rejects.toThrow(/holds what is to be read: found .*taught.rounds.1.data/);
  await expect(dagger({ ...options, out: at('student/more') })).rejects.toThrow(/lies within the student's/);
  expect(await filesIn('taught')).toEqual(before);
});

test('what --overwrite replaces is there until the first episode is', async () => {
  const before = await filesIn('taught');
  const over = { ...options, overwrite: true };
  const hooks = { ...options.hooks, signal: AbortSignal.abort() };
  expect(await dagger({ ...over, hooks })).toMatchObject({ begun: false, finished: false, rounds: [] });
  expect(await filesIn('taught')).toEqual(before);
  expect(await dagger({ ...over, rounds: 1 })).toMatchObject({ begun: true, finished: true });
  expect(await filesIn('taught')).not.toContain('rounds/2');
});

test('where no rollout leaves anything, nothing blocks the mended command', async () => {
  const falls = { keep: false, cut_s: 1, minimum_s: 100 };
  const settings = { ...options.settings, episodes: 1, duration_s: 10, falls };
  const out = at('fallen');
  await expect(dagger({ ...options, out, settings })).rejects.toThrow(
    /no rollout of .*student is long enough.*found 1 falls of 1/,
  );
  expect(await filesIn('fallen')).toEqual([]);
});
