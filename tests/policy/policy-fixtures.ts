// Policies with random weights for the two-joint robot, and random states for it.

import { Random } from '../../src/base/random.js';
import { modelConfigSchema } from '../../src/model/model-config.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import type { PolicyBundle } from '../../src/policy/bundle.js';
import type { RobotState } from '../../src/policy/controller.js';
import { createTokenSpec, rowWidth, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { TINY_ROBOT } from '../fixtures.js';

/** Every meaning that a window can have. */
export const TOKEN_VARIANTS = [
  { layout: 'concat', pairing: 'previous', alignment: 'aligned' },
  { layout: 'concat', pairing: 'same', alignment: 'aligned' },
  { layout: 'separate', pairing: 'previous', alignment: 'aligned' },
  { layout: 'separate', pairing: 'same', alignment: 'aligned' },
  { layout: 'separate', pairing: 'same', alignment: 'nonaligned' },
] as const;

export type Tree = Readonly<Record<string, unknown>>;

/** Weights, biases, norms and statistics are all random, so that none of them can be left out unnoticed. */
export function randomBundle(tokenConfig: Tree = {}, modelConfig: Tree = {}, seed = 1): PolicyBundle {
  const random = new Random(seed);
  const tokens = createTokenSpec(tokenConfigSchema.parse({ context: 4, ...tokenConfig }), TINY_ROBOT, 50);
  const model = modelConfigSchema.parse({ width: 16, heads: 2, blocks: 2, ...modelConfig });
  const parameters = initialParameters(parameterSpecs(model, tokens), random);
  for (const [name, values] of Object.entries(parameters)) {
    const stream = random.split('shake', name);
    for (let at = 0; at < values.length; at++) values[at] += 0.1 * stream.normal();
  }
  const width = rowWidth(tokens);
  const numbers = (label: string, low: number, high: number) => {
    const stream = random.split(label);
    return Array.from({ length: width }, () => Math.fround(stream.uniform(low, high)));
  };
  return {
    name: 'random',
    model,
    tokens,
    normaliser: { mean: numbers('mean', -1, 1), deviation: numbers('deviation', 0.2, 2) },
    robot: TINY_ROBOT,
    parameters,
    ...(model.inputNorm === 'batch'
      ? {
          running: {
            mean: Float32Array.from(numbers('running mean', -0.5, 0.5)),
            variance: Float32Array.from(numbers('running variance', 0.5, 2)),
          },
        }
      : {}),
    provenance: { made: 'by a test', seed },
  };
}

/** A state whose values float32 holds exactly, as an episode would. */
export function randomState(random: Random, jointCount = 2): RobotState {
  const values = (count: number) => Float64Array.from({ length: count }, () => Math.fround(random.normal()));
  return {
    time_s: 0,
    basePosition_m: values(3),
    baseQuaternion: Float64Array.of(1, 0, 0, 0),
    baseAngularVelocity_radps: values(3),
    baseLinearVelocity_mps: values(3),
    projectedGravity: values(3),
    jointPosition_rad: values(jointCount),
    jointVelocity_radps: values(jointCount),
    torque_Nm: values(jointCount),
    footContact: Float64Array.of(1, 0),
    sensors: {},
  };
}
