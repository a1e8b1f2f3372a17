// Which engine runs, and why: the choice by name, or the best that this machine can load.
//
// `auto` prefers a GPU where TensorFlow.js has one, because installing that package is a decision somebody made; then
// ONNX Runtime on the CPU, the fastest CPU engine measured; then the slower ones. Every refusal keeps its reason.

import { DataError } from '../base/errors.js';
import { onnxRuntime } from './onnx.js';
import { referenceRuntime } from './reference.js';
import type { Runtime } from './runtime.js';
import { loadTfjs, TFJS_PACKAGES, type TfjsLoaded, tfjsRuntime } from './tfjs.js';

export const RUNTIME_NAMES = ['auto', 'onnx', 'tfjs', 'reference'] as const;
export type RuntimeName = (typeof RUNTIME_NAMES)[number];

/** One engine that could run here. */
export interface RuntimeCandidate {
  /** The name that chooses it. */
  readonly name: Exclude<RuntimeName, 'auto'>;
  /** What it is, for people: `@tensorflow/tfjs-node-gpu on a GPU`. */
  readonly engine: string;
  /** @throws where it cannot run here; the message is the reason shown */
  readonly load: () => Promise<Runtime>;
}

export interface RuntimeRefusal {
  readonly name: string;
  readonly engine: string;
  readonly reason: string;
}

export interface RuntimeChoice {
  readonly runtime: Runtime;
  /** Why this engine, one sentence. */
  readonly reason: string;
  /** Better engines that were tried before it, in order, and why each does not run here. */
  readonly refused: readonly RuntimeRefusal[];
}

/** The engines of this machine's Node.js, best first. */
export function nodeCandidates(): RuntimeCandidate[] {
  const [gpu, ...others] = TFJS_PACKAGES;
  return [
    { name: 'tfjs', engine: `${gpu} on a GPU`, load: async () => tfjsRuntime(requireGpu(await loadTfjs(gpu))) },
    { name: 'onnx', engine: 'onnxruntime-node on the CPU', load: () => onnxRuntime() },
    ...others.map((packageName) => ({
      name: 'tfjs' as const,
      engine: packageName,
      load: async () => tfjsRuntime(await loadTfjs(packageName)),
    })),
    { name: 'reference', engine: 'plain TypeScript', load: async () => referenceRuntime() },
  ];
}

/**
 * Loads the engine called `name`, or with `auto` the first candidate that loads.
 * @throws DataError with every reason where none does
 */
export async function chooseRuntime(
  name: RuntimeName,
  candidates: readonly RuntimeCandidate[] = nodeCandidates(),
): Promise<RuntimeChoice> {
  const eligible = name === 'auto' ? candidates : candidates.filter((candidate) => candidate.name === name);
  const refused: RuntimeRefusal[] = [];
  for (const candidate of eligible) {
    try {
      const runtime = await candidate.load();
      const reason = name === 'auto' ? 'the best engine that runs here' : `asked for as "${name}"`;
      return { runtime, reason, refused };
    } catch (error) {
      refused.push({ name: candidate.name, engine: candidate.engine, reason: firstLine(error) });
    }
  }
  throw new DataError({
    where: `runtime ${name}`,
    what: 'no engine runs here',
    found: refused.map(({ engine, reason }) => `${engine}: ${reason}`).join('; '),
    fix: 'Install onnxruntime-node, or choose the slow engine with --runtime reference',
  });
}

/** tfjs-node-gpu falls back to the CPU without a word; then onnxruntime-node is the better engine. */
function requireGpu(loaded: TfjsLoaded): TfjsLoaded {
  const backend = loaded.module.backend() as { readonly isUsingGpuDevice?: boolean };
  if (backend.isUsingGpuDevice === true) return loaded;
  throw new Error('is installed, but found no GPU that its CUDA libraries can use');
}

function firstLine(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0] : String(error);
}
