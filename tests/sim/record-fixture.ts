// A foreign policy that every clone can run: a linear network written by the project's own ONNX encoder, and its config.
//
// It stands the G1 in its default pose and adds to each action a little of the gyro and of the command, so that
// episodes differ; the robot stays up for some seconds and then falls.

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeModel, ONNX_FLOAT } from '../../src/runtime/onnx-schema.js';

export interface PolicyFixture {
  readonly folder: string;
  readonly config: string;
}

/** Name, observation and gain of the network where they are not the stander's. */
export interface PolicyVariant {
  readonly name: string;
  readonly gain: number;
  /** Entries of the observation in all. */
  readonly width: number;
  readonly terms: readonly { readonly term: string }[];
  readonly phase?: { readonly frequency_hz: number; readonly offsets_rad: readonly number[] };
}

export const STANDER: PolicyVariant = {
  name: 'stander',
  gain: 0.02,
  width: 6,
  terms: [{ term: 'baseAngularVelocity' }, { term: 'command' }],
};

export async function writePolicy(
  jointNames: readonly string[],
  { name, gain, width, terms, phase }: PolicyVariant = STANDER,
): Promise<PolicyFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-record-'));
  const jointCount = jointNames.length;
  const weights = Float32Array.from({ length: width * jointCount }, (_, at) => gain * Math.sin(at));
  const network = encodeModel({
    irVersion: 9,
    opset: 17,
    domains: {},
    producer: 'test',
    producerVersion: '1',
    metadata: {},
    nodes: [{ type: 'MatMul', domain: '', inputs: ['obs', 'weights'], outputs: ['act'], attributes: {} }],
    initializers: [
      { name: 'weights', shape: [width, jointCount], dataType: ONNX_FLOAT, bytes: new Uint8Array(weights.buffer) },
    ],
    inputs: [{ name: 'obs', shape: [1, width] }],
    outputs: [{ name: 'act', shape: [1, jointCount] }],
  });
  const config = {
    name,
    robot: 'g1',
    rate_hz: 50,
    onnx: { file: `${name}.onnx`, input: 'obs', output: 'act' },
    joints: jointNames,
    defaultPosition_rad: 'robot',
    action: { scale: 1 },
    observation: { terms },
    phase,
    commands: { vx_mps: [-1, 1], vy_mps: [0, 0], wz_radps: [-1, 1] },
  };
  await writeFile(join(folder, `${name}.onnx`), network);
  // JSON is YAML.
  await writeFile(join(folder, `${name}.yaml`), JSON.stringify(config));
  return { folder, config: join(folder, `${name}.yaml`) };
}
