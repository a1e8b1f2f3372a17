// Relabelling: the label is what the teacher says when it is asked by itself in the history that the student made.

import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import type { Episode } from '../../src/motion/episode.js';
import type { Controller, RobotState } from '../../src/policy/controller.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadController } from '../../src/sim/load-controller.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { record } from '../../src/sim/record-run.js';
import { recordSchema } from '../../src/sim/record-settings.js';
import { relabellingController } from '../../src/sim/relabel.js';
import { type PolicyFixture, writePolicy } from './record-fixture.js';

let robot: RobotModel;
let student: PolicyFixture;
let teacher: PolicyFixture;

beforeAll(async () => {
  robot = (await loadRobot('g1')).robot;
  student = await writePolicy(robot.jointNames);
  // Its answer depends on what a history holds: what was executed, a state, the command. Clocks: teacher.test.ts.
  teacher = await writePolicy(robot.jointNames, {
    name: 'teacher',
    gain: 0.015,
    width: 3 + 3 + robot.jointNames.length,
    terms: ['baseAngularVelocity', 'command', 'lastAction'].map((term) => ({ term })),
  });
});
afterAll(async () => {
  for (const { folder } of [student, teacher]) await rm(folder, { recursive: true });
});

const NOISE = { actionNoise: { share: 1, white: 1 }, kicks: { share: 1, interval_s: [0.2, 0.3] } };

async function relabelled(share: number, change: object = {}, seed = 1): Promise<Episode[]> {
  const episodes: Episode[] = [];
  await record({
    controller: student.config,
    teacher: { reference: teacher.config, share, source: 'walks' },
    settings: recordSchema.parse({ episodes: 2, duration_s: 0.6, disturbance: NOISE, ...change }),
    seed,
    workers: 0,
    source: 'dagger-1',
    openSink: async () => ({ append: async (episode) => void episodes.push(episode) }),
    now_s: () => 0,
  });
  return episodes;
}

/** Asks a controller by itself, along the states, commands and executed actions of an episode. */
async function replay(controller: Controller, episode: Episode): Promise<Float32Array> {
  const { channels, frameCount } = episode;
  const jointCount = robot.jointNames.length;
  const action = new Float64Array(jointCount);
  const answers = new Float32Array(frameCount * jointCount);
  const row = (name: keyof typeof channels, frame: number) => {
    const { width, data } = channels[name]!;
    return Float64Array.from(data.subarray(frame * width, (frame + 1) * width));
  };
  controller.reset(0);
  for (let frame = 0; frame < frameCount; frame++) {
    const state: RobotState = {
      time_s: frame / 50,
      basePosition_m: row('basePosition', frame),
      baseQuaternion: row('baseQuaternion', frame),
      baseAngularVelocity_radps: row('baseAngularVelocity', frame),
      baseLinearVelocity_mps: row('baseLinearVelocity', frame),
      projectedGravity: row('projectedGravity', frame),
      jointPosition_rad: row('jointPosition', frame),
      jointVelocity_radps: row('jointVelocity', frame),
      torque_Nm: row('torque', frame),
      footContact: row('footContact', frame),
      sensors: {},
    };
    await controller.act([0], [state], row('command', frame), action);
    answers.set(action, frame * jointCount);
    controller.executed([0], row('executedAction', frame));
  }
  await controller.dispose();
  return answers;
}

const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0);

test("labels are the teacher's answers in the student's history; what is executed is the student's, with noise", async () => {
  for (const episode of await relabelled(0)) {
    const { action, executedAction } = episode.channels;
    const asked = await replay(await loadController(teacher.config, { robot }), episode);
    // The networks compute in float32, which is what the columns hold: only the executed action is rounded on its way.
    expect(largestDifference(action!.data, asked)).toBeLessThan(1e-6);
    const driven = await replay(await loadController(student.config, { robot }), episode);
    const noise = largestDifference(executedAction!.data, driven);
    expect(noise).toBeGreaterThan(0.01);
    // Ten standard deviations of the most noise that the settings allow.
    expect(noise).toBeLessThan(1.5);
    expect(largestDifference(action!.data, driven)).toBeGreaterThan(0.01);
    expect(episode).toMatchObject({ source: 'dagger-1', kind: 'rollout', provenance: { input: 'stander' } });
    expect(episode.provenance.options.teacher).toMatchObject({ name: 'teacher', source: 'walks', share: 0 });
  }
});

test('the teacher drives its share of the steps, the same ones from the same seed', async () => {
  const quiet = { disturbance: { actionNoise: { share: 0 }, kicks: { share: 0 } } };
  const whole = await relabelled(1, quiet);
  for (const { channels } of whole) expect(channels.executedAction!.data).toEqual(channels.action!.data);
  const half = await relabelled(0.5, quiet);
  const [{ channels }] = half;
  const jointCount = robot.jointNames.length;
  const isTeacher = Array.from({ length: 30 }, (_, frame) => {
    const [a, b] = [channels.action!, channels.executedAction!].map(({ data }) =>
      data.subarray(frame * jointCount, (frame + 1) * jointCount),
    );
    return largestDifference(a, b) === 0;
  });
  // 30 fair draws lie between 5 and 25 but for one seed in ten thousand.
  expect(isTeacher.filter(Boolean).length).toBeGreaterThan(5);
  expect(isTeacher.filter(Boolean).length).toBeLessThan(25);
  expect(await relabelled(0.5, quiet)).toEqual(half);
});

test('a teacher of another robot or rate is refused, and none drives before its episode begins', async () => {
  const own = await loadController(student.config, { robot });
  const other = (change: object): Controller => ({ ...own, ...change, act: async () => {}, reset: () => {} });
  expect(() => relabellingController(own, other({ robot: { ...own.robot, hash: 'other' } }), 0)).toThrow(/robot/);
  expect(() => relabellingController(own, other({ robot: own.robot, rate_hz: 100, name: 'fast' }), 0)).toThrow(
    /teacher fast: control rate .* expected 50 Hz, found 100 Hz/,
  );
  const pair = relabellingController(own, other({ robot: own.robot, rate_hz: 50, slotCount: 1 }), 0.5);
  await expect(pair.act([], [], new Float64Array(3), new Float64Array(29))).rejects.toThrow(/begin/);
  pair.begin(new Random(1));
  await own.dispose();
});
