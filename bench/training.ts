// Time of a training step, ours against PyTorch's, in interleaved rounds of one run.
//
// Each round times every engine in turn, and ratios are taken within a round, so that whatever else the machine does
// falls on all of them. Reported are the median over rounds and the least and greatest round.

import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import type { FloatArray } from '../src/base/arrays.js';
import { writeFileAtomic } from '../src/base/files.js';
import { Random } from '../src/base/random.js';
import { onnxRuntime } from '../src/runtime/onnx.js';
import { type Peer, startPeer } from './peer.js';
import { PRESETS, type StepSize, transformerStep } from './transformer-step.js';

export interface TrainingBenchOptions {
  readonly preset: string;
  readonly rounds: number;
  /** Steps a round and engine. */
  readonly steps: number;
  /** 0: each engine's own choice. */
  readonly threads: number;
  readonly out?: string;
}

interface Contestant {
  readonly name: string;
  run(steps: number): Promise<number[]>;
  close(): Promise<void>;
}

interface Measured {
  readonly name: string;
  /** Median of each round, in milliseconds a step. */
  readonly rounds_ms: readonly number[];
}

export async function trainingBench(options: TrainingBenchOptions, print: (line: string) => void): Promise<void> {
  const size = PRESETS[options.preset];
  if (size === undefined)
    throw new Error(`unknown preset ${options.preset}: one of ${Object.keys(PRESETS).join(', ')}`);
  const contestants = [await ours(size, options.threads)];
  for (const mode of ['float32', 'bfloat16'] as const) {
    const peer = await torch(size, options.threads, mode);
    if (peer === undefined) print(`PyTorch is not importable by python3: ours alone`);
    else contestants.push(peer);
    if (peer === undefined) break;
  }
  const rounds = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (const { run } of contestants) await run(5); // warm-up
  for (let round = 0; round < options.rounds; round++) {
    for (const { name, run } of contestants) rounds.get(name)?.push(median(await run(options.steps)));
  }
  for (const { close } of contestants) await close();
  const measured = [...rounds].map(([name, rounds_ms]) => ({ name, rounds_ms }));
  report(size, measured, print);
  if (options.out !== undefined) {
    const record = { bench: 'training', ...options, size, machine: await machine(), engines: measured };
    await writeFileAtomic(options.out, `${JSON.stringify(record, null, 2)}\n`);
  }
}

function report(size: StepSize, measured: readonly Measured[], print: (line: string) => void): void {
  const tokens = size.batch * size.time;
  const [own] = measured;
  for (const { name, rounds_ms } of measured) {
    const middle = median(rounds_ms);
    const range = `${Math.min(...rounds_ms).toFixed(1)} to ${Math.max(...rounds_ms).toFixed(1)}`;
    const rate = ((1e3 * tokens) / middle).toFixed(0);
    const ratios = rounds_ms.map((duration, round) => duration / own.rounds_ms[round]);
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    const ratio = name === own.name ? '' : `, ours is ${median(ratios).toFixed(2)} times as fast (${spread})`;
    print(`${name}: ${middle.toFixed(1)} ms a step (${range}), ${rate} tokens/s${ratio}`);
  }
}

async function ours(size: StepSize, threads: number): Promise<Contestant> {
  const { graph, state } = transformerStep(size);
  const runtime = await onnxRuntime();
  const program = await runtime.compile(graph, threads > 0 ? { state, threads } : { state });
  const random = new Random(3);
  const fill = (feed: FloatArray, draw: () => number) => {
    for (let at = 0; at < feed.length; at++) feed[at] = draw();
  };
  fill(program.feeds.input, () => random.normal());
  fill(program.feeds.target, () => random.normal());
  fill(program.feeds.weight, () => random.uniform());
  program.feeds.rate[0] = 1e-3;
  program.feeds.keep[0] = 1 - 1e-5;
  program.feeds.epsilon[0] = 1e-8;
  return {
    name: `nextgait, ${runtime.description}, float32`,
    run: async (steps) => {
      const durations: number[] = [];
      for (let step = 0; step < steps; step++) {
        const start = performance.now();
        await program.run();
        durations.push(performance.now() - start);
      }
      if (!Number.isFinite(program.results.loss[0])) throw new Error('the loss is not finite');
      return durations;
    },
    close: () => program.dispose(),
  };
}

async function torch(size: StepSize, threads: number, mode: 'float32' | 'bfloat16'): Promise<Contestant | undefined> {
  const { width, blocks, heads, batch, time, features } = size;
  const sizes = [width, blocks, heads, batch, time, features, threads].map(String);
  const peer: Peer | undefined = await startPeer('transformer_step.py', [...sizes, mode]);
  if (peer === undefined) return undefined;
  const { version } = JSON.parse(peer.greeting) as { readonly version: string };
  return {
    name: `PyTorch ${version}, ${mode === 'float32' ? 'float32 eager' : 'bfloat16 autocast'}`,
    run: async (steps) => JSON.parse(await peer.ask(String(steps))) as number[],
    close: async () => peer.close(),
  };
}

async function machine(): Promise<Record<string, unknown>> {
  const load = await readFile('/proc/loadavg', 'utf8').catch(() => undefined);
  const [first] = cpus();
  return { processor: first?.model, cores: cpus().length, node: process.version, load: load?.trim() };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
