// Time of a training step, ours against PyTorch's, in interleaved rounds of one run.
//
// Each round times every engine in turn, and ratios are taken within a round, so that whatever else the machine does
// falls on all of them. Reported are the median over rounds and the least and greatest round.

import type { FloatArray } from '../src/base/arrays.js';
import { Random } from '../src/base/random.js';
import { onnxRuntime } from '../src/runtime/onnx.js';
import { type Peer, startPeer } from './peer.js';
import { type BenchResult, interleave, machineNote, spreadOf } from './result.js';
import { PRESETS, type StepSize, transformerStep } from './transformer-step.js';

export interface TrainingBenchOptions {
  readonly preset: string;
  readonly rounds: number;
  /** Steps a round and engine. */
  readonly steps: number;
  /** 0: each engine's own choice. */
  readonly threads: number;
}

interface Contestant {
  readonly name: string;
  run(steps: number): Promise<number[]>;
  close(): Promise<void>;
}

export async function trainingBench({ preset, rounds, steps, threads }: TrainingBenchOptions): Promise<BenchResult> {
  const size = PRESETS[preset];
  if (size === undefined) throw new Error(`unknown preset ${preset}: one of ${Object.keys(PRESETS).join(', ')}`);
  const contestants = [await ours(size, threads)];
  const notes: string[] = [];
  for (const mode of ['float32', 'bfloat16'] as const) {
    const peer = await torch(size, threads, mode);
    if (peer !== undefined) contestants.push(peer);
    else if (notes.length === 0) notes.push('PyTorch is not importable by python3: ours alone.');
  }
  for (const { run } of contestants) await run(5); // warm-up
  const rows = await interleave(
    contestants.map(({ name, run }, at) => ({
      name,
      peer: at > 0,
      run: async () => spreadOf(await run(steps)).median,
    })),
    rounds,
  );
  for (const { close } of contestants) await close();
  const { width, blocks, heads, batch, time } = size;
  return {
    bench: preset === 'base' ? 'training' : `training-${preset}`,
    about:
      `A training step (forward, gradient, AdamW) of a transformer of width ${width}, ${blocks} blocks, ${heads} heads, ` +
      `on ${batch} windows of ${time} tokens; median of ${steps} steps a round.`,
    command: `npm run bench -- training --preset ${preset} --rounds ${rounds} --steps ${steps}`,
    machine: await machineNote(),
    tables: [{ title: 'engine', unit: 'ms a step', better: 'less', rows }],
    notes,
  };
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
