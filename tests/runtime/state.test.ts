import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import { gradients } from '../../src/graph/gradient.js';
import type { Graph, Value } from '../../src/graph/graph.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import type { Program, ProgramOptions, Runtime } from '../../src/runtime/runtime.js';
import { ENGINES, fillFeeds, loadTfjsCpu, tf, withProgram } from './engines.js';

const ALL: readonly { name: string; load: () => Promise<Runtime> }[] = [
  { name: 'reference', load: async () => referenceRuntime() },
  ...ENGINES,
];

/** A small transformer's whole training step: two blocks, weighted squared error, momentum. */
function trainingStep(): { graph: Graph; state: ProgramOptions['state'] } {
  const [batch, time, width, features] = [3, 4, 8, 5];
  const builder = new GraphBuilder();
  const random = new Random(2);
  const parameters: [string, Value, Float32Array][] = [];
  const parameter = (name: string, shape: readonly number[], scale: number, offset = 0) => {
    const value = builder.input(name, shape);
    const size = shape.reduce((a, b) => a * b, 1);
    parameters.push([name, value, Float32Array.from({ length: size }, () => offset + scale * random.normal())]);
    return value;
  };
  const linear = (name: string, x: Value, outputs: number) =>
    builder.linear(x, parameter(`${name}.w`, [x.shape[1], outputs], 0.4), parameter(`${name}.b`, [outputs], 0.1));
  const norm = (name: string, x: Value) =>
    builder.layerNorm(x, parameter(`${name}.g`, [width], 0.1, 1), parameter(`${name}.b`, [width], 0.1));
  let h = linear('in', builder.input('x', [batch * time, features]), width);
  for (const block of [0, 1]) {
    const qkv = linear(`qkv${block}`, norm(`norm${block}`, h), 3 * width);
    h = builder.add(h, linear(`out${block}`, builder.causalAttention(qkv, { batch, time, heads: 2 }), width));
    const hidden = linear(`up${block}`, norm(`mlp${block}`, h), 2 * width);
    h = builder.add(h, linear(`down${block}`, block === 0 ? builder.relu(hidden) : builder.gelu(hidden), width));
  }
  const error = builder.subtract(linear('head', h, features), builder.input('target', [batch * time, features]));
  const loss = builder.mean(builder.square(error));
  builder.output('loss', loss);
  const rate = builder.input('rate', []);
  const state: Record<string, { initial: Float32Array; next: string }> = {};
  const slopes = gradients(
    builder,
    loss,
    parameters.map(([, value]) => value),
  );
  for (const [at, [name, value, initial]] of parameters.entries()) {
    const momentum = builder.input(`${name}.m`, value.shape);
    const next = builder.add(builder.multiply(momentum, builder.scalar(0.9)), slopes[at]);
    builder.output(`${name}.m.next`, next);
    builder.output(`${name}.next`, builder.subtract(value, builder.multiply(next, rate)));
    state[`${name}.m`] = { initial: new Float32Array(initial.length), next: `${name}.m.next` };
    state[name] = { initial, next: `${name}.next` };
  }
  return { graph: builder.build(), state };
}

/** Every run has feeds of its own, whichever call it is part of. */
async function trainInCalls(program: Program, calls: readonly number[], runsPerCall: number): Promise<number[]> {
  const losses: number[] = [];
  for (const runs of calls) {
    for (const [name, feed] of Object.entries(program.feeds)) {
      const size = feed.length / runsPerCall;
      for (let at = 0; at < runs; at++) {
        const random = new Random(losses.length + at).split(name);
        for (let entry = 0; entry < size; entry++) {
          feed[at * size + entry] = name === 'rate' ? 0.002 : Math.fround(random.uniform(-2, 2));
        }
      }
    }
    await program.run(runs);
    losses.push(...program.results.loss.slice(0, runs));
  }
  return losses;
}

async function train(program: Program, steps: number): Promise<number[]> {
  fillFeeds(program, 9);
  program.feeds.rate[0] = 0.002;
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    await program.run();
    losses.push(program.results.loss[0]);
  }
  return losses;
}

describe.each(ALL)('several runs a call on $name', ({ load }) => {
  test('give what as many calls of one give, to the bit', async () => {
    const { graph, state } = trainingStep();
    const outcome = async (calls: readonly number[], runsPerCall: number) =>
      withProgram(await load(), graph, { state, runsPerCall }, async (program) => ({
        losses: await trainInCalls(program, calls, runsPerCall),
        state: await program.readState(),
      }));
    const together = await outcome([1, 3, 2], 3);
    expect(together).toEqual(await outcome([1, 1, 1, 1, 1, 1], 1));
    expect(new Set(together.losses).size).toBe(6);
  });

  test('are refused where there is no room for them, and state is replaced between calls', async () => {
    const { graph, state } = trainingStep();
    await withProgram(await load(), graph, { state, runsPerCall: 2 }, async (program) => {
      await expect(program.run(3)).rejects.toThrow('3 runs in one call of a program that has room for 2');
      const first = await trainInCalls(program, [2], 2);
      await program.writeState(Object.fromEntries(Object.entries(state).map(([name, { initial }]) => [name, initial])));
      expect(await trainInCalls(program, [2], 2)).toEqual(first);
    });
    await withProgram(await load(), graph, { state }, (program) =>
      expect(program.run(2)).rejects.toThrow('2 runs in one call of a program that has room for 1'),
    );
  });
});

describe('a whole training step', () => {
  test('has the same losses and parameters on every engine', async () => {
    const { graph, state } = trainingStep();
    const runs = await Promise.all(
      ALL.map(async ({ load }) =>
        withProgram(await load(), graph, { state }, async (program) => ({
          losses: await train(program, 20),
          state: await program.readState(),
        })),
      ),
    );
    const [reference, ...engines] = runs;
    expect(reference.losses[19]).toBeLessThan(0.7 * reference.losses[0]);
    for (const engine of engines) {
      // float32 against float64: some 1e-7 an operation, a few hundred operations deep, fed back 20 times through a
      // descent that contracts errors rather than amplifying them.
      for (const [step, loss] of engine.losses.entries()) expect(loss).toBeCloseTo(reference.losses[step], 4);
      for (const [name, values] of Object.entries(reference.state)) {
        for (const [at, value] of values.entries()) expect(engine.state[name][at]).toBeCloseTo(value, 4);
      }
    }
  });

  test.each(ALL)('$name gives the same bits in two runs', async ({ load }) => {
    const { graph, state } = trainingStep();
    const once = () =>
      load().then((runtime) =>
        withProgram(runtime, graph, { state }, async (program) => [await train(program, 5), await program.readState()]),
      );
    expect(await once()).toEqual(await once());
  });

  test.each(ALL)('$name continues from a written state bit for bit', async ({ name, load }) => {
    const { graph, state } = trainingStep();
    const runtime = await load();
    const unbroken = await withProgram(runtime, graph, { state }, (program) => train(program, 7));
    const [first, saved] = await withProgram(
      runtime,
      graph,
      { state },
      async (program) => [await train(program, 3), await program.readState()] as const,
    );
    const rest = await withProgram(runtime, graph, { state }, async (program) => {
      await train(program, 2);
      await program.writeState(saved);
      return train(program, 4);
    });
    // The reference computes in float64 and hands its state out as float32.
    if (name === 'reference') for (const [at, loss] of rest.entries()) expect(loss).toBeCloseTo(unbroken[3 + at], 6);
    else expect([...first, ...rest]).toEqual(unbroken);
  });

  test('the TensorFlow.js runtime leaves no tensor behind', async () => {
    const runtime = await loadTfjsCpu();
    const { graph, state } = trainingStep();
    const before = tf.memory().numTensors;
    const program = await runtime.compile(graph, { state });
    await train(program, 1);
    const after = tf.memory().numTensors;
    await train(program, 3);
    await program.writeState(await program.readState());
    expect(tf.memory().numTensors).toBe(after);
    await program.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

/** sum += x each run, and y = sum·factor of before the run. */
function accumulator(): Graph {
  const builder = new GraphBuilder();
  const sum = builder.input('sum', [2]);
  const factor = builder.input('factor', []);
  builder.output('y', builder.multiply(sum, factor));
  builder.output('sum.next', builder.add(sum, builder.input('x', [2])));
  return builder.build();
}

const ACCUMULATE: ProgramOptions = {
  state: { sum: { initial: new Float32Array([1, 2]), next: 'sum.next' }, factor: { initial: new Float32Array([10]) } },
};

describe.each(ALL)('state on $name', ({ load }) => {
  test('advances by one run at a time, in the same buffers', async () => {
    await withProgram(await load(), accumulator(), ACCUMULATE, async (program) => {
      const { feeds, results } = program;
      expect(Object.keys(feeds)).toEqual(['x']);
      expect(Object.keys(results)).toEqual(['y']);
      const [x, y] = [feeds.x, results.y];
      x.set([1, 1]);
      const seen: number[][] = [];
      for (let run = 0; run < 4; run++) {
        await program.run();
        seen.push([...results.y]);
      }
      expect(seen).toEqual([
        [10, 20],
        [20, 30],
        [30, 40],
        [40, 50],
      ]);
      expect(program.feeds.x).toBe(x);
      expect(program.results.y).toBe(y);
      expect(await program.readState()).toEqual({ sum: new Float32Array([5, 6]), factor: new Float32Array([10]) });
    });
  });

  test('is copied out and replaced, the constant part too', async () => {
    await withProgram(await load(), accumulator(), ACCUMULATE, async (program) => {
      program.feeds.x.set([1, 1]);
      await program.run();
      const copy = await program.readState();
      copy.sum[0] = 99;
      expect((await program.readState()).sum[0]).toBe(2);
      await program.writeState({ sum: new Float32Array([7, 8]), factor: new Float64Array([-1]) });
      await program.run();
      expect([...program.results.y]).toEqual([-7, -8]);
      expect((await program.readState()).sum).toEqual(new Float32Array([8, 9]));
    });
  });

  test('that swaps two values reads both before it writes either', async () => {
    const builder = new GraphBuilder();
    const [a, b] = [builder.input('a', [1]), builder.input('b', [1])];
    builder.output('a.next', b);
    builder.output('b.next', a);
    builder.output('seen', builder.reshape(a, []));
    const state = {
      a: { initial: new Float32Array([1]), next: 'a.next' },
      b: { initial: new Float32Array([2]), next: 'b.next' },
    };
    await withProgram(await load(), builder.build(), { state }, async (program) => {
      const seen: number[] = [];
      for (let run = 0; run < 3; run++) {
        await program.run();
        seen.push(program.results.seen[0]);
      }
      expect(seen).toEqual([1, 2, 1]);
    });
  });

  test('is refused where names or sizes do not fit', async () => {
    const runtime = await load();
    const initial = new Float32Array(2);
    const compile = (state: ProgramOptions['state']) => runtime.compile(accumulator(), { state });
    await expect(compile({ summ: { initial } })).rejects.toThrow('names that are no graph inputs: found summ');
    await expect(compile({ sum: { initial, next: 'z' } })).rejects.toThrow('next value, output z: expected an output');
    await expect(compile({ factor: { initial } })).rejects.toThrow('element count: expected 1 for shape [], found 2');
    await withProgram(runtime, accumulator(), ACCUMULATE, async (program) => {
      await expect(program.writeState({ sum: initial })).rejects.toThrow('expected also factor');
      const extra = { sum: initial, factor: new Float32Array(1), other: initial };
      await expect(program.writeState(extra)).rejects.toThrow('found unknown other');
      await expect(program.writeState({ sum: initial, factor: initial })).rejects.toThrow('expected 1 for shape []');
    });
  });
});

test.each(ENGINES)('$name refuses a run that overlaps another', async ({ load }) => {
  await withProgram(await load(), accumulator(), ACCUMULATE, async (program) => {
    const first = program.run();
    await expect(program.run()).rejects.toThrow('once at a time');
    await first;
    await program.run();
    expect([...program.results.y]).toEqual([10, 20]);
  });
});

test('a session takes the thread count of the program', async () => {
  await withProgram(await onnxRuntime(), accumulator(), { ...ACCUMULATE, threads: 1 }, async (program) => {
    await program.run();
    expect([...program.results.y]).toEqual([10, 20]);
  });
});
