// The rollout loop on the bundled G1: order, batching, disturbance, falls; and, where the development data is there,
// two policies of others that have to walk from their configs alone.

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packagePath } from '../../src/base/files.js';
import { Random } from '../../src/base/random.js';
import type { Controller } from '../../src/policy/controller.js';
import { identityOf } from '../../src/robot/robot-model.js';
import { constantCommand } from '../../src/sim/command-schedule.js';
import { actionNoiseSource, type Disturbance, UNDISTURBED } from '../../src/sim/disturbance.js';
import { Environment } from '../../src/sim/environment.js';
import { loadController } from '../../src/sim/load-controller.js';
import { type LoadedRobot, loadRobot } from '../../src/sim/load-robot.js';
import { Engine } from '../../src/sim/mujoco.js';
import { rollOut, type Trial } from '../../src/sim/rollout.js';

const DATA = packagePath('..', 'shared', 'data');

let engine: Engine;
let loaded: LoadedRobot;
let environments: Environment[];

beforeAll(async () => {
  engine = await Engine.load();
  loaded = await loadRobot('g1', { engine });
  environments = await Promise.all([0, 1, 2].map(() => Environment.create(loaded, { engine })));
});
afterAll(() => {
  for (const environment of environments) environment.dispose();
});

interface Calls {
  readonly resets: number[];
  readonly acts: { slots: number[]; vx: number[] }[];
  readonly executed: number[][];
}

/** A controller that leans with the command and with the robot's own gyro, and notes what it is told. */
function scripted(slotCount = 3): Controller & { calls: Calls } {
  const jointCount = loaded.robot.jointNames.length;
  const calls: Calls = { resets: [], acts: [], executed: [] };
  return {
    name: 'scripted',
    robot: identityOf(loaded.robot),
    rate_hz: 50,
    slotCount,
    calls,
    reset: (slot) => void calls.resets.push(slot),
    async act(slots, states, commands, actions) {
      calls.acts.push({ slots: [...slots], vx: slots.map((slot) => commands[3 * slot]) });
      for (const slot of slots) {
        for (let joint = 0; joint < jointCount; joint++) {
          actions[slot * jointCount + joint] =
            0.05 * commands[3 * slot] + 0.02 * states[slot].baseAngularVelocity_radps[joint % 3];
        }
      }
    },
    executed: (slots, actions) => {
      for (const slot of slots)
        calls.executed.push(Array.from(actions.slice(slot * jointCount, (slot + 1) * jointCount)));
    },
    dispose: async () => {},
  };
}

interface NumberedTrial extends Trial {
  readonly number: number;
}

function trialOf(number: number, change: Partial<Trial> = {}): NumberedTrial {
  return {
    number,
    duration_s: 0.2,
    commands: constantCommand(number / 10, 0, 0),
    disturbance: UNDISTURBED,
    random: new Random(100 + number),
    ...change,
  };
}

const NOISY: Disturbance = {
  actionNoise: { kind: 'autoregressive', deviation_rad: 0.1, correlation: 0.8 },
  kicks: [{ time_s: 0.1, velocityChange_mps: [0.3, -0.2, 0] }],
  sensorNoise: {
    baseAngularVelocity_radps: 0.1,
    projectedGravity: 0,
    jointPosition_rad: 0.01,
    jointVelocity_radps: 0,
  },
};

test('trials queue over the environments, one call serves all of them, schedules hold', async () => {
  const controller = scripted();
  const ended: number[] = [];
  const trials = [0.2, 0.1, 0.2, 0.1, 0.04].map((duration_s, number) => trialOf(number, { duration_s }));
  trials[3] = { ...trials[3], commands: [...constantCommand(0.7, 0, 0), { start_s: 0.04, command: [0.9, 0, 0] }] };
  const frames: Record<number, number[]> = {};
  await rollOut({
    environments,
    controller,
    trials,
    onStep: ({ trial, frame, command, state }) => {
      frames[trial.number] = [...(frames[trial.number] ?? []), command[0]];
      expect(state.time_s).toBeCloseTo(frame / 50, 12);
    },
    onEnd: ({ trial, frameCount, fell, state }) => {
      ended.push(trial.number);
      expect(frameCount).toBe(Math.round(trial.duration_s * 50));
      expect(state.time_s).toBeCloseTo(trial.duration_s, 12);
      expect(fell).toBe(false);
    },
  });
  // Slots 0 and 2 run for 10 steps; slot 1 for 5, then trial 3 for 5; the last trial starts when slot 0 is free.
  expect(ended).toEqual([1, 0, 3, 2, 4]);
  expect(controller.calls.resets).toEqual([0, 1, 2, 1, 0]);
  expect(controller.calls.acts.map(({ slots }) => slots.length)).toEqual([...Array(10).fill(3), 1, 1]);
  expect(frames[3]).toEqual([0.7, 0.7, 0.9, 0.9, 0.9]);
  expect(frames[2]).toEqual(Array(10).fill(0.2));
});

test('what happens in a trial does not depend on its environment, its neighbours or what ran before', async () => {
  const path = async (count: number, numbers: number[]) => {
    const found: Record<number, number[]> = {};
    const trials = numbers.map((number) => {
      return trialOf(number, { disturbance: NOISY, start: { jointNoise_rad: 0.1, yaw_rad: 'random' } });
    });
    await rollOut({
      environments: environments.slice(0, count),
      controller: scripted(),
      trials,
      onEnd: ({ trial, state }) => {
        found[trial.number] = [...state.basePosition_m, ...state.baseQuaternion, ...state.jointVelocity_radps];
      },
    });
    return found;
  };
  const alone = await path(1, [4]);
  const together = await path(3, [1, 2, 3, 4, 5]);
  expect(together[4]).toEqual(alone[4]);
  expect((await path(2, [5, 4]))[5]).toEqual(together[5]);
  expect(together[4]).not.toEqual(together[5]);
});

test('noise goes to the motors and to history, the action stays clean; kicks change the velocity', async () => {
  const controller = scripted();
  const trial = trialOf(1, { disturbance: NOISY });
  const noise = actionNoiseSource(NOISY.actionNoise!, 29, trial.random.split('action noise'));
  const expected = new Float64Array(29);
  const drift: number[] = [];
  let sensorDifference = 0;
  await rollOut({
    environments: environments.slice(0, 1),
    controller,
    trials: [trial],
    onStep: ({ frame, action, executedAction, state, observed }) => {
      noise(expected);
      for (let joint = 0; joint < 29; joint++) expect(executedAction[joint]).toBe(action[joint] + expected[joint]);
      // The action follows from what was observed, noise included, and from no noise of its own.
      expect(action[0]).toBe(0.05 * 0.1 + 0.02 * observed.baseAngularVelocity_radps[0]);
      expect(controller.calls.executed[frame]).toEqual(Array.from(executedAction));
      sensorDifference += Math.abs(observed.jointPosition_rad[3] - state.jointPosition_rad[3]);
      expect(observed.jointVelocity_radps[3]).toBe(state.jointVelocity_radps[3]);
      drift.push(Math.hypot(state.baseLinearVelocity_mps[0], state.baseLinearVelocity_mps[1]));
    },
  });
  // Ten draws of |N(0, .01)|: mean .008 each.
  expect(sensorDifference).toBeGreaterThan(0.02);
  expect(sensorDifference).toBeLessThan(0.25);
  // The kick at .1 s acts within step 5: .36 m/s of which the feet take some.
  expect(drift[6] - drift[5]).toBeGreaterThan(0.1);
});

test('a fall ends a trial; an interrupt lets the trials under way end and begins no other', async () => {
  const ends: { number: number; fell: boolean; frameCount: number }[] = [];
  const interrupt = new AbortController();
  const shove: Disturbance = { kicks: [{ time_s: 0, velocityChange_mps: [0, 4, 0] }] };
  await rollOut({
    environments: environments.slice(0, 2),
    controller: scripted(),
    trials: [trialOf(0, { disturbance: shove, duration_s: 3 }), trialOf(1, { duration_s: 0.1 }), trialOf(2)],
    onStep: ({ trial, frame }) => {
      if (trial.number === 1 && frame === 3) interrupt.abort();
    },
    onEnd: ({ trial, fell, frameCount }) => void ends.push({ number: trial.number, fell, frameCount }),
    signal: interrupt.signal,
  });
  expect(ends.map(({ number, fell }) => [number, fell])).toEqual([
    [1, false],
    [0, true],
  ]);
  expect(ends[1].frameCount).toBeLessThan(150);
});

test('too few slots, another robot or a missing sensor is an error before anything runs', async () => {
  const run = (controller: Controller) => rollOut({ environments, controller, trials: [trialOf(0)] });
  await expect(run(scripted(2))).rejects.toThrow(/3 environments for a controller of 2 slots/);
  await expect(run({ ...scripted(), sensors: ['imu'] })).rejects.toThrow(/without the sensors imu/);
  const other = { ...identityOf(loaded.robot), hash: 'other' };
  await expect(run({ ...scripted(), robot: other })).rejects.toThrow(/is for robot g1/);
});

describe.skipIf(!existsSync(DATA))('policies of others walk from their configs alone', () => {
  // Achieved velocities of the same policies in another MuJoCo program; a gait's mean over 8 s repeats to about .02.
  const FORWARD: [number, number, number][] = [
    [0.5, 0, 0],
    [1, 0, 0],
    [-0.5, 0, 0],
  ];
  const TURN: [number, number, number][] = [[0, 0, 1]];
  const CASES: [string, string, [number, number, number][], number[], axis: number][] = [
    ['g1-unitree-rl-lab', 'g1', FORWARD, [0.49, 0.95, -0.43], 0],
    ['t1-playground', 't1', FORWARD, [0.48, 0.87, -0.36], 0],
    ['t1-playground', 't1', TURN, [0.95], 2],
  ];

  test.each(CASES)('%s on %s: %j', async (policy, robotName, commands, achieved, axis) => {
    const walker = await loadRobot(robotName, { engine, folders: [`${DATA}/robots`] });
    const controller = await loadController(policy, { robot: walker.robot, weights: `${DATA}/policies` });
    const environment = await Environment.create(walker, { engine, sensors: controller.sensors });
    const trials = commands.map((command, number) => {
      return trialOf(number, { duration_s: 10, commands: constantCommand(...command) });
    });
    const sums = commands.map(() => 0);
    let falls = 0;
    await rollOut({
      environments: [environment],
      controller,
      trials,
      onStep: ({ trial, frame, state }) => {
        const velocity = axis === 0 ? state.baseLinearVelocity_mps[0] : state.baseAngularVelocity_radps[axis];
        if (frame >= 100) sums[trial.number] += velocity / 400;
      },
      onEnd: ({ fell }) => {
        if (fell) falls++;
      },
    });
    expect(falls).toBe(0);
    for (const [number, sum] of sums.entries()) expect(Math.abs(sum - achieved[number])).toBeLessThan(0.05);
    environment.dispose();
    await controller.dispose();
  });
});
