import { describe, expect, test } from 'vitest';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { encodeOnnxModel } from '../../src/runtime/onnx-model.js';
import { modelType } from '../../src/runtime/onnx-schema.js';

function network() {
  const builder = new GraphBuilder();
  const x = builder.input('window', [2, 3]);
  const weight = builder.input('weight', [3, 4]);
  const hidden = builder.linear(x, weight);
  builder.output(
    'action',
    builder.causalAttention(builder.linear(hidden, builder.constant(new Array(24).fill(0.1), [4, 6])), {
      batch: 1,
      time: 2,
      heads: 1,
    }),
  );
  builder.output('same', x);
  return builder.build();
}

function decode(bytes: Uint8Array) {
  const type = modelType();
  return type.toObject(type.decode(bytes), { longs: Number, defaults: false });
}

describe('encodeOnnxModel', () => {
  const weight = Float32Array.from({ length: 12 }, (_, at) => at / 10);
  const options = {
    constantsFromState: { weight },
    inputNames: { window: 'observations' },
    outputNames: { action: 'actions' },
    metadata: { robot: 'g1', rate_hz: '50' },
  };

  test('names inputs and outputs, stores state as constants, and uses standard operators only', () => {
    const model = decode(encodeOnnxModel(network(), options));
    expect(model.graph.input.map((port: { name: string }) => port.name)).toEqual(['observations']);
    expect(model.graph.output.map((port: { name: string }) => port.name)).toEqual(['actions', 'same']);
    expect(model.metadataProps).toEqual([
      { key: 'robot', value: 'g1' },
      { key: 'rate_hz', value: '50' },
    ]);
    expect(model.opsetImport).toEqual([{ version: 20 }]);
    expect(model.graph.node.every((node: { domain?: string }) => node.domain === undefined)).toBe(true);
    const stored = model.graph.initializer.find((tensor: { name: string }) => tensor.name === 'weight');
    expect(stored.dims).toEqual([3, 4]);
    expect(new Float32Array(Uint8Array.from(stored.rawData).buffer)).toEqual(weight);
  });

  test('runs, and gives the input through where it is an output', async () => {
    const ort = await import('onnxruntime-node');
    const session = await ort.InferenceSession.create(encodeOnnxModel(network(), options));
    const window = new ort.Tensor('float32', Float32Array.from([1, 2, 3, 4, 5, 6]), [2, 3]);
    const { actions, same } = await session.run({ observations: window });
    // By hand: rows of weight sum to 0.6, 2.2, 3.8, so that queries, keys and values are 1.64 in row 0 and 3.62 in row 1.
    // Row 0 sees itself only; row 1 mixes by softmax of 2·3.62·{1.64, 3.62}/sqrt(2).
    const share = 1 / (1 + Math.exp((-2 * 3.62 * (3.62 - 1.64)) / Math.SQRT2));
    const mixed = 1.64 + (3.62 - 1.64) * share;
    expect(actions.dims).toEqual([2, 2]);
    for (const [at, value] of [1.64, 1.64, mixed, mixed].entries()) expect(actions.data[at]).toBeCloseTo(value, 5);
    expect([...(same.data as Float32Array)]).toEqual([1, 2, 3, 4, 5, 6]);
    await session.release();
  });

  test('refuses an operator set before 20', () => {
    expect(() => encodeOnnxModel(network(), { opset: 13 })).toThrow('opset: expected at least 20, found 13');
  });
});
