// Maps that are wrong on purpose, on real files, where the development data is beside the checkout: what is refused or
// told, by which setting it is mended, and that clocks and scales that are right are left alone.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadFieldMap, parseFieldMap } from '../../ingest/field-map.js';
import { mendMap } from '../../ingest/mend-map.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { DEVELOPMENT_DATA as DATA, loadDevelopmentRobots } from './development-robots.js';
import { readMappedInput } from './read-mapped-input.js';

const T1 = 't1-playground-npz';

describe.skipIf(!existsSync(DATA))('wrong maps on development data', () => {
  let t1: RobotModel;
  let g1: RobotModel;

  beforeAll(async () => {
    ({ t1, g1 } = await loadDevelopmentRobots());
  }, 60_000);

  const read = async (path: string, name: string, settings: readonly string[], robot: RobotModel) =>
    readMappedInput(join(DATA, path), { map: await loadFieldMap(name, settings), robot, rate_hz: 50 });
  const mend = async (path: string, name: string, settings: readonly string[], robot: RobotModel) =>
    mendMap(join(DATA, path), await loadFieldMap(name, settings), robot, 50);

  it.each(['time.rate_hz=25', 'time.rate_hz=60'])('a rate: %s on a rollout of 50 Hz', async (setting) => {
    const { settings, refused } = await mend('rollouts/t1_1.npz', T1, [setting, 'time.rateArray=null'], t1);
    expect([refused, settings]).toEqual([undefined, ['time.rate_hz=50']]);
  });

  it.each([
    ['jointPosition', ['channels.jointPosition.unit=deg']],
    ['jointPosition and jointVelocity', ['channels.jointPosition.unit=deg', 'channels.jointVelocity.unit=deg/s']],
  ])('units of %s are mended without a word on the action', async (_, settings) => {
    const mended = await mend('rollouts/t1_1.npz', T1, settings, t1);
    expect(mended.refused).toBeUndefined();
    expect(mended.settings.every((setting) => /unit=rad(\/s)?$/.test(setting))).toBe(true);
    const map = parseFieldMap(mended.map, 'mended');
    const [episode] = await readMappedInput(join(DATA, 'rollouts/t1_1.npz'), { map, robot: t1, rate_hz: 50 });
    expect(episode.findings).toEqual([]);
  });

  it('a scale that is off by two is told where the quartiles agree', async () => {
    const factors = ['channels.action.meaning=scaled', 'channels.action.scale=0.5'];
    const kinds = await Promise.all(
      [0, 1, 2].map(async (number) => (await read(`rollouts/t1_${number}.npz`, T1, factors, t1))[0].findings),
    );
    for (const findings of kinds) {
      expect(findings).toMatchObject([{ kind: 'contradiction', severity: 'warning', channel: 'action' }]);
      expect(findings[0].message).toMatch(/action is scaled by about 1\.[01], not 0\.5/);
    }
  });

  it('a scale that is off by four is mended by an estimate, which is told of every episode', async () => {
    const factors = ['channels.action.meaning=scaled', 'channels.action.scale=0.25'];
    const mended = await mend('rollouts/t1_1.npz', T1, factors, t1);
    const map = parseFieldMap(mended.map, 'mended');
    const [low, high] = map.channels.action!.scaleRange!;
    expect(low).toBeLessThan(1.08);
    expect(high).toBeGreaterThan(1);
    const [{ findings }] = await readMappedInput(join(DATA, 'rollouts/t1_1.npz'), { map, robot: t1, rate_hz: 50 });
    expect(findings.map(({ kind }) => kind)).toEqual(['estimate']);
  });

  it('states that were not stored after the step are paired as they were', async () => {
    const mended = await mend('datasets/robomimic_t1.hdf5', 'robomimic-hdf5', ['states=after-step'], t1);
    expect([mended.refused, mended.settings]).toEqual([undefined, ['states=before-step']]);
  });

  it.each([12.5, 20.83, 30, 45])(
    'rows are those of the file at %d Hz: what is right is accepted, what is shifted is not',
    async (rate_hz) => {
      for (const number of [0, 1, 2, 3]) {
        const path = join(DATA, `rollouts/t1_${number}.npz`);
        const [{ findings }] = await readMappedInput(path, { map: await loadFieldMap(T1), robot: t1, rate_hz });
        expect(findings).toEqual([]);
      }
      const shifted = await loadFieldMap('robomimic-hdf5', ['states=after-step']);
      const mended = await mendMap(join(DATA, 'datasets/robomimic_t1.hdf5'), shifted, t1, rate_hz);
      expect([mended.refused, mended.settings]).toEqual([undefined, ['states=before-step']]);
    },
  );

  it('an order of four numbers is found from the sway of a stance', async () => {
    const mended = await mend('logs/model_based_g1', 'model-based-g1-csv', ['channels.baseQuaternion.order=wxyz'], g1);
    expect([mended.refused, mended.settings]).toEqual([undefined, ['channels.baseQuaternion.order=xyzw']]);
  });

  it.each([
    ['jointPosition', ['channels.jointPosition.unit=deg'], ['channels.jointPosition.unit=rad']],
    ['action', ['channels.action.unit=deg'], ['channels.action.unit=rad']],
  ])('degrees of %s are seen although most joints are held', async (_, wrong, right) => {
    const mended = await mend('datasets/lerobot_v21_g1', 'lerobot-unitree-g1', wrong, g1);
    expect([mended.refused, mended.settings]).toEqual([undefined, right]);
  });

  it.each([
    [0, 48],
    [1, 52],
    [2, 47],
    [3, 53],
  ])('a clock that is off by some hundredths is told: t1_%d at %d Hz', async (number, rate_hz) => {
    const settings = [`time.rate_hz=${rate_hz}`, 'time.rateArray=null'];
    const [{ findings }] = await read(`rollouts/t1_${number}.npz`, T1, settings, t1);
    expect(findings.map(({ kind }) => kind)).toEqual(['clock']);
    expect(findings[0].message).toMatch(/the rate is about 50 Hz/);
  });

  it('a rate that no velocity confirms is told', async () => {
    const [{ findings }] = await read('retargeted/g1_moves/B_Fence1.csv', 'g1-retargeted-csv', [], g1);
    expect(findings.map(({ kind, severity }) => [kind, severity])).toEqual([['assumed-rate', 'info']]);
  });
});
