// A graph as the topology of a TensorFlow.js graph model: TensorFlow's GraphDef as JSON.
//
// tf.loadGraphModel() runs it with TensorFlow.js alone. Weights and constants are `Const` nodes, whose numbers stand in
// the weights manifest under the node's name.

import { type FloatArray, sizeOf } from '../base/arrays.js';
import type { Graph, NodeOf, OperatorName, Value } from '../graph/graph.js';

export interface TfjsWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

interface TfNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr: Readonly<Record<string, object>>;
}

export interface TfjsTopology {
  readonly modelTopology: object;
  readonly signature: object;
  readonly weights: readonly TfjsWeight[];
}

const FLOAT = { type: 'DT_FLOAT' };
const dimensions = (shape: readonly number[]) => ({ dim: shape.map((extent) => ({ size: String(extent) })) });

/** @param state values of the graph's inputs that are weights, by input name; the other inputs are placeholders */
export function tfjsTopology(graph: Graph, state: Readonly<Record<string, FloatArray>>): TfjsTopology {
  const writer = new TopologyWriter();
  const inputs: [string, Value][] = [];
  for (const [name, value] of Object.entries(graph.inputs)) {
    writer.names.set(value.id, name);
    if (state[name] !== undefined) writer.weight(name, value.shape, Float32Array.from(state[name]));
    else {
      writer.node(name, 'Placeholder', [], { dtype: FLOAT, shape: { shape: dimensions(value.shape) } });
      inputs.push([name, value]);
    }
  }
  for (const { value, data } of graph.constants) {
    writer.names.set(value.id, writer.weight(`constant_${value.id}`, value.shape, Float32Array.from(data)));
  }
  for (const node of graph.nodes as readonly NodeOf<OperatorName>[]) writeNode(writer, node);
  const outputs = Object.entries(graph.outputs);
  for (const [name, value] of outputs) writer.node(name, 'Identity', [writer.nameOf(value)]);
  const ports = (named: readonly [string, Value][]) =>
    Object.fromEntries(
      named.map(([name, { shape }]) => [
        name,
        { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: dimensions(shape) },
      ]),
    );
  return {
    modelTopology: { node: writer.nodes, library: {}, versions: { producer: 1 } },
    signature: { inputs: ports(inputs), outputs: ports(outputs) },
    weights: writer.weights,
  };
}

class TopologyWriter {
  readonly nodes: TfNode[] = [];
  readonly weights: TfjsWeight[] = [];
  readonly names = new Map<number, string>();
  #next = 0;

  nameOf(value: Value): string {
    const known = this.names.get(value.id);
    if (known !== undefined) return known;
    const name = `value_${value.id}`;
    this.names.set(value.id, name);
    return name;
  }

  /** Adds a node and returns its name. */
  node(name: string, op: string, input: readonly string[], attr: TfNode['attr'] = { T: FLOAT }): string {
    this.nodes.push({ name, op, ...(input.length === 0 ? {} : { input }), attr });
    return name;
  }

  /** A node for a step inside an operator. */
  step(op: string, input: readonly string[], attr?: TfNode['attr']): string {
    return this.node(`step_${this.#next++}`, op, input, attr);
  }

  weight(name: string, shape: readonly number[], data: TfjsWeight['data']): string {
    const dtype = data instanceof Int32Array ? 'DT_INT32' : 'DT_FLOAT';
    this.weights.push({ name, shape, data });
    return this.node(name, 'Const', [], {
      dtype: { type: dtype },
      value: { tensor: { dtype, tensorShape: dimensions(shape) } },
    });
  }

  floats(...numbers: readonly number[]): string {
    return this.weight(`number_${this.#next++}`, [], Float32Array.from(numbers));
  }

  integers(numbers: readonly number[]): string {
    return this.weight(`integers_${this.#next++}`, [numbers.length], Int32Array.from(numbers));
  }
}

type Write<Name extends OperatorName> = (
  to: TopologyWriter,
  node: NodeOf<Name>,
  inputs: readonly string[],
  outputs: readonly string[],
) => void;

function writeNode<Name extends OperatorName>(to: TopologyWriter, node: NodeOf<Name>): void {
  const write: Write<Name> = WRITERS[node.operator];
  write(
    to,
    node,
    node.inputs.map((value) => to.nameOf(value)),
    node.outputs.map((value) => to.nameOf(value)),
  );
}

const WRITERS: { readonly [Name in OperatorName]: Write<Name> } = {
  add: plain('AddV2'),
  subtract: plain('Sub'),
  multiply: plain('Mul'),
  divide: plain('RealDiv'),
  maximum: plain('Maximum'),
  minimum: plain('Minimum'),
  greater: (to, _, inputs, [y]) => asFloat(to, to.step('Greater', inputs), y),
  negate: plain('Neg'),
  square: plain('Square'),
  sqrt: plain('Sqrt'),
  exp: plain('Exp'),
  log: plain('Log'),
  tanh: plain('Tanh'),
  relu: plain('Relu'),
  gelu: (to, _, [x], [y]) => {
    const cube = to.step('Mul', [to.step('Square', [x]), x]);
    const inner = to.step('AddV2', [x, to.step('Mul', [cube, to.floats(0.044715)])]);
    const curve = to.step('Tanh', [to.step('Mul', [inner, to.floats(Math.sqrt(2 / Math.PI))])]);
    to.node(y, 'Mul', [to.step('Mul', [x, to.floats(0.5)]), to.step('AddV2', [curve, to.floats(1)])]);
  },
  sigmoid: plain('Sigmoid'),
  reluGradient: (to, _, [y, gradient], [out]) => to.node(out, 'Mul', [gradient, to.step('Sign', [y])]),
  select: (to, _, [condition, whenTrue, whenFalse], [y]) => {
    const boolean = to.step('Greater', [condition, to.floats(0.5)]);
    to.node(y, 'SelectV2', [boolean, whenTrue, whenFalse]);
  },
  matmul: (to, { attributes }, inputs, [y]) => {
    const flags = { T: FLOAT, adj_x: { b: attributes.transposeA }, adj_y: { b: attributes.transposeB } };
    if (attributes.scale === 1) to.node(y, 'BatchMatMulV2', inputs, flags);
    else to.node(y, 'Mul', [to.step('BatchMatMulV2', inputs, flags), to.floats(attributes.scale)]);
  },
  linear: (to, _, [x, weight, bias], [y]) => {
    const flags = { T: FLOAT, transpose_a: { b: false }, transpose_b: { b: false } };
    if (bias === undefined) to.node(y, 'MatMul', [x, weight], flags);
    else to.node(y, 'AddV2', [to.step('MatMul', [x, weight], flags), bias]);
  },
  softmax: (to, node, [x], [y]) => {
    if (!node.attributes.causal) {
      to.node(y, 'Softmax', [x]);
      return;
    }
    const width = node.inputs[0].shape.at(-1) as number;
    const mask = new Float32Array(width * width);
    for (let query = 0; query < width; query++) mask.fill(-1e9, query * width + query + 1, (query + 1) * width);
    const name = `causal_${width}`;
    if (!to.weights.some((weight) => weight.name === name)) to.weight(name, [width, width], mask);
    to.node(y, 'Softmax', [to.step('AddV2', [x, name])]);
  },
  normalize: (to, node, [x], [normalised, inverseDeviation]) => {
    const mean = (of: string) => to.step('Mean', [of, to.integers([-1])], { T: FLOAT, keep_dims: { b: true } });
    const centred = to.step('Sub', [x, mean(x)]);
    const variance = to.step('AddV2', [mean(to.step('Square', [centred])), to.floats(node.attributes.epsilon)]);
    to.node(inverseDeviation, 'Rsqrt', [variance]);
    to.node(normalised, 'Mul', [centred, inverseDeviation]);
  },
  sum: (to, { attributes }, [x], [y]) =>
    to.node(y, 'Sum', [x, to.integers(attributes.axes)], { T: FLOAT, keep_dims: { b: attributes.keepDims } }),
  reshape: (to, node, [x], [y]) => to.node(y, 'Reshape', [x, to.integers(node.outputs[0].shape)]),
  transpose: (to, { attributes }, [x], [y]) => to.node(y, 'Transpose', [x, to.integers(attributes.permutation)]),
  slice: (to, node, [x], [y]) => {
    const { axis, start } = node.attributes;
    const begin = node.inputs[0].shape.map((_, at) => (at === axis ? start : 0));
    to.node(y, 'Slice', [x, to.integers(begin), to.integers(node.outputs[0].shape)]);
  },
  concat: (to, { attributes }, inputs, [y]) => {
    const axis = to.weight(`${y}.axis`, [], Int32Array.of(attributes.axis));
    to.node(y, 'ConcatV2', [...inputs, axis], { T: FLOAT, N: { i: String(inputs.length) } });
  },
  broadcast: (to, node, [x], [y]) => to.node(y, 'BroadcastTo', [x, to.integers(node.outputs[0].shape)]),
  stopGradient: plain('Identity'),
};

function plain<Name extends OperatorName>(op: string): Write<Name> {
  return (to, _, inputs, [y]) => to.node(y, op, inputs);
}

function asFloat(to: TopologyWriter, boolean: string, y: string): void {
  to.node(y, 'Cast', [boolean], { SrcT: { type: 'DT_BOOL' }, DstT: FLOAT });
}

/** Bytes of all weights together. */
export function weightBytes(weights: readonly TfjsWeight[]): number {
  return weights.reduce((total, { shape }) => total + 4 * sizeOf(shape), 0);
}
