// The TensorFlow.js runtime: the same graph, run node by node. Every tensor is disposed after its last use.
//
// The module is an optional peer. `@tensorflow/tfjs-node-gpu` is tried first, then `@tensorflow/tfjs-node`, then
// `@tensorflow/tfjs`, which runs anywhere and is slow. State stays in tensors of the backend between runs.

import type * as tfjs from '@tensorflow/tfjs';
import { type FloatArray, sizeOf } from '../base/arrays.js';
import { DataError } from '../base/errors.js';
import type { Graph, NodeOf, OperatorName, Value } from '../graph/graph.js';
import { bindProgram, oneAtATime, requireFloat32, requireState } from './binding.js';
import { runOneByOne } from './runs-per-call.js';
import type { Program, ProgramOptions, Runtime } from './runtime.js';
import { TFJS_KERNELS, type TfjsKernel } from './tfjs-kernels.js';

export type TfjsModule = typeof tfjs;

/** Package names in the order in which they are tried. */
export const TFJS_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node', '@tensorflow/tfjs'] as const;

export interface TfjsLoaded {
  readonly module: TfjsModule;
  readonly packageName: string;
}

/** Imports one of the packages. @throws DataError where it is absent or broken, with what would mend it */
export async function loadTfjs(packageName: string): Promise<TfjsLoaded> {
  try {
    const imported = (await import(packageName)) as TfjsModule & { readonly default?: TfjsModule };
    const module = imported.default ?? imported;
    // Without it the first operation greets on stderr.
    module.enableProdMode();
    await module.ready();
    requireProduct(module);
    return { module, packageName };
  } catch (error) {
    throw explainTfjsFailure(packageName, error, process.version);
  }
}

/** On a Node.js that is too new the native packages load, and fail at their first operation. */
function requireProduct(module: TfjsModule): void {
  const [product] = module.tidy(() => module.matMul(module.tensor2d([[2]]), module.tensor2d([[3]])).dataSync());
  if (product !== 6) throw new Error(`computes 2 times 3 as ${product}`);
}

/** The ways in which these packages are known to fail, in words; any other error keeps its own. */
export function explainTfjsFailure(packageName: string, error: unknown, nodeVersion: string): DataError {
  const message = error instanceof Error ? error.message.split('\n')[0] : String(error);
  const [what, fix] = tfjsFailure(packageName, message, Number.parseInt(nodeVersion.slice(1), 10));
  return new DataError({ where: packageName, what, fix }, { cause: error });
}

/** The newest major version of Node.js that has what the node packages of TensorFlow.js 4 call (util.isNullOrUndefined). */
const LAST_NODE = 22;

function tfjsFailure(packageName: string, message: string, node: number): [what: string, fix: string] {
  const install = `npm install ${packageName}`;
  // The C library of the system comes first: a rebuilt package would need it as well.
  if (/GLIBC(XX)?_[\d.]+' not found/.test(message)) {
    return [`needs a newer system: ${message}`, 'Use a newer distribution, or onnxruntime-node'];
  }
  if (/tfjs_binding|node-pre-gyp|libtensorflow/.test(message)) {
    return ['is installed without its native library', `npm rebuild ${packageName} --ignore-scripts=false`];
  }
  if (message.includes(`'${packageName}'`) && /^Cannot find (package|module)/.test(message)) {
    const needsOlder = node > LAST_NODE && packageName.includes('tfjs-node');
    return ['is not installed', needsOlder ? `${install} (on Node ${LAST_NODE} or older)` : install];
  }
  if (/is not a function/.test(message) && node > LAST_NODE) {
    return [`does not run on Node ${node}: ${message}`, `Use Node ${LAST_NODE} or older, or onnxruntime-node`];
  }
  if (/libcud|libcublas|CUDA/i.test(message)) return [`finds no CUDA: ${message}`, 'Install CUDA 11.2 and cuDNN 8.1'];
  return [message, install];
}

/** @throws DataError where no module is given and none of the packages can be loaded */
export async function tfjsRuntime(loaded?: TfjsLoaded): Promise<Runtime> {
  const { module: tf, packageName } = loaded ?? (await loadFirst());
  return {
    name: 'tfjs',
    description: `${packageName} ${tf.version_core} (${tf.getBackend()})`,
    compile: async (graph, options) => runOneByOne(compileTfjs(tf, graph, options), options.runsPerCall),
  };
}

async function loadFirst(): Promise<TfjsLoaded> {
  const refusals: string[] = [];
  for (const packageName of TFJS_PACKAGES) {
    try {
      return await loadTfjs(packageName);
    } catch (error) {
      refusals.push((error as Error).message);
    }
  }
  throw new DataError({
    where: 'runtime tfjs',
    what: 'no TensorFlow.js package can be loaded',
    found: refusals.join('; '),
    fix: 'Install one of them, for example: npm install @tensorflow/tfjs',
  });
}

function compileTfjs(tf: TfjsModule, graph: Graph, options: ProgramOptions): Program {
  requireFloat32('TensorFlow.js', options);
  const binding = bindProgram(graph, options);
  const create = (value: Value, data: FloatArray): tfjs.Tensor =>
    tf.keep(tf.tensor(Float32Array.from(data), [...value.shape], 'float32'));
  const constants = new Map(graph.constants.map(({ value, data }) => [value.id, create(value, data)]));
  const state = new Map(binding.state.map(({ value, initial }) => [value.id, create(value, initial)]));
  const buffers = (items: typeof binding.feeds) =>
    Object.fromEntries(items.map(({ name, value }) => [name, new Float32Array(sizeOf(value.shape))]));
  const feeds = buffers(binding.feeds);
  const results = buffers(binding.results);
  const lasting = new Set([...constants.keys(), ...state.keys(), ...Object.values(graph.outputs).map(({ id }) => id)]);
  const garbage = lastUses(graph, lasting);

  const evaluate = (): Map<number, tfjs.Tensor> => {
    const tensors = new Map([...constants, ...state]);
    for (const { name, value } of binding.feeds)
      tensors.set(value.id, tf.tensor(feeds[name].slice(), [...value.shape]));
    for (const [index, node] of graph.nodes.entries()) {
      const inputs = node.inputs.map(({ id }) => tensors.get(id) as tfjs.Tensor);
      const outputs = tf.tidy(() => runKernel(tf, node as NodeOf<OperatorName>, inputs));
      for (const [at, { id }] of node.outputs.entries()) tensors.set(id, outputs[at]);
      for (const id of garbage[index]) {
        tensors.get(id)?.dispose();
        tensors.delete(id);
      }
    }
    return tensors;
  };

  return {
    feeds,
    results,
    run: oneAtATime(async () => {
      const tensors = evaluate();
      for (const { name, value } of binding.results) {
        results[name].set(await (tensors.get(value.id) as tfjs.Tensor).data<'float32'>());
      }
      const next = binding.state.flatMap(({ value, next }) =>
        next === undefined ? [] : [[value.id, tf.keep((tensors.get(next.id) as tfjs.Tensor).clone())] as const],
      );
      for (const [id, tensor] of tensors) if (!constants.has(id) && !state.has(id)) tensor.dispose();
      for (const [id, tensor] of next) {
        state.get(id)?.dispose();
        state.set(id, tensor);
      }
    }),
    readState: async () => {
      const values: Record<string, Float32Array> = {};
      for (const { name, value } of binding.state) {
        values[name] = Float32Array.from(await (state.get(value.id) as tfjs.Tensor).data<'float32'>());
      }
      return values;
    },
    writeState: async (values: Readonly<Record<string, FloatArray>>) => {
      requireState(binding, values);
      for (const { name, value } of binding.state) {
        state.get(value.id)?.dispose();
        state.set(value.id, create(value, values[name]));
      }
    },
    dispose: async () => {
      for (const tensor of [...constants.values(), ...state.values()]) tensor.dispose();
    },
  };
}

function runKernel<Name extends OperatorName>(
  tf: TfjsModule,
  node: NodeOf<Name>,
  inputs: readonly tfjs.Tensor[],
): tfjs.Tensor[] {
  const kernel: TfjsKernel<Name> = TFJS_KERNELS[node.operator];
  const made = kernel(tf, inputs, node);
  return Array.isArray(made) ? made : [made];
}

/** For each node, the ids whose tensors nothing needs after it. */
function lastUses(graph: Graph, lasting: ReadonlySet<number>): number[][] {
  const seen = new Set(lasting);
  const garbage: number[][] = [];
  for (const node of graph.nodes.toReversed()) {
    const done = [...node.inputs, ...node.outputs].map(({ id }) => id).filter((id) => !seen.has(id));
    for (const id of done) seen.add(id);
    garbage.push([...new Set(done)]);
  }
  return garbage.reverse();
}
