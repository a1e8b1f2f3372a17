// An exported policy.onnx as a program for the controller: the file is read, checked against its bundle, and opened.
//
// The file serves a fixed number of robots in one run. Works with onnxruntime-node and with onnxruntime-web.

import { sizeOf } from '../base/arrays.js';
import { DataError } from '../base/errors.js';
import type { OrtModule } from '../runtime/onnx.js';
import { modelType } from '../runtime/onnx-schema.js';
import type { Program } from '../runtime/runtime.js';
import type { PolicyBundle } from './bundle.js';
import { POLICY_IO } from './policy-graph.js';

/** Metadata key of policy.onnx: SHA-256 of the weights.safetensors that it was made with. */
export const WEIGHTS_KEY = 'weights_sha256';

export interface OnnxPolicyFile {
  /** Robots that one run serves. */
  readonly batch: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

export interface OpenOnnxPolicyOptions {
  readonly threads?: number;
  /** File name for messages. */
  readonly where: string;
}

/**
 * What a policy.onnx says of itself, checked against the bundle.
 * @throws DataError where it is damaged, or is not the policy of this bundle
 */
export function readOnnxPolicy(model: Uint8Array, bundle: PolicyBundle, where: string): OnnxPolicyFile {
  const { shapes, metadata } = portsOf(model, where);
  const { context, observationWidth: m, actionWidth: n } = bundle.tokens;
  const batch = shapes[POLICY_IO.newest]?.[0] ?? 0;
  const expected: Record<string, readonly number[]> = {
    [POLICY_IO.observation]: [batch, context, m],
    [POLICY_IO.action]: [batch, context, n],
    [POLICY_IO.newest]: [batch, 1],
    [POLICY_IO.output]: [batch, n],
    [POLICY_IO.nextObservation]: [batch, m],
  };
  const text = (record: Readonly<Record<string, readonly number[]>>) =>
    Object.entries(record)
      .map(([name, shape]) => `${name} [${shape.join(', ')}]`)
      .sort()
      .join(', ');
  if (batch < 1 || text(shapes) !== text(expected)) {
    throw new DataError({
      where,
      what: 'inputs and outputs',
      expected: text(expected),
      found: text(shapes),
      fix: 'The file is not the policy of this bundle; export it again',
    });
  }
  return { batch, metadata, shapes };
}

/**
 * Opens a policy.onnx, for as many robots a run as it was exported with.
 * @throws DataError where it does not fit the bundle, or the engine refuses it
 */
export async function openOnnxPolicy(
  ort: OrtModule,
  model: Uint8Array,
  bundle: PolicyBundle,
  { where, threads = 1 }: OpenOnnxPolicyOptions,
): Promise<Program> {
  const { shapes } = readOnnxPolicy(model, bundle, where);
  const session = await ort.InferenceSession.create(model, {
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  }).catch((error: Error) => {
    throw new DataError({ where, what: 'not an ONNX model that runs', found: error.message }, { cause: error });
  });

  const buffers = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, new Float32Array(sizeOf(shapes[name]))]));
  const feeds = buffers([POLICY_IO.observation, POLICY_IO.action, POLICY_IO.newest]);
  const results = buffers([POLICY_IO.output, POLICY_IO.nextObservation]);
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, data]) => [name, new ort.Tensor('float32', data, shapes[name])]),
  );
  return {
    feeds,
    results,
    // The outputs are copied rather than fetched into our buffers: onnxruntime-web does not write into those.
    run: async () => {
      const outputs = await session.run(tensors);
      for (const [name, result] of Object.entries(results)) result.set(outputs[name].data as Float32Array);
    },
    readState: async () => ({}),
    writeState: async () => {},
    dispose: () => session.release(),
  };
}

interface DecodedPort {
  readonly name: string;
  readonly type?: { readonly tensorType?: { readonly shape?: { readonly dim?: readonly { dimValue?: number }[] } } };
}

function portsOf(model: Uint8Array, where: string): Pick<OnnxPolicyFile, 'shapes' | 'metadata'> {
  const type = modelType();
  let decoded: {
    readonly metadataProps?: readonly { readonly key: string; readonly value: string }[];
    readonly graph?: { readonly input?: readonly DecodedPort[]; readonly output?: readonly DecodedPort[] };
  };
  try {
    decoded = type.toObject(type.decode(model), { longs: Number });
  } catch (error) {
    throw new DataError({ where, what: 'not an ONNX model', found: (error as Error).message }, { cause: error });
  }
  const ports = [...(decoded.graph?.input ?? []), ...(decoded.graph?.output ?? [])];
  const shapeOf = ({ type }: DecodedPort) => (type?.tensorType?.shape?.dim ?? []).map(({ dimValue }) => dimValue ?? 0);
  return {
    shapes: Object.fromEntries(ports.map((port) => [port.name, shapeOf(port)])),
    metadata: Object.fromEntries((decoded.metadataProps ?? []).map(({ key, value }) => [key, value])),
  };
}
