// Which engine runs, on which device, and why: the choice by name, or the best that this machine can load.
//
// `auto` prefers a CUDA GPU, then ONNX Runtime on the CPU, the fastest CPU engine measured; then the slower ones. WebGPU
// is for those who ask for it: on an integrated or an emulated GPU it may well be slower than the CPU. Every refusal keeps
// its reason, and the command that would mend it where there is one.

import { DataError, isUserError } from '../base/errors.js';
import { type Device, type DeviceName, onnxOn } from './onnx-device.js';
import { referenceRuntime } from './reference.js';
import type { Runtime } from './runtime.js';
import { loadTfjs, TFJS_PACKAGES, type TfjsLoaded, tfjsRuntime } from './tfjs.js';

export const RUNTIME_NAMES = ['auto', 'onnx', 'tfjs', 'reference'] as const;
export type RuntimeName = (typeof RUNTIME_NAMES)[number];

/** One engine that could run here. */
export interface RuntimeCandidate {
  /** The name that chooses it. */
  readonly name: Exclude<RuntimeName, 'auto'>;
  readonly device: Device;
  /** What it is, for people: `@tensorflow/tfjs-node-gpu on a GPU`. */
  readonly engine: string;
  /** Why `auto` passes it by, where it does. */
  readonly passedBy?: string;
  /** @throws where it cannot run here; the message is the reason shown */
  readonly load: () => Promise<Runtime>;
}

export interface RuntimeRefusal {
  readonly name: string;
  readonly engine: string;
  readonly reason: string;
  /** Command, or what else to do, that would mend it. */
  readonly install?: string;
}

export interface RuntimeChoice {
  readonly runtime: Runtime;
  /** Why this engine, one sentence. */
  readonly reason: string;
  /** Better engines that were tried before it, in order, and why each does not run here. */
  readonly refused: readonly RuntimeRefusal[];
}

export interface ChooseOptions {
  readonly device?: DeviceName;
  readonly candidates?: readonly RuntimeCandidate[];
}

/** The engines of this machine's Node.js, best first. */
export function nodeCandidates(): RuntimeCandidate[] {
  const [gpu, ...others] = TFJS_PACKAGES;
  const onnx = (device: Device, engine: string, passedBy?: string): RuntimeCandidate => ({
    name: 'onnx',
    device,
    engine,
    passedBy,
    load: () => onnxOn(device),
  });
  return [
    onnx('cuda', 'onnxruntime-node on a CUDA GPU'),
    {
      name: 'tfjs',
      device: 'cuda',
      engine: `${gpu} on a GPU`,
      load: async () => tfjsRuntime(requireGpu(await loadTfjs(gpu))),
    },
    onnx(
      'webgpu',
      'onnxruntime-node on WebGPU',
      'not known to be faster than the CPU: ask for it with --device webgpu',
    ),
    onnx('cpu', 'onnxruntime-node on the CPU'),
    ...others.map(
      (packageName): RuntimeCandidate => ({
        name: 'tfjs',
        device: 'cpu',
        engine: packageName,
        load: async () => tfjsRuntime(await loadTfjs(packageName)),
      }),
    ),
    { name: 'reference', device: 'cpu', engine: 'plain TypeScript', load: async () => referenceRuntime() },
  ];
}

/**
 * Loads the engine called `name` on `device`, or with `auto` the first candidate that loads.
 * @throws DataError with every reason where none does
 */
export async function chooseRuntime(name: RuntimeName, options: ChooseOptions = {}): Promise<RuntimeChoice> {
  const { device = 'auto', candidates = nodeCandidates() } = options;
  const eligible = candidates.filter(
    (candidate) => (name === 'auto' || candidate.name === name) && (device === 'auto' || candidate.device === device),
  );
  const asked = [...(name === 'auto' ? [] : [name]), ...(device === 'auto' ? [] : [device])].map((word) => `"${word}"`);
  const refused: RuntimeRefusal[] = [];
  for (const candidate of eligible) {
    const { engine, passedBy } = candidate;
    if (passedBy !== undefined && device === 'auto') {
      refused.push({ name: candidate.name, engine, reason: passedBy });
      continue;
    }
    try {
      const runtime = await candidate.load();
      const reason = asked.length === 0 ? 'the best engine that runs here' : `asked for as ${asked.join(' on ')}`;
      return { runtime, reason, refused };
    } catch (error) {
      refused.push(refusalOf(candidate, error));
    }
  }
  throw new DataError({
    where: asked.length === 0 ? 'engine' : `engine ${asked.join(' on ')}`,
    what: 'no engine runs here',
    found: refused.map(({ engine, reason }) => `${engine}: ${reason}`).join('; ') || 'none of that name and device',
    fix: fixOf(name, device, refused),
  });
}

/** On the CPU the last package of TensorFlow.js is the one that runs anywhere; a GPU's engines are best first. */
function fixOf(name: RuntimeName, device: DeviceName, refused: readonly RuntimeRefusal[]): string {
  const installs = refused.flatMap(({ install }) => install ?? []);
  if (device !== 'auto' && device !== 'cpu') {
    return `${installs[0] ?? 'Use --device cpu'}; nextgait doctor shows every engine`;
  }
  const last = installs.at(-1);
  if (name === 'tfjs' && last !== undefined) return `${last}, or leave --runtime out`;
  return 'Install onnxruntime-node, or choose the slow engine with --runtime reference';
}

/** The better engines that do not run here, for people: what each lacks, and the command that brings it. */
export function describeRefusals(refused: readonly RuntimeRefusal[]): string {
  return refused
    .map(({ engine, reason, install }) => `not ${engine}: ${reason}${install === undefined ? '' : ` (${install})`}`)
    .join('; ');
}

/** Every candidate, tried: the runtime where it loads, the refusal where not. */
export async function surveyRuntimes(
  candidates: readonly RuntimeCandidate[] = nodeCandidates(),
): Promise<readonly (RuntimeCandidate & ({ readonly runtime: Runtime } | { readonly refusal: RuntimeRefusal }))[]> {
  const survey = [];
  for (const candidate of candidates) {
    try {
      survey.push({ ...candidate, runtime: await candidate.load() });
    } catch (error) {
      survey.push({ ...candidate, refusal: refusalOf(candidate, error) });
    }
  }
  return survey;
}

/** tfjs-node-gpu falls back to the CPU without a word; then onnxruntime-node is the better engine. */
function requireGpu(loaded: TfjsLoaded): TfjsLoaded {
  const backend = loaded.module.backend() as { readonly isUsingGpuDevice?: boolean };
  if (backend.isUsingGpuDevice === true) return loaded;
  throw new DataError({
    where: loaded.packageName,
    what: 'is installed, but found no GPU that its CUDA libraries can use',
    fix: 'Install CUDA 11.2 and cuDNN 8.1',
  });
}

function refusalOf({ name, engine }: RuntimeCandidate, error: unknown): RuntimeRefusal {
  if (isUserError(error) && 'detail' in error) {
    const { what, found, fix } = error.detail;
    return { name, engine, reason: found === undefined ? what : `${what}: ${found}`, install: fix };
  }
  return { name, engine, reason: error instanceof Error ? error.message.split('\n')[0] : String(error) };
}
