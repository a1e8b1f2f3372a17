// What batches cost a training step: the loop with its loader against the same step on one batch, in interleaved rounds.
//
// The loop is the trainer's: a batch is drawn, cut from the dataset's shards and fed, the step runs, and its errors are
// summed by source. Goal: under 2 % of the step. Data that does not fit the reader's memory budget is read from its files
// (--data names such datasets).

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../src/base/config-file.js';
import { packagePath } from '../src/base/files.js';
import { SILENT } from '../src/base/logger.js';
import { Random } from '../src/base/random.js';
import { openDatasets } from '../src/dataset/dataset.js';
import { DatasetWriter } from '../src/dataset/dataset-writer.js';
import { initialParameters, parameterSpecs } from '../src/model/parameters.js';
import { CHANNEL_NAMES, type Channel, type ChannelName, channelWidth } from '../src/motion/episode.js';
import { identityOf } from '../src/robot/robot-model.js';
import { onnxRuntime } from '../src/runtime/onnx.js';
import { loadRobot } from '../src/sim/load-robot.js';
import { createTokenSpec } from '../src/tokens/token-spec.js';
import { addErrors, createBatchMaker, feedBatch } from '../src/train/batches.js';
import { ErrorSums } from '../src/train/metrics.js';
import { prepareData } from '../src/train/prepare.js';
import { trainConfigSchema } from '../src/train/train-config.js';
import { buildTrainingGraph, initialState, stateOptions } from '../src/train/training-program.js';
import { type BenchResult, interleave, machineNote, shortNumber, spreadOf, timed } from './result.js';

export interface LoaderBenchOptions {
  readonly preset: string;
  readonly rounds: number;
  /** Steps a round. */
  readonly steps: number;
  /** Datasets to read; rollouts are made up where absent. */
  readonly data?: readonly string[];
}

export async function loaderBench({ preset, rounds, steps, data }: LoaderBenchOptions): Promise<BenchResult> {
  const temporary = await mkdtemp(join(tmpdir(), 'nextgait-loader-'));
  if (data === undefined) await writeRollouts(temporary);
  const dataset = await openDatasets(data ?? [temporary]);
  try {
    const config = await loadConfig(trainConfigSchema, packagePath('configs', 'train', `${preset}.yaml`));
    const robot = dataset.robotModel();
    if (robot === undefined) throw new Error('the dataset knows its robot by name only');
    const tokens = createTokenSpec(config.tokens, robot, dataset.rate_hz);
    const heldOut = () => false;
    const { hindsightWindow_s, hindsightTransient_s } = config.data;
    const labels = { command: config.data.command, hindsightWindow_s, hindsightTransient_s };
    const { source, normaliser } = await prepareData(dataset, tokens, robot, { ...labels, heldOut, log: SILENT });
    const maker = createBatchMaker(config.train, tokens, robot, source, { sourceWeights: {}, heldOut });
    const recipe = { model: config.model, tokens, normaliser };
    const weights = initialParameters(parameterSpecs(config.model, tokens), new Random(1));
    const program = await (await onnxRuntime()).compile(buildTrainingGraph(recipe, config.train), {
      state: stateOptions(initialState(recipe, config.train, weights), true),
    });
    program.feeds.stepSize[0] = 1e-6;
    program.feeds.epsilon[0] = 1e-8;
    program.feeds.keep[0] = 1;
    const batch = maker.allocate();
    const sums = new ErrorSums();
    const cut_ms: number[] = [];
    let next = 0;
    const fill = () => cut_ms.push(processorTime(() => maker.fill(batch, next++, 0)));
    const step = async () => {
      feedBatch(program.feeds, batch);
      program.feeds.inverseWeight[0] = 1 / batch.weight;
      await program.run();
      addErrors(sums, tokens, source, batch, program.results.errors);
    };
    const cutAndStep = async () => {
      fill();
      await step();
    };
    const repeat = async (once: () => Promise<void>) => {
      const times: number[] = [];
      for (let at = 0; at < steps; at++) times.push(await timed(once));
      return spreadOf(times).median;
    };
    for (let at = 0; at < 100; at++) fill(); // every episode's bytes are checked at their first use
    await repeat(step);
    cut_ms.length = 0;
    const step_ms: number[] = []; // processor time, all threads
    const contenders = [
      { name: 'nextgait, a new batch every step', run: () => repeat(cutAndStep) },
      {
        name: 'the step alone, on one batch',
        peer: true,
        run: async () => {
          const before = process.cpuUsage();
          const ms = await repeat(step);
          const { user, system } = process.cpuUsage(before);
          step_ms.push((user + system) / 1000 / steps);
          return ms;
        },
      },
    ];
    const rows = await interleave(contenders, rounds);
    await program.dispose();
    const cut = spreadOf(cut_ms).median;
    const cores = availableParallelism();
    const whole = spreadOf(step_ms).median / cores;
    const hours = dataset.episodes.reduce((sum, { frameCount }) => sum + frameCount, 0) / dataset.rate_hz / 3600;
    return {
      bench: preset === 'base' ? 'loader' : `loader-${preset}`,
      about:
        `What batches cost a training step of ${preset}: ${config.train.batch} windows of ${tokens.context} steps from ` +
        `${dataset.episodes.length} episodes, ${hours.toFixed(1)} h.`,
      command: `npm run bench -- loader --preset ${preset} --rounds ${rounds} --steps ${steps}`,
      machine: await machineNote(),
      tables: [{ title: 'loop', unit: 'ms a step', better: 'less', rows }],
      notes: [
        // By processor time, because a busy machine stretches a wait of a millisecond at random.
        `Cutting a batch takes ${shortNumber(cut)} ms of one core, the step alone ${shortNumber(whole)} ms of all ` +
          `${cores}: ${((100 * cut) / whole).toFixed(1)} % (goal: under 2 %).`,
      ],
    };
  } finally {
    dataset.close();
    await rm(temporary, { recursive: true });
  }
}

/** Of this process (ms). */
function processorTime(run: () => void): number {
  const before = process.cpuUsage();
  run();
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
