// The ONNX runtime: a graph is written as an ONNX model in memory and run by ONNX Runtime, one call a step.
//
// State that moves is carried on as onnx-state.ts says: in place on Node, except on WebGPU, where it stays on the device; by
// return on onnxruntime-web, which does not write into tensors that it is given (it hands them back as they were). State
// that has no next value is written into the model as constants, which ONNX Runtime folds and packs in advance; replacing
// it makes a new session.

import { type FloatArray, sizeOf } from '../base/arrays.js';
import type { Graph } from '../graph/graph.js';
import { bindProgram, type NamedValue, oneAtATime, requireState, type StateValue } from './binding.js';
import { encodeOnnxModel } from './onnx-model.js';
import { keepOnDevice, type MovingState, numbersOfAll, stepByReturn, stepInPlace, stepOnDevice } from './onnx-state.js';
import type { Program, ProgramOptions, Runtime } from './runtime.js';

/** ONNX Runtime for JavaScript: onnxruntime-node, onnxruntime-web, or anything with the same two classes. */
export type OrtModule = Pick<typeof import('onnxruntime-node'), 'InferenceSession' | 'Tensor'>;
export type OrtTensor = InstanceType<OrtModule['Tensor']>;
export type OrtSession = Awaited<ReturnType<OrtModule['InferenceSession']['create']>>;
export type SessionOptions = NonNullable<Parameters<OrtModule['InferenceSession']['create']>[1]>;

export interface OnnxRuntimeOptions {
  /** The engine; onnxruntime-node where absent. */
  readonly ort?: OrtModule;
  /** What the engine is, for people. */
  readonly description?: string;
  /** Threads of a program that asks for none; absent: the engine's own choice. */
  readonly threads?: number;
  /** ONNX Runtime session options that replace ours. */
  readonly session?: SessionOptions;
  /** Whether the engine writes outputs into tensors that it is given; absent: true for onnxruntime-node alone. */
  readonly writesIntoOutputs?: boolean;
}

/** @throws where onnxruntime-node is asked for and cannot be loaded */
export async function onnxRuntime(options: OnnxRuntimeOptions = {}): Promise<Runtime> {
  const ort = options.ort ?? (await import('onnxruntime-node'));
  return {
    name: 'onnx',
    description: options.description ?? describe(ort),
    compile: (graph, programOptions) =>
      compileOnnx({ ort, writesIntoOutputs: versionsOf(ort).node !== undefined, ...options }, graph, programOptions),
  };
}

/** ONNX Runtime's own operators (FusedMatMul) are not among those of its WebGPU provider: they would run on the CPU. */
function isWebgpu({ executionProviders = [] }: SessionOptions): boolean {
  return executionProviders.some((provider) => (typeof provider === 'string' ? provider : provider.name) === 'webgpu');
}

/** The session setting `session.intra_op.allow_spinning`. */
function spinning(spin: boolean): SessionOptions {
  return { extra: { session: { intra_op: { allow_spinning: spin ? '1' : '0' } } } };
}

function versionsOf(ort: OrtModule): Readonly<Record<string, string | undefined>> {
  return (ort as { env?: { versions?: Record<string, string | undefined> } }).env?.versions ?? {};
}

function describe(ort: OrtModule): string {
  const { node, web, common = '' } = versionsOf(ort);
  return web === undefined ? `onnxruntime-node ${node ?? common} (cpu)` : `onnxruntime-web ${web} (wasm)`;
}

interface Engine extends OnnxRuntimeOptions {
  readonly ort: OrtModule;
}

async function compileOnnx(engine: Engine, graph: Graph, options: ProgramOptions): Promise<Program> {
  const { ort } = engine;
  const threads = options.threads ?? engine.threads;
  const binding = bindProgram(graph, options);
  const moving = binding.state.filter((entry): entry is StateValue & MovingState => entry.nextName !== undefined);
  const fixed = Object.fromEntries(
    binding.state
      .filter(({ next }) => next === undefined)
      .map(({ name, initial }) => [name, Float32Array.from(initial)]),
  );
  const webgpu = isWebgpu(engine.session ?? {});
  const staysOnDevice = webgpu && engine.writesIntoOutputs === true && moving.length > 0;
  const open = (model: Uint8Array, keep: SessionOptions = {}): Promise<OrtSession> =>
    ort.InferenceSession.create(model, {
      // A step is written operator by operator as it runs fastest; ONNX Runtime's rewriting would join what is parted on
      // purpose. Constant state is another matter: folding and packing it in advance is worth much.
      graphOptimizationLevel: moving.length > 0 ? 'disabled' : 'all',
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...(options.spin === undefined ? {} : spinning(options.spin)),
      ...engine.session,
      ...keep,
    });
  const createSession = (): Promise<OrtSession> =>
    open(
      encodeOnnxModel(graph, { constantsFromState: fixed, contrib: !webgpu }),
      staysOnDevice
        ? keepOnDevice(
            moving,
            binding.results.map(({ name }) => name),
          )
        : {},
    );
  let session = await createSession();

  const empty = ({ value }: NamedValue): OrtTensor =>
    new ort.Tensor('float32', new Float32Array(sizeOf(value.shape)), value.shape);
  const tensors = { ort, feeds: mapped(binding.feeds, empty), results: mapped(binding.results, empty), moving };
  const stepper = staysOnDevice
    ? await stepOnDevice(tensors, open)
    : engine.writesIntoOutputs
      ? stepInPlace(tensors)
      : stepByReturn(tensors);

  return {
    feeds: numbersOfAll(tensors.feeds),
    results: numbersOfAll(tensors.results),
    run: oneAtATime(() => stepper.step(session)),
    readState: async () => {
      const state = { ...fixed, ...(await stepper.read()) };
      return Object.fromEntries(binding.state.map(({ name }) => [name, state[name].slice()]));
    },
    writeState: async (values: Readonly<Record<string, FloatArray>>) => {
      requireState(binding, values);
      stepper.write(values);
      if (Object.keys(fixed).length === 0) return;
      for (const name of Object.keys(fixed)) fixed[name].set(values[name]);
      await session.release();
      session = await createSession();
    },
    dispose: async () => {
      await stepper.dispose();
      await session.release();
    },
  };
}

function mapped<Item extends { readonly name: string }, Result>(
  items: readonly Item[],
  make: (item: Item) => Result,
): Record<string, Result> {
  return Object.fromEntries(items.map((item) => [item.name, make(item)]));
}
