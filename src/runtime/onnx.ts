// The ONNX runtime: a graph is written as an ONNX model in memory and run by ONNX Runtime.
//
// State that moves is carried on as onnx-state.ts says: on WebGPU it stays on the device; elsewhere in place on Node, and by
// return on onnxruntime-web, which does not write into tensors that it is given (it hands them back as they were). State
// that has no next value is written into the model as constants, which ONNX Runtime folds and packs in advance; replacing
// it makes a new session. Several runs a call are one Scan where the state is carried in place (onnx-scan.ts), and one after
// another elsewhere.

import { type FloatArray, sizeOf } from '../base/arrays.js';
import type { Graph, Value } from '../graph/graph.js';
import { bindProgram, type NamedValue, oneAtATime, requireFloat32, requireState, type StateValue } from './binding.js';
import { encodeOnnxModel } from './onnx-model.js';
import type { Bfloat16Products } from './onnx-precision.js';
import { encodeScanModel } from './onnx-scan.js';
import { keepOnDevice, type MovingState, stepByReturn, stepInPlace, stepOnDevice } from './onnx-state.js';
import { refuseMore, runOneByOne } from './runs-per-call.js';
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
  const engine: Engine = { writesIntoOutputs: versionsOf(ort).node !== undefined, ...options, ort };
  return {
    name: 'onnx',
    description: options.description ?? describe(ort),
    bestRunsPerCall: scans(engine) ? BEST_RUNS_PER_CALL : 1,
    bfloat16: bfloat16Of(engine),
    compile: (graph, programOptions) => compileOnnx(engine, graph, programOptions),
  };
}

/**
 * onnxruntime-node returns a copy of every output, one that was given to it as well: of the training state some 15 MB a
 * call for `base` (1.30). On CUDA the state also crosses to the device and back.
 */
const BEST_RUNS_PER_CALL = 10;

/** CUDA multiplies bfloat16; the CPU rounds to it; WebGPU and onnxruntime-web do not know it. */
function bfloat16Of({ writesIntoOutputs, session = {} }: Engine): Bfloat16Products | undefined {
  if (runsOn('cuda', session)) return 'native';
  return writesIntoOutputs && !runsOn('webgpu', session) ? 'rounded' : undefined;
}

/** Whether several runs are one call of the engine. */
function scans({ writesIntoOutputs, session = {} }: Engine): boolean {
  return writesIntoOutputs && !runsOn('webgpu', session);
}

function runsOn(device: string, { executionProviders = [] }: SessionOptions): boolean {
  return executionProviders.some((provider) => (typeof provider === 'string' ? provider : provider.name) === device);
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
  readonly writesIntoOutputs: boolean;
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
  const bfloat16 = bfloat16Of(engine);
  if (bfloat16 === undefined) requireFloat32('this device of ONNX Runtime', options);
  const webgpu = runsOn('webgpu', engine.session ?? {});
  const staysOnDevice = webgpu && moving.length > 0;
  const { runsPerCall = 1 } = options;
  if (runsPerCall > 1 && (!scans(engine) || moving.length === 0)) {
    return runOneByOne(await compileOnnx(engine, graph, { ...options, runsPerCall: 1 }), runsPerCall);
  }
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
  const modelOptions = {
    constantsFromState: fixed,
    // ONNX Runtime's own operators (FusedMatMul) are not among those of its WebGPU provider: they would run on the CPU.
    contrib: !webgpu,
    ...(options.products === 'bfloat16' ? { bfloat16 } : {}),
  };
  const createSession = (): Promise<OrtSession> =>
    open(
      runsPerCall > 1 ? encodeScanModel(graph, binding, modelOptions) : encodeOnnxModel(graph, modelOptions),
      staysOnDevice
        ? keepOnDevice(
            moving,
            binding.results.map(({ name }) => name),
          )
        : {},
    );
  let session = await createSession();

  const buffers = (items: readonly NamedValue[]) =>
    mapped(items, ({ value }) => new Float32Array(runsPerCall * sizeOf(value.shape)));
  const [feeds, results] = [buffers(binding.feeds), buffers(binding.results)];
  const callOf = (runs: number) => {
    const tensorOf = (buffer: Float32Array, { shape }: Value): OrtTensor => {
      const used = buffer.subarray(0, runs * sizeOf(shape));
      return new ort.Tensor('float32', used, runsPerCall > 1 ? [runs, ...shape] : shape);
    };
    return {
      feeds: mapped(binding.feeds, ({ name, value }) => tensorOf(feeds[name], value)),
      results: mapped(binding.results, ({ name, value }) => tensorOf(results[name], value)),
    };
  };
  const tensors = { ort, callOf, moving };
  const stepper = staysOnDevice
    ? await stepOnDevice(tensors, open)
    : engine.writesIntoOutputs
      ? stepInPlace(tensors)
      : stepByReturn(tensors);

  return {
    feeds,
    results,
    run: oneAtATime(refuseMore(runsPerCall, (runs) => stepper.step(session, runs))),
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
