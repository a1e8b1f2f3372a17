import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import type { Controller } from '../../src/policy/controller.js';
import { constantCommand } from '../../src/sim/command-schedule.js';
import { UNDISTURBED } from '../../src/sim/disturbance.js';
import { Environment } from '../../src/sim/environment.js';
import { loadController } from '../../src/sim/load-controller.js';
import { type LoadedRobot, loadRobot } from '../../src/sim/load-robot.js';
import { Engine } from '../../src/sim/mujoco.js';
import { recordEpisode } from '../../src/sim/record.js';
import { recordSchema } from '../../src/sim/record-settings.js';
import { relabellingController } from '../../src/sim/relabel.js';
import { rollOut } from '../../src/sim/rollout.js';

let loaded: LoadedRobot;
let environment: Environment;
let controller: Controller;

beforeAll(async () => {
  const engine = await Engine.load();
  loaded = await loadRobot('g1', { engine });
  environment = await Environment.create(loaded, { engine });
  controller = await loadController('model-based', { robot: loaded.robot });
}, 120_000);

afterAll(() => environment?.dispose());

async function walk(command: readonly [number, number, number], duration_s: number, of = controller) {
  let result = { fell: true, x: 0, y: 0, frames: 0, torque: 0 };
  let torque = 0;
  await rollOut({
    environments: [environment],
    controller: of,
    trials: [
      {
        duration_s,
        commands: constantCommand(...command),
        disturbance: UNDISTURBED,
        random: new Random(2).split('walk'),
      },
    ],
    onStep: ({ state }) => {
      torque = Math.max(torque, ...state.torque_Nm.map(Math.abs));
    },
    onEnd: ({ fell, state, frameCount }) => {
      result = { fell, x: state.basePosition_m[0], y: state.basePosition_m[1], frames: frameCount, torque };
    },
  });
  return result;
}

describe('model-based walking of the bundled G1', () => {
  it('walks three seconds forward without falling, about as far as told', async () => {
    const { fell, x, y, torque } = await walk([0.3, 0, 0], 3);
    expect(fell).toBe(false);
    // 0.3 m/s less the time of the first shift of weight and the ramp of the command, about half a second each.
    expect(x).toBeGreaterThan(0.5);
    expect(x).toBeLessThan(0.9);
    expect(Math.abs(y)).toBeLessThan(0.15);
    expect(torque).toBeLessThanOrEqual(Math.max(...loaded.robot.torqueLimit_Nm));
  }, 120_000);

  it('stands where nothing is commanded', async () => {
    const { fell, x, y } = await walk([0, 0, 0], 1);
    expect(fell).toBe(false);
    expect(Math.hypot(x, y)).toBeLessThan(0.02);
  }, 120_000);

  it('the same seed gives the same bits; a randomised gait follows the trial, not the order', async () => {
    const first = await walk([0.2, 0, 0.2], 0.6);
    expect(await walk([0.2, 0, 0.2], 0.6)).toEqual(first);
    const randomised = await loadController('model-based-randomised', { robot: loaded.robot });
    const drawn = await walk([0.2, 0, 0.2], 1.2, randomised);
    expect(await walk([0.2, 0, 0.2], 1.2, randomised)).toEqual(drawn);
    expect(drawn.x).not.toBe((await walk([0.2, 0, 0.2], 1.2)).x);
  }, 120_000);

  it('is recorded with torques, commands and no action', async () => {
    const plan = {
      settings: recordSchema.parse({ episodes: 1, duration_s: 0.5 }),
      ranges: controller.commandRange!,
      seed: 3,
      source: 'model-based',
      controller: { name: 'model-based', sha256: '' },
    };
    const { episode } = await recordEpisode(plan, environment, controller, 0);
    expect(episode?.kind).toBe('controller');
    expect(episode?.channels.action).toBeUndefined();
    expect(episode?.channels.executedAction).toBeUndefined();
    expect(Math.max(...episode!.channels.torque!.data)).toBeGreaterThan(1);
    expect(episode?.channels.command).toBeDefined();
  }, 120_000);

  it('is refused as a teacher: it has no actions to label with', () => {
    expect(() => relabellingController(controller, controller, 0)).toThrow(/commands torques/);
  });

  it('says which robots it knows', async () => {
    const stranger = { ...loaded.robot, name: 'stranger' };
    await expect(loadController('model-based', { robot: stranger })).rejects.toThrow(/stranger/);
  });
});
