// Real LeRobot and MCAP inputs, where the development data lies beside the repository.
//
// The oracle of the LeRobot dataset is the statistics that came with it; that of the MCAP log is the same run as csv.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadFieldMap } from '../../ingest/field-map.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { readMappedInput } from './read-mapped-input.js';

const DATA = join(import.meta.dirname, '../../../shared/data');

describe.skipIf(!existsSync(DATA))('development logs', () => {
  let robot: RobotModel;

  beforeAll(async () => {
    robot = (await loadRobot('g1')).robot;
  });

  const read = async (path: string, map: string, rate_hz = 50) =>
    (await readMappedInput(join(DATA, path), { map: await loadFieldMap(map), robot, rate_hz }))[0];

  it("reads Unitree's LeRobot dataset of the G1's upper body", async () => {
    const episode = await read('datasets/lerobot_v21_g1', 'lerobot-unitree-g1', 30);
    expect(episode.frameCount).toBe(479);
    const [line] = readFileSync(join(DATA, 'datasets/lerobot_v21_g1/meta/episodes_stats.jsonl'), 'utf8').split('\n');
    const { min, max } = JSON.parse(line).stats['observation.state'];
    const joint = robot.jointNames.indexOf('left_elbow_joint');
    const elbow = Array.from({ length: 479 }, (_, frame) => episode.channels.jointPosition!.data[frame * 29 + joint]);
    expect(Math.min(...elbow)).toBeCloseTo(min[3], 6);
    expect(Math.max(...elbow)).toBeCloseTo(max[3], 6);
    expect(episode.findings.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['held-joints', 'missing-files']));
  });

  it('reads the model-based log from MCAP as from csv', async () => {
    const mcap = await read('logs/model_based_g1/joint_states_json.mcap', 'model-based-g1-mcap');
    const csv = await read('logs/model_based_g1', 'model-based-g1-csv');
    expect(mcap.frameCount).toBe(400);
    for (const name of ['jointPosition', 'jointVelocity', 'torque'] as const) {
      let worst = 0;
      mcap.channels[name]!.data.forEach((value, at) => {
        worst = Math.max(worst, Math.abs(csv.channels[name]!.data[at] - value));
      });
      // Nine digits in the csv.
      expect(worst, name).toBeLessThan(1e-5);
    }
  });
});
