// The ONNX runtime: a graph is written as an ONNX model in memory and run by ONNX Runtime, one call a step.
//
// State lives in two sets of preallocated tensors. A run reads one and writes the other, then they change places, so
// that nothing is copied or allocated. State that has no next value is written into the model as constants, which
// ONNX Runtime folds and packs in advance; replacing it makes a new session.

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
}

/** @throws where onnxruntime-node is asked for and cannot be loaded */
export async function onnxRuntime(options: OnnxRuntimeOptions = {}): Promise<Runtime> {
  const ort = options.ort ?? (await import('onnxruntime-node'));
  return {
    name: 'onnx',
    description: options.description ?? describe(ort),
    compile: (graph, programOptions) => compileOnnx(ort, graph, programOptions, options.session ?? {}),
  };
}

function describe(ort: OrtModule): string {
  const versions = (ort as { env?: { versions?: Record<string, string | undefined> } }).env?.versions;
  return `onnxruntime-node ${versions?.node ?? versions?.common ?? ''} (cpu)`;
}

async function compileOnnx(
  ort: OrtModule,
  graph: Graph,
  options: ProgramOptions,
  sessionOptions: SessionOptions,
): Promise<Program> {
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
      ...sessionOptions,
    });
  let session = await createSession();

  const tensor = (shape: readonly number[], data = new Float32Array(sizeOf(shape))): OrtTensor =>
    new ort.Tensor('float32', data, shape);
  const feeds = mapped(binding.feeds, ({ value }) => tensor(value.shape));
  const results = mapped(binding.results, ({ value }) => tensor(value.shape));
  const halves = [0, 1].map(() => mapped(moving, ({ value }) => tensor(value.shape)));
  for (const { name, initial } of moving) numbersOf(halves[0][name]).set(initial);
  const fetchesInto = (half: Record<string, OrtTensor>): Record<string, OrtTensor> => ({
    ...results,
    ...Object.fromEntries(moving.map(({ name, nextName }) => [nextName, half[name]])),
  });
  const calls = [
    { feeds: { ...feeds, ...halves[0] }, fetches: fetchesInto(halves[1]) },
    { feeds: { ...feeds, ...halves[1] }, fetches: fetchesInto(halves[0]) },
  ];
  let current = 0;

  return {
    feeds: mapTensors(feeds),
    results: mapTensors(results),
    run: oneAtATime(async () => {
      const call = calls[current];
      await session.run(call.feeds, call.fetches);
      current = 1 - current;
    }),
    readState: async () => {
      const state = { ...fixed, ...mapTensors(halves[current]) };
      return Object.fromEntries(binding.state.map(({ name }) => [name, state[name].slice()]));
    },
    writeState: async (values: Readonly<Record<string, FloatArray>>) => {
      requireState(binding, values);
      for (const { name } of moving) numbersOf(halves[current][name]).set(values[name]);
      if (Object.keys(fixed).length === 0) return;
      for (const name of Object.keys(fixed)) fixed[name].set(values[name]);
      await session.release();
      session = await createSession();
    },
    dispose: () => session.release(),
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
