// An evaluation on TensorFlow.js: the same actions as on ONNX Runtime, in the same physics, and it says what ran.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import { createContender } from '../../src/evaluate/contenders.js';
import { chooseEngine, type EngineName } from '../../src/evaluate/engine.js';
import { evaluate } from '../../src/evaluate/evaluate.js';
import { modelConfigSchema } from '../../src/model/model-config.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import { encodeBundle } from '../../src/policy/bundle.js';
import { identityOf, type RobotModel } from '../../src/robot/robot-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { createTokenSpec, rowWidth, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { syntheticEpisode } from '../fixtures.js';
import { randomState } from '../policy/policy-fixtures.js';

let folder: string;
let robot: RobotModel;

beforeAll(async () => {
  ({ robot } = await loadRobot('g1'));
  const tokens = createTokenSpec(tokenConfigSchema.parse({ context: 3 }), robot, robot.control.rate_hz);
  const model = modelConfigSchema.parse({ width: 16, heads: 2, blocks: 2 });
  const width = rowWidth(tokens);
  const files = encodeBundle({
    ...{ name: 'untrained', model, tokens, robot, provenance: {} },
    normaliser: { mean: Array(width).fill(0.1), deviation: Array(width).fill(0.5) },
    parameters: initialParameters(parameterSpecs(model, tokens), new Random(1)),
  });
  folder = await mkdtemp(join(tmpdir(), 'nextgait-engine-'));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

/** Actions of two robots over eight steps, past the filling of the window. */
async function actionsOn(engine: EngineName): Promise<Float64Array[]> {
  const { runtime } = await chooseEngine(engine);
  const controller = await createContender({ kind: 'policy', reference: folder }, robot, runtime, 2);
  const random = new Random(3);
  const joints = robot.jointNames.length;
  const actions: Float64Array[] = [];
  for (const slot of [0, 1]) controller.reset(slot);
  for (let step = 0; step < 8; step++) {
    const states = [randomState(random, joints), randomState(random, joints)];
    const action = new Float64Array(2 * joints);
    await controller.act([0, 1], states, Float64Array.of(0.5, 0, 0.1, -0.2, 0.1, 0), action);
    actions.push(action);
  }
  await controller.dispose();
  return actions;
}

/** One episode, which the hash of its id leaves to training. */
async function datasetWithoutHeldOut(): Promise<string> {
  const data = join(folder, 'data');
  const rate_hz = robot.control.rate_hz;
  const width = robot.jointNames.length;
  const writer = await DatasetWriter.open(data, { robot, rate_hz });
  await writer.append({
    ...syntheticEpisode(1, { frameCount: 20 }),
    ...{ robot: identityOf(robot), rate_hz, channels: { action: { width, data: new Float32Array(20 * width) } } },
  });
  const { sources } = await writer.close();
  expect(sources[0].episodes).toBe(1);
  return data;
}

describe('TensorFlow.js', () => {
  it('gives the actions of ONNX Runtime', async () => {
    const expected = await actionsOn('onnx');
    const found = await actionsOn('tfjs');
    const largest = Math.max(...expected[7].map(Math.abs));
    expect(largest).toBeGreaterThan(0.05);
    // float32 on both: sums of some hundred terms of size 1 in another order, apart by a few 1e-7 of an action of size 1.
    found.forEach((action, step) => {
      const apart = Math.max(...action.map((value, at) => Math.abs(value - expected[step][at])));
      expect(apart, `step ${step}`).toBeLessThan(1e-5);
    });
  });

  it('runs trials, and the result names the package', async () => {
    const said: string[] = [];
    const evaluation = await evaluate({
      policy: folder,
      engine: 'tfjs',
      config: {
        ...{ trials: 1, duration_s: 1, settle_s: 0.5, slots: 1, bootstrap: 100, modelBased: false },
        commands: { set: 'paper' },
        kicks: { enabled: false },
      },
      log: { info: (text) => said.push(text), warn: (text) => said.push(text) },
    });
    expect(evaluation.contenders.map(({ key }) => key)).toContain('random-weights');
    expect(evaluation.contenders[0].conditions.undisturbed!.trials).toHaveLength(1);
    expect(said.join('\n')).toMatch(/engine: @tensorflow\/tfjs\S* [\d.]+ \(.*\), asked for as "tfjs"/);
    expect(evaluation.notes.join('\n')).toMatch(/ran on @tensorflow\/tfjs/);
  });

  it('leaves the output as it was where it is refused or interrupted before the first trial is done', async () => {
    let claimed = 0;
    const claim = async () => void claimed++;
    const config = {
      ...{ trials: 1, duration_s: 1, settle_s: 0.5, slots: 1, modelBased: false },
      commands: { set: 'paper' },
    };
    const asked = { policy: folder, config, claim };
    const nowhere = join(folder, 'nowhere');
    await expect(evaluate({ ...asked, policy: nowhere })).rejects.toThrow(/nowhere/);
    await expect(evaluate({ ...asked, from: 'onnx', engine: 'tfjs' })).rejects.toThrow(/an ONNX file/);
    await expect(evaluate({ ...asked, teacher: nowhere })).rejects.toThrow(/nowhere/);
    await expect(evaluate({ ...asked, data: [nowhere] })).rejects.toThrow(/nowhere/);
    expect(claimed).toBe(0);
    // Interrupted before the first trial is done, there is nothing to claim it for; and then once.
    const aborted = new AbortController();
    aborted.abort();
    const { complete } = await evaluate({ ...asked, signal: aborted.signal });
    expect(complete).toBe(false);
    expect(claimed).toBe(0);
    expect((await evaluate(asked)).complete).toBe(true);
    expect(claimed).toBe(1);
  });

  it('says where nothing was held out, and that nobody asked for the engine', async () => {
    const said: string[] = [];
    const { notes } = await evaluate({
      policy: folder,
      data: [await datasetWithoutHeldOut()],
      config: {
        ...{ trials: 1, duration_s: 1, settle_s: 0.5, slots: 1, bootstrap: 100, modelBased: false },
        ...{ commands: { set: 'paper' }, kicks: { enabled: false } },
      },
      log: { info: (text) => said.push(text), warn: (text) => said.push(text) },
    });
    expect(notes).toContainEqual(expect.stringMatching(/none of the episodes was held out.*prediction\.split=all/));
    expect(said.join('\n')).toMatch(/engine: onnxruntime.*, the default$/m);
    expect((await chooseEngine('onnx')).reason).toBe('asked for as "onnx"');
  });

  it('refuses what only ONNX Runtime runs', async () => {
    await expect(evaluate({ policy: folder, from: 'onnx', engine: 'tfjs' })).rejects.toThrow(
      /policy\.onnx: an ONNX file.*--from weights/,
    );
    await expect(evaluate({ policy: 'g1-unitree-rl-lab', engine: 'tfjs' })).rejects.toThrow(
      /policy config g1-unitree-rl-lab: an ONNX file/,
    );
  });

  it('says of a policy that is not there that it is not there', async () => {
    await expect(evaluate({ policy: 'no/such/path', engine: 'tfjs' })).rejects.toThrow(
      /no\/such\/path: neither a policy bundle/,
    );
    await expect(evaluate({ policy: 'no/such.yaml', engine: 'tfjs' })).rejects.toThrow(
      /no\/such\.yaml: config file cannot be read/,
    );
  });
});
