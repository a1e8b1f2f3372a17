// The proof of the physics: controllers that were trained in other simulators walk here, on both G1 models and the T1.
//
// Achieved velocities are those measured independently, with another implementation, for the same networks and models.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Environment } from '../../src/sim/environment.js';
import { loadController } from '../../src/sim/load-controller.js';
import { type LoadedRobot, loadRobot } from '../../src/sim/load-robot.js';
import { Engine } from '../../src/sim/mujoco.js';
import { SHARED_ROBOTS } from '../robot/mujoco-oracle.js';

const POLICIES = join(SHARED_ROBOTS, '../policies');
const WARM_UP_FRAMES = 100;
const FRAMES = 300;

/** Mean forward velocity (m/s) after the warm-up; throws where the robot falls. */
async function forwardVelocity(loaded: LoadedRobot, network: string, policy: string, vx_mps: number): Promise<number> {
  const controller = await loadController(policy, { robot: loaded.robot, weights: join(POLICIES, network) });
  const environment = await Environment.create(loaded, { sensors: controller.sensors });
  const actions = new Float64Array(loaded.robot.jointNames.length);
  let distance = 0;
  for (let frame = 0; frame < FRAMES; frame++) {
    await controller.act([0], [environment.state], Float64Array.of(vx_mps, 0, 0), actions);
    environment.step(actions);
    if (environment.fallen) throw new Error(`fell at ${environment.state.time_s} s`);
    if (frame >= WARM_UP_FRAMES) distance += environment.state.baseLinearVelocity_mps[0];
  }
  environment.dispose();
  await controller.dispose();
  return distance / (FRAMES - WARM_UP_FRAMES);
}

describe.skipIf(!existsSync(POLICIES))('controllers trained elsewhere', () => {
  // Four seconds are a few strides: the mean is that of a long walk to about 0.03 m/s.
  const g1 = 'g1_unitree_rl_lab/policy.onnx';

  it.each([
    [0.5, 0.49],
    [-0.5, -0.43],
  ])('walk on both G1 models alike at %f m/s', async (commanded, achieved) => {
    const engine = await Engine.load();
    const bundled = await loadRobot('g1', { engine });
    const shared = await loadRobot('g1', { engine, model: join(SHARED_ROBOTS, 'g1/scene.xml') });
    const onBundled = await forwardVelocity(bundled, g1, 'g1-unitree-rl-lab', commanded);
    const onShared = await forwardVelocity(shared, g1, 'g1-unitree-rl-lab', commanded);
    expect(Math.abs(onBundled - onShared)).toBeLessThan(0.05);
    expect(Math.abs(onBundled - achieved)).toBeLessThan(0.04);
  });

  it('walk on the T1', async () => {
    const t1 = await loadRobot('t1', { folders: [SHARED_ROBOTS] });
    const found = await forwardVelocity(t1, 't1_playground/policy.onnx', 't1-playground', 0.5);
    expect(Math.abs(found - 0.48)).toBeLessThan(0.05);
  });
});
