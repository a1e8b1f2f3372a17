import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import { gradients } from '../../src/graph/gradient.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import type { Program } from '../../src/runtime/runtime.js';
import { OPERATOR_CASES, type OperatorCase } from './operator-cases.js';

// Central differences in float64 with step h err by h²·f'''/6 ≈ 1e-10 and by rounding 1e-16/h ≈ 1e-11 here.
const STEP = 1e-5;
const TOLERANCE = 2e-8;

/** The case's result weighted by fixed numbers to a scalar, and the gradient of each input. */
async function compileCase(operatorCase: OperatorCase, order: 1 | 2): Promise<Program> {
  const builder = new GraphBuilder();
  const random = new Random(11);
  const inputs = operatorCase.inputs.map(({ shape }, at) => builder.input(`x${at}`, shape));
  let loss = weighted(builder, random, operatorCase.build(builder, inputs));
  if (order === 2) {
    const slopes = gradients(builder, loss, inputs).map((slope) => weighted(builder, random, builder.square(slope)));
    loss = slopes.reduce((a, b) => builder.add(a, b));
  }
  builder.output('loss', loss);
  for (const [at, gradient] of gradients(builder, loss, inputs).entries()) builder.output(`g${at}`, gradient);
  const program = await referenceRuntime().compile(builder.build(), { state: {} });
  for (const [at, { from = -2, to = 2 }] of operatorCase.inputs.entries()) {
    const feed = program.feeds[`x${at}`];
    for (let element = 0; element < feed.length; element++) feed[element] = random.uniform(from, to);
  }
  return program;
}

function weighted(builder: GraphBuilder, random: Random, value: ReturnType<OperatorCase['build']>) {
  const size = value.shape.reduce((a, b) => a * b, 1);
  const weights = Array.from({ length: size }, () => random.uniform(0.5, 1.5));
  return builder.sum(builder.multiply(value, builder.constant(weights, value.shape)));
}

async function expectFiniteDifferences(program: Program, tolerance: number): Promise<void> {
  await program.run();
  const names = Object.keys(program.feeds);
  const gradients = names.map((_, at) => program.results[`g${at}`].slice());
  for (const [at, name] of names.entries()) {
    const feed = program.feeds[name];
    for (let element = 0; element < feed.length; element++) {
      const kept = feed[element];
      feed[element] = kept + STEP;
      await program.run();
      const high = program.results.loss[0];
      feed[element] = kept - STEP;
      await program.run();
      const difference = (high - program.results.loss[0]) / (2 * STEP);
      feed[element] = kept;
      const error = Math.abs(gradients[at][element] - difference) / Math.max(1, Math.abs(difference));
      expect(error, `${name}[${element}]: ${gradients[at][element]} against ${difference}`).toBeLessThan(tolerance);
    }
  }
}

describe('gradients equal central finite differences', () => {
  test.each(OPERATOR_CASES.map((operatorCase) => [operatorCase.name, operatorCase] as const))(
    '%s',
    async (_, operatorCase) => {
      await expectFiniteDifferences(await compileCase(operatorCase, 1), TOLERANCE);
    },
  );
});

describe('gradients of gradients equal central finite differences', () => {
  const smooth = ['gelu', 'layerNorm with gain and bias', 'causalAttention', 'relu', 'divide, kept axis', 'sqrt'];
  test.each(smooth)('%s', async (name) => {
    const operatorCase = OPERATOR_CASES.find((candidate) => candidate.name === name);
    // Second derivatives are an order larger and so are their rounding errors.
    await expectFiniteDifferences(await compileCase(operatorCase as OperatorCase, 2), 20 * TOLERANCE);
  });
});

async function evaluate(builder: GraphBuilder): Promise<Record<string, number[]>> {
  const program = await referenceRuntime().compile(builder.build(), { state: {} });
  await program.run();
  return Object.fromEntries(Object.entries(program.results).map(([name, result]) => [name, [...result]]));
}

describe('gradients', () => {
  test('the branch of a select that is not taken contributes nothing, NaN or not', async () => {
    const builder = new GraphBuilder();
    const condition = builder.constant([1, 0, 1, 0], [4]);
    const taken = builder.constant([1, Number.NaN, 3, Number.POSITIVE_INFINITY], [4]);
    const other = builder.constant([Number.NaN, 5, Number.NEGATIVE_INFINITY, 7], [4]);
    const result = builder.select(condition, taken, other);
    const [ofTaken, ofOther] = gradients(builder, builder.sum(builder.square(result)), [taken, other]);
    builder.output('result', result);
    builder.output('taken', ofTaken);
    builder.output('other', ofOther);
    const results = await evaluate(builder);
    expect(results.result).toEqual([1, 5, 3, 7]);
    expect(results.taken).toEqual([2, 0, 6, 0]);
    expect(results.other).toEqual([0, 10, 0, 14]);
  });

  test('nothing flows through stopGradient and greater; what the loss does not use gets zeros', async () => {
    const builder = new GraphBuilder();
    const x = builder.constant([1, 2], [2]);
    const y = builder.constant([3, 4], [2]);
    const unused = builder.constant([5, 6, 7], [3]);
    const gate = builder.greater(x, builder.scalar(1.5));
    const loss = builder.sum(builder.multiply(gate, builder.multiply(builder.stopGradient(x), y)));
    for (const [at, gradient] of gradients(builder, loss, [x, y, unused]).entries()) builder.output(`${at}`, gradient);
    expect(await evaluate(builder)).toEqual({ 0: [0, 0], 1: [0, 2], 2: [0, 0, 0] });
  });

  test('of equal values maximum and minimum pass the gradient to the first; relu at 0 passes none', async () => {
    const builder = new GraphBuilder();
    const x = builder.constant([1], []);
    const y = builder.constant([1], []);
    const zero = builder.constant([0], [1]);
    const loss = builder.add(
      builder.add(builder.maximum(x, y), builder.minimum(x, y)),
      builder.sum(builder.relu(zero)),
    );
    for (const [at, gradient] of gradients(builder, loss, [x, y, zero]).entries()) builder.output(`${at}`, gradient);
    expect(await evaluate(builder)).toEqual({ 0: [2], 1: [0], 2: [0] });
  });

  test('no gradient is computed towards values that were not asked for', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', [2, 3]);
    const weight = builder.input('weight', [3, 4]);
    const loss = builder.sum(builder.square(builder.linear(x, weight)));
    const [gradient] = gradients(builder, loss, [weight]);
    builder.output('gradient', gradient);
    const products = builder.build().nodes.filter(({ operator }) => operator === 'matmul');
    expect(products.map(({ outputs }) => outputs[0].shape)).toEqual([[3, 4]]);
  });

  test('a loss with several elements is refused with its shape', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', [2, 3]);
    expect(() => gradients(builder, x, [x])).toThrow('graph gradients: loss: expected one element, found [2, 3]');
  });
});
