// The loop: it learns, resumes to the bit, accumulates exactly, follows its schedules, and stops on a bad number.

import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENT } from '../../src/base/logger.js';
import { Random } from '../../src/base/random.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import type { Episode } from '../../src/motion/episode.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import type { Runtime } from '../../src/runtime/runtime.js';
import { createTokenSpec } from '../../src/tokens/token-spec.js';
import { memorySource } from '../../src/tokens/window-source.js';
import { checkpointName, readCheckpoint } from '../../src/train/checkpoint.js';
import type { MetricsLine } from '../../src/train/metrics.js';
import { prepareData } from '../../src/train/prepare.js';
import { folderRecord } from '../../src/train/run-record.js';
import { trainConfigSchema } from '../../src/train/train-config.js';
import { type TrainOptions, train } from '../../src/train/trainer.js';
import { initialState, type Recipe, type StateValues } from '../../src/train/training-program.js';
import { syntheticEpisode, TINY_ROBOT } from '../fixtures.js';
import { loadTfjsCpu } from '../runtime/engines.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-trainer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const EPISODES = [
  ...Array.from({ length: 12 }, (_, at) => syntheticEpisode(at + 1, { source: 'rollouts' })),
  ...Array.from({ length: 6 }, (_, at) => syntheticEpisode(at + 50, { source: 'free', actions: false })),
];

const BASE = {
  tokens: { context: 4 },
  model: { width: 16, heads: 2, blocks: 1 },
  train: { steps: 40, batch: 8, warmupSteps: 5, learningRate: 3e-3 },
  log: { metricsEvery: 5, validateEvery: 20, checkpointEvery: 20, validationWindows: 16 },
};

type Tree = { [key: string]: unknown };

async function setUp(run: string, changes: Tree = {}, episodes: readonly Episode[] = EPISODES): Promise<TrainOptions> {
  const merged = Object.fromEntries(
    [...new Set([...Object.keys(BASE), ...Object.keys(changes)])].map((key) => [
      key,
      { ...((BASE as Tree)[key] as object), ...(changes[key] as object) },
    ]),
  );
  const config = trainConfigSchema.parse(merged);
  const tokens = createTokenSpec(config.tokens, TINY_ROBOT, 50);
  const heldOut = (id: string) => id.endsWith('3');
  const reader = { ...memorySource(episodes), readEpisode: async (index: number) => episodes[index] };
  const { source, normaliser } = await prepareData(reader, tokens, TINY_ROBOT, {
    command: 'recorded',
    hindsightWindow_s: 3,
    hindsightTransient_s: 1,
    heldOut,
    log: SILENT,
  });
  const recipe: Recipe = { model: config.model, tokens, normaliser };
  const parameters = initialParameters(parameterSpecs(config.model, tokens), new Random(config.train.seed));
  return {
    run: join(folder, run),
    config,
    recipe,
    robot: TINY_ROBOT,
    source,
    heldOut,
    runtime: await onnxRuntime(),
    state: initialState(recipe, config.train, parameters),
    firstStep: 0,
    pending: {},
    openRecord: async () => folderRecord(join(folder, run), { write: () => {}, close: () => {} }),
    now_s: () => 0,
  };
}

async function lines(run: string): Promise<MetricsLine[]> {
  const text = await readFile(join(folder, run, 'metrics.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MetricsLine);
}

describe('train', () => {
  it('lowers training and held-out loss, and reports each source and modality', async () => {
    const options = await setUp('a', { train: { ...BASE.train, steps: 200 } });
    await mkdir(options.run);
    await train(options);
    const all = await lines('a');
    const first = all.find((line) => line.split === 'train')!;
    const last = all.filter((line) => line.split === 'train').at(-1)!;
    expect(last.loss).toBeLessThan(first.loss * 0.3);
    const held = all.filter((line) => line.split === 'validation');
    expect(held.at(-1)!.loss).toBeLessThan(held[0].loss);
    expect(Object.keys(last.sources).sort()).toEqual(['free', 'rollouts']);
    expect(last.sources.free.action).toBeUndefined();
    expect(last.sources.rollouts.action).toBeGreaterThan(0);
  });

  it('a run that is stopped at any step and resumed is the unbroken run, to the bit', async () => {
    const whole = await setUp('whole', { model: { ...BASE.model, inputNorm: 'batch' } });
    await mkdir(whole.run);
    const unbroken = await train(whole);

    const broken = await setUp('broken', { model: { ...BASE.model, inputNorm: 'batch' } });
    await mkdir(broken.run);
    const stop = new AbortController();
    let steps = 0;
    const first = await train({
      ...broken,
      signal: stop.signal,
      onStep: () => {
        steps += 1;
        if (steps === 3) stop.abort();
      },
    });
    expect(first.finished).toBe(false);
    const { info, state } = await readCheckpoint(broken.run);
    const second = await train({ ...broken, state, firstStep: info.step, pending: info.pending });
    expect(second.state).toEqual(unbroken.state);
    const numbers = (line: MetricsLine) => ({ ...line, stepsPerSecond: 0 });
    expect((await lines('broken')).map(numbers)).toEqual((await lines('whole')).map(numbers));
  });

  it.each([1, 2])('several steps a call are the steps of one, to the bit, %d passes each', async (accumulate) => {
    const changes = (stepsPerCall: number) => ({
      train: { ...BASE.train, batch: 4, accumulate },
      log: { ...BASE.log, metricsEvery: 6 },
      runtime: { stepsPerCall },
    });
    const outcome = async (name: string, stepsPerCall: number) => {
      const options = await setUp(name, changes(stepsPerCall));
      await mkdir(options.run);
      const runs: number[] = [];
      const { compile } = options.runtime;
      const counted: Runtime = {
        ...options.runtime,
        compile: async (graph, how) => {
          const program = await compile(graph, how);
          const run = async (count = 1) => {
            runs.push(count);
            await program.run(count);
          };
          return { ...program, run };
        },
      };
      const { state } = await train({ ...options, runtime: counted });
      const metrics = (await lines(name)).map((line) => ({ ...line, stepsPerSecond: 0 }));
      return { state, metrics, longest: Math.max(...runs) };
    };
    const one = await outcome(`one-${accumulate}`, 1);
    // At most up to the next line of metrics; checkpoints and validation at step 20 lie within a call of six.
    expect(await outcome(`many-${accumulate}`, 10)).toEqual({ ...one, longest: 6 * accumulate });
    expect(one.longest).toBe(accumulate);
  });

  it('a run on TensorFlow.js that is stopped and resumed is the unbroken run, to the bit', async () => {
    const runtime = await loadTfjsCpu();
    const changes = { train: { ...BASE.train, steps: 12 }, log: { ...BASE.log, checkpointEvery: 100 } };
    const whole = { ...(await setUp('tfjs-whole', changes)), runtime };
    await mkdir(whole.run);
    const unbroken = await train(whole);
    const broken = { ...(await setUp('tfjs-broken', changes)), runtime };
    await mkdir(broken.run);
    const stop = new AbortController();
    const first = await train({ ...broken, signal: stop.signal, onStep: () => stop.abort() });
    expect(first).toMatchObject({ step: 5, finished: false });
    const { info, state } = await readCheckpoint(broken.run);
    const second = await train({ ...broken, state, firstStep: info.step, pending: info.pending });
    expect(second.state).toEqual(unbroken.state);
    const numbers = (line: MetricsLine) => ({ ...line, stepsPerSecond: 0 });
    expect((await lines('tfjs-broken')).map(numbers)).toEqual((await lines('tfjs-whole')).map(numbers));
  });

  it('accumulating two passes of 4 windows moves the weights as the mean gradient of both does', async () => {
    const options = await setUp('accumulate', {
      train: { ...BASE.train, batch: 4, accumulate: 2, steps: 3, averageDecay: 0.9 },
    });
    await mkdir(options.run);
    const result = await train(options);
    const moved = (name: string) =>
      result.state[`parameter.${name}`].some((v, at) => v !== options.state[`parameter.${name}`][at]);
    expect(moved('embed.weight')).toBe(true);
    // After the completing pass the accumulators are empty, exactly.
    for (const [name, value] of Object.entries(result.state)) {
      if (name.startsWith('accumulated.')) expect(value.every((entry) => entry === 0)).toBe(true);
    }
    const average = result.state['average.embed.weight'];
    const weight = result.state['parameter.embed.weight'];
    const start = options.state['parameter.embed.weight'];
    // The average lies between the start and the present.
    const between = average.filter((v, at) => (v - start[at]) * (weight[at] - v) >= -1e-12).length;
    expect(between).toBeGreaterThan(0.95 * average.length);
  });

  it('staged: the state stage leaves the action head alone, the action stage reads complete data only', async () => {
    const options = await setUp('staged', {
      train: { ...BASE.train, steps: 20, schedule: 'staged', stateShare: 0.5, weightDecay: 0 },
      tokens: { ...BASE.tokens, layout: 'separate' },
    });
    await mkdir(options.run);
    await train(options);
    const all = (await lines('staged')).filter((line) => line.split === 'train');
    for (const line of all) {
      expect(line.modalities.action === undefined).toBe(line.step <= 10);
      expect(line.modalities.observation === undefined).toBe(line.step > 10);
      expect('free' in line.sources).toBe(line.step <= 10);
    }
  });

  it('stops on a non-finite loss and names the episodes of the batch', async () => {
    const options = await setUp('bad');
    await mkdir(options.run);
    const state: StateValues = { ...options.state, 'parameter.embed.bias': new Float32Array(16).fill(Number.NaN) };
    await expect(train({ ...options, state })).rejects.toThrow(
      /step 1: the loss is not finite.*rollouts\/.*start a new run with a lower train\.learningRate/s,
    );
  });

  it.each([1, 2])('a step without any target changes nothing, and says nothing (accumulate %d)', async (accumulate) => {
    const options = await setUp('windows', {
      tokens: { ...BASE.tokens, targets: 'action' },
      train: { ...BASE.train, batch: 1, accumulate, steps: 30 },
      log: { ...BASE.log, metricsEvery: 1, checkpointEvery: 1 },
    });
    await mkdir(options.run);
    const { state } = await train(options);
    for (const values of Object.values(state)) expect(values.every(Number.isFinite)).toBe(true);
    const all = (await lines('windows')).filter(({ split }) => split === 'train');
    expect(all.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(all.map(({ loss }) => loss).every((loss) => loss > 0)).toBe(true);
    // A third of the episodes have no action: some steps drew nothing else, and have no line.
    const told = new Set(all.map(({ step }) => step));
    const silent = Array.from({ length: 29 }, (_, at) => at + 1).filter((step) => !told.has(step));
    expect(silent.length).toBeGreaterThan(0);
    const stateAfter = async (step: number) => (await readCheckpoint(options.run, checkpointName(step))).state;
    expect(await stateAfter(silent[0])).toEqual(await stateAfter(silent[0] - 1));
  });
});

describe('trainConfigSchema', () => {
  const refusal = (config: object) => {
    const { error } = trainConfigSchema.safeParse(config);
    return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
  };

  it('refuses stages in which nothing is predicted, and says which settings would be', () => {
    const actions = { targets: 'action' };
    expect(refusal({ tokens: actions, train: { schedule: 'staged' } })).toMatch(
      /train\.schedule: .*states.*stateShare=0/,
    );
    expect(refusal({ train: { schedule: 'staged', actionWeight: 0 } })).toMatch(
      /train\.schedule: .*actions.*stateShare=1/,
    );
    expect(refusal({ train: { observationWeight: 0, actionWeight: 0 } })).toMatch(/train\.actionWeight: nothing/);
    expect(refusal({ tokens: actions, train: { actionWeight: 0 } })).toMatch(/train\.actionWeight: nothing/);
  });

  it('takes what has something to predict in every stage that has a step', () => {
    const staged = { schedule: 'staged' };
    expect(refusal({ tokens: { targets: 'action' }, train: { ...staged, stateShare: 0 } })).toBeUndefined();
    expect(refusal({ train: { ...staged, stateShare: 1, actionWeight: 0 } })).toBeUndefined();
    expect(refusal({ train: { observationWeight: 0 } })).toBeUndefined();
    expect(refusal({ tokens: { targets: 'action' } })).toBeUndefined();
  });
});

describe('prepareData', () => {
  it('warns of data without action diversity, and says what to do', async () => {
    const clean = [1, 2, 4].map((seed) => syntheticEpisode(seed, { noise: 0 }));
    const warnings: string[] = [];
    const reader = { ...memorySource(clean), readEpisode: async (index: number) => clean[index] };
    const tokens = createTokenSpec(trainConfigSchema.parse({}).tokens, TINY_ROBOT, 50);
    const options = {
      command: 'recorded',
      hindsightWindow_s: 3,
      hindsightTransient_s: 1,
      heldOut: () => false,
    } as const;
    const log = { info: () => {}, warn: (text: string) => warnings.push(text) };
    const prepared = await prepareData(reader, tokens, TINY_ROBOT, { ...options, log });
    expect(warnings.join()).toMatch(/no action diversity.*falls.*Record with action noise/s);
    expect(prepared.report).toMatchObject({ labelledShare: 1, diverseShare: 0 });
  });

  it('refuses data without any action', async () => {
    const free = [syntheticEpisode(1, { actions: false })];
    const reader = { ...memorySource(free), readEpisode: async () => free[0] };
    const tokens = createTokenSpec(trainConfigSchema.parse({}).tokens, TINY_ROBOT, 50);
    const options = {
      command: 'recorded',
      hindsightWindow_s: 3,
      hindsightTransient_s: 1,
      heldOut: () => false,
      log: SILENT,
    } as const;
    await expect(prepareData(reader, tokens, TINY_ROBOT, options)).rejects.toThrow(/nothing to learn to act from/);
  });

  it('floors narrow channels and centres on the mean', async () => {
    const episodes = [syntheticEpisode(1), syntheticEpisode(2)];
    const reader = { ...memorySource(episodes), readEpisode: async (index: number) => episodes[index] };
    const tokens = createTokenSpec(trainConfigSchema.parse({}).tokens, TINY_ROBOT, 50);
    const options = {
      command: 'recorded',
      hindsightWindow_s: 3,
      hindsightTransient_s: 1,
      heldOut: () => false,
      log: SILENT,
    } as const;
    const { normaliser } = await prepareData(reader, tokens, TINY_ROBOT, options);
    const gravity = tokens.channels.find(({ name }) => name === 'projectedGravity')!;
    // The synthetic gravity never moves: its deviation is the floor, its mean what it is.
    expect(normaliser.deviation.slice(gravity.offset, gravity.offset + 3)).toEqual(
      new Array(3).fill(Math.fround(0.05)),
    );
    expect(normaliser.mean[gravity.offset + 2]).toBe(-1);
  });
});
