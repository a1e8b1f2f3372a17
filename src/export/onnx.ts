// policy.onnx: the inference program with its weights, in standard operators, and what the numbers mean as metadata.

import type { PolicyBundle } from '../policy/bundle.js';
import { buildPolicyGraph, policyState } from '../policy/policy-graph.js';
import { encodeOnnxModel } from '../runtime/onnx-model.js';
import { policyMetadata } from './metadata.js';

export interface OnnxExportOptions {
  /** Robots that one run serves. */
  readonly batch: number;
}

/** The bytes of policy.onnx. */
export function encodePolicyOnnx(bundle: PolicyBundle, { batch }: OnnxExportOptions): Uint8Array {
  const weights = Object.fromEntries(Object.entries(policyState(bundle)).map(([name, { initial }]) => [name, initial]));
  return encodeOnnxModel(buildPolicyGraph(bundle, batch), {
    constantsFromState: weights,
    metadata: policyMetadata(bundle, batch),
  });
}
