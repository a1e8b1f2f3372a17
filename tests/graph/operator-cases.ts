// One case an operator (and a broadcast): inputs with their ranges, and the graph under test. Finite differences check
// the gradients of all of them; the runtimes must agree on all of them.

import type { Value } from '../../src/graph/graph.js';
import type { GraphBuilder } from '../../src/graph/graph-builder.js';

export interface OperatorCase {
  readonly name: string;
  /** Shape of each input, and the interval its numbers are drawn from ([-2, 2] where absent). */
  readonly inputs: readonly { readonly shape: readonly number[]; readonly from?: number; readonly to?: number }[];
  readonly build: (builder: GraphBuilder, inputs: readonly Value[]) => Value;
}

const any = (...shape: number[]) => ({ shape });
const positive = (...shape: number[]) => ({ shape, from: 0.5, to: 3 });

function binaryCases(
  operator: 'add' | 'subtract' | 'multiply' | 'divide' | 'maximum' | 'minimum',
  right: typeof any,
): OperatorCase[] {
  const shapes: [string, number[], number[]][] = [
    ['equal', [3, 4], [3, 4]],
    ['scalar', [3, 4], []],
    ['one element', [3, 4], [1]],
    ['scalar first', [], [2, 3]],
    ['suffix [n]', [3, 4], [4]],
    ['suffix [t, d]', [2, 3, 4], [3, 4]],
    ['suffix first', [4], [3, 4]],
    ['kept axis', [3, 4], [3, 1]],
    ['kept axes on both', [3, 1], [1, 4]],
  ];
  return shapes.map(([name, a, b]) => ({
    name: `${operator}, ${name}`,
    inputs: [any(...a), right(...b)],
    build: (builder, [x, y]) => builder[operator](x, y),
  }));
}

const unaryCases: OperatorCase[] = (['negate', 'square', 'exp', 'tanh', 'relu', 'gelu', 'sigmoid'] as const).map(
  (operator) => ({ name: operator, inputs: [any(3, 5)], build: (builder, [x]) => builder[operator](x) }),
);

const positiveCases: OperatorCase[] = (['sqrt', 'log'] as const).map((operator) => ({
  name: operator,
  inputs: [positive(3, 5)],
  build: (builder, [x]) => builder[operator](x),
}));

const matmulCases: OperatorCase[] = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) =>
    [[], [2], [2, 3]].map((leading) => ({
      name: `matmul, leading [${leading}], transposeA ${transposeA}, transposeB ${transposeB}`,
      inputs: [any(...leading, ...(transposeA ? [4, 3] : [3, 4])), any(...leading, ...(transposeB ? [5, 4] : [4, 5]))],
      build: (builder: GraphBuilder, [a, b]: readonly Value[]) =>
        builder.matmul(a, b, { transposeA, transposeB, scale: 0.7 }),
    })),
  ),
);

export const OPERATOR_CASES: readonly OperatorCase[] = [
  ...binaryCases('add', any),
  ...binaryCases('subtract', any),
  ...binaryCases('multiply', any),
  ...binaryCases('divide', positive),
  ...binaryCases('maximum', any),
  ...binaryCases('minimum', any),
  ...unaryCases,
  ...positiveCases,
  ...matmulCases,
  {
    name: 'select by greater',
    inputs: [any(3, 4), any(3, 4), any(3, 4)],
    build: (builder, [a, b, c]) => builder.select(builder.greater(a, b), b, c),
  },
  {
    name: 'select, broadcast branches',
    inputs: [any(3, 4), any(4), any()],
    build: (builder, [a, b, c]) => builder.select(builder.greater(a, builder.scalar(0)), b, c),
  },
  {
    name: 'select by a computed number, kept axis',
    inputs: [any(3, 1), any(3, 4), any(3, 1)],
    build: (builder, [a, b, c]) => builder.select(builder.relu(builder.greater(a, builder.scalar(0))), b, c),
  },
  {
    name: 'linear with bias',
    inputs: [any(3, 4), any(4, 5), any(5)],
    build: (builder, [x, w, b]) => builder.linear(x, w, b),
  },
  { name: 'linear', inputs: [any(3, 4), any(4, 5)], build: (builder, [x, w]) => builder.linear(x, w) },
  { name: 'softmax', inputs: [any(3, 5)], build: (builder, [x]) => builder.softmax(x) },
  { name: 'causal softmax', inputs: [any(2, 4, 4)], build: (builder, [x]) => builder.softmax(x, { causal: true }) },
  { name: 'layerNorm', inputs: [any(3, 5)], build: (builder, [x]) => builder.layerNorm(x) },
  {
    name: 'layerNorm with gain and bias',
    inputs: [any(2, 3, 5), any(5), any(5)],
    build: (builder, [x, gain, bias]) => builder.layerNorm(x, gain, bias, 0.01),
  },
  {
    name: 'normalize, factor',
    inputs: [any(3, 5)],
    build: (builder, [x]) => builder.normalize(x, 0.01).inverseDeviation,
  },
  {
    name: 'causalAttention',
    inputs: [any(6, 12)],
    build: (builder, [qkv]) => builder.causalAttention(qkv, { batch: 2, time: 3, heads: 2 }),
  },
  { name: 'sum of all', inputs: [any(3, 4)], build: (builder, [x]) => builder.sum(x) },
  { name: 'sum, first axis', inputs: [any(3, 4)], build: (builder, [x]) => builder.sum(x, [0]) },
  { name: 'sum, last axis kept', inputs: [any(2, 3, 4)], build: (builder, [x]) => builder.sum(x, [-1], true) },
  { name: 'sum, outer axes', inputs: [any(2, 3, 4)], build: (builder, [x]) => builder.sum(x, [2, 0]) },
  { name: 'mean', inputs: [any(2, 3, 4)], build: (builder, [x]) => builder.mean(x, [1]) },
  { name: 'reshape', inputs: [any(2, 6)], build: (builder, [x]) => builder.reshape(x, [3, 4]) },
  { name: 'transpose', inputs: [any(2, 3, 4)], build: (builder, [x]) => builder.transpose(x, [2, 0, 1]) },
  { name: 'slice', inputs: [any(3, 5)], build: (builder, [x]) => builder.slice(x, -1, 1, 4) },
  {
    name: 'slices that overlap and leave gaps',
    inputs: [any(3, 6)],
    build: (builder, [x]) => {
      const middle = builder.multiply(builder.slice(x, 1, 1, 3), builder.slice(x, 1, 4, 6));
      return builder.add(middle, builder.square(builder.slice(x, 1, 2, 4)));
    },
  },
  {
    name: 'concat',
    inputs: [any(2, 3), any(2, 1), any(2, 2)],
    build: (builder, [a, b, c]) => builder.concat([a, b, c, a], 1),
  },
  { name: 'concat, first axis', inputs: [any(2, 3), any(1, 3)], build: (builder, values) => builder.concat(values, 0) },
  { name: 'broadcast', inputs: [any(3, 1)], build: (builder, [x]) => builder.broadcast(x, [3, 4]) },
  {
    name: 'a value used several times',
    inputs: [any(3, 4)],
    build: (builder, [x]) => builder.add(builder.multiply(x, builder.tanh(x)), builder.sum(x, [1], true)),
  },
];
