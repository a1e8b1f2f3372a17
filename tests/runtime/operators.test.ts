import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import { gradients } from '../../src/graph/gradient.js';
import type { Graph } from '../../src/graph/graph.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { encodeOnnxModel } from '../../src/runtime/onnx-model.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import type { Program, Runtime } from '../../src/runtime/runtime.js';
import { OPERATOR_CASES, type OperatorCase } from '../graph/operator-cases.js';
import { ENGINES, fillFeeds, withProgram } from './engines.js';

// float32 has 2^-24 ≈ 6e-8 relative rounding error an operation; the cases chain up to some 20 operations over at most
// 24 summands, and TensorFlow.js approximates exp and tanh to a few units in the last place.
const TOLERANCE = 3e-6;

/** The result of a case and the gradients of a weighted sum of it. */
function caseGraph(operatorCase: OperatorCase): Graph {
  const builder = new GraphBuilder();
  const random = new Random(5);
  const inputs = operatorCase.inputs.map(({ shape }, at) => builder.input(`x${at}`, shape));
  const result = operatorCase.build(builder, inputs);
  const size = result.shape.reduce((a, b) => a * b, 1);
  const weights = builder.constant(
    Array.from({ length: size }, () => random.uniform(0.5, 1.5)),
    result.shape,
  );
  builder.output('result', result);
  const slopes = gradients(builder, builder.sum(builder.multiply(result, weights)), inputs);
  for (const [at, gradient] of slopes.entries()) builder.output(`g${at}`, gradient);
  return builder.build();
}

async function resultsOf(runtime: Runtime, operatorCase: OperatorCase): Promise<Program['results']> {
  return withProgram(runtime, caseGraph(operatorCase), { state: {} }, async (program) => {
    for (const [at, { from = -2, to = 2 }] of operatorCase.inputs.entries()) {
      const random = new Random(at);
      const feed = program.feeds[`x${at}`];
      for (let element = 0; element < feed.length; element++) feed[element] = Math.fround(random.uniform(from, to));
    }
    await program.run();
    return program.results;
  });
}

function expectClose(results: Program['results'], expected: Program['results'], tolerance: number): void {
  for (const [name, reference] of Object.entries(expected)) {
    const scale = Math.max(1, ...reference.map(Math.abs));
    for (const [at, value] of reference.entries()) {
      expect(Math.abs(results[name][at] - value), `${name}[${at}]: ${results[name][at]} against ${value}`).toBeLessThan(
        tolerance * scale,
      );
    }
  }
}

describe.each(ENGINES)('$name computes every operator and its gradient as the reference does', ({ load }) => {
  test.each(OPERATOR_CASES.map((operatorCase) => [operatorCase.name, operatorCase] as const))(
    '%s',
    async (_, operatorCase) => {
      const expected = await resultsOf(referenceRuntime(), operatorCase);
      expectClose(await resultsOf(await load(), operatorCase), expected, TOLERANCE);
    },
  );
});

describe('a model of standard ONNX operators only computes the same', () => {
  test.each(OPERATOR_CASES.map((operatorCase) => [operatorCase.name, operatorCase] as const))(
    '%s',
    async (_, operatorCase) => {
      const ort = await import('onnxruntime-node');
      const graph = caseGraph(operatorCase);
      const session = await ort.InferenceSession.create(encodeOnnxModel(graph, { contrib: false }), {
        graphOptimizationLevel: 'disabled',
      });
      await withProgram(referenceRuntime(), graph, { state: {} }, async (program) => {
        fillFeeds(program, 3, 0.5, 2);
        await program.run();
        const feeds = Object.entries(program.feeds).map(([name, feed]) => [
          name,
          new ort.Tensor('float32', Float32Array.from(feed), graph.inputs[name].shape),
        ]);
        const outputs = await session.run(Object.fromEntries(feeds));
        const results = Object.entries(outputs).map(([name, tensor]) => [name, tensor.data]);
        expectClose(Object.fromEntries(results), program.results, TOLERANCE);
      });
      await session.release();
    },
  );
});

describe.each([...ENGINES, { name: 'reference', load: async () => referenceRuntime() }])('$name', ({ load }) => {
  test('keeps NaN and infinity of the branch not taken out of values and gradients', async () => {
    const builder = new GraphBuilder();
    const condition = builder.input('condition', [4]);
    const a = builder.input('a', [4]);
    const b = builder.input('b', [4]);
    const result = builder.select(condition, a, b);
    const [ofA, ofB] = gradients(builder, builder.sum(builder.square(result)), [a, b]);
    for (const [name, value] of Object.entries({ result, ofA, ofB })) builder.output(name, value);
    await withProgram(await load(), builder.build(), { state: {} }, async ({ feeds, results, run }) => {
      feeds.condition.set([1, 0, 1, 0]);
      feeds.a.set([1, Number.NaN, 3, Number.POSITIVE_INFINITY]);
      feeds.b.set([Number.NaN, 5, Number.NEGATIVE_INFINITY, 7]);
      await run();
      expect([...results.result]).toEqual([1, 5, 3, 7]);
      expect([...results.ofA]).toEqual([2, 0, 6, 0]);
      expect([...results.ofB]).toEqual([0, 10, 0, 14]);
    });
  });

  test('gives masked keys of causal attention the probability 0 exactly, whatever they hold', async () => {
    const builder = new GraphBuilder();
    builder.output('y', builder.softmax(builder.input('x', [1, 5, 5]), { causal: true }));
    await withProgram(await load(), builder.build(), { state: {} }, async ({ feeds, results, run }) => {
      for (let at = 0; at < 25; at++) feeds.x[at] = at % 5 > Math.floor(at / 5) ? 1e4 : -50 * at;
      await run();
      for (let at = 0; at < 25; at++) if (at % 5 > Math.floor(at / 5)) expect(results.y[at]).toBe(0);
      expect(results.y[0]).toBe(1);
    });
  });
});

test('the engine reports what it is', async () => {
  expect((await onnxRuntime()).description).toMatch(/^onnxruntime-node 1\.\d+\.\d+ \(cpu/);
});
