// Several runs of a graph in one call of ONNX Runtime: its operator Scan, whose body is the graph.
//
// Scan hands the state from one run to the next where it lies, so that a device that keeps no tensors between calls (CUDA,
// in onnxruntime-node) copies it once a call and not once a run. What is fed and what results has a leading axis, the run.

import type { Graph } from '../graph/graph.js';
import type { Binding } from './binding.js';
import { encodeGraph, lowerGraph, type OnnxModelOptions } from './onnx-model.js';
import type { OnnxGraph, OnnxPort } from './onnx-schema.js';

/** Name of the leading axis; each call chooses its extent. */
const RUNS = 'runs';

/** Names of the body must not be those of the graph around it. */
const inner = (name: string) => `each.${name}`;

/**
 * The `.onnx` file that runs `graph` as often as the leading axis of its feeds says: inputs the feeds [runs, ...] and the
 * state, outputs the results [runs, ...] and the state after the last run, under the names of the graph.
 */
export function encodeScanModel(
  graph: Graph,
  { feeds, state, results }: Binding,
  options: OnnxModelOptions,
): Uint8Array {
  const moving = state.filter(({ nextName }) => nextName !== undefined);
  const nextNames = moving.map(({ nextName }) => nextName as string);
  const [feedNames, stateNames, resultNames] = [feeds, moving, results].map((all) => all.map(({ name }) => name));
  const renamed = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, inner(name)]));
  const body = lowerGraph(graph, {
    ...options,
    inputNames: renamed([...stateNames, ...feedNames]),
    outputNames: renamed([...nextNames, ...resultNames]),
  });
  // Scan counts by position: state first, then what has an axis of runs.
  const ports = new Map([...body.inputs, ...body.outputs].map((port) => [port.name, port]));
  const inOrder = (names: readonly string[]) => names.map((name) => ports.get(inner(name)) as OnnxPort);
  const each: OnnxGraph = {
    ...body,
    inputs: inOrder([...stateNames, ...feedNames]),
    outputs: inOrder([...nextNames, ...resultNames]),
  };
  const outside = (names: readonly string[], leading: readonly string[]) =>
    inOrder(names).map(({ shape }, at) => ({ name: names[at], shape: [...leading, ...shape] }));
  const inputs = [...outside(stateNames, []), ...outside(feedNames, [RUNS])];
  const outputs = [...outside(nextNames, []), ...outside(resultNames, [RUNS])];
  const scan = {
    type: 'Scan',
    domain: '',
    inputs: inputs.map(({ name }) => name),
    outputs: outputs.map(({ name }) => name),
    attributes: { body: { graph: each }, num_scan_inputs: { int: feedNames.length } },
  };
  return encodeGraph({ nodes: [scan], initializers: [], inputs, outputs }, options);
}
