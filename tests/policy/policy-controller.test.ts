// What the controller answers is what the training program predicts on the same history, cut by the batch cutter.
//
// The oracle is the validation program of src/train itself: a rollout of the controller becomes an episode whose labels
// are the controller's own actions, and its windows must have no action error where the controller acted.

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { encodePolicyOnnx } from '../../src/export/onnx.js';
import type { Channel, ChannelName, Episode } from '../../src/motion/episode.js';
import type { PolicyBundle } from '../../src/policy/bundle.js';
import type { Controller, RobotState } from '../../src/policy/controller.js';
import { openOnnxPolicy } from '../../src/policy/onnx-policy.js';
import { createPolicyController, policyController } from '../../src/policy/policy-controller.js';
import { identityOf } from '../../src/robot/robot-model.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import { allocateBatch, createCutter } from '../../src/tokens/batch.js';
import { memorySource } from '../../src/tokens/window-source.js';
import { optimiserConfigSchema } from '../../src/train/train-config.js';
import { buildValidationGraph, initialState, stateOptions, validationState } from '../../src/train/training-program.js';
import { randomBundle, randomState, TOKEN_VARIANTS, type Tree } from './policy-fixtures.js';

const STEPS = 11;
/** Inputs are float32 on both sides, and the controller computes in float32: about 1e-6 of values near 1. */
const TOLERANCE = 1e-5;

type Rollout = { readonly states: RobotState[]; readonly commands: Float64Array[]; readonly noise: Float64Array[] };

/** What happens to one robot, whatever the controller answers: states, commands, and what is added to the action. */
function script(seed: number): Rollout {
  const random = new Random(seed);
  const three = () => Float64Array.from({ length: 3 }, () => Math.fround(random.normal()));
  const times = Array.from({ length: STEPS });
  return {
    states: times.map(() => randomState(random)),
    commands: times.map(three),
    noise: times.map(() => Float64Array.from({ length: 2 }, () => 0.3 * random.normal())),
  };
}

interface Played {
  readonly actions: number[][];
  readonly executed: number[][];
}

/** Plays a script in one slot; the noise is reported on odd steps, so that both histories are tried. */
async function play(controller: Controller, slot: number, { states, commands, noise }: Rollout): Promise<Played> {
  const played: Played = { actions: [], executed: [] };
  controller.reset(slot);
  for (let step = 0; step < STEPS; step++) {
    const action = await answer(controller, slot, states[step], commands[step]);
    const noisy = step % 2 === 1;
    const executed = action.map((value, joint) => Math.fround(value + (noisy ? noise[step][joint] : 0)));
    if (noisy) controller.executed([slot], placed(controller, slot, executed, 2));
    played.actions.push(action);
    played.executed.push(executed);
  }
  return played;
}

async function answer(controller: Controller, slot: number, state: RobotState, command: Float64Array) {
  const states: RobotState[] = [];
  states[slot] = state;
  const actions = new Float64Array(2 * controller.slotCount);
  await controller.act([slot], states, placed(controller, slot, command, 3), actions);
  return Array.from(actions.subarray(2 * slot, 2 * slot + 2));
}

/** `values` at a slot's place among `width` numbers a slot. */
function placed(controller: Controller, slot: number, values: ArrayLike<number>, width: number): Float64Array {
  const all = new Float64Array(width * controller.slotCount);
  all.set(values, width * slot);
  return all;
}

function episodeOf(bundle: PolicyBundle, { states, commands }: Rollout, { actions, executed }: Played): Episode {
  const channel = (rows: readonly ArrayLike<number>[]): Channel => ({
    width: rows[0].length,
    data: Float32Array.from(rows.flatMap((row) => Array.from(row))),
  });
  const channels: Partial<Record<ChannelName, Channel>> = {
    baseAngularVelocity: channel(states.map((state) => state.baseAngularVelocity_radps)),
    projectedGravity: channel(states.map((state) => state.projectedGravity)),
    jointPosition: channel(states.map((state) => state.jointPosition_rad)),
    jointVelocity: channel(states.map((state) => state.jointVelocity_radps)),
    baseLinearVelocity: channel(states.map((state) => state.baseLinearVelocity_mps)),
    footContact: channel(states.map((state) => state.footContact)),
    torque: channel(states.map((state) => state.torque_Nm)),
    command: channel(commands),
    action: channel(actions),
    executedAction: channel(executed),
  };
  return {
    id: 'played',
    robot: identityOf(bundle.robot),
    rate_hz: 50,
    frameCount: STEPS,
    kind: 'rollout',
    source: 'test',
    channels,
    derived: [],
    startsAtReset: true,
    provenance: { input: 'test', tool: 'test', options: {} },
    findings: [],
  };
}

/** The validation program's action error of every row, as root mean square over joints: [window][row]. */
async function actionErrors(bundle: PolicyBundle, episode: Episode, windows: readonly number[]): Promise<number[][]> {
  const { tokens, robot } = bundle;
  const batch = allocateBatch(tokens, windows.length);
  const cut = createCutter(tokens, robot, memorySource([episode]));
  windows.forEach((first, at) => {
    cut({ episode: 0, first }, batch, at, { observation: 1, action: 1 });
  });
  const state = initialState(bundle, optimiserConfigSchema.parse({}), bundle.parameters);
  if (bundle.running !== undefined) {
    state['running.mean'] = bundle.running.mean;
    state['running.variance'] = bundle.running.variance;
  }
  const program = await referenceRuntime().compile(buildValidationGraph(bundle, windows.length), {
    state: stateOptions(validationState(bundle, state), false),
  });
  for (const name of ['values', 'present', 'targets', 'weights'] as const) program.feeds[name].set(batch[name]);
  program.feeds.inverseWeight[0] = 1;
  await program.run();
  const errors = program.results.errors;
  return windows.map((_, window) =>
    Array.from({ length: tokens.context }, (_, row) => Math.sqrt(errors[2 * (window * tokens.context + row) + 1] / 2)),
  );
}

/** Checks a whole rollout: short windows by the first window's rows, full ones by the last row of each. */
async function expectTrainingPredictions(bundle: PolicyBundle, rollout: Rollout, played: Played): Promise<void> {
  const { context, pairing, alignment } = bundle.tokens;
  // With the literal pairing a_{t-1} predicts a_t: row r is about the action of the step after its own.
  const later = pairing === 'same' && alignment === 'aligned' ? 1 : 0;
  const windows = Array.from({ length: STEPS - context }, (_, first) => first);
  const errors = await actionErrors(bundle, episodeOf(bundle, rollout, played), windows);
  for (let step = later; step < STEPS - 1 + later; step++) {
    const row = step - later;
    const found = row < context ? errors[0][row] : errors[row - context + 1][context - 1];
    expect(found, `step ${step}`).toBeLessThan(TOLERANCE);
  }
  if (later === 1) expect(played.actions[0]).toEqual([0, 0]);
  // The check can fail: the action of a full history is not what the same row predicts from a shorter one.
  expect(errors[1][context - 2]).toBeGreaterThan(100 * TOLERANCE);
}

const MODELS: readonly Tree[] = [
  { block: 'preln', inputNorm: 'fixed', activation: 'relu' },
  { block: 'paper', inputNorm: 'batch', activation: 'gelu' },
];

describe.each(TOKEN_VARIANTS)('controller, $layout tokens, $pairing action, $alignment', (tokens) => {
  it.each(MODELS)('acts as the training program predicts ($block, $inputNorm)', async (model) => {
    const bundle = randomBundle(tokens, model);
    const controller = await createPolicyController(bundle, await onnxRuntime(), { slotCount: 2 });
    const rollout = script(5);
    await expectTrainingPredictions(bundle, rollout, await play(controller, 1, rollout));
    await controller.dispose();
  });

  it('acts so from policy.onnx', async () => {
    const bundle = randomBundle(tokens, MODELS[1]);
    const model = encodePolicyOnnx(bundle, { batch: 2 });
    const program = await openOnnxPolicy(ort, model, bundle, { where: 'policy.onnx' });
    const controller = policyController(bundle, program, 5);
    const rollout = script(6);
    await expectTrainingPredictions(bundle, rollout, await play(controller, 3, rollout));
    await controller.dispose();
  });

  it('forgets at reset, even what was not a number', async () => {
    const bundle = randomBundle(tokens);
    const controller = await createPolicyController(bundle, await onnxRuntime());
    const rollout = script(7);
    const fresh = await play(controller, 0, rollout);
    const broken = randomState(new Random(8));
    broken.jointPosition_rad.fill(Number.NaN);
    for (let step = 0; step < 6; step++) await answer(controller, 0, broken, Float64Array.of(0, 0, 0));
    expect(await play(controller, 0, rollout)).toEqual(fresh);
    await controller.dispose();
  });

  it.each(['in one run', 'in runs of two'])('slots know nothing of each other, %s', async (how) => {
    const bundle = randomBundle(tokens);
    const runtime = await onnxRuntime();
    const open = async () => {
      if (how === 'in one run') return createPolicyController(bundle, runtime, { slotCount: 3 });
      const model = encodePolicyOnnx(bundle, { batch: 2 });
      return policyController(bundle, await openOnnxPolicy(ort, model, bundle, { where: 'policy.onnx' }), 3);
    };
    const alone = await open();
    const expected = await play(alone, 2, script(9));
    const shared = await open();
    const rollouts = [script(10), script(11), script(9)];
    for (const slot of [0, 1, 2]) shared.reset(slot);
    const actions = new Float64Array(6);
    const found: number[][] = [];
    for (let step = 0; step < STEPS; step++) {
      // Slot 0 acts on every third step only, slot 1 starts again half way.
      const slots = step % 3 === 0 ? [0, 1, 2] : [2, 1];
      if (step === 5) shared.reset(1);
      const states = rollouts.map(({ states }) => states[step]);
      const commands = Float64Array.from(rollouts.flatMap(({ commands }) => Array.from(commands[step])));
      await shared.act(slots, states, commands, actions);
      found.push(Array.from(actions.subarray(4, 6)));
      if (step % 2 === 1) shared.executed([2], Float64Array.of(9, 9, 9, 9, ...expected.executed[step]));
    }
    expect(found).toEqual(expected.actions);
    await alone.dispose();
    await shared.dispose();
  });
});

it('history carries what was executed', async () => {
  const bundle = randomBundle();
  const controller = await createPolicyController(bundle, await onnxRuntime());
  const { states, commands } = script(12);
  const second = async (executed?: number[]) => {
    controller.reset(0);
    await answer(controller, 0, states[0], commands[0]);
    if (executed !== undefined) controller.executed([0], Float64Array.from(executed));
    return answer(controller, 0, states[1], commands[1]);
  };
  const own = await second();
  expect(await second([0.7, -0.4])).not.toEqual(own);
  expect(await second()).toEqual(own);
  await controller.dispose();
});

it('knows the commands it was made for where its provenance does', async () => {
  const commandRange = { vx_mps: [-0.5, 1], vy_mps: [-0.3, 0.3], wz_radps: [-0.2, 0.2] };
  const rangeOf = async (provenance: PolicyBundle['provenance']) => {
    const controller = await createPolicyController({ ...randomBundle(), provenance }, await onnxRuntime());
    await controller.dispose();
    return controller.commandRange;
  };
  expect(await rangeOf({ commandRange })).toEqual(commandRange);
  expect(await rangeOf({})).toBeUndefined();
  expect(await rangeOf({ commandRange: { vx_mps: 1 } })).toBeUndefined();
});
