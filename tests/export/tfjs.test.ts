// TensorFlow.js loads the exported model as a browser would, over HTTP, and computes what ONNX Runtime computes.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { encodeTfjs } from '../../src/export/tfjs.js';
import { tfjsTopology } from '../../src/export/tfjs-topology.js';
import type { Value } from '../../src/graph/graph.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { buildPolicyGraph, POLICY_IO, policyState } from '../../src/policy/policy-graph.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import { randomBundle, TOKEN_VARIANTS } from '../policy/policy-fixtures.js';

/** float32 against float64 on values near 1, after some tens of operations. */
const DIGITS = 5;

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server = undefined;
});
beforeAll(() => tf.setBackend('cpu'));

/** Serves files and returns the address of their folder. */
async function serve(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const listener = createServer((request, response) => {
    const file = files[(request.url ?? '').slice(1)];
    response.writeHead(file === undefined ? 404 : 200, {
      'content-type': request.url?.endsWith('.json') ? 'application/json' : 'application/octet-stream',
    });
    response.end(file);
  });
  server = listener;
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

describe('encodeTfjs', () => {
  it.each(TOKEN_VARIANTS)('runs in TensorFlow.js ($layout, $pairing, $alignment)', async (tokens) => {
    const model = { inputNorm: 'batch', block: 'paper', activation: 'gelu' } as const;
    const bundle = randomBundle(tokens, tokens.layout === 'separate' ? model : {});
    const batch = 2;
    const loaded = await tf.loadGraphModel(`${await serve(encodeTfjs(bundle, batch))}/model.json`);
    const reference = await referenceRuntime().compile(buildPolicyGraph(bundle, batch), { state: policyState(bundle) });
    const random = new Random(3);
    for (let at = 0; at < reference.feeds[POLICY_IO.observation].length; at++) {
      reference.feeds[POLICY_IO.observation][at] = Math.fround(random.normal());
    }
    for (let at = 0; at < reference.feeds[POLICY_IO.action].length; at++) {
      reference.feeds[POLICY_IO.action][at] = Math.fround(random.normal());
    }
    reference.feeds[POLICY_IO.newest].set([1, bundle.tokens.context - 1]);
    // What lies behind the newest step has no influence here either.
    reference.feeds[POLICY_IO.observation][3 * bundle.tokens.observationWidth] = Number.NaN;
    await reference.run();
    const { context, observationWidth: m, actionWidth: n } = bundle.tokens;
    const feed = (name: string, shape: number[]) => tf.tensor(Float32Array.from(reference.feeds[name]), shape);
    const names = [POLICY_IO.output, POLICY_IO.nextObservation];
    const outputs = loaded.execute(
      {
        [POLICY_IO.observation]: feed(POLICY_IO.observation, [batch, context, m]),
        [POLICY_IO.action]: feed(POLICY_IO.action, [batch, context, n]),
        [POLICY_IO.newest]: feed(POLICY_IO.newest, [batch, 1]),
      },
      names,
    ) as tf.Tensor[];
    names.forEach((name, at) => {
      const found = outputs[at].dataSync();
      reference.results[name].forEach((expected, entry) => {
        expect(found[entry], `${name} ${entry}`).toBeCloseTo(expected, DIGITS);
      });
    });
    loaded.dispose();
  });

  it('gives the weights by name, in shards, to the bit', async () => {
    const bundle = randomBundle({}, { width: 512, heads: 4, blocks: 1 });
    const files = encodeTfjs(bundle, 1);
    const address = await serve(files);
    const { weightsManifest, userDefinedMetadata } = JSON.parse(new TextDecoder().decode(files['model.json']));
    expect(weightsManifest[0].paths.length).toBeGreaterThan(1);
    expect(userDefinedMetadata.joint_names).toBe('left_joint,right_joint');
    const names = Object.keys(policyState(bundle));
    const weights = await tf.io.loadWeights(weightsManifest, address, names);
    expect(Object.keys(weights).sort()).toEqual(names.sort());
    for (const name of names) {
      const same = Buffer.from(weights[name].dataSync().buffer).equals(Buffer.from(bundle.parameters[name].buffer));
      expect(same, name).toBe(true);
    }
  });
});

it('has every operator right', async () => {
  const random = new Random(4);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random.normal());
  const g = new GraphBuilder();
  const a = g.input('a', [2, 3, 4]);
  const b = g.input('b', [2, 3, 4]);
  const w = g.input('w', [4, 5]);
  const positive = g.add(g.square(a), g.scalar(0.5));
  const rows = g.reshape(a, [6, 4]);
  const results: Record<string, Value> = {
    add: g.add(a, b),
    subtract: g.subtract(a, b),
    multiply: g.multiply(a, b),
    divide: g.divide(a, positive),
    maximum: g.maximum(a, b),
    minimum: g.minimum(a, b),
    greater: g.greater(a, b),
    negate: g.negate(a),
    sqrt: g.sqrt(positive),
    exp: g.exp(a),
    log: g.log(positive),
    tanh: g.tanh(a),
    relu: g.relu(a),
    gelu: g.gelu(a),
    sigmoid: g.sigmoid(a),
    select: g.select(g.greater(a, b), a, g.scalar(7)),
    matmul: g.matmul(a, b, { transposeB: true, scale: 0.5 }),
    product: g.matmul(a, b, { transposeA: true }),
    linear: g.linear(rows, w),
    softmax: g.softmax(a),
    causal: g.softmax(g.matmul(a, b, { transposeB: true }), { causal: true }),
    normalised: g.normalize(a).normalised,
    inverseDeviation: g.normalize(a).inverseDeviation,
    sum: g.sum(a, [0, 2], false),
    kept: g.sum(a, [1], true),
    transpose: g.transpose(a, [2, 0, 1]),
    slice: g.slice(a, 1, 1, 3),
    concat: g.concat([a, b, a], 1),
    broadcast: g.broadcast(g.sum(a, [1], true), [2, 3, 4]),
    stopGradient: g.stopGradient(a),
  };
  for (const [name, value] of Object.entries(results)) g.output(`${name}.out`, value);
  const graph = g.build();
  const state = { w: numbers(20) };
  const topology = tfjsTopology(graph, state);
  const bytes = topology.weights.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const model = await tf.loadGraphModel({
    load: async () => ({
      modelTopology: topology.modelTopology,
      signature: topology.signature,
      weightSpecs: topology.weights.map(({ name, shape, data }) => ({
        name,
        shape: [...shape],
        dtype: data instanceof Int32Array ? 'int32' : 'float32',
      })),
      weightData: Uint8Array.from(Buffer.concat(bytes)).buffer,
    }),
  });
  const reference = await referenceRuntime().compile(graph, { state: { w: { initial: state.w } } });
  reference.feeds.a.set(numbers(24));
  reference.feeds.b.set(numbers(24));
  await reference.run();
  const feed = (name: string) => tf.tensor(Float32Array.from(reference.feeds[name]), [2, 3, 4]);
  const names = Object.keys(reference.results);
  const outputs = model.execute({ a: feed('a'), b: feed('b') }, names) as tf.Tensor[];
  names.forEach((name, at) => {
    expect(outputs[at].shape, name).toEqual(graph.outputs[name].shape);
    const found = outputs[at].dataSync();
    reference.results[name].forEach((expected, entry) => {
      expect(found[entry], `${name} ${entry}`).toBeCloseTo(expected, DIGITS);
    });
  });
});
