// GraphBuilder: makes graphs one operator at a time. Every method checks shapes when it is called.
//
// Identical operations on identical inputs are made once, factors of exactly 1 and summands of exactly 0 vanish, and
// build() keeps only what the outputs need: gradient.ts may therefore write the plain formulas.

import { sizeOf } from '../base/arrays.js';
import { DataError } from '../base/errors.js';
import { type AttentionSize, causalAttention } from './attention.js';
import type { Constant, Graph, GraphNode, NodeOf, OperatorAttributes, OperatorName, Value } from './graph.js';
import { broadcastOf, broadcastShapes, normalizeAxes, sameShape, shapeError, shapeText } from './shapes.js';

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor on the product; 1 where absent. */
  readonly scale?: number;
}

type Binary = 'add' | 'subtract' | 'multiply' | 'divide' | 'maximum' | 'minimum' | 'greater';
type Unary = 'negate' | 'square' | 'sqrt' | 'exp' | 'log' | 'tanh' | 'relu' | 'gelu' | 'sigmoid';

export class GraphBuilder {
  readonly #inputs: Record<string, Value> = {};
  readonly #outputs: Record<string, Value> = {};
  readonly #constants = new Map<number, Constant>();
  readonly #scalars = new Map<number, Value>();
  readonly #nodes: GraphNode[] = [];
  readonly #producers = new Map<number, GraphNode>();
  readonly #known = new Map<string, GraphNode>();
  #nextId = 0;

  /** A tensor that the caller feeds, or that is state of the program. @throws DataError for a name used twice */
  input(name: string, shape: readonly number[]): Value {
    if (name in this.#inputs) throw new DataError({ where: `graph input ${name}`, what: 'name is used twice' });
    if (shape.some((extent) => !Number.isInteger(extent) || extent < 1)) {
      throw shapeError(`input ${name}`, [shape], 'positive whole extents');
    }
    const value = this.#value(shape);
    this.#inputs[name] = value;
    return value;
  }

  /** A tensor of fixed numbers, copied. */
  constant(data: ArrayLike<number>, shape: readonly number[]): Value {
    if (data.length !== sizeOf(shape)) throw shapeError('constant', [shape], `${data.length} elements`);
    const value = this.#value(shape);
    this.#constants.set(value.id, { value, data: Float64Array.from(data) });
    return value;
  }

  /** A single fixed number, of shape []. */
  scalar(number: number): Value {
    let value = this.#scalars.get(number);
    if (value === undefined) {
      value = this.constant([number], []);
      this.#scalars.set(number, value);
    }
    return value;
  }

  /** Names a result of the graph. @throws DataError for a name used twice */
  output(name: string, value: Value): void {
    if (name in this.#outputs) throw new DataError({ where: `graph output ${name}`, what: 'name is used twice' });
    this.#outputs[name] = value;
  }

  /** The graph of everything that the outputs need. Inputs stay, needed or not: they are the caller's contract. */
  build(): Graph {
    const needed = new Set(Object.values(this.#outputs).map((value) => value.id));
    const nodes: GraphNode[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((value) => needed.has(value.id))) continue;
      for (const value of node.inputs) needed.add(value.id);
      nodes.push(node);
    }
    return {
      inputs: { ...this.#inputs },
      constants: [...this.#constants.values()].filter((constant) => needed.has(constant.value.id)),
      nodes: nodes.reverse(),
      outputs: { ...this.#outputs },
    };
  }

  /** All nodes so far, in execution order. */
  get nodes(): readonly GraphNode[] {
    return this.#nodes;
  }

  /** The node that makes a value; undefined for inputs and constants. */
  producerOf(value: Value): GraphNode | undefined {
    return this.#producers.get(value.id);
  }

  /** The number that every element of a constant has; undefined where they differ or the value is computed. */
  uniformValueOf(value: Value): number | undefined {
    const data = this.#constants.get(value.id)?.data;
    if (data === undefined) return undefined;
    return data.every((element) => element === data[0]) ? data[0] : undefined;
  }

  add(a: Value, b: Value): Value {
    if (this.uniformValueOf(b) === 0 && sameShape(broadcastShapes('add', a.shape, b.shape), a.shape)) return a;
    if (this.uniformValueOf(a) === 0 && sameShape(broadcastShapes('add', a.shape, b.shape), b.shape)) return b;
    return this.#binary('add', a, b);
  }

  subtract(a: Value, b: Value): Value {
    return this.#binary('subtract', a, b);
  }

  multiply(a: Value, b: Value): Value {
    if (this.uniformValueOf(b) === 1 && sameShape(broadcastShapes('multiply', a.shape, b.shape), a.shape)) return a;
    if (this.uniformValueOf(a) === 1 && sameShape(broadcastShapes('multiply', a.shape, b.shape), b.shape)) return b;
    return this.#scaledTwice(a, b) ?? this.#scaledTwice(b, a) ?? this.#binary('multiply', a, b);
  }

  divide(a: Value, b: Value): Value {
    return this.#binary('divide', a, b);
  }

  maximum(a: Value, b: Value): Value {
    return this.#binary('maximum', a, b);
  }

  minimum(a: Value, b: Value): Value {
    return this.#binary('minimum', a, b);
  }

  /** 1 where a > b, else 0. Has no gradient. */
  greater(a: Value, b: Value): Value {
    return this.#binary('greater', a, b);
  }

  negate(x: Value): Value {
    return this.#unary('negate', x);
  }

  square(x: Value): Value {
    const producer = this.producerOf(x);
    const factor = producer?.operator === 'multiply' ? producer.inputs[1] : undefined;
    if (producer === undefined || factor?.shape.length !== 0 || sizeOf(x.shape) === 1) return this.#unary('square', x);
    // (x·s)² as x²·s²: the factor then merges with the next.
    return this.multiply(this.square(producer.inputs[0]), this.square(factor));
  }

  sqrt(x: Value): Value {
    return this.#unary('sqrt', x);
  }

  exp(x: Value): Value {
    return this.#unary('exp', x);
  }

  log(x: Value): Value {
    return this.#unary('log', x);
  }

  tanh(x: Value): Value {
    return this.#unary('tanh', x);
  }

  relu(x: Value): Value {
    return this.#unary('relu', x);
  }

  /** Gaussian error linear unit, tanh form. */
  gelu(x: Value): Value {
    return this.#unary('gelu', x);
  }

  sigmoid(x: Value): Value {
    return this.#unary('sigmoid', x);
  }

  /** The gradient through relu, from relu's output. */
  reluGradient(output: Value, gradient: Value): Value {
    if (!sameShape(output.shape, gradient.shape)) {
      throw shapeError('reluGradient', [output.shape, gradient.shape], 'equal shapes');
    }
    return this.#push('reluGradient', [output, gradient], [output.shape], {})[0];
  }

  /** whenTrue where condition is not 0, else whenFalse. NaN or infinity in the branch not taken has no effect. */
  select(condition: Value, whenTrue: Value, whenFalse: Value): Value {
    const branches = broadcastShapes('select', whenTrue.shape, whenFalse.shape);
    const shape = broadcastShapes('select', condition.shape, branches);
    return this.#push('select', [condition, whenTrue, whenFalse], [shape], {})[0];
  }

  /** a·b over the last two axes, [m, k] x [k, n] → [m, n] after the transpositions; leading axes must be equal. */
  matmul(a: Value, b: Value, options: MatmulOptions = {}): Value {
    const { transposeA = false, transposeB = false, scale = 1 } = options;
    const rank = a.shape.length;
    const [m, k] = transposeA ? [a.shape[rank - 1], a.shape[rank - 2]] : a.shape.slice(-2);
    const [inner, n] = transposeB ? [b.shape[rank - 1], b.shape[rank - 2]] : b.shape.slice(-2);
    const leading = a.shape.slice(0, -2);
    if (rank < 2 || b.shape.length !== rank || k !== inner || !sameShape(leading, b.shape.slice(0, -2))) {
      throw shapeError(
        `matmul(transposeA: ${transposeA}, transposeB: ${transposeB})`,
        [a.shape, b.shape],
        'equal leading axes and equal inner extents',
      );
    }
    return this.#push('matmul', [a, b], [[...leading, m, n]], { transposeA, transposeB, scale })[0];
  }

  /** x [N, k] · weight [k, n] + bias [n] → [N, n]. */
  linear(x: Value, weight: Value, bias?: Value): Value {
    const shapes = bias === undefined ? [x.shape, weight.shape] : [x.shape, weight.shape, bias.shape];
    const fits = x.shape.length === 2 && weight.shape.length === 2 && x.shape[1] === weight.shape[0];
    if (!fits || (bias !== undefined && !sameShape(bias.shape, [weight.shape[1]]))) {
      throw shapeError('linear', shapes, '[N, k] and [k, n] and [n]');
    }
    const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
    return this.#push('linear', inputs, [[x.shape[0], weight.shape[1]]], {})[0];
  }

  /** Softmax over the last axis. `causal`: of [..., query, key], only keys up to the query. */
  softmax(x: Value, options: { readonly causal?: boolean } = {}): Value {
    const { causal = false } = options;
    const rank = x.shape.length;
    if (rank < 1 || (causal && (rank < 2 || x.shape[rank - 1] !== x.shape[rank - 2]))) {
      throw shapeError('softmax', [x.shape], causal ? 'a square in the last two axes' : 'at least one axis');
    }
    return this.#push('softmax', [x], [x.shape], { causal })[0];
  }

  /** The last axis shifted and scaled to mean 0 and variance 1, and the factor used, of shape [..., 1]. */
  normalize(x: Value, epsilon = 1e-5): { readonly normalised: Value; readonly inverseDeviation: Value } {
    if (x.shape.length < 1) throw shapeError('normalize', [x.shape], 'at least one axis');
    const outputs = this.#push('normalize', [x], [x.shape, [...x.shape.slice(0, -1), 1]], { epsilon });
    return { normalised: outputs[0], inverseDeviation: outputs[1] };
  }

  /** Layer normalisation over the last axis, times gain [n] plus bias [n] where given. */
  layerNorm(x: Value, gain?: Value, bias?: Value, epsilon = 1e-5): Value {
    for (const parameter of [gain, bias]) {
      if (parameter !== undefined && !sameShape(parameter.shape, x.shape.slice(-1))) {
        throw shapeError('layerNorm', [x.shape, parameter.shape], '[..., n] and [n]');
      }
    }
    const { normalised } = this.normalize(x, epsilon);
    const scaled = gain === undefined ? normalised : this.multiply(normalised, gain);
    return bias === undefined ? scaled : this.add(scaled, bias);
  }

  /** Multi-head causal self-attention of qkv [batch·time, 3·d] → [batch·time, d]; scores scaled by 1/sqrt(d/heads). */
  causalAttention(qkv: Value, size: AttentionSize): Value {
    return causalAttention(this, qkv, size);
  }

  /** Sum over `axes` (all where absent). `keepDims` keeps them with extent 1. */
  sum(x: Value, axes?: readonly number[], keepDims = false): Value {
    const resolved = normalizeAxes('sum', x.shape, axes ?? x.shape.map((_, axis) => axis));
    if (resolved.length === 0) return x;
    const shape = keepDims
      ? x.shape.map((extent, axis) => (resolved.includes(axis) ? 1 : extent))
      : x.shape.filter((_, axis) => !resolved.includes(axis));
    return this.#push('sum', [x], [shape], { axes: resolved, keepDims })[0];
  }

  /** Mean over `axes` (all where absent). */
  mean(x: Value, axes?: readonly number[], keepDims = false): Value {
    const total = this.sum(x, axes, keepDims);
    return this.multiply(total, this.scalar(sizeOf(total.shape) / sizeOf(x.shape)));
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (sizeOf(shape) !== sizeOf(x.shape)) throw shapeError('reshape', [x.shape, shape], 'equal element counts');
    if (sameShape(shape, x.shape)) return x;
    const producer = this.producerOf(x);
    if (producer?.operator === 'reshape') return this.reshape(producer.inputs[0], shape);
    return this.#push('reshape', [x], [shape], {})[0];
  }

  /** Axis i of the result is axis permutation[i] of x. */
  transpose(x: Value, permutation: readonly number[]): Value {
    const sorted = normalizeAxes('transpose', x.shape, permutation);
    if (sorted.length !== x.shape.length) {
      throw shapeError('transpose', [x.shape], `a permutation of all axes, not ${shapeText(permutation)}`);
    }
    const shape = permutation.map((axis) => x.shape[axis]);
    return this.#push('transpose', [x], [shape], { permutation: [...permutation] })[0];
  }

  /** Elements start (inclusive) to end (exclusive) of one axis. */
  slice(x: Value, axis: number, start: number, end: number): Value {
    const [at] = normalizeAxes('slice', x.shape, [axis]);
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end <= start || end > x.shape[at]) {
      throw shapeError('slice', [x.shape], `0 <= start < end <= ${x.shape[at]} on axis ${at}, not ${start} and ${end}`);
    }
    if (start === 0 && end === x.shape[at]) return x;
    const shape = x.shape.with(at, end - start);
    return this.#push('slice', [x], [shape], { axis: at, start, end })[0];
  }

  /** Joins values along one axis; the other extents must be equal. */
  concat(values: readonly Value[], axis: number): Value {
    if (values.length === 0) throw new DataError({ where: 'graph concat', what: 'no values to join' });
    const first = values[0].shape;
    const [at] = normalizeAxes('concat', first, [axis]);
    const fits = values.every((value) => sameShape(value.shape.with(at, 0), first.with(at, 0)));
    if (!fits) {
      throw shapeError(
        'concat',
        values.map((value) => value.shape),
        `equal extents but on axis ${at}`,
      );
    }
    if (values.length === 1) return values[0];
    const extent = values.reduce((total, value) => total + value.shape[at], 0);
    return this.#push('concat', values, [first.with(at, extent)], { axis: at })[0];
  }

  /** Repeats x to `shape`, by the broadcasting rules of the elementwise operators. */
  broadcast(x: Value, shape: readonly number[]): Value {
    const common = broadcastOf(x.shape, shape);
    if (common === undefined || !sameShape(common, shape)) {
      throw shapeError('broadcast', [x.shape, shape], 'a shape that broadcasts to the second');
    }
    if (sameShape(x.shape, shape)) return x;
    return this.#push('broadcast', [x], [shape], {})[0];
  }

  /** The same numbers, through which no gradient flows. */
  stopGradient(x: Value): Value {
    return this.#push('stopGradient', [x], [x.shape], {})[0];
  }

  #value(shape: readonly number[]): Value {
    return { id: this.#nextId++, shape: [...shape] };
  }

  #unary(operator: Unary, x: Value): Value {
    const source = this.#unrepeated(x);
    return this.broadcast(this.#push(operator, [source], [source.shape], {})[0], x.shape);
  }

  /** (x·s)·t as x·(s·t) for single numbers s and t: one pass over x instead of two. */
  #scaledTwice(x: Value, factor: Value): Value | undefined {
    const producer = this.producerOf(x);
    if (factor.shape.length > 0 || producer?.operator !== 'multiply') return undefined;
    const [a, b] = producer.inputs;
    if (sizeOf(x.shape) === 1 || b.shape.length > 0) return undefined;
    const numbers = [b, factor].map((value) => this.uniformValueOf(value));
    const product =
      numbers[0] !== undefined && numbers[1] !== undefined
        ? this.scalar(numbers[0] * numbers[1])
        : this.multiply(b, factor);
    return this.multiply(a, product);
  }

  /** Works on the inputs before their repetition where that is possible, and repeats the result. */
  #binary(operator: Binary, a: Value, b: Value): Value {
    const shape = broadcastShapes(operator, a.shape, b.shape);
    const sources = [this.#unrepeated(a), this.#unrepeated(b)];
    const common = broadcastOf(sources[0].shape, sources[1].shape);
    if (common === undefined) return this.#push(operator, [a, b], [shape], {})[0];
    return this.broadcast(this.#push(operator, sources, [common], {})[0], shape);
  }

  #unrepeated(x: Value): Value {
    const producer = this.producerOf(x);
    return producer?.operator === 'broadcast' ? producer.inputs[0] : x;
  }

  #push<Name extends OperatorName>(
    operator: Name,
    inputs: readonly Value[],
    shapes: readonly (readonly number[])[],
    attributes: OperatorAttributes[Name],
  ): readonly Value[] {
    const key = JSON.stringify([operator, inputs.map((value) => value.id), shapes, attributes]);
    const known = this.#known.get(key);
    if (known !== undefined) return known.outputs;
    const outputs = shapes.map((shape) => this.#value(shape));
    const node: NodeOf<Name> = { operator, inputs: [...inputs], outputs, attributes };
    this.#nodes.push(node as unknown as GraphNode);
    this.#known.set(key, node as unknown as GraphNode);
    for (const value of outputs) this.#producers.set(value.id, node as unknown as GraphNode);
    return outputs;
  }
}
