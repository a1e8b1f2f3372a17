// Recording on the bundled G1: what an episode holds, falls, action-free shares, and the same episodes whoever records.

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/base/config-file.js';
import { packagePath } from '../../src/base/files.js';
import { inOrder } from '../../src/base/worker-pool.js';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import type { Episode } from '../../src/motion/episode.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadController } from '../../src/sim/load-controller.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { type RecordOutcome, record } from '../../src/sim/record-run.js';
import { recordSchema } from '../../src/sim/record-settings.js';
import { type PolicyFixture, STANDER, writePolicy } from './record-fixture.js';

let policy: PolicyFixture;
let robot: RobotModel;

beforeAll(async () => {
  robot = (await loadRobot('g1')).robot;
  policy = await writePolicy(robot.jointNames);
});
afterAll(() => rm(policy.folder, { recursive: true }));

interface Recording {
  readonly episodes: Episode[];
  readonly outcome: RecordOutcome;
}

async function recordWith(
  change: object,
  options: Partial<Parameters<typeof record>[0]> = {},
  has: readonly string[] = [],
): Promise<Recording> {
  const episodes: Episode[] = [];
  let clock_s = 0;
  const outcome = await record({
    controller: policy.config,
    settings: recordSchema.parse({ episodes: 3, duration_s: 0.5, ...change }),
    seed: 1,
    workers: 0,
    openSink: async () => ({ append: async (episode) => void episodes.push(episode), has: (id) => has.includes(id) }),
    now_s: () => clock_s++,
    ...options,
  });
  return { episodes, outcome };
}

/** Every number of an episode. */
const numbersOf = (episode: Episode) =>
  Object.entries(episode.channels).map(([name, { data }]) => [name, ...Array.from(data)]);

test('an episode has every channel, the clean action and the executed one', async () => {
  const always = { share: 1, white: 1 };
  const { episodes, outcome } = await recordWith({ disturbance: { actionNoise: always } });
  expect(episodes.map(({ id }) => id)).toEqual(['stander/1/0', 'stander/1/1', 'stander/1/2']);
  for (const episode of episodes) {
    expect(episode).toMatchObject({ frameCount: 25, rate_hz: 50, kind: 'rollout', source: 'stander', derived: [] });
    expect(episode).toMatchObject({
      startsAtReset: true,
      fell: false,
      findings: [],
      robot: { name: 'g1', hash: robot.hash },
    });
    expect(episode.provenance).toMatchObject({ input: 'stander', options: { seed: 1 } });
    const widths = Object.fromEntries(Object.entries(episode.channels).map(([name, { width }]) => [name, width]));
    expect(widths).toEqual({
      basePosition: 3,
      baseQuaternion: 4,
      baseAngularVelocity: 3,
      baseLinearVelocity: 3,
      projectedGravity: 3,
      jointPosition: 29,
      jointVelocity: 29,
      command: 3,
      action: 29,
      executedAction: 29,
      torque: 29,
      footContact: 2,
    });
    const { action, executedAction, jointPosition, torque, footContact, command } = episode.channels;
    // The action is the policy's, a function of gyro and command: at rest, of the command alone.
    for (let joint = 0; joint < 29; joint++) {
      let expected = 0;
      for (let axis = 0; axis < 3; axis++) expected += command!.data[axis] * 0.02 * Math.sin((3 + axis) * 29 + joint);
      // float32 in the network and in the episode.
      expect(action!.data[joint]).toBeCloseTo(expected, 6);
      // The robot starts near its default pose, at most the default start noise of 0.05 rad away (and a rounding).
      expect(Math.abs(jointPosition!.data[joint] - robot.defaultPosition_rad[joint])).toBeLessThan(0.05 + 1e-6);
    }
    const noise = executedAction!.data.map((value, at) => value - action!.data[at]);
    const deviation = Math.sqrt(noise.reduce((sum, value) => sum + value ** 2, 0) / noise.length);
    const { drawn } = episode.provenance.options as { drawn: { actionNoise: { deviation_rad: number } } };
    // 725 draws: relative deviation 2.6 %.
    expect(Math.abs(deviation / drawn.actionNoise.deviation_rad - 1)).toBeLessThan(0.12);
    expect(Math.max(...torque!.data)).toBeGreaterThan(1);
    expect(footContact!.data.includes(1)).toBe(true);
  }
  expect(outcome).toMatchObject({ written: 3, falls: 0, dropped: 0, skipped: 0, finished: true, robot: 'g1' });
  expect(outcome.hours).toBeCloseTo(1.5 / 3600, 12);
});

test('the seed and the number decide an episode, not how many there are or what is there already', async () => {
  const three = await recordWith({});
  const five = await recordWith({ episodes: 5 });
  expect(five.episodes.slice(0, 3).map(numbersOf)).toEqual(three.episodes.map(numbersOf));
  const rest = await recordWith({ episodes: 5 }, {}, ['stander/1/0', 'stander/1/3']);
  expect(rest.episodes.map(({ id }) => id)).toEqual(['stander/1/1', 'stander/1/2', 'stander/1/4']);
  expect(rest.episodes.map(numbersOf)).toEqual([1, 2, 4].map((number) => numbersOf(five.episodes[number])));
  expect(rest.outcome.skipped).toBe(2);
  const other = await recordWith({}, { seed: 2 });
  expect(numbersOf(other.episodes[0])).not.toEqual(numbersOf(three.episodes[0]));
});

test('what is there already is passed over only where it was recorded with the same settings', async () => {
  const folder = join(policy.folder, 'dataset');
  const recordInto = async (change: object, options: Partial<Parameters<typeof record>[0]> = {}) => {
    let writer: DatasetWriter | undefined;
    try {
      const openSink = async () => {
        writer = await DatasetWriter.open(folder, { robot, rate_hz: 50, append: existsSync(folder) });
        return writer;
      };
      return (await recordWith({ episodes: 2, duration_s: 0.1, ...change }, { openSink, ...options })).outcome;
    } finally {
      await writer?.close();
    }
  };
  expect(await recordInto({})).toMatchObject({ written: 2, skipped: 0 });
  expect(await recordInto({ episodes: 3 })).toMatchObject({ written: 1, skipped: 2 });
  await expect(recordInto({ duration_s: 0.2, falls: { keep: true } })).rejects.toThrow(
    /episode stander\/1\/0: it is there already.*settings\.duration_s 0\.1, settings\.falls\.keep false, found settings\.duration_s 0\.2.*another --seed or --source/,
  );
  const other = await writePolicy(robot.jointNames, { ...STANDER, gain: 0.03 });
  await expect(recordInto({}, { controller: other.config })).rejects.toThrow(/expected controller\.sha256/);
  await rm(other.folder, { recursive: true });
  expect(await recordInto({ duration_s: 0.2 }, { seed: 2 })).toMatchObject({ written: 2, skipped: 0 });
  expect(await recordInto({ duration_s: 0.2 }, { source: 'longer' })).toMatchObject({ written: 2, skipped: 0 });
}, 30_000);

test('a share of the episodes goes without actions, as a source of its own', async () => {
  const { episodes, outcome } = await recordWith({ episodes: 4, dropActions: 0.5, duration_s: 0.1 });
  expect(episodes.map(({ id }) => id)).toEqual([
    'stander/1/0',
    'stander-actionfree/1/1',
    'stander/1/2',
    'stander-actionfree/1/3',
  ]);
  for (const { source, channels } of episodes) {
    const isFree = source === 'stander-actionfree';
    expect(channels.action === undefined && channels.executedAction === undefined).toBe(isFree);
    expect(channels.jointPosition).toBeDefined();
  }
  expect(outcome.actionFree).toBe(2);
});

test('the end before a fall is cut off, or kept and named; what is too short is dropped', async () => {
  const shoves = { kicks: { share: 1, interval_s: [0.6, 0.6], speed_mps: [3, 3] } };
  const settings = { episodes: 2, duration_s: 4, disturbance: shoves, falls: { cut_s: 0.4, minimum_s: 0.3 } };
  const cut = await recordWith(settings);
  const kept = await recordWith({ ...settings, falls: { keep: true } });
  expect(cut.outcome.falls).toBe(2);
  expect(kept.outcome.falls).toBe(2);
  for (const [number, episode] of cut.episodes.entries()) {
    expect(episode.fell).toBe(false);
    expect(episode.findings.map(({ kind }) => kind)).toEqual(['fall-cut']);
    expect(kept.episodes[number].fell).toBe(true);
    expect(kept.episodes[number].frameCount - episode.frameCount).toBe(20);
  }
  const dropped = await recordWith({ ...settings, falls: { cut_s: 0.4, minimum_s: 3.9 } });
  expect(dropped.episodes).toEqual([]);
  expect(dropped.outcome).toMatchObject({ dropped: 2, written: 0, finished: true });
});

test('an interrupt finishes the episodes under way and says that there is more', async () => {
  const interrupt = new AbortController();
  const { episodes, outcome } = await recordWith(
    { episodes: 50, duration_s: 0.1 },
    { signal: interrupt.signal, onProgress: ({ done }) => done === 3 && interrupt.abort() },
  );
  expect(episodes.length).toBeLessThan(6);
  expect(episodes.length).toBeGreaterThanOrEqual(3);
  expect(outcome).toMatchObject({ finished: false, written: episodes.length });
});

const worker = packagePath('dist', 'src', 'sim', 'dist/src/sim/record-worker.js');

test.skipIf(!existsSync(worker))('one worker, two workers and none record the same, in the same order', async () => {
  const settings = { episodes: 5, disturbance: { sensorNoise: { jointPosition_rad: 0.01 } } };
  const none = await recordWith(settings);
  for (const workers of [1, 2]) {
    const some = await recordWith(settings, { workers });
    expect(some.episodes.map(({ id }) => id)).toEqual(none.episodes.map(({ id }) => id));
    expect(some.episodes.map(numbersOf)).toEqual(none.episodes.map(numbersOf));
  }
});

test('results come in the order of the jobs, and a failure comes at its place', async () => {
  const finish: (() => void)[] = [];
  const started: number[] = [];
  const results = inOrder(
    [0, 1, 2, 3],
    (job) => {
      started.push(job);
      return new Promise<number>((resolve, reject) =>
        finish.push(() => (job === 2 ? reject(new Error('two')) : resolve(job))),
      );
    },
    2,
  );
  const first = results.next();
  expect(started).toEqual([0, 1]);
  finish[1]();
  finish[0]();
  expect((await first).value).toBe(0);
  const second = results.next();
  expect((await second).value).toBe(1);
  expect(started).toEqual([0, 1, 2]);
  const third = results.next();
  finish[2]();
  await expect(third).rejects.toThrow('two');
});

test('the default config is the schema’s defaults, written out; the others are valid', async () => {
  const folder = packagePath('configs', 'record');
  expect(await loadConfig(recordSchema, join(folder, 'default.yaml'))).toEqual(recordSchema.parse({}));
  expect((await loadConfig(recordSchema, join(folder, 'clean.yaml'))).disturbance.kicks.share).toBe(0);
  expect((await loadConfig(recordSchema, join(folder, 'randomised.yaml'))).randomisation.friction).toEqual([0.4, 1.2]);
});

test('a controller that is not there is told by name', async () => {
  await expect(loadController('g1-unitree-rl-lap')).rejects.toThrow(/Did you mean "g1-unitree-rl-lab"/);
  await expect(loadController('g1-unitree-rl-lab', { weights: policy.folder })).rejects.toThrow(/NEXTGAIT_POLICIES/);
  const wrongFile = join(policy.folder, 'stander.onnx');
  await expect(loadController('g1-unitree-rl-lab', { weights: wrongFile })).rejects.toThrow(/SHA-256/);
});
