import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import type { Value } from '../../src/graph/graph.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';

type Build = (builder: GraphBuilder, input: (...shape: number[]) => Value) => unknown;

const REFUSED: readonly [string, Build, string][] = [
  ['add', (b, x) => b.add(x(3, 4), x(3)), 'graph add: shapes: expected equal shapes'],
  ['multiply', (b, x) => b.multiply(x(2, 3, 4), x(2, 4)), 'found [2, 3, 4] and [2, 4]'],
  ['suffix with 1', (b, x) => b.add(x(2, 3, 4), x(1, 4)), 'graph add'],
  ['subtract', (b, x) => b.subtract(x(2), x(3)), 'graph subtract: shapes'],
  ['select condition', (b, x) => b.select(x(2), x(3), x(3)), 'graph select'],
  ['select branches', (b, x) => b.select(x(3), x(3), x(2)), 'graph select'],
  ['matmul inner', (b, x) => b.matmul(x(3, 4), x(3, 4)), 'graph matmul(transposeA: false, transposeB: false): shapes'],
  ['matmul transposed', (b, x) => b.matmul(x(3, 4), x(4, 5), { transposeB: true }), 'found [3, 4] and [4, 5]'],
  ['matmul leading', (b, x) => b.matmul(x(2, 3, 4), x(3, 4, 5)), 'equal leading axes'],
  ['matmul rank', (b, x) => b.matmul(x(2, 3, 4), x(4, 5)), 'found [2, 3, 4] and [4, 5]'],
  ['matmul vector', (b, x) => b.matmul(x(4), x(4)), 'graph matmul'],
  ['linear', (b, x) => b.linear(x(3, 4), x(5, 6)), 'graph linear: shapes: expected [N, k] and [k, n] and [n]'],
  ['linear bias', (b, x) => b.linear(x(3, 4), x(4, 6), x(4)), 'found [3, 4] and [4, 6] and [4]'],
  ['linear rank', (b, x) => b.linear(x(2, 3, 4), x(4, 6)), 'graph linear'],
  ['softmax', (b, x) => b.softmax(x()), 'graph softmax'],
  ['causal softmax', (b, x) => b.softmax(x(3, 4), { causal: true }), 'a square in the last two axes'],
  [
    'layerNorm',
    (b, x) => b.layerNorm(x(3, 4), x(3)),
    'graph layerNorm: shapes: expected [..., n] and [n], found [3, 4]',
  ],
  ['attention rows', (b, x) => b.causalAttention(x(6, 12), { batch: 2, time: 4, heads: 2 }), 'graph causalAttention'],
  ['attention heads', (b, x) => b.causalAttention(x(6, 12), { batch: 2, time: 3, heads: 3 }), 'multiple of 3 heads'],
  ['sum axis', (b, x) => b.sum(x(3, 4), [2]), 'graph sum'],
  ['sum axis twice', (b, x) => b.sum(x(3, 4), [1, -1]), 'distinct axes'],
  ['reshape', (b, x) => b.reshape(x(3, 4), [5, 2]), 'graph reshape: shapes: expected equal element counts'],
  ['transpose', (b, x) => b.transpose(x(3, 4), [0]), 'a permutation of all axes, not [0]'],
  ['slice', (b, x) => b.slice(x(3, 4), 1, 2, 5), '0 <= start < end <= 4 on axis 1, not 2 and 5'],
  ['slice, empty', (b, x) => b.slice(x(3, 4), 0, 1, 1), 'graph slice'],
  ['concat', (b, x) => b.concat([x(3, 4), x(3, 5)], 0), 'graph concat: shapes: expected equal extents but on axis 0'],
  ['broadcast', (b, x) => b.broadcast(x(3, 4), [3]), 'graph broadcast'],
  ['constant', (b) => b.constant([1, 2, 3], [2]), 'graph constant: shapes: expected 3 elements'],
  ['input', (_, x) => x(3, 0), 'positive whole extents'],
];

describe('shapes that do not fit are refused when the graph is built, naming operator and shapes', () => {
  test.each(REFUSED)('%s', (_, build, message) => {
    const builder = new GraphBuilder();
    let count = 0;
    const input = (...shape: number[]) => builder.input(`x${count++}`, shape);
    expect(() => build(builder, input)).toThrow(DataError);
    const again = new GraphBuilder();
    const inputAgain = (...shape: number[]) => again.input(`x${count++}`, shape);
    expect(() => build(again, inputAgain)).toThrow(message);
  });
});

describe('GraphBuilder', () => {
  test('names are unique', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', [2]);
    builder.output('y', x);
    expect(() => builder.input('x', [3])).toThrow('graph input x: name is used twice');
    expect(() => builder.output('y', x)).toThrow('graph output y: name is used twice');
  });

  test('the same operation on the same inputs is made once', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', [2]);
    expect(builder.tanh(x)).toBe(builder.tanh(x));
    expect(builder.add(x, builder.scalar(2))).toBe(builder.add(x, builder.scalar(2)));
    expect(builder.sum(x, [0], true)).not.toBe(builder.sum(x, [0], false));
  });

  test('factors of 1 and summands of 0 vanish where the shape stays', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', [2]);
    expect(builder.multiply(x, builder.scalar(1))).toBe(x);
    expect(builder.add(builder.scalar(0), x)).toBe(x);
    expect(builder.multiply(x, builder.constant([1, 1, 1, 1], [2, 2])).shape).toEqual([2, 2]);
  });

  test('factors that are single numbers merge, and a square lets them out', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', [3]);
    const rate = builder.input('rate', []);
    const twice = builder.multiply(builder.multiply(x, builder.scalar(2)), builder.scalar(3));
    expect(twice).toBe(builder.multiply(x, builder.scalar(6)));
    builder.output('y', builder.multiply(builder.square(builder.multiply(x, rate)), builder.scalar(0.5)));
    expect(builder.build().nodes.map(({ operator, outputs }) => [operator, outputs[0].shape])).toEqual([
      ['square', [3]],
      ['square', []],
      ['multiply', []],
      ['multiply', [3]],
    ]);
  });

  test('a repetition is put off until after elementwise work', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', [3, 1]);
    builder.output('y', builder.multiply(builder.broadcast(x, [3, 4]), builder.scalar(2)));
    expect(builder.build().nodes.map(({ operator, outputs }) => [operator, outputs[0].shape])).toEqual([
      ['multiply', [3, 1]],
      ['broadcast', [3, 4]],
    ]);
  });

  test('the graph keeps what its outputs need, and every input', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', [2]);
    builder.input('unused', [3]);
    builder.exp(builder.constant([5, 6], [2]));
    builder.output('y', builder.add(x, builder.constant([1, 2], [2])));
    const graph = builder.build();
    expect(graph.nodes.map(({ operator }) => operator)).toEqual(['add']);
    expect(graph.constants.map(({ data }) => [...data])).toEqual([[1, 2]]);
    expect(Object.keys(graph.inputs)).toEqual(['x', 'unused']);
  });
});
