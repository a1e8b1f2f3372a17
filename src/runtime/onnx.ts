// The ONNX runtime: a graph is written as an ONNX model in memory and run by ONNX Runtime, one call a step.
//
// On Node, state lives in two sets of preallocated tensors. A run reads one and writes the other, then they change
// places, so that nothing is copied or allocated. onnxruntime-web does not write into tensors that it is given (it hands
// them back as they were), so there the tensors that a run returns become the state. State that has no next value is
// written into the model as constants, which ONNX Runtime folds and packs in advance; replacing it makes a new session.

import { type FloatArray, sizeOf } from '../base/arrays.js';
import type { Graph } from '../graph/graph.js';
import { bindProgram, oneAtATime, requireState } from './binding.js';
import { encodeOnnxModel } from './onnx-model.js';
import type { Program, ProgramOptions, Runtime } from './runtime.js';

/** ONNX Runtime for JavaScript: onnxruntime-node, onnxruntime-web, or anything with the same two classes. */
export type OrtModule = Pick<typeof import('onnxruntime-node'), 'InferenceSession' | 'Tensor'>;
type OrtTensor = InstanceType<OrtModule['Tensor']>;
type OrtSession = Awaited<ReturnType<OrtModule['InferenceSession']['create']>>;
type SessionOptions = NonNullable<Parameters<OrtModule['InferenceSession']['create']>[1]>;

export interface OnnxRuntimeOptions {
  /** The engine; onnxruntime-node where absent. */
  readonly ort?: OrtModule;
  /** What the engine is, for people. */
  readonly description?: string;
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
  const binding = bindProgram(graph, options);
  const moving = binding.state.filter(({ next }) => next !== undefined);
  const fixed = Object.fromEntries(
    binding.state
      .filter(({ next }) => next === undefined)
      .map(({ name, initial }) => [name, Float32Array.from(initial)]),
  );
  const createSession = (): Promise<OrtSession> =>
    ort.InferenceSession.create(encodeOnnxModel(graph, { constantsFromState: fixed, contrib: true }), {
      // A step is written operator by operator as it runs fastest; ONNX Runtime's rewriting would join what is parted on
      // purpose. Constant state is another matter: folding and packing it in advance is worth much.
      graphOptimizationLevel: moving.length > 0 ? 'disabled' : 'all',
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
      ...engine.session,
    });
  let session = await createSession();

  const tensor = (shape: readonly number[], data = new Float32Array(sizeOf(shape))): OrtTensor =>
    new ort.Tensor('float32', data, shape);
  const tensors: ProgramTensors = {
    feeds: mapped(binding.feeds, ({ value }) => tensor(value.shape)),
    results: mapped(binding.results, ({ value }) => tensor(value.shape)),
    state: mapped(moving, ({ value, initial }) => tensor(value.shape, Float32Array.from(initial))),
    spare: engine.writesIntoOutputs ? mapped(moving, ({ value }) => tensor(value.shape)) : {},
    nextNames: Object.fromEntries(moving.map(({ name, nextName }) => [name, nextName!])),
  };
  const stepper = engine.writesIntoOutputs ? stepInPlace(tensors) : stepByReturn(tensors);

  return {
    feeds: mapTensors(tensors.feeds),
    results: mapTensors(tensors.results),
    run: oneAtATime(() => stepper.step(session)),
    readState: async () => {
      const state = { ...fixed, ...mapTensors(stepper.state()) };
      return Object.fromEntries(binding.state.map(({ name }) => [name, state[name].slice()]));
    },
    writeState: async (values: Readonly<Record<string, FloatArray>>) => {
      requireState(binding, values);
      const state = stepper.state();
      for (const { name } of moving) numbersOf(state[name]).set(values[name]);
      if (Object.keys(fixed).length === 0) return;
      for (const name of Object.keys(fixed)) fixed[name].set(values[name]);
      await session.release();
      session = await createSession();
    },
    dispose: () => session.release(),
  };
}

interface ProgramTensors {
  readonly feeds: Readonly<Record<string, OrtTensor>>;
  readonly results: Readonly<Record<string, OrtTensor>>;
  /** State before the first run, and a second set of the same shapes; by input name. */
  readonly state: Readonly<Record<string, OrtTensor>>;
  readonly spare: Readonly<Record<string, OrtTensor>>;
  /** Output that holds the next value of a state input, by input name. */
  readonly nextNames: Readonly<Record<string, string>>;
}

interface Stepper {
  step(session: OrtSession): Promise<void>;
  state(): Readonly<Record<string, OrtTensor>>;
}

/** The engine writes into our tensors. */
function stepInPlace({ feeds, results, state, spare, nextNames }: ProgramTensors): Stepper {
  const fetchesInto = (half: Readonly<Record<string, OrtTensor>>): Record<string, OrtTensor> => ({
    ...results,
    ...Object.fromEntries(Object.entries(nextNames).map(([name, nextName]) => [nextName, half[name]])),
  });
  const halves = [state, spare];
  const calls = [
    { feeds: { ...feeds, ...state }, fetches: fetchesInto(spare) },
    { feeds: { ...feeds, ...spare }, fetches: fetchesInto(state) },
  ];
  let current = 0;
  return {
    state: () => halves[current],
    step: async (session) => {
      const call = calls[current];
      await session.run(call.feeds, call.fetches);
      current = 1 - current;
    },
  };
}

/** The engine returns tensors of its own: results are copied, and the next state is kept. */
function stepByReturn({ feeds, results, state, nextNames }: ProgramTensors): Stepper {
  let current = state;
  return {
    state: () => current,
    step: async (session) => {
      const outputs = await session.run({ ...feeds, ...current });
      for (const [name, result] of Object.entries(results)) numbersOf(result).set(numbersOf(outputs[name]));
      current = Object.fromEntries(Object.entries(nextNames).map(([name, nextName]) => [name, outputs[nextName]]));
    },
  };
}

function numbersOf(tensor: OrtTensor): Float32Array {
  return tensor.data as Float32Array;
}

function mapTensors(tensors: Readonly<Record<string, OrtTensor>>): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, numbersOf(tensor)]));
}

function mapped<Item extends { readonly name: string }, Result>(
  items: readonly Item[],
  make: (item: Item) => Result,
): Record<string, Result> {
  return Object.fromEntries(items.map((item) => [item.name, make(item)]));
}
