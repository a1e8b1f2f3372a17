// Policy bundle: everything a policy needs to run, in two files: policy.json and weights.safetensors.
//
// Weights, token spec, normaliser, robot (joint names, gains, armature, PD mode) and provenance travel together, so
// that nothing has to be remembered beside it. `nextgait export` adds policy.onnx, which is made from these.

import { sizeOf } from '../base/arrays.js';
import { parseConfig } from '../base/config.js';
import { DataError, listNames } from '../base/errors.js';
import { decodeSafetensors, encodeSafetensors } from '../base/safetensors.js';
import { TOOL } from '../base/version.js';
import { type ModelConfig, modelConfigSchema } from '../model/model-config.js';
import { type ParameterValues, parameterSpecs } from '../model/parameters.js';
import { robotFromJson } from '../robot/robot-json.js';
import type { RobotModel } from '../robot/robot-model.js';
import { checkNormaliser, type Normaliser } from '../tokens/normaliser.js';
import { createTokenSpec, rowWidth, type TokenSpec, tokenConfigSchema } from '../tokens/token-spec.js';

export const BUNDLE_FORMAT = 'nextgait-policy';
export const BUNDLE_VERSION = 1;
export const BUNDLE_FILES = {
  description: 'policy.json',
  weights: 'weights.safetensors',
  onnx: 'policy.onnx',
} as const;

export interface PolicyBundle {
  readonly name: string;
  readonly model: ModelConfig;
  readonly tokens: TokenSpec;
  readonly normaliser: Normaliser;
  readonly robot: RobotModel;
  readonly parameters: ParameterValues;
  /** Running statistics of the input BatchNorm, where the model has one: [m + n] each. */
  readonly running?: { readonly mean: Float32Array; readonly variance: Float32Array };
  /** How it was made: data, sources, steps, seed, tool. JSON. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

/** The bundle's files by name. */
export function encodeBundle(bundle: PolicyBundle): Record<string, Uint8Array> {
  const { channels: _, observationWidth: _m, actionWidth: _n, rate_hz, ...tokens } = bundle.tokens;
  const description = {
    format: BUNDLE_FORMAT,
    version: BUNDLE_VERSION,
    tool: TOOL,
    name: bundle.name,
    rate_hz,
    jointNames: bundle.robot.jointNames,
    tokens,
    model: bundle.model,
    normaliser: bundle.normaliser,
    robot: bundle.robot,
    provenance: bundle.provenance,
  };
  const tensors = Object.fromEntries(
    parameterSpecs(bundle.model, bundle.tokens).map(({ name, shape }) => [
      name,
      { shape, data: bundle.parameters[name] },
    ]),
  );
  if (bundle.running !== undefined) {
    const shape = [rowWidth(bundle.tokens)];
    tensors['running.mean'] = { shape, data: bundle.running.mean };
    tensors['running.variance'] = { shape, data: bundle.running.variance };
  }
  return {
    [BUNDLE_FILES.description]: new TextEncoder().encode(`${JSON.stringify(description, null, 1)}\n`),
    [BUNDLE_FILES.weights]: encodeSafetensors(tensors, { format: BUNDLE_FORMAT, name: bundle.name }),
  };
}

/**
 * Reads a bundle back.
 * @param where folder or address for messages
 * @throws DataError naming the file and what does not fit
 */
export function decodeBundle(description: Uint8Array, weights: Uint8Array, where: string): PolicyBundle {
  const file = `${where}/${BUNDLE_FILES.description}`;
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(new TextDecoder().decode(description)) as Record<string, unknown>;
  } catch (error) {
    throw new DataError({ where: file, what: 'JSON', found: (error as Error).message }, { cause: error });
  }
  if (raw.format !== BUNDLE_FORMAT || raw.version !== BUNDLE_VERSION) {
    throw new DataError({
      where: file,
      what: 'format',
      expected: `${BUNDLE_FORMAT} version ${BUNDLE_VERSION}`,
      found: `${String(raw.format)} version ${String(raw.version)}`,
    });
  }
  const robot = robotFromJson(raw.robot, file);
  const model = parseConfig(modelConfigSchema, raw.model, `${file}: model`);
  const tokens = createTokenSpec(
    parseConfig(tokenConfigSchema, raw.tokens, `${file}: tokens`),
    robot,
    raw.rate_hz as number,
  );
  const normaliser = raw.normaliser as Normaliser;
  checkNormaliser(normaliser, tokens, file);
  const weightsFile = `${where}/${BUNDLE_FILES.weights}`;
  const { tensors } = decodeSafetensors(weights, weightsFile);
  const specs = parameterSpecs(model, tokens);
  const wrong = specs.filter(({ name, shape }) => tensors[name]?.data.length !== sizeOf(shape));
  if (wrong.length > 0) {
    throw new DataError({
      where: weightsFile,
      what: 'parameters',
      expected: `those of ${file}`,
      found: `missing or of another size: ${listNames(wrong.map(({ name }) => name))}`,
    });
  }
  const running =
    tensors['running.mean'] === undefined
      ? undefined
      : { mean: tensors['running.mean'].data, variance: tensors['running.variance'].data };
  return {
    name: String(raw.name),
    model,
    tokens,
    normaliser,
    robot,
    parameters: Object.fromEntries(specs.map(({ name }) => [name, tensors[name].data])),
    running,
    provenance: (raw.provenance ?? {}) as Record<string, unknown>,
  };
}
