// Where the ONNX model has fewer operators than the graph, or others: same numbers, and the operators that are meant.

import { describe, expect, it, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import type { Graph } from '../../src/graph/graph.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { encodeOnnxModel } from '../../src/runtime/onnx-model.js';
import { modelType } from '../../src/runtime/onnx-schema.js';
import { referenceRuntime } from '../../src/runtime/reference.js';

function operatorsOf(graph: Graph, contrib = false): string[] {
  const decoded = modelType().toObject(modelType().decode(encodeOnnxModel(graph, { contrib })));
  return decoded.graph.node.map((node: { opType: string }) => node.opType);
}

/** Runs both engines on the same random feeds and compares every result. */
async function expectSameNumbers(graph: Graph): Promise<void> {
  const [ours, oracle] = await Promise.all(
    [await onnxRuntime(), referenceRuntime()].map((runtime) => runtime.compile(graph, { state: {} })),
  );
  const random = new Random(1);
  for (const [name, feed] of Object.entries(oracle.feeds)) {
    for (let at = 0; at < feed.length; at++) feed[at] = Math.fround(3 * random.normal());
    ours.feeds[name].set(feed);
  }
  await Promise.all([ours.run(), oracle.run()]);
  for (const [name, expected] of Object.entries(oracle.results)) {
    // float32 against float64, on numbers of about 1 to 10.
    expected.forEach((value, at) => {
      expect(Math.abs(ours.results[name][at] - value), `${name} ${at}`).toBeLessThan(
        1e-5 * Math.max(1, Math.abs(value)),
      );
    });
  }
  await ours.dispose();
}

describe('layer normalisation', () => {
  const build = (alsoPlain: boolean) => {
    const g = new GraphBuilder();
    const x = g.input('x', [5, 8]);
    g.output('y', g.layerNorm(x, g.input('gain', [8]), g.input('bias', [8])));
    if (alsoPlain) g.output('plain', g.normalize(x).normalised);
    return g.build();
  };

  it('is one operator with its gain and bias', async () => {
    expect(operatorsOf(build(false))).toEqual(['LayerNormalization']);
    await expectSameNumbers(build(false));
  });

  it('stays apart where the normalised values are needed too', async () => {
    expect(operatorsOf(build(true))).toEqual(expect.arrayContaining(['LayerNormalization', 'Mul', 'Add']));
    await expectSameNumbers(build(true));
  });
});

describe('slices', () => {
  const build = (bounds: readonly (readonly [number, number])[]) => {
    const g = new GraphBuilder();
    const x = g.input('x', [2, 9, 4]);
    bounds.forEach(([start, end], at) => {
      g.output(`part${at}`, g.square(g.slice(x, 1, start, end)));
    });
    g.output('last', g.slice(x, 1, bounds[0][0], bounds[0][1]));
    return g.build();
  };

  it.each([
    [
      'that divide a value, in any order, are one split',
      [
        [3, 5],
        [5, 9],
        [0, 3],
      ],
      'Split',
    ],
    [
      'that leave a part out are not',
      [
        [3, 5],
        [5, 9],
      ],
      'Slice',
    ],
    [
      'that overlap are not',
      [
        [0, 5],
        [3, 9],
      ],
      'Slice',
    ],
  ] as const)('%s', async (_, bounds, operator) => {
    const graph = build(bounds);
    const found = operatorsOf(graph);
    expect(found).toContain(operator);
    expect(found).not.toContain(operator === 'Split' ? 'Slice' : 'Split');
    await expectSameNumbers(graph);
  });
});

test('many slices are one split where ONNX Runtime has a CPU, and none where a GPU may bind too few buffers', async () => {
  const g = new GraphBuilder();
  const x = g.input('x', [24]);
  for (let at = 0; at < 12; at++) g.output(`part${at}`, g.square(g.slice(x, 0, 2 * at, 2 * at + 2)));
  const graph = g.build();
  expect(operatorsOf(graph, true).filter((operator) => operator === 'Split')).toHaveLength(1);
  expect(operatorsOf(graph, false)).not.toContain('Split');
  await expectSameNumbers(graph);
});

describe('causal softmax', () => {
  it.each([
    [[4, 16, 16], true],
    [[8, 32, 32], false],
  ] as const)('of %j: in one operator %s', async (shape, inOne) => {
    const g = new GraphBuilder();
    g.output('y', g.softmax(g.input('x', shape), { causal: true }));
    const graph = g.build();
    expect(operatorsOf(graph).includes('Softmax')).toBe(inOne);
    await expectSameNumbers(graph);
  });
});
