// Time of a training step of a preset, ours against PyTorch's, in interleaved rounds of one run.
//
// Ours is the program that `nextgait train` runs, in calls of as many steps, clipping and metrics included. PyTorch starts
// from the same weights on the same batch, and its first loss and gradient norm are compared before anything is timed. Each
// round times every engine in turn, and ratios are taken within a round, so that whatever else the machine does falls on
// all of them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Device, onnxOn } from '../src/runtime/onnx-device.js';
import type { Runtime } from '../src/runtime/runtime.js';
import { profileStep, type StepProfile } from './operator-shares.js';
import { type Peer, startPeer } from './peer.js';
import { type BenchResult, commandOf, type FactTable, interleave, machineNote, spreadOf } from './result.js';
import { compileStep, type StepUnderTest, stepOf, writeStep } from './training-step.js';

export interface TrainingBenchOptions {
  readonly preset: string;
  /** `key=value` over the preset; GOAL for base where absent. */
  readonly set?: readonly string[];
  readonly rounds: number;
  /** Steps a round and engine. */
  readonly steps: number;
  /** 0: each engine's own choice. */
  readonly threads: number;
  readonly device: Device;
  /** Steps that ours makes in one call; the engine's own choice where absent. */
  readonly stepsPerCall?: number;
}

/** How PyTorch trains. */
const MODES = {
  float32: 'float32 eager',
  bfloat16: 'bfloat16 autocast',
  compile: 'torch.compile, bfloat16 autocast',
} as const;

type Mode = keyof typeof MODES;

/** The size that the goals were set for: 64 windows of 32 tokens. */
const GOAL: Readonly<Record<string, readonly string[]>> = { base: ['tokens.context=32'] };

interface First {
  readonly loss: number;
  readonly gradientNorm: number;
}

interface Timing {
  /** Of each step. */
  readonly durations_ms: readonly number[];
  /** Processor time of all steps together, all threads. */
  readonly cost_ms: number;
}

interface Contestant {
  readonly name: string;
  readonly peer: boolean;
  /** Loss and gradient norm of the first step. */
  readonly first: First;
  run(steps: number): Promise<Timing>;
  close(): Promise<void>;
}

export async function trainingBench(options: TrainingBenchOptions): Promise<BenchResult> {
  const { preset, set = GOAL[preset] ?? [], rounds, steps, threads, device } = options;
  const step = await stepOf(preset, set);
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-training-'));
  const contestants: Contestant[] = [];
  try {
    await writeStep(folder, step);
    const runtime = await onnxOn(device);
    const atOnce = Math.min(steps, options.stepsPerCall ?? runtime.bestRunsPerCall ?? 1);
    contestants.push(await ours(runtime, step, threads, atOnce));
    if (atOnce > 1) contestants.push(await ours(runtime, step, threads, 1));
    const notes: string[] = [];
    for (const mode of Object.keys(MODES) as Mode[]) {
      const peer = await torch(folder, threads, mode, device);
      if (peer !== undefined) contestants.push(peer);
      else if (notes.length === 0) notes.push('PyTorch is not importable by python3: ours alone.');
    }
    requireSameNetwork(contestants);
    for (const { run } of contestants) await run(5); // warm-up
    const costs = contestants.map((): number[] => []);
    const rows = await interleave(
      contestants.map(({ name, peer, run }, at) => ({
        name,
        peer,
        run: async () => {
          const { durations_ms, cost_ms } = await run(steps);
          costs[at].push(cost_ms / steps);
          return spreadOf(durations_ms).median;
        },
      })),
      rounds,
    );
    const profile = device === 'cpu' ? await profileStep(step) : undefined;
    return {
      bench: [
        'training',
        ...(preset === 'base' && options.set === undefined ? [] : [preset, ...set]),
        ...(threads > 0 ? [`${threads}-threads`] : []),
        ...(device === 'cpu' ? [] : [device]),
      ].join('-'),
      about: `${describe(preset, step)} ${steps} steps a round.`,
      command: commandOf('training', {
        ...{ preset, set, rounds, steps, 'steps-per-call': options.stepsPerCall },
        ...{ threads: threads > 0 ? threads : undefined, device: device === 'cpu' ? undefined : device },
      }),
      machine: await machineNote(),
      tables: [
        { title: 'engine', unit: 'ms a step', better: 'less', rows },
        {
          title: 'the same, by processor time of all threads',
          unit: 'ms a step',
          better: 'less',
          rows: rows.map((row, at) => ({ ...row, rounds: costs[at] })),
        },
      ],
      ...(profile === undefined
        ? { notes }
        : { facts: [profileTable(profile)], notes: [...notes, productNote(profile)] }),
    };
  } finally {
    for (const { close } of contestants) await close();
    await rm(folder, { recursive: true });
  }
}

function describe(preset: string, { config, recipe, parameterCount }: StepUnderTest): string {
  const { width, blocks, heads, mlpRatio, block, inputNorm } = config.model;
  return (
    `A training step of ${preset} (forward, gradient, clipping, AdamW): width ${width}, ${blocks} ${block} blocks, ${heads} heads, ` +
    `MLP ratio ${mlpRatio}, input norm ${inputNorm}, ${(parameterCount / 1e6).toFixed(2)}M parameters, on ` +
    `${config.train.batch} windows of ${recipe.tokens.context} tokens.`
  );
}

function profileTable({ operators }: StepProfile): FactTable {
  return {
    title: 'Our operators on one thread, by share of their time (ONNX Runtime profile)',
    header: ['operator', 'nodes', 'share'],
    rows: operators.slice(0, 12).map(({ operator, nodes, share }) => [operator, String(nodes), percent(share)]),
  };
}

function productNote({ productShare, nodes }: StepProfile): string {
  return `${percent(productShare)} of the time in our ${nodes} operators is matrix product (goal: 90 %).`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A comparison of different networks says nothing. */
function requireSameNetwork([own, ...peers]: readonly Contestant[]): void {
  for (const { name, first } of peers) {
    // Sums in another order; bfloat16 keeps 8 bits of each product.
    const tolerance = [own.name, name].some((engine) => engine.includes('bfloat16')) ? 0.02 : 1e-4;
    for (const key of ['loss', 'gradientNorm'] as const) {
      if (Math.abs(first[key] / own.first[key] - 1) <= tolerance) continue;
      throw new Error(`${name} is another network: its first ${key} is ${first[key]}, ours ${own.first[key]}`);
    }
  }
}

function stepsText(count: number): string {
  return count === 1 ? '1 step' : `${count} steps`;
}

async function ours(runtime: Runtime, step: StepUnderTest, threads: number, atOnce: number): Promise<Contestant> {
  const program = await compileStep(runtime, step, threads, atOnce);
  await program.run();
  return {
    name: `nextgait, ${runtime.description}, ${step.config.train.precision}, ${stepsText(atOnce)} a call`,
    peer: false,
    first: { loss: program.results.loss[0], gradientNorm: program.results.gradientNorm[0] },
    run: async (steps) => {
      const durations_ms: number[] = [];
      const before = process.cpuUsage();
      for (let left = steps; left > 0; left -= atOnce) {
        const runs = Math.min(left, atOnce);
        const start = performance.now();
        await program.run(runs);
        durations_ms.push((performance.now() - start) / runs);
      }
      if (!Number.isFinite(program.results.loss[0])) throw new Error('the loss is not finite');
      const { user, system } = process.cpuUsage(before);
      return { durations_ms, cost_ms: (user + system) / 1000 };
    },
    close: () => program.dispose(),
  };
}

async function torch(folder: string, threads: number, mode: Mode, device: Device): Promise<Contestant | undefined> {
  const where = device === 'cuda' ? 'cuda' : 'cpu';
  const peer: Peer | undefined = await startPeer('transformer_step.py', [folder, String(threads), mode, where]);
  if (peer === undefined) return undefined;
  const { version, ...first } = JSON.parse(peer.greeting) as First & { readonly version: string };
  return {
    name: `PyTorch ${version}, ${MODES[mode]}`,
    peer: true,
    first,
    run: async (steps) => JSON.parse(await peer.ask(String(steps))) as Timing,
    close: async () => peer.close(),
  };
}
