// The adapter of foreign policies: both directions of translation, batching, checks; and, where the development data
// is there, 10 s of a T1's recording by another program, observation by observation and action by action.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import * as onnx from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/base/config-file.js';
import { packagePath } from '../../src/base/files.js';
import { foreignPolicySchema } from '../../src/policy/foreign-config.js';
import { ForeignController } from '../../src/policy/foreign-controller.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { fakeOnnx, robotOf, stateOf } from './foreign-fixtures.js';
import { readNpz } from './read-npz.js';

const CONFIG = {
  name: 'test',
  robot: 'test',
  rate_hz: 50,
  onnx: { file: 'x.onnx', input: 'obs', output: 'act' },
  joints: ['hip', 'knee'],
  defaultPosition_rad: { hip: 0.5 },
  action: { scale: { '*': 2, knee: 4 }, clip: [-1, 1] },
  observation: { terms: [{ term: 'command' }, { term: 'lastAction' }] },
  commands: { vx_mps: [-1, 1], vy_mps: [0, 0], wz_radps: [-1, 1] },
};
const ROBOT = robotOf(['knee', 'hip'], { defaultPosition_rad: [0.25, 0.125] });

function load(change: object, onnxModule: ReturnType<typeof fakeOnnx>, robot: RobotModel = ROBOT, slotCount = 2) {
  const config = foreignPolicySchema.parse({ ...CONFIG, ...change });
  return ForeignController.load({
    config,
    where: 'test.yaml',
    robot,
    network: new Uint8Array(),
    onnx: onnxModule,
    slotCount,
  });
}

/** Copies vx to the hip and wz to the knee. */
const copyCommand = (row: Float32Array) => [row[0], row[2]];

for (const [name, rows, ownBuffers] of [
  ['fixed batch', 1, false],
  ['dynamic batch', 'batch', false],
  ['dynamic batch, buffers of the runtime', 'batch', true],
] as const) {
  test(`actions in the robot's order and about the robot's default: ${name}`, async () => {
    const module = fakeOnnx([rows, 5], [rows, 2], copyCommand, ownBuffers);
    const controller = await load({}, module);
    const actions = new Float64Array(4);
    const states = [stateOf(2), stateOf(2)];
    await controller.act([0, 1], states, Float64Array.of(0.5, 0, 0.25, -0.5, 0, 3), actions);
    // hip: 0.5 + 2 · raw − 0.125, knee: 0 + 4 · raw − 0.25, raw clipped to ±1; the robot's order is knee, hip.
    expect(Array.from(actions)).toEqual([0.75, 1.375, 3.75, -0.625]);
    expect(module.calls).toBe(rows === 1 ? 2 : 1);
    await controller.act([1], states, Float64Array.of(0, 0, 0, 1, 0, 0), actions);
    expect(Array.from(actions)).toEqual([0.75, 1.375, -0.25, 2.375]);
    expect(Array.from(controller.observation(1))).toEqual([1, 0, 0, -0.5, 1]);
    controller.reset(1);
    await controller.act([1], states, new Float64Array(6), actions);
    expect(Array.from(controller.observation(1))).toEqual([0, 0, 0, 0, 0]);
    await controller.dispose();
  });
}

test('what was executed is remembered in the network’s own units, where the config asks for it', async () => {
  for (const remembers of ['own', 'executed'] as const) {
    const controller = await load({ action: { ...CONFIG.action, remembers } }, fakeOnnx([1, 5], [1, 2], copyCommand));
    const actions = new Float64Array(4);
    const states = [stateOf(2), stateOf(2)];
    await controller.act([0], states, Float64Array.of(0.5, 0, 0.25, 0, 0, 0), actions);
    controller.executed([0], Float64Array.of(1.75, 1.375, 0, 0));
    await controller.act([0], states, new Float64Array(6), actions);
    // Knee: (1.75 + 0.25 − 0) / 4 = 0.5 where the network said 0.25.
    const expected = remembers === 'own' ? [0.5, 0.25] : [0.5, 0.5];
    expect(Array.from(controller.observation(0)).slice(3)).toEqual(expected);
  }
});

test('joints that the policy does not know are refused, or held at the robot’s default', async () => {
  const robot = robotOf(['knee', 'wrist', 'hip'], { defaultPosition_rad: [0.25, 0.75, 0.125] });
  const module = fakeOnnx([1, 5], [1, 2], () => [0, 0]);
  await expect(load({}, module, robot)).rejects.toThrow(/extra wrist/);
  const controller = await load({ otherJoints: 'hold' }, module, robot, 1);
  const actions = new Float64Array(3).fill(9);
  await controller.act([0], [stateOf(3)], new Float64Array(3), actions);
  expect(Array.from(actions)).toEqual([-0.25, 0, 0.375]);
});

test('a robot or a network that does not fit is refused with every reason', async () => {
  const good = fakeOnnx([1, 5], [1, 2], copyCommand);
  const requires = { pdMode: ['implicit'], armature_kgm2: 0.02, stiffness_Nmprad: { hip: 100, knee: 80 } };
  const found = load({ requires }, good, robotOf(['knee', 'hip'], { pdMode: 'explicit' }));
  await expect(found).rejects.toThrow(/expected implicit, found explicit/);
  await expect(found).rejects.toThrow(/knee of robot test: expected 80, found 100/);
  await expect(found).rejects.toThrow(/hip of robot test: expected 0.02, found 0.01/);
  await expect(found).rejects.not.toThrow(/hip of robot test: expected 100/);
  await expect(load({}, fakeOnnx([1, 6], [1, 2], copyCommand))).rejects.toThrow(
    /expected .*5\].*found float32 \[1, 6\]/,
  );
  await expect(load({ onnx: { ...CONFIG.onnx, input: 'x' } }, good)).rejects.toThrow(/expected x, found obs/);
});

const data = packagePath('..', 'shared', 'data');

describe.skipIf(!existsSync(data))('a recording of the T1 by another program', () => {
  test.each([0, 1, 2, 3])('rollout %i: the same observations and actions', async (number) => {
    const path = packagePath('configs', 'policies', 't1-playground.yaml');
    const config = await loadConfig(foreignPolicySchema, path);
    const recording = readNpz(`${data}/rollouts/t1_${number}.npz`);
    // The recording's joint order is the policy's, reversed here: the map between orders has to be used.
    const jointNames = [...config.joints].reverse();
    const controller = await ForeignController.load({
      config: { ...config, requires: {} },
      where: path,
      robot: robotOf(jointNames, { pdMode: 'position-actuator' }),
      network: await readFile(`${data}/policies/t1_playground/policy.onnx`),
      onnx,
      slotCount: 1,
    });
    const [frameCount, observationSize] = recording.obs.shape;
    const jointCount = jointNames.length;
    const home = new Float64Array(jointCount);
    home.forEach((_, joint) => {
      home[joint] = recording.qpos.data[7 + joint];
    });
    const actions = new Float64Array(jointCount);
    let observationError = 0;
    let actionError = 0;
    for (let frame = 0; frame < frameCount; frame++) {
      const qpos = recording.qpos.data.subarray(30 * frame, 30 * frame + 30);
      const qvel = recording.qvel.data.subarray(29 * frame, 29 * frame + 29);
      const observed = recording.obs.data.subarray(observationSize * frame, observationSize * (frame + 1));
      const state = stateOf(jointCount, {
        jointPosition_rad: qpos.slice(7).reverse(),
        jointVelocity_radps: qvel.slice(6).reverse(),
        sensors: {
          local_linvel: observed.slice(0, 3),
          gyro: observed.slice(3, 6),
          orientation: tiltOf(observed.subarray(6, 9)),
        },
      });
      await controller.act([0], [state], recording.command.data.subarray(3 * frame, 3 * frame + 3), actions);
      const own = controller.observation(0);
      for (let k = 0; k < observationSize; k++) {
        observationError = Math.max(observationError, Math.abs(own[k] - observed[k]));
      }
      for (let joint = 0; joint < jointCount; joint++) {
        // The test's robot has its default at 0: target = action.
        const target = actions[jointCount - 1 - joint] - home[joint];
        actionError = Math.max(actionError, Math.abs(target - recording.action.data[jointCount * frame + joint]));
      }
    }
    // float32 rounding of values up to 20, and of a quaternion made from a float32 direction.
    expect(observationError).toBeLessThan(5e-6);
    // The same network on another build of the runtime: sums of 512 float32 products.
    expect(actionError).toBeLessThan(2e-5);
    await controller.dispose();
  });
});

/** The smallest rotation of a frame in which gravity has the given direction. */
function tiltOf(gravity: Float64Array): Float64Array {
  const [x, y, z] = gravity;
  // Half-way vector construction for the rotation between (0, 0, -1) and gravity, in the frame.
  const quaternion = Float64Array.of(1 - z, -y, x, 0);
  const length = Math.hypot(...quaternion);
  return quaternion.map((entry) => entry / length);
}
