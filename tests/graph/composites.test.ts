import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import { gradients } from '../../src/graph/gradient.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { layerNormLinear } from '../../src/graph/layer-norm-linear.js';
import { pack, unpack } from '../../src/graph/pack.js';
import { referenceRuntime } from '../../src/runtime/reference.js';

/** Result and all gradients of linear(layerNorm(x)), written plainly or folded. */
async function normedLinear(rows: number, folded: boolean): Promise<Record<string, number[]>> {
  const builder = new GraphBuilder();
  const random = new Random(4);
  const value = (...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return builder.constant(
      Array.from({ length: size }, () => random.normal()),
      shape,
    );
  };
  const [x, gain, normBias, weight, bias] = [value(rows, 3), value(3), value(3), value(3, 2), value(2)];
  const y = folded
    ? layerNormLinear(builder, x, { gain, normBias, epsilon: 0.1, weight, bias })
    : builder.linear(builder.layerNorm(x, gain, normBias, 0.1), weight, bias);
  builder.output('y', y);
  const loss = builder.sum(builder.multiply(builder.square(y), value(rows, 2)));
  for (const [at, gradient] of gradients(builder, loss, [x, gain, normBias, weight, bias]).entries()) {
    builder.output(`gradient ${at}`, gradient);
  }
  const program = await referenceRuntime().compile(builder.build(), { state: {} });
  await program.run();
  return Object.fromEntries(Object.entries(program.results).map(([name, result]) => [name, [...result]]));
}

describe('layerNormLinear', () => {
  test.each([2, 9])('is linear of layerNorm, values and gradients, with %i rows', async (rows) => {
    const [plain, folded] = [await normedLinear(rows, false), await normedLinear(rows, true)];
    for (const [name, values] of Object.entries(plain)) {
      // The same sums in another order, in float64.
      for (const [at, expected] of values.entries()) expect(folded[name][at]).toBeCloseTo(expected, 12);
    }
  });

  test('works on weights, not on rows, where there are many rows', () => {
    const builder = new GraphBuilder();
    const [gain, normBias, bias] = ['gain', 'normBias', 'bias'].map((name) => builder.input(name, [4]));
    const weight = builder.input('weight', [4, 4]);
    const x = builder.input('x', [100, 4]);
    builder.output('y', layerNormLinear(builder, x, { gain, normBias, epsilon: 1e-5, weight, bias }));
    const onRows = builder.build().nodes.filter(({ outputs }) => outputs[0].shape[0] === 100);
    expect(onRows.map(({ operator }) => operator)).toEqual(['normalize', 'linear']);
  });
});

describe('pack and unpack', () => {
  test('are inverses, and gradients pass through them', async () => {
    const builder = new GraphBuilder();
    const [a, b] = [builder.constant([1, 2, 3, 4], [2, 2]), builder.constant([5], [])];
    const packed = pack(builder, [a, b]);
    const [first, second] = unpack(builder, builder.square(packed), [[2, 2], []]);
    builder.output('packed', packed);
    builder.output('second', second);
    const loss = builder.add(builder.sum(first), second);
    for (const [at, gradient] of gradients(builder, loss, [a, b]).entries()) builder.output(`${at}`, gradient);
    const program = await referenceRuntime().compile(builder.build(), { state: {} });
    await program.run();
    expect([...program.results.packed]).toEqual([1, 2, 3, 4, 5]);
    expect([...program.results.second]).toEqual([25]);
    expect([...program.results[0]]).toEqual([2, 4, 6, 8]);
    expect([...program.results[1]]).toEqual([10]);
  });

  test('shapes that do not fill the vector are refused', () => {
    const builder = new GraphBuilder();
    expect(() => unpack(builder, builder.input('x', [5]), [[2, 2]])).toThrow('graph unpack: shapes: expected [4]');
  });
});
