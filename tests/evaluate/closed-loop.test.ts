// evaluate() on the bundled G1 in physics: a policy bundle of random weights, beside the baselines.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/base/config.js';
import { DataError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { constantController, createContender, meanAction, withRandomWeights } from '../../src/evaluate/contenders.js';
import { type EvaluateOptions, evaluate } from '../../src/evaluate/evaluate.js';
import { renderReport } from '../../src/evaluate/report.js';
import { modelConfigSchema } from '../../src/model/model-config.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import { encodeBundle, type PolicyBundle } from '../../src/policy/bundle.js';
import type { RobotState } from '../../src/policy/controller.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { createTokenSpec, rowWidth, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { TINY_ROBOT } from '../fixtures.js';

let folder: string;
let bundle: PolicyBundle;

beforeAll(async () => {
  const { robot } = await loadRobot('g1');
  const tokens = createTokenSpec(parseConfig(tokenConfigSchema, { context: 2 }, 'test'), robot, robot.control.rate_hz);
  const model = parseConfig(modelConfigSchema, { width: 8, heads: 1, blocks: 1 }, 'test');
  bundle = {
    name: 'untrained',
    model,
    tokens,
    // A mean action that is far from the default pose: predict-mean is not copy-last-action.
    normaliser: {
      mean: Array.from({ length: rowWidth(tokens) }, (_, at) => (at < tokens.observationWidth ? 0 : 0.1)),
      deviation: Array.from({ length: rowWidth(tokens) }, () => 1),
    },
    robot,
    parameters: initialParameters(parameterSpecs(model, tokens), new Random(1)),
    provenance: {},
  };
  folder = await mkdtemp(join(tmpdir(), 'nextgait-evaluate-'));
  for (const [name, bytes] of Object.entries(encodeBundle(bundle))) await writeFile(join(folder, name), bytes);
});

afterAll(() => rm(folder, { recursive: true }));

const small = (options: Partial<EvaluateOptions> = {}) =>
  evaluate({
    policy: folder,
    config: { trials: 3, duration_s: 2, slots: 2, bootstrap: 100, commands: { set: 'paper' } },
    ...options,
  });

describe('evaluation in physics', () => {
  it('runs the policy and the baselines through the same trials, twice to the same numbers', async () => {
    const first = await small();
    expect(first.contenders.map(({ key }) => key)).toEqual([
      'policy',
      'copy-last-action',
      'predict-mean',
      'random-weights',
      'model-based',
    ]);
    // It walks where the others fall, by torques: it has no action whose rate could be given.
    const walker = first.contenders[4].conditions.undisturbed!.summary;
    expect(walker.falls).toMatchObject({ count: 0, of: 3 });
    expect(walker.actionRate_radps).toBeNull();
    for (const { conditions } of first.contenders) {
      for (const condition of ['undisturbed', 'kicked'] as const) {
        expect(conditions[condition]!.trials.map(({ number }) => number)).toEqual([0, 1, 2]);
      }
    }
    // Nothing holds this robot upright: it tips over within 2 s in its default pose.
    const hold = first.contenders[1].conditions.undisturbed!;
    expect(hold.summary.falls).toMatchObject({ count: 3, of: 3 });
    expect(hold.summary.survival_s!.mean).toBeGreaterThan(0.5);
    expect(hold.summary.survival_s!.mean).toBeLessThan(2);
    // It moves its targets never, and its body hardly while it stands.
    expect(hold.summary.actionRate_radps!.mean).toBe(0);
    for (const { tracking_m, stretches } of hold.trials) {
      const standing_m = (stretches[0].commanded[0] * 99) / 2 / 50;
      // It lies within half a metre of where it stood.
      expect(Math.abs(tracking_m - standing_m)).toBeLessThan(0.5);
    }
    const others = first.contenders.map(({ conditions }) => conditions.undisturbed!.summary.tracking_m!.mean);
    expect(new Set(others).size).toBe(5);
    expect(first.samples.trials.length).toBeGreaterThan(1);
    expect(first.samples.phase).toMatchObject({ joint: 'left_knee_joint', speed_mps: 0.5 });
    expect(first.notes.join('\n')).toMatch(/no teacher[\s\S]*no prediction error/);
    expect(renderReport(first)).not.toMatch(/NaN|undefined/);
    expect(JSON.stringify(await small())).toBe(JSON.stringify(first));
  });

  it('reports the trials that were finished where it is interrupted', async () => {
    const interrupt = new AbortController();
    const partial = await small({ signal: interrupt.signal, onProgress: () => interrupt.abort() });
    expect(partial.complete).toBe(false);
    expect(partial.notes.join('\n')).toMatch(/interrupted/);
    // The first block of the first contender: two slots, two trials.
    expect(partial.contenders[0].conditions.undisturbed!.trials).toHaveLength(2);
    expect(partial.contenders[1].conditions.undisturbed!.trials).toHaveLength(0);
  });

  it('refuses what is not there or does not fit, before anything runs', async () => {
    await expect(small({ policy: join(folder, 'nothing') })).rejects.toThrow(DataError);
    await expect(small({ teacher: 'no-such-teacher' })).rejects.toThrow(/no-such-teacher/);
    await expect(small({ config: { trials: 0 } })).rejects.toThrow(/trials/);
    const other = await mkdtemp(join(tmpdir(), 'nextgait-evaluate-'));
    const stiffer = {
      ...bundle.robot,
      hash: 'other',
      stiffness_Nmprad: bundle.robot.stiffness_Nmprad.map((k) => 2 * k),
    };
    for (const [name, bytes] of Object.entries(encodeBundle({ ...bundle, robot: stiffer }))) {
      await writeFile(join(other, name), bytes);
    }
    await expect(small({ policy: other })).rejects.toThrow(DataError);
    await rm(other, { recursive: true });
  });
});

describe('baselines', () => {
  it('repeat one action', async () => {
    const controller = constantController([0.1, -0.2], TINY_ROBOT, 3);
    const actions = new Float64Array(6).fill(9);
    await controller.act([0, 2], [] as RobotState[], new Float64Array(9), actions);
    expect([...actions]).toEqual([0.1, -0.2, 9, 9, 0.1, -0.2]);
  });

  it('take the mean action from the normaliser', () => {
    expect(meanAction(bundle)).toEqual(Array(29).fill(0.1));
  });

  it('have fresh weights that follow from the seed', () => {
    const one = withRandomWeights(bundle, 1).parameters;
    expect(withRandomWeights(bundle, 1).parameters).toEqual(one);
    expect(one['head.weight']).not.toEqual(bundle.parameters['head.weight']);
    expect(one['head.weight']).not.toEqual(withRandomWeights(bundle, 2).parameters['head.weight']);
    expect(Object.keys(one)).toEqual(Object.keys(bundle.parameters));
  });

  it('make controllers that act', async () => {
    const source = { kind: 'random-weights', of: { reference: folder }, seed: 3 } as const;
    const controller = await createContender(source, bundle.robot, await onnxRuntime(), 2);
    expect(controller).toMatchObject({ slotCount: 2, rate_hz: 50 });
    await controller.dispose();
  });
});
