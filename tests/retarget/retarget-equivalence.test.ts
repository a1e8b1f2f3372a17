// Moving, turning or mirroring the world, or giving the motion at another rate, leaves the retargeted motion equivalent.

import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/base/config-file.js';
import { packagePath } from '../../src/base/files.js';
import { yawOf } from '../../src/math/quaternion.js';
import type { HumanMotion } from '../../src/motion/human-motion.js';
import { type RetargetOptions, retargetMotion } from '../../src/retarget/retarget.js';
import { planRetarget, retargetSchema } from '../../src/retarget/retarget-config.js';
import { createRetargeter, type Retargeter } from '../../src/retarget/retarget-problem.js';
import { jointPositions } from '../../src/retarget/solver.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { humanFromRobot, mirrorHuman, moveHuman, otherSide } from './humans.js';
import { ownMotion } from './problems.js';

const FRAMES = 100;
const OPTIONS: RetargetOptions = { rate_hz: 50, source: 'test', number: 0, hindsight: false };

let retargeter: Retargeter;
let human: HumanMotion;
let motion: Float64Array;

beforeAll(async () => {
  const path = packagePath('configs', 'retarget', 'g1.yaml');
  const config = await loadConfig(retargetSchema, path, ['solver.iterations=12', 'solver.tolerance=1e-7']);
  retargeter = createRetargeter(planRetarget((await loadRobot('g1')).robot, config, path));
  motion = standing(ownMotion(retargeter.model, FRAMES, 50, 11));
  human = humanFromRobot(retargeter, motion, 50);
});

/** Calms the base and the legs, so that the feet are where feet are. */
function standing(whole: Float64Array): Float64Array {
  const { model } = retargeter;
  const width = model.rest.length;
  const out = whole.slice();
  for (let at = 0; at < out.length; at++) {
    const k = at % width;
    const share = k < 7 || k < 19 ? 0.25 : 0.7;
    out[at] = model.rest[k] + share * (whole[at] - model.rest[k]);
  }
  return out;
}

function joints(motionOf: HumanMotion): Float64Array {
  const { trajectory } = retargetMotion(retargeter, motionOf, OPTIONS);
  return jointPositions(retargeter.model, trajectory.configurations, trajectory.frameCount);
}

function difference(a: Float64Array, b: Float64Array) {
  let [sum, max] = [0, 0];
  for (let at = 0; at < a.length; at++) {
    sum += (a[at] - b[at]) ** 2;
    max = Math.max(max, Math.abs(a[at] - b[at]));
  }
  return { rms: Math.sqrt(sum / a.length), max };
}

describe('retargeting', () => {
  it("gives a robot's own motion back", () => {
    const { trajectory, quality, scale } = retargetMotion(retargeter, human, OPTIONS);
    expect(scale).toBeCloseTo(1, 9);
    const own = jointPositions(retargeter.model, motion, FRAMES);
    const got = jointPositions(retargeter.model, trajectory.configurations, FRAMES);
    // Left: smoothness and posture, soles brought level on the floor, an elbow whose twist positions do not fix.
    expect(difference(own, got).rms).toBeLessThan(0.05);
    expect(quality.keypoint_m).toBeLessThan(0.012);
  });

  it('follows when the world is turned and moved', () => {
    const yaw = 2.1;
    const there = moveHuman(human, yaw, 30, -12);
    const here = retargetMotion(retargeter, human, OPTIONS).episode.channels;
    const moved = retargetMotion(retargeter, there, OPTIONS).episode.channels;
    // Rounding to float32, and of the sums over targets thirty metres away.
    expect(difference(joints(there), joints(human)).max).toBeLessThan(1e-6);
    for (let frame = 0; frame < FRAMES; frame += 9) {
      const [x, y, z] = here.basePosition!.data.subarray(3 * frame, 3 * frame + 3);
      const expected = [30 + Math.cos(yaw) * x - Math.sin(yaw) * y, -12 + Math.sin(yaw) * x + Math.cos(yaw) * y, z];
      for (const [k, value] of expected.entries()) {
        expect(moved.basePosition!.data[3 * frame + k]).toBeCloseTo(value, 4);
      }
      const turned = yawOf(moved.baseQuaternion!.data, 4 * frame) - yawOf(here.baseQuaternion!.data, 4 * frame);
      expect(Math.cos(turned - yaw)).toBeCloseTo(1, 6);
    }
  });

  it('gives the mirrored motion of a mirrored person', () => {
    const { robot } = retargeter.plan;
    const names = robot.jointNames;
    const one = joints(human);
    const other = joints(mirrorHuman(human));
    const expected = new Float64Array(one.length);
    names.forEach((name, column) => {
      const partner = names.indexOf(otherSide(name));
      const pitches = Math.abs(robot.joints[robot.jointIndices[column]].axis[1]) > 0.5;
      for (let frame = 0; frame < FRAMES; frame++) {
        expected[frame * names.length + column] = (pitches ? 1 : -1) * one[frame * names.length + partner];
      }
    });
    // The robot is not its own mirror image to the last digit: its description differs by hundredths of a millimetre.
    expect(difference(other, expected).max).toBeLessThan(2e-3);
  });

  it('is nearly the same from a motion at twice and at three fifths of the rate', () => {
    const { model } = retargeter;
    for (const rate of [100, 30]) {
      const count = Math.floor(((FRAMES - 1) * rate) / 50) + 1;
      const again = humanFromRobot(retargeter, standing(ownMotion(model, count, rate, 11)), rate);
      // Cubic interpolation of motion at up to 4 rad/s, and contacts that begin a frame earlier or later.
      const found = joints(again);
      expect(difference(found, joints(human).subarray(0, found.length)).rms).toBeLessThan(5e-3);
    }
  });

  it('makes an Episode without actions, its velocities marked derived', () => {
    const { episode } = retargetMotion(retargeter, human, { ...OPTIONS, hindsight: true });
    expect(episode.channels.action).toBeUndefined();
    expect(episode.channels.torque).toBeUndefined();
    expect([...episode.derived].sort()).toEqual([
      'baseAngularVelocity',
      'baseLinearVelocity',
      'command',
      'footContact',
      'jointVelocity',
      'projectedGravity',
    ]);
    expect(episode.frameCount).toBe(FRAMES);
    const again = retargetMotion(retargeter, human, { ...OPTIONS, hindsight: true }).episode;
    expect(again.channels.jointPosition!.data).toEqual(episode.channels.jointPosition!.data);
  });

  it('refuses what costs too much, by name', () => {
    const stretched = { ...human, positions_m: human.positions_m.map((x, at) => (at % 3 === 2 ? 3 * x : x)) };
    expect(() => retargetMotion(retargeter, stretched, OPTIONS)).toThrow(/own: retargeting cost a frame/);
  });
});
