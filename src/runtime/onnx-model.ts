// From a graph to the bytes of an ONNX model: names, constants, inputs and outputs. The operators are in
// onnx-lowering.ts.
//
// `contrib` allows ONNX Runtime's own fused operators (domain com.microsoft); without it the model has standard
// operators only and runs on any ONNX engine.

import { type FloatArray, sizeOf } from '../base/arrays.js';
import { DataError } from '../base/errors.js';
import { VERSION } from '../base/version.js';
import type { Graph, NodeOf, OperatorName, Value } from '../graph/graph.js';
import { type Lowering, lowerNode } from './onnx-lowering.js';
import type { Bfloat16Products } from './onnx-precision.js';
import {
  encodeModel,
  ONNX_FLOAT,
  ONNX_INT64,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from './onnx-schema.js';

export interface OnnxModelOptions {
  /** Graph inputs that become constants of the model, by input name. */
  readonly constantsFromState?: Readonly<Record<string, FloatArray>>;
  /** Names in the model where they differ from the graph's, by graph name. */
  readonly inputNames?: Readonly<Record<string, string>>;
  readonly outputNames?: Readonly<Record<string, string>>;
  /** Key and value texts stored in the model file. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Standard operator set; 20 where absent (the first with Gelu). */
  readonly opset?: number;
  /** Allow ONNX Runtime's own operators; false where absent. */
  readonly contrib?: boolean;
  /** The products of the network in bfloat16; float32 where absent. */
  readonly bfloat16?: Bfloat16Products;
}

const IR_VERSION = 9;
const LEAST_OPSET = 20;

/** The `.onnx` file of a graph, all tensors float32. @throws DataError for an operator set older than 20 */
export function encodeOnnxModel(graph: Graph, options: OnnxModelOptions = {}): Uint8Array {
  return encodeGraph(lowerGraph(graph, options), options);
}

/** A graph in ONNX operators, with its inputs and outputs in the order of the graph's. */
export function lowerGraph(graph: Graph, options: OnnxModelOptions): OnnxGraph {
  const { contrib = false, constantsFromState = {} } = options;
  const writer = new ModelWriter(graph, options, contrib);
  for (const node of graph.nodes as readonly NodeOf<OperatorName>[]) if (!writer.isDone(node)) lowerNode(writer, node);
  const inputs = Object.entries(graph.inputs)
    .filter(([name]) => !(name in constantsFromState))
    .map(([, value]) => ({ name: writer.nameOf(value), shape: value.shape }));
  const outputs = Object.entries(graph.outputs).map(([name, value]) => writer.finishOutput(name, value));
  return { nodes: writer.nodes, initializers: writer.initializers, inputs, outputs };
}

/** The file of a graph that is in ONNX operators already. */
export function encodeGraph(graph: OnnxGraph, options: OnnxModelOptions): Uint8Array {
  const { opset = LEAST_OPSET, contrib = false, metadata = {} } = options;
  if (opset < LEAST_OPSET) {
    throw new DataError({ where: 'onnx model', what: 'opset', expected: `at least ${LEAST_OPSET}`, found: `${opset}` });
  }
  return encodeModel({
    irVersion: IR_VERSION,
    opset,
    domains: contrib ? { 'com.microsoft': 1 } : {},
    producer: 'nextgait',
    producerVersion: VERSION,
    metadata,
    ...graph,
  });
}

class ModelWriter implements Lowering {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly contrib: boolean;
  readonly bfloat16?: Bfloat16Products;
  readonly narrow = new Map<string, string>();
  readonly #names = new Map<number, string>();
  readonly #outputNames: Readonly<Record<string, string>>;
  readonly #constants = new Map<string, string>();
  readonly #constantData = new Map<number, Float64Array>();
  readonly #booleans = new Map<number, string>();
  readonly #consumers = new Map<number, NodeOf<OperatorName>[]>();
  readonly #outputIds: ReadonlySet<number>;
  readonly #given: ReadonlySet<number>;
  readonly #done = new Set<NodeOf<OperatorName>>();
  #next = 0;

  constructor(graph: Graph, options: OnnxModelOptions, contrib: boolean) {
    this.contrib = contrib;
    this.bfloat16 = options.bfloat16;
    this.#outputNames = options.outputNames ?? {};
    this.#outputIds = new Set(Object.values(graph.outputs).map((value) => value.id));
    this.#given = new Set([...Object.values(graph.inputs), ...graph.constants.map(({ value }) => value)].map(idOf));
    for (const [name, value] of Object.entries(graph.inputs)) {
      const modelName = options.inputNames?.[name] ?? name;
      this.#names.set(value.id, modelName);
      const data = options.constantsFromState?.[name];
      if (data !== undefined) this.initializers.push(floatTensor(modelName, value.shape, data));
    }
    for (const { value, data } of graph.constants) {
      this.#constantData.set(value.id, data);
      this.#names.set(value.id, this.floats(data, value.shape));
    }
    for (const node of graph.nodes as readonly NodeOf<OperatorName>[]) {
      for (const value of node.inputs) this.#consumers.set(value.id, [...(this.#consumers.get(value.id) ?? []), node]);
    }
    // A computed value that is an output takes the output's name at once, which saves a copy.
    const computed = new Set(graph.nodes.flatMap((node) => node.outputs.map((value) => value.id)));
    for (const [name, value] of Object.entries(graph.outputs)) {
      if (computed.has(value.id) && !this.#names.has(value.id)) {
        this.#names.set(value.id, this.#outputNames[name] ?? name);
      }
    }
  }

  nameOf(value: Value): string {
    let name = this.#names.get(value.id);
    if (name === undefined) {
      name = `value_${value.id}`;
      this.#names.set(value.id, name);
    }
    return name;
  }

  emit(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain = '',
  ): void {
    this.nodes.push({ type, domain, inputs, outputs, attributes });
  }

  temporary(): string {
    return `temporary_${this.#next++}`;
  }

  floats(data: ArrayLike<number>, shape: readonly number[]): string {
    const narrow = Float32Array.from(data);
    return this.#constant('float', narrow, shape, (name) => floatTensor(name, shape, narrow));
  }

  integers(data: readonly number[]): string {
    const wide = BigInt64Array.from(data, BigInt);
    const bytes = new Uint8Array(wide.buffer);
    return this.#constant('integer', data, [data.length], (name) => ({
      name,
      shape: [data.length],
      dataType: ONNX_INT64,
      bytes,
    }));
  }

  boolean(value: Value): string | undefined {
    return this.#booleans.get(value.id);
  }

  setBoolean(value: Value, name: string): void {
    this.#booleans.set(value.id, name);
  }

  consumersOf(value: Value): readonly NodeOf<OperatorName>[] {
    return this.#consumers.get(value.id) ?? [];
  }

  isOutput(value: Value): boolean {
    return this.#outputIds.has(value.id);
  }

  isGiven(value: Value): boolean {
    return this.#given.has(value.id);
  }

  isConstant(value: Value): boolean {
    return this.#constantData.has(value.id);
  }

  done(node: NodeOf<OperatorName>): void {
    this.#done.add(node);
  }

  isDone(node: NodeOf<OperatorName>): boolean {
    return this.#done.has(node);
  }

  finishOutput(name: string, value: Value): { name: string; shape: readonly number[] } {
    const modelName = this.#outputNames[name] ?? name;
    if (this.nameOf(value) !== modelName) this.emit('Identity', [this.nameOf(value)], [modelName]);
    return { name: modelName, shape: value.shape };
  }

  #constant(
    kind: string,
    data: ArrayLike<number>,
    shape: readonly number[],
    tensor: (name: string) => OnnxTensor,
  ): string {
    const key = sizeOf(shape) > 64 ? undefined : `${kind} ${shape.join(',')} ${Array.from(data).join(',')}`;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const name = `constant_${this.#next++}`;
    this.initializers.push(tensor(name));
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }
}

const idOf = (value: Value) => value.id;

function floatTensor(name: string, shape: readonly number[], data: ArrayLike<number>): OnnxTensor {
  const narrow = Float32Array.from(data);
  return { name, shape, dataType: ONNX_FLOAT, bytes: new Uint8Array(narrow.buffer) };
}
