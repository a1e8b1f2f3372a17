// Where the time of a training step goes, by ONNX Runtime's own profile: its operators on one thread.
//
// Of every node the median over the runs counts, so that a busy machine disturbs little. A product of a row of ones with a
// matrix is a sum in disguise (onnx-lowering.ts) and is not counted as a product.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnxRuntime } from '../src/runtime/onnx.js';
import { spreadOf } from './result.js';
import { compileStep, type StepUnderTest } from './training-step.js';

export interface OperatorShare {
  /** `Gemm` */
  readonly operator: string;
  readonly nodes: number;
  /** Of the time in operators. */
  readonly share: number;
}

export interface StepProfile {
  readonly nodes: number;
  readonly productShare: number;
  /** Largest first; sums as products stand as `Gemm of ones`. */
  readonly operators: readonly OperatorShare[];
}

/** An event of ONNX Runtime's profile. */
interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, number[]>>[];
  };
}

const PRODUCTS = new Set(['Gemm', 'MatMul', 'FusedMatMul']);
const RUNS = 8;

export async function profileStep(step: StepUnderTest): Promise<StepProfile> {
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-profile-'));
  try {
    const session = { enableProfiling: true, profileFilePrefix: join(folder, 'step') };
    const program = await compileStep(await onnxRuntime({ session }), step, 1);
    for (let run = 0; run < RUNS; run++) await program.run();
    await program.dispose();
    const [name] = await readdir(folder);
    return sharesOf(JSON.parse(await readFile(join(folder, name), 'utf8')) as ProfileEvent[]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export function sharesOf(events: readonly ProfileEvent[]): StepProfile {
  const nodes = new Map<string, { operator: string; durations: number[] }>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || args?.op_name === undefined || !name.endsWith('_kernel_time')) continue;
    const [shape] = Object.values(args.input_type_shape?.[0] ?? {});
    const isSum = args.op_name === 'Gemm' && shape?.[0] === 1;
    const node = nodes.get(name) ?? { operator: isSum ? 'Gemm of ones' : args.op_name, durations: [] };
    node.durations.push(dur);
    nodes.set(name, node);
  }
  const kinds = new Map<string, { nodes: number; time: number }>();
  let total = 0;
  for (const { operator, durations } of nodes.values()) {
    const { median } = spreadOf(durations);
    const kind = kinds.get(operator) ?? { nodes: 0, time: 0 };
    kinds.set(operator, { nodes: kind.nodes + 1, time: kind.time + median });
    total += median;
  }
  const operators = [...kinds]
    .map(([operator, { nodes, time }]) => ({ operator, nodes, share: time / total }))
    .sort((a, b) => b.share - a.share);
  const products = operators.filter(({ operator }) => PRODUCTS.has(operator));
  return {
    nodes: nodes.size,
    productShare: products.reduce((sum, { share }) => sum + share, 0),
    operators,
  };
}
