// The engines under test beside the reference, and programs run on them with fixed random feeds.

import * as tf from '@tensorflow/tfjs';
import { Random } from '../../src/base/random.js';
import type { Graph } from '../../src/graph/graph.js';
import { type OrtModule, onnxRuntime } from '../../src/runtime/onnx.js';
import type { Program, ProgramOptions, Runtime } from '../../src/runtime/runtime.js';
import { tfjsRuntime } from '../../src/runtime/tfjs.js';

export { tf };

export const ENGINES: readonly { readonly name: string; readonly load: () => Promise<Runtime> }[] = [
  { name: 'onnx', load: () => onnxRuntime() },
  { name: 'onnx on onnxruntime-web', load: loadOnnxWeb },
  { name: 'tfjs', load: loadTfjsCpu },
];

/** The engine of a browser, WebAssembly on one thread, as Node can run it too. */
export async function loadOnnxWeb(): Promise<Runtime> {
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = 1;
  return onnxRuntime({ ort: ort as unknown as OrtModule });
}

/** TensorFlow.js on its plain JavaScript backend. */
export async function loadTfjsCpu(): Promise<Runtime> {
  await tf.setBackend('cpu');
  return tfjsRuntime({ module: tf, packageName: '@tensorflow/tfjs' });
}

/** Fills every feed from a seed, in the order of the graph's inputs, the same numbers on every engine. */
export function fillFeeds(program: Program, seed: number, from = -2, to = 2): void {
  for (const name of Object.keys(program.feeds)) {
    const random = new Random(seed).split(name);
    const feed = program.feeds[name];
    for (let at = 0; at < feed.length; at++) feed[at] = Math.fround(random.uniform(from, to));
  }
}

export async function withProgram<Result>(
  runtime: Runtime,
  graph: Graph,
  options: ProgramOptions,
  use: (program: Program) => Promise<Result>,
): Promise<Result> {
  const program = await runtime.compile(graph, options);
  try {
    return await use(program);
  } finally {
    await program.dispose();
  }
}
