// The policy for TensorFlow.js: model.json (topology and weights manifest) and binary shards.
//
// tf.loadGraphModel() runs it; tf.io.loadWeights() gives the parameters alone, under the names of weights.safetensors.

import { TOOL } from '../base/version.js';
import type { PolicyBundle } from '../policy/bundle.js';
import { buildPolicyGraph, policyState } from '../policy/policy-graph.js';
import { policyMetadata } from './metadata.js';
import { tfjsTopology, weightBytes } from './tfjs-topology.js';

export const TFJS_MODEL_FILE = 'model.json';

/** Shards as large as TensorFlow.js' own converter makes them, which browsers cache. */
const SHARD_BYTES = 4 * 1024 * 1024;

/** Files by name, to be served from one folder. */
export function encodeTfjs(bundle: PolicyBundle, batch: number): Record<string, Uint8Array> {
  const state = Object.fromEntries(Object.entries(policyState(bundle)).map(([name, { initial }]) => [name, initial]));
  const { modelTopology, signature, weights } = tfjsTopology(buildPolicyGraph(bundle, batch), state);
  const bytes = new Uint8Array(weightBytes(weights));
  let at = 0;
  for (const { data } of weights) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  const shardCount = Math.max(1, Math.ceil(bytes.length / SHARD_BYTES));
  const paths = Array.from({ length: shardCount }, (_, shard) => `group1-shard${shard + 1}of${shardCount}.bin`);
  const model = {
    format: 'graph-model',
    generatedBy: TOOL,
    convertedBy: TOOL,
    signature,
    modelTopology,
    weightsManifest: [
      {
        paths,
        weights: weights.map(({ name, shape, data }) => ({
          name,
          shape,
          dtype: data instanceof Int32Array ? 'int32' : 'float32',
        })),
      },
    ],
    userDefinedMetadata: policyMetadata(bundle, batch),
  };
  return {
    [TFJS_MODEL_FILE]: new TextEncoder().encode(JSON.stringify(model)),
    ...Object.fromEntries(
      paths.map((path, shard) => [path, bytes.subarray(shard * SHARD_BYTES, (shard + 1) * SHARD_BYTES)]),
    ),
  };
}
