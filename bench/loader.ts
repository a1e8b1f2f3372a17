// What batches cost a training step: the loop with its loader against the same step on one batch, in interleaved rounds.
//
// The loop is the trainer's: batches are asked for and fed, the steps run, and their errors are summed by source. Batches are
// cut by a worker thread, as `nextgait train` does, and on the thread that trains. Goal: the step waits for under 2 % of
// the time. Data that does not fit the reader's memory budget is read from its files (--data names such datasets).

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { loadConfig } from '../src/base/config-file.js';
import { SILENT } from '../src/base/logger.js';
import { Random } from '../src/base/random.js';
import { configPath } from '../src/cli/config-path.js';
import { type Dataset, openDatasets } from '../src/dataset/dataset.js';
import { DatasetWriter } from '../src/dataset/dataset-writer.js';
import { initialParameters, parameterSpecs } from '../src/model/parameters.js';
import { CHANNEL_NAMES, type Channel, type ChannelName, channelWidth } from '../src/motion/episode.js';
import { identityOf } from '../src/robot/robot-model.js';
import { onnxRuntime } from '../src/runtime/onnx.js';
import { loadRobot } from '../src/sim/load-robot.js';
import { createTokenSpec, type TokenSpec } from '../src/tokens/token-spec.js';
import { createBatchMaker } from '../src/train/batches.js';
import { type BatchLoader, localLoader } from '../src/train/loader.js';
import { planLoader, pooledLoader } from '../src/train/loader-pool.js';
import { ErrorSums } from '../src/train/metrics.js';
import { prepareData } from '../src/train/prepare.js';
import { shareCommands } from '../src/train/shared-commands.js';
import { callSteps, stepsPerCallOf } from '../src/train/step-calls.js';
import { type TrainConfig, trainConfigSchema } from '../src/train/train-config.js';
import { buildTrainingGraph, initialState, stateOptions } from '../src/train/training-program.js';
import { type BenchResult, commandOf, interleave, machineNote, shortNumber, spreadOf, timed } from './result.js';

export interface LoaderBenchOptions {
  readonly preset: string;
  readonly rounds: number;
  /** Steps a round. */
  readonly steps: number;
  /** Datasets to read; rollouts are made up where absent. */
  readonly data?: readonly string[];
  /** Memory that counts as free (GiB): with little of it the data is read from its files. */
  readonly memory?: number;
}

export async function loaderBench({ preset, rounds, steps, data, memory }: LoaderBenchOptions): Promise<BenchResult> {
  const temporary = await mkdtemp(join(tmpdir(), 'nextgait-loader-'));
  if (data === undefined) await writeRollouts(temporary);
  const folders = data ?? [temporary];
  const dataset = await openDatasets(folders);
  try {
    const config = await loadConfig(trainConfigSchema, configPath('train', preset), settingsOf(folders));
    const free = memory === undefined ? process.availableMemory() : memory * 2 ** 30;
    const loop = await createLoop(config, dataset, free);
    const { batch, tokens } = loop;
    const contenders = [
      waiting(
        `nextgait, batches cut by ${loop.workers === 1 ? 'a worker thread' : `${loop.workers} worker threads`}`,
        await loop.pooled(),
        loop,
      ),
      waiting('the same, cut on the thread that trains', loop.local, loop),
    ];
    const cost_ms: number[] = []; // processor time of a step, all threads
    const rows = await interleave(
      [
        ...contenders.map(({ name, run }) => ({ name, run: () => run(steps) })),
        {
          name: 'the step alone, on one batch',
          run: async () => {
            const before = process.cpuUsage();
            const ms = await timed(() => loop.run(loop.once, steps));
            cost_ms.push(processorTime(before) / steps);
            return ms / steps;
          },
        },
      ],
      rounds,
    );
    const before = process.cpuUsage();
    for (let step = 0; step < steps; step++) await loop.local.next();
    const cut_ms = processorTime(before) / steps;
    for (const { loader } of contenders) await loader.dispose();
    await loop.dispose();
    const hours = dataset.episodes.reduce((sum, { frameCount }) => sum + frameCount, 0) / dataset.rate_hz / 3600;
    const step_ms = spreadOf(cost_ms).median;
    const shortage = memory === undefined ? [] : `${memory}GiB`;
    const percent = (share: number) => (100 * share).toFixed(2);
    return {
      bench: ['loader', preset === 'base' ? [] : preset, (data ?? []).map((folder) => basename(folder)), shortage]
        .flat()
        .join('-'),
      about:
        `What batches cost a training step of ${preset}: ${batch} windows of ${tokens.context} steps from ` +
        `${dataset.episodes.length} episodes, ${hours.toFixed(1)} h${data === undefined ? ', made up' : `, of ${data.join(', ')}`}.`,
      command: commandOf('loader', { preset, data, memory, rounds, steps }),
      machine: await machineNote(),
      tables: [{ title: 'loop', unit: 'ms a step', better: 'less', rows }],
      notes: [
        ...contenders.map(
          ({ name, shares }) =>
            `${name}: ${percent(spreadOf(shares).median)} % (${percent(spreadOf(shares).least)} to ` +
            `${percent(spreadOf(shares).greatest)}) of a round was spent waiting for a batch (goal: under 2 %).`,
        ),
        // By processor time as well, because a busy machine stretches a wait of a millisecond at random.
        `By processor time, cutting a batch takes ${shortNumber(cut_ms)} ms and the step alone ${shortNumber(step_ms)} ms: ` +
          `${percent(cut_ms / step_ms)} %.`,
      ],
    };
  } finally {
    dataset.close();
    await rm(temporary, { recursive: true });
  }
}

interface Loop {
  readonly batch: number;
  readonly tokens: TokenSpec;
  /** Threads of pooled(). */
  readonly workers: number;
  readonly local: BatchLoader;
  /** One batch again and again. */
  readonly once: BatchLoader;
  pooled(): Promise<BatchLoader>;
  /** So many training steps, in as many a call as `nextgait train` takes. */
  run(loader: BatchLoader, steps: number): Promise<void>;
  dispose(): Promise<void>;
}

async function createLoop(config: TrainConfig, dataset: Dataset, freeBytes: number): Promise<Loop> {
  const robot = dataset.robotModel();
  if (robot === undefined) throw new Error('the dataset knows its robot by name only');
  const tokens = createTokenSpec(config.tokens, robot, dataset.rate_hz);
  const heldOut = () => false;
  const { command, hindsightWindow_s, hindsightTransient_s } = config.data;
  const labels = { command, hindsightWindow_s, hindsightTransient_s };
  const { source, normaliser } = await prepareData(dataset, tokens, robot, { ...labels, heldOut, log: SILENT });
  const maker = createBatchMaker(config.train, tokens, robot, source, { sourceWeights: {}, heldOut });
  const recipe = { model: config.model, tokens, normaliser };
  const weights = initialParameters(parameterSpecs(config.model, tokens), new Random(1));
  const runtime = await onnxRuntime();
  const stepsPerCall = stepsPerCallOf(config, runtime);
  const program = await runtime.compile(buildTrainingGraph(recipe, config.train), {
    state: stateOptions(initialState(recipe, config.train, weights), true),
    runsPerCall: stepsPerCall * config.train.accumulate,
  });
  const once = maker.allocate();
  maker.fill(once, 0, 0);
  const sums = new ErrorSums();
  const bytes = dataset.manifests.flatMap(({ shards }) => shards).reduce((sum, shard) => sum + shard.bytes, 0);
  const plan = planLoader(bytes, freeBytes);
  const commands = command === 'recorded' ? undefined : shareCommands(source);
  const shared = { program, optimiser: config.train, tokens, source, sums, run: 'bench' };
  return {
    batch: config.train.batch,
    tokens,
    workers: plan.workers,
    local: localLoader(maker, config.train, 0),
    once: { next: async () => [once], ahead() {}, async dispose() {} },
    pooled: () => pooledLoader({ config, tokens, robot, commands }, plan, 0, stepsPerCall),
    async run(loader, steps) {
      for (let left = steps; left > 0; left -= stepsPerCall) {
        await callSteps({ ...shared, loader }, 0, Math.min(left, stepsPerCall));
      }
    },
    dispose: () => program.dispose(),
  };
}

/** A loader in the loop: rounds of steps, and the share of each round that waited for batches. */
function waiting(name: string, loader: BatchLoader, loop: Loop) {
  const shares: number[] = [];
  let wait_ms = 0;
  const timedLoader: BatchLoader = {
    ...loader,
    async next() {
      const started = performance.now();
      const batches = await loader.next();
      wait_ms += performance.now() - started;
      return batches;
    },
  };
  return {
    name,
    loader,
    shares,
    async run(steps: number): Promise<number> {
      // The worker goes on while others have their turn: its lead must not count.
      await loop.run(timedLoader, LEAD);
      wait_ms = 0;
      const all_ms = await timed(() => loop.run(timedLoader, steps));
      shares.push(wait_ms / all_ms);
      return all_ms / steps;
    },
  };
}

/** Steps that a loader may have cut in advance. */
const LEAD = 20;

/** All episodes, and more steps than a bench takes. */
function settingsOf(folders: readonly string[]): string[] {
  return [`data.folders=${JSON.stringify(folders)}`, 'data.validationShare=0', 'train.steps=1000000'];
}

/** Of this process since then (ms). */
function processorTime(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** 60 rollouts of 10 s on the G1, with every channel: numbers without meaning, of the size of real ones. */
async function writeRollouts(folder: string): Promise<void> {
  const { robot } = await loadRobot('g1');
  const frameCount = 500;
  const writer = await DatasetWriter.open(folder, { robot, rate_hz: 50 });
  for (let number = 0; number < 60; number++) {
    const random = new Random(7).split(number);
    const channels: Partial<Record<ChannelName, Channel>> = {};
    for (const name of CHANNEL_NAMES) {
      const width = channelWidth(name, robot.jointNames.length, robot.feet.length);
      channels[name] = { width, data: Float32Array.from({ length: frameCount * width }, () => random.normal()) };
    }
    // One command, and an orientation that is one.
    channels.command?.data.fill(0.4);
    for (let at = 0; at < frameCount; at++) channels.baseQuaternion?.data.set([1, 0, 0, 0], 4 * at);
    await writer.append({
      ...{ id: `bench/${number}`, source: 'bench', kind: 'rollout', robot: identityOf(robot), rate_hz: 50, frameCount },
      ...{ channels, derived: [], startsAtReset: true, findings: [] },
      provenance: { input: 'bench', tool: 'bench', options: {} },
    });
  }
  await writer.close();
}
