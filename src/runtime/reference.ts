// The reference runtime: plain TypeScript in float64, one loop an operator. Slow, and the oracle of every engine test.
//
// It computes and keeps state in float64, so that finite differences are sharp; feeds and results are Float64Array.

import { type FloatArray, sizeOf } from '../base/arrays.js';
import type { Graph, NodeOf, OperatorName, Value } from '../graph/graph.js';
import { bindProgram, requireFloat32, requireState } from './binding.js';
import { type Kernel, REFERENCE_KERNELS } from './reference-kernels.js';
import { runOneByOne } from './runs-per-call.js';
import type { Program, ProgramOptions, Runtime } from './runtime.js';

export function referenceRuntime(): Runtime {
  return {
    name: 'reference',
    description: 'plain TypeScript, float64',
    compile: async (graph, options) => runOneByOne(compileReference(graph, options), options.runsPerCall),
  };
}

function compileReference(graph: Graph, options: ProgramOptions): Program {
  requireFloat32('the reference engine', options);
  const binding = bindProgram(graph, options);
  const buffers = new Map<number, Float64Array>();
  const allocate = (value: Value): Float64Array => {
    const buffer = new Float64Array(sizeOf(value.shape));
    buffers.set(value.id, buffer);
    return buffer;
  };
  const bufferOf = (value: Value) => buffers.get(value.id) as Float64Array;

  const feeds: Record<string, Float64Array> = {};
  for (const { name, value } of binding.feeds) feeds[name] = allocate(value);
  for (const { value, initial } of binding.state) allocate(value).set(initial);
  for (const { value, data } of graph.constants) allocate(value).set(data);
  for (const node of graph.nodes) for (const value of node.outputs) allocate(value);
  // Results and new state are copied out, because an output may be an input's own buffer.
  const results: Record<string, Float64Array> = {};
  for (const { name, value } of binding.results) results[name] = new Float64Array(sizeOf(value.shape));
  const updates = binding.state.flatMap(({ value, next }) =>
    next === undefined
      ? []
      : [{ from: bufferOf(next), to: bufferOf(value), held: new Float64Array(sizeOf(value.shape)) }],
  );
  const steps = graph.nodes.map((node) => kernelOf(node as NodeOf<OperatorName>, bufferOf));

  return {
    feeds,
    results,
    run: async () => {
      for (const step of steps) step();
      for (const { name, value } of binding.results) results[name].set(bufferOf(value));
      for (const update of updates) update.held.set(update.from);
      for (const update of updates) update.to.set(update.held);
    },
    readState: async () =>
      Object.fromEntries(binding.state.map(({ name, value }) => [name, Float32Array.from(bufferOf(value))])),
    writeState: async (values: Readonly<Record<string, FloatArray>>) => {
      requireState(binding, values);
      for (const { name, value } of binding.state) bufferOf(value).set(values[name]);
    },
    dispose: async () => buffers.clear(),
  };
}

function kernelOf<Name extends OperatorName>(node: NodeOf<Name>, bufferOf: (value: Value) => Float64Array): () => void {
  const kernel: Kernel<Name> = REFERENCE_KERNELS[node.operator];
  return kernel(node, node.inputs.map(bufferOf), node.outputs.map(bufferOf));
}
