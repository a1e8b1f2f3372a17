// Policy bundle: everything a policy needs to run, in two files: policy.json and weights.safetensors.
//
// Weights, token spec, normaliser, robot (joint names, gains, armature, PD mode) and provenance travel together, so
// that nothing has to be remembered beside it. policy.json carries the SHA-256 of the weights, so that a damaged file
// and a mixture of two policies are refused. `nextgait export` adds policy.onnx and TensorFlow.js files, which are made
// from these, and their SHA-256 with them.

import { z } from 'zod';
import { sizeOf } from '../base/arrays.js';
import { parseConfig } from '../base/config.js';
import { DataError, listNames } from '../base/errors.js';
import { decodeSafetensors, encodeSafetensors } from '../base/safetensors.js';
import { TOOL } from '../base/version.js';
import { type ModelConfig, modelConfigSchema } from '../model/model-config.js';
import { type ParameterValues, parameterSpecs } from '../model/parameters.js';
import { robotFromJson } from '../robot/robot-json.js';
import type { RobotModel } from '../robot/robot-model.js';
import { sha256 } from '../robot/sha256.js';
import { checkNormaliser, type Normaliser, normaliserSchema } from '../tokens/normaliser.js';
import { createTokenSpec, rowWidth, type TokenSpec, tokenConfigSchema } from '../tokens/token-spec.js';
import type { CommandRange } from './controller.js';

export const BUNDLE_FORMAT = 'nextgait-policy';
export const BUNDLE_VERSION = 1;
export const BUNDLE_FILES = {
  description: 'policy.json',
  weights: 'weights.safetensors',
  onnx: 'policy.onnx',
} as const;

/** Tensor names of the running statistics, in weights.safetensors and as inputs of the inference program. */
export const RUNNING = { mean: 'running.mean', variance: 'running.variance' } as const;

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

// Unknown keys are kept out of the way: a newer version's policy is still this policy.
const descriptionSchema = z.looseObject({
  name: z.string(),
  rate_hz: z.number().positive(),
  weights: z.looseObject({ sha256: z.string() }),
  made: z.record(z.string(), z.looseObject({ sha256: z.string() })).optional(),
  tokens: z.unknown(),
  model: z.unknown(),
  normaliser: normaliserSchema,
  robot: z.unknown(),
  provenance: z.record(z.string(), z.unknown()),
});

const interval = z.tuple([z.number(), z.number()]);
const commandRangeSchema = z.object({ vx_mps: interval, vy_mps: interval, wz_radps: interval });

/** The velocity commands that a policy was made for, where its provenance says so (`commandRange`). */
export function commandRangeOf({ provenance }: PolicyBundle): CommandRange | undefined {
  return commandRangeSchema.safeParse(provenance.commandRange).data;
}

/**
 * The bundle's files by name.
 * @param made what was made from them and lies beside them, by name: policy.json carries its SHA-256
 */
export function encodeBundle(
  bundle: PolicyBundle,
  made: Readonly<Record<string, Uint8Array>> = {},
): Record<string, Uint8Array> {
  const { channels: _, observationWidth: _m, actionWidth: _n, rate_hz, ...tokens } = bundle.tokens;
  const tensors = Object.fromEntries(
    parameterSpecs(bundle.model, bundle.tokens).map(({ name, shape }) => [
      name,
      { shape, data: bundle.parameters[name] },
    ]),
  );
  if (bundle.running !== undefined) {
    const shape = [rowWidth(bundle.tokens)];
    tensors[RUNNING.mean] = { shape, data: bundle.running.mean };
    tensors[RUNNING.variance] = { shape, data: bundle.running.variance };
  }
  const weights = encodeSafetensors(tensors, { format: BUNDLE_FORMAT, name: bundle.name });
  const description = {
    format: BUNDLE_FORMAT,
    version: BUNDLE_VERSION,
    tool: TOOL,
    name: bundle.name,
    rate_hz,
    jointNames: bundle.robot.jointNames,
    weights: { file: BUNDLE_FILES.weights, sha256: sha256(weights) },
    ...(Object.keys(made).length > 0
      ? { made: Object.fromEntries(Object.entries(made).map(([name, bytes]) => [name, { sha256: sha256(bytes) }])) }
      : {}),
    tokens,
    model: bundle.model,
    normaliser: bundle.normaliser,
    robot: bundle.robot,
    provenance: bundle.provenance,
  };
  return {
    [BUNDLE_FILES.description]: new TextEncoder().encode(`${JSON.stringify(description, null, 1)}\n`),
    [BUNDLE_FILES.weights]: weights,
  };
}

/**
 * Reads a bundle back.
 * @param where folder or address for messages
 * @throws DataError naming the file and what does not fit
 */
export function decodeBundle(description: Uint8Array, weights: Uint8Array, where: string): PolicyBundle {
  const file = `${where}/${BUNDLE_FILES.description}`;
  const raw = parseDescription(description, file);
  const robot = robotFromJson(raw.robot, file);
  const model = parseConfig(modelConfigSchema, raw.model, `${file}: model`);
  const tokens = createTokenSpec(parseConfig(tokenConfigSchema, raw.tokens, `${file}: tokens`), robot, raw.rate_hz);
  const { mean, deviation } = raw.normaliser;
  const normaliser: Normaliser = { mean, deviation };
  checkNormaliser(normaliser, tokens, file);
  const weightsFile = `${where}/${BUNDLE_FILES.weights}`;
  requireSha256(weights, raw.weights.sha256, weightsFile);
  const { tensors } = decodeSafetensors(weights, weightsFile);
  const specs = parameterSpecs(model, tokens);
  const expected = specs.map(({ name, shape }) => ({ name, size: sizeOf(shape) }));
  if (model.inputNorm === 'batch') {
    for (const name of Object.values(RUNNING)) expected.push({ name, size: rowWidth(tokens) });
  }
  const wrong = expected.filter(({ name, size }) => tensors[name]?.data.length !== size);
  if (wrong.length > 0) {
    throw new DataError({
      where: weightsFile,
      what: 'parameters',
      expected: `those of ${file}`,
      found: `missing or of another size: ${listNames(wrong.map(({ name }) => name))}`,
    });
  }
  return {
    name: raw.name,
    model,
    tokens,
    normaliser,
    robot,
    parameters: Object.fromEntries(specs.map(({ name }) => [name, tensors[name].data])),
    ...(model.inputNorm === 'batch'
      ? { running: { mean: tensors[RUNNING.mean].data, variance: tensors[RUNNING.variance].data } }
      : {}),
    provenance: raw.provenance,
  };
}

/**
 * Refuses a file that was made from a bundle (policy.onnx) where it is not the one that policy.json was written with.
 * A bundle that says nothing of it, as older ones do, takes it as it is.
 * @param where the bundle's folder, for messages
 * @throws DataError naming the file
 */
export function checkMadeFile(description: Uint8Array, name: string, bytes: Uint8Array, where: string): void {
  const expected = parseDescription(description, `${where}/${BUNDLE_FILES.description}`).made?.[name]?.sha256;
  if (expected !== undefined) requireSha256(bytes, expected, `${where}/${name}`);
}

function requireSha256(bytes: Uint8Array, expected: string, where: string): void {
  const found = sha256(bytes);
  if (found === expected) return;
  throw new DataError({
    where,
    what: 'SHA-256',
    expected: `${expected}, as ${BUNDLE_FILES.description} has it`,
    found,
    fix: 'The file is damaged or of another policy; copy or export the bundle again',
  });
}

function parseDescription(bytes: Uint8Array, file: string): z.output<typeof descriptionSchema> {
  let raw: { readonly format?: unknown; readonly version?: unknown } | null;
  try {
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new DataError({ where: file, what: 'JSON', found: (error as Error).message }, { cause: error });
  }
  if (raw?.format !== BUNDLE_FORMAT || raw.version !== BUNDLE_VERSION) {
    throw new DataError({
      where: file,
      what: 'format',
      expected: `${BUNDLE_FORMAT} version ${BUNDLE_VERSION}`,
      found: `${String(raw?.format)} version ${String(raw?.version)}`,
    });
  }
  return parseConfig(descriptionSchema, raw, file);
}
