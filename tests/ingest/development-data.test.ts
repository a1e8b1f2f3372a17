// The ready field maps on real files, where the development data is beside the checkout.
//
// The oracle of the T1 rollouts is the file's own `obs`: what its policy saw, computed by MuJoCo's sensors when it was
// made. That of the G1 log is its second format: the same run as csv and as JSON lines.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { chooseMap } from '../../ingest/choose-map.js';
import { loadFieldMap } from '../../ingest/field-map.js';
import { NpzFile } from '../../ingest/readers/npz.js';
import { motionOf } from '../../src/motion/columns.js';
import type { Episode, SourceKind } from '../../src/motion/episode.js';
import { hindsightCommand } from '../../src/motion/hindsight.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { DEVELOPMENT_DATA as DATA, loadDevelopmentRobots } from './development-robots.js';
import { readMappedInput } from './read-mapped-input.js';

describe.skipIf(!existsSync(DATA))('development data', () => {
  let t1: RobotModel;
  let g1: RobotModel;

  beforeAll(async () => {
    ({ t1, g1 } = await loadDevelopmentRobots());
  }, 60_000);

  const read = async (path: string, map: string, robot: RobotModel): Promise<Episode> => {
    const [episode] = await readMappedInput(join(DATA, path), { map: await loadFieldMap(map), robot, rate_hz: 50 });
    return episode;
  };

  it.each([0, 1, 2, 3])('t1_%d.npz is what its policy saw', async (number) => {
    const episode = await read(`rollouts/t1_${number}.npz`, 't1-playground-npz', t1);
    expect(episode.findings).toEqual([]);
    const npz = await NpzFile.open(join(DATA, `rollouts/t1_${number}.npz`));
    const obs = (await npz.read('obs')).numbers!;
    const { projectedGravity, baseAngularVelocity, jointPosition, action, command } = episode.channels;
    let gyroError = 0;
    let gyroSize = 0;
    for (let frame = 1; frame < 500; frame++) {
      const seen = (from: number, k: number) => obs[frame * 85 + from + k];
      for (let k = 0; k < 3; k++) {
        // MuJoCo's IMU is that of its last forward pass: one physics step of 2 ms old, at up to 2 rad/s.
        expect(Math.abs(projectedGravity!.data[frame * 3 + k] - seen(6, k))).toBeLessThan(0.004);
        expect(command!.data[frame * 3 + k]).toBe(Math.fround(seen(9, k)));
        gyroError += (baseAngularVelocity!.data[frame * 3 + k] - seen(3, k)) ** 2;
        gyroSize += seen(3, k) ** 2;
      }
      for (let joint = 0; joint < 23; joint++) {
        // float32 in the file.
        const position = jointPosition!.data[frame * 23 + joint] - t1.defaultPosition_rad[joint];
        // The policy was shown zeros for the two joints of the head.
        if (joint >= 2) expect(position).toBeCloseTo(seen(12, joint), 5);
        // The last action that the policy saw is the action of the frame before.
        expect(action!.data[(frame - 1) * 23 + joint]).toBe(Math.fround(seen(58, joint)));
      }
    }
    await npz.close();
    // The gyro is as old, and jumps where a foot lands.
    expect(Math.sqrt(gyroError / gyroSize)).toBeLessThan(0.2);
  });

  it('t1_0.csv is t1_0.npz, and its hindsight command is what it achieved', async () => {
    const csv = await read('rollouts/t1_0.csv', 't1-playground-csv', t1);
    const npz = await read('rollouts/t1_0.npz', 't1-playground-npz', t1);
    expect(csv.derived).toEqual(npz.derived);
    for (const [name, { data }] of Object.entries(npz.channels)) {
      const other = csv.channels[name as keyof Episode['channels']]!.data;
      // The csv has six digits.
      data.forEach((value, at) => {
        expect(Math.abs(other[at] - value)).toBeLessThan(2e-5);
      });
    }
    const label = hindsightCommand(motionOf(npz))!;
    const position = npz.channels.basePosition!.data;
    const distance = Math.hypot(position[499 * 3] - position[0], position[499 * 3 + 1] - position[1]);
    // Asked for .5 m/s straight ahead for 10 s; swaying and a slow turn keep the way from being the distance exactly.
    expect(label.data[0]).toBeCloseTo(distance / (499 / 50), 1);
  });

  it('the model-based log is the same from csv and JSON lines, on the 29 joints of the G1', async () => {
    const csv = await read('logs/model_based_g1', 'model-based-g1-csv', g1);
    const jsonl = await read('logs/model_based_g1/lowstate_lowcmd.jsonl', 'unitree-lowstate-jsonl', g1);
    expect([csv.frameCount, jsonl.frameCount]).toEqual([400, 100]);
    expect(csv.channels.action).toBeUndefined();
    for (const name of ['baseQuaternion', 'jointPosition', 'jointVelocity', 'torque'] as const) {
      const { data, width } = jsonl.channels[name]!;
      // Nine digits in the csv.
      data.forEach((value, at) => {
        expect(Math.abs(csv.channels[name]!.data[at] - value), `${name} ${at % width}`).toBeLessThan(1e-5);
      });
    }
    const contact = csv.channels.footContact!.data;
    expect(contact.reduce((sum, value) => sum + value, 0) / contact.length).toBeGreaterThan(0.99);
  });

  const choose = (path: string, robot: RobotModel, kinds: readonly SourceKind[]) =>
    chooseMap(join(DATA, path), { robot, rate_hz: 50, kinds });
  const ROLLOUT: readonly SourceKind[] = ['rollout', 'bvh', 'video'];

  it.each([
    ['rollouts/t1_0.npz', 't1-playground-npz'],
    ['rollouts/t1_3.npz', 't1-playground-npz'],
    ['rollouts/t1_0.csv', 't1-playground-csv'],
    ['datasets/robomimic_t1.hdf5', 'robomimic-hdf5'],
  ])('%s is recognised and not contradicted', async (path, name) => {
    const chosen = await choose(path, t1, ROLLOUT);
    expect(chosen.name).toBe(name);
    const [episode] = await readMappedInput(join(DATA, path), { map: chosen.map, robot: t1, rate_hz: 50 });
    expect(episode.findings).toEqual([]);
    expect(episode.frameCount).toBe(500);
  });

  it.each([
    ['retargeted/g1_moves/B_Fence1.csv', 'g1-retargeted-csv', ROLLOUT],
    ['retargeted/g1_moves/M_Move1.csv', 'g1-retargeted-csv', ROLLOUT],
    ['retargeted/g1_moves/B_Fence1.npz', 'retargeted-npz', ROLLOUT],
    ['retargeted/g1_moves/M_Move1.npz', 'retargeted-npz', ROLLOUT],
    ['logs/model_based_g1', 'model-based-g1-csv', ['controller']],
    ['logs/model_based_g1/lowstate_lowcmd.jsonl', 'unitree-lowstate-jsonl', ['controller']],
  ] as const)('%s is recognised and not contradicted on the G1', async (path, name, kinds) => {
    const chosen = await choose(path, g1, kinds);
    expect(chosen.name).toBe(name);
    const [episode] = await readMappedInput(join(DATA, path), { map: chosen.map, robot: g1, rate_hz: 50 });
    expect(episode.findings.filter(({ kind }) => kind === 'contradiction')).toEqual([]);
  });

  it('the recorder file in Isaac Lab’s layout is in the order and with the actions of the model it came from', async () => {
    const path = 'datasets/isaaclab_recorder_t1.hdf5';
    const { name, map } = await choose(path, t1, ROLLOUT);
    expect(name).toBe('isaaclab-recorder-hdf5');
    await expect(readMappedInput(join(DATA, path), { map, robot: t1, rate_hz: 50 })).rejects.toThrow(
      /joints are in the model's order, not in breadth-first order: .*joints.names.robot=model/,
    );
    const ordered = await loadFieldMap(name, ['joints.names.robot=model']);
    await expect(readMappedInput(join(DATA, path), { map: ordered, robot: t1, rate_hz: 50 })).rejects.toThrow(
      /action is an offset from the default pose, not absolute: .*channels.action.meaning=offset/,
    );
    const offset = ['joints.names.robot=model', 'channels.action.meaning=offset'];
    const turned = await loadFieldMap(name, offset);
    await expect(readMappedInput(join(DATA, path), { map: turned, robot: t1, rate_hz: 50 })).rejects.toThrow(
      /baseAngularVelocity is in the base frame, not the world/,
    );
    const right = await loadFieldMap(name, [...offset, 'channels.baseAngularVelocity.frame=base']);
    const episodes = await readMappedInput(join(DATA, path), { map: right, robot: t1, rate_hz: 50 });
    for (const [number, episode] of episodes.entries()) {
      const same = await read(`rollouts/t1_${number}.npz`, 't1-playground-npz', t1);
      for (const channel of ['jointPosition', 'action', 'projectedGravity', 'baseAngularVelocity'] as const) {
        same.channels[channel]!.data.forEach((value, at) => {
          // float32 in the one file, float64 in the other.
          expect(Math.abs(episode.channels[channel]!.data[at] - value)).toBeLessThan(1e-5);
        });
      }
    }
  });

  it.each([
    ['rollouts/t1_0.npz', 't1-playground-npz', 'channels.action.meaning=absolute', /action is an offset.*not absolute/],
    [
      'rollouts/t1_1.npz',
      't1-playground-npz',
      'channels.baseQuaternion.order=xyzw',
      /baseQuaternion is wxyz, not xyzw/,
    ],
    ['rollouts/t1_2.npz', 't1-playground-npz', 'channels.jointPosition.unit=deg', /unit/],
    ['rollouts/t1_3.npz', 't1-playground-npz', 'time={rate_hz: 25}', /the rate is about (49|50|51)(\.\d)? Hz, not 25/],
  ])('%s with %s, %s is refused', async (path, name, setting, message) => {
    const map = await loadFieldMap(name, [setting]);
    await expect(readMappedInput(join(DATA, path), { map, robot: t1, rate_hz: 50 })).rejects.toThrow(message);
  });

  it('a scale that is a quarter of the right one is seen in how far the joints go', async () => {
    const settings = ['channels.action.meaning=scaled', 'channels.action.scale=0.25'];
    const map = await loadFieldMap('t1-playground-npz', settings);
    await expect(readMappedInput(join(DATA, 'rollouts/t1_0.npz'), { map, robot: t1, rate_hz: 50 })).rejects.toThrow(
      /action is scaled by about (0\.9|1\.\d+|1), not 0.25/,
    );
  });

  it('rollouts of the T1 are not the G1’s', async () => {
    const { map } = await choose('rollouts/t1_0.npz', t1, ROLLOUT);
    await expect(readMappedInput(join(DATA, 'rollouts/t1_0.npz'), { map, robot: g1, rate_hz: 50 })).rejects.toThrow(
      /First difference: joint 0 of the file, AAHead_yaw, is none of the robot's, whose joint 0 is left_hip_pitch_joint/,
    );
  });

  it('retargeted dance is read from a csv without header', async () => {
    const episode = await read('retargeted/g1_moves/M_Move1.csv', 'g1-retargeted-csv', g1);
    expect(episode.frameCount).toBe(Math.floor((1869 / 60) * 50) + 1);
    expect(episode.kind).toBe('bvh');
    expect(episode.derived).toContain('jointVelocity');
  });
});
