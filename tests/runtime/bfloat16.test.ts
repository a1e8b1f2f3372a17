// Products in bfloat16 on the CPU, which rounds: to the numbers that rounding by hand gives, of the network's products alone.

import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { encodeOnnxModel } from '../../src/runtime/onnx-model.js';
import { modelType } from '../../src/runtime/onnx-schema.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import { loadOnnxWeb, loadTfjsCpu, withProgram } from './engines.js';

/** To 8 bits of significand, ties to even. */
function rounded(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0];
  const even = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(new Uint32Array([even]).buffer)[0];
}

function numbers(seed: number, length: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.uniform(-2, 2));
}

/** a [m, k] times b [k, n], factors and product by `round`, summed up in float64. */
function product(a: Float32Array, b: Float32Array, k: number, n: number, round: (value: number) => number): number[] {
  return Array.from({ length: (a.length / k) * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let inner = 0; inner < k; inner++) sum += round(a[row * k + inner]) * round(b[inner * n + column]);
    return round(sum);
  });
}

const [M, K, N] = [4, 8, 3];

/** One of every kind of product. */
function graph() {
  const g = new GraphBuilder();
  const [a, b, bias] = [g.input('a', [M, K]), g.input('b', [K, N]), g.input('bias', [N])];
  g.output('plain', g.matmul(a, b));
  g.output('linear', g.linear(a, b, bias));
  g.output('batched', g.matmul(g.reshape(a, [2, 2, K]), g.reshape(g.concat([b, b], 0), [2, K, N])));
  g.output('sum', g.matmul(a, g.constant(new Array(K * N).fill(1), [K, N])));
  g.output('row', g.matmul(g.slice(a, 0, 0, 1), b));
  return g.build();
}

describe('products in bfloat16', () => {
  test('are those of rounded factors, rounded; sums, single rows and biases stay in float32', async () => {
    const [a, b, bias] = [numbers(1, M * K), numbers(2, K * N), numbers(3, N)];
    const options = { state: {}, products: 'bfloat16' } as const;
    const results = await withProgram(await onnxRuntime(), graph(), options, async (program) => {
      program.feeds.a.set(a);
      program.feeds.b.set(b);
      program.feeds.bias.set(bias);
      await program.run();
      return program.results;
    });
    const narrow = product(a, b, K, N, rounded);
    const whole = product(a, b, K, N, Math.fround);
    const ones = new Float32Array(K * N).fill(1);
    const close = (found: ArrayLike<number>, expected: readonly number[]) => {
      for (const [at, value] of expected.entries()) expect(found[at]).toBeCloseTo(value, 5);
    };
    close(results.plain, narrow);
    close(results.batched, narrow);
    close(
      results.linear,
      narrow.map((value, at) => value + bias[at % N]),
    );
    close(results.sum, product(a, ones, K, N, Math.fround));
    close(results.row, whole.slice(0, N));
    expect(Math.max(...narrow.map((value, at) => Math.abs(value - whole[at])))).toBeGreaterThan(1e-3);
  });

  test('of a GPU are of tensors in bfloat16, each made once', () => {
    const model = modelType().decode(encodeOnnxModel(graph(), { contrib: true, bfloat16: 'native' })) as unknown as {
      graph: { node: { opType: string; input: string[]; output: string[]; attribute: { i?: unknown }[] }[] };
    };
    const { node } = model.graph;
    const to = (type: number) =>
      node.filter(({ opType, attribute }) => opType === 'Cast' && Number(attribute[0].i) === type);
    // a and b, and the two that are put together of them; three products come back.
    expect([to(16).length, to(1).length]).toEqual([4, 3]);
    const narrow = new Set(to(16).map(({ output }) => output[0]));
    const products = node.filter(({ input }) => input.some((name) => narrow.has(name)));
    expect(products.map(({ opType }) => opType).sort()).toEqual(['FusedMatMul', 'Gemm', 'Gemm']);
    for (const { input } of products) expect(input.every((name) => narrow.has(name))).toBe(true);
  });

  test.each([
    ['the reference', async () => referenceRuntime()],
    ['onnxruntime-web', loadOnnxWeb],
    ['TensorFlow.js', loadTfjsCpu],
  ])('are refused by %s', async (_, load) => {
    const options = { state: {}, products: 'bfloat16' } as const;
    await expect((await load()).compile(graph(), options)).rejects.toThrow(
      /no products in bfloat16.*train\.precision/s,
    );
  });
});
