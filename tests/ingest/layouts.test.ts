// The layouts of other producers, recognised by themselves, are the bundled rollouts again; wrong maps are caught.
//
// The files were written by h5py and numpy (fixtures/make_layouts.py) from data/samples/rollouts, whose own reading is
// the oracle: every channel must agree frame by frame.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { chooseMap } from '../../ingest/choose-map.js';
import { describeInput } from '../../ingest/describe-input.js';
import { type FieldMap, loadFieldMap, parseFieldMap } from '../../ingest/field-map.js';
import { mendMap } from '../../ingest/mend-map.js';
import { NpzFile } from '../../ingest/readers/npz.js';
import { packagePath } from '../../src/base/files.js';
import type { ChannelName, Episode, SourceKind } from '../../src/motion/episode.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { temporaryFolder } from '../dataset/helpers.js';
import { readMappedInput } from './read-mapped-input.js';
import { type NpzEntry, writeNpz } from './write-npz.js';

const layout = (name: string) => join(import.meta.dirname, 'fixtures', 'layouts', name);
const SAMPLE = (number: number) => packagePath('data', 'samples', 'rollouts', `g1_walk_${number}.npz`);
const KINDS: readonly SourceKind[] = ['rollout', 'bvh', 'video'];

let g1: RobotModel;
let samples: Episode[];
const read = (path: string, map: FieldMap) => readMappedInput(path, { map, robot: g1, rate_hz: 50 });

beforeAll(async () => {
  g1 = (await loadRobot('g1')).robot;
  const map = await loadFieldMap('mujoco-npz');
  samples = (await Promise.all([0, 1].map((number) => read(SAMPLE(number), map)))).flat();
  // Compiling the model on a busy machine.
}, 60_000);

/** The first frames of both are the same in all channels of `found`, except those that are named. */
function expectSame(found: Episode, sample: Episode, except: readonly ChannelName[] = []): void {
  for (const [name, { data, width, valid }] of Object.entries(found.channels)) {
    if (except.includes(name as ChannelName)) continue;
    expect(valid, name).toBeUndefined();
    const expected = sample.channels[name as ChannelName]!.data;
    let worst = 0;
    data.forEach((value, at) => {
      worst = Math.max(worst, Math.abs(value - expected[at]));
    });
    // float32 in both files, turned into another frame and back: a few roundings of values up to ten.
    expect(worst, `${name} of width ${width}`).toBeLessThan(2e-5);
  }
}

describe('layouts are recognised and read as what they were made from', () => {
  it.each([
    ['isaaclab.hdf5', 'isaaclab-recorder-hdf5', [59, 59]],
    ['robomimic.hdf5', 'robomimic-hdf5', [60, 60]],
    ['minari.hdf5', 'minari-hdf5', [59, 59]],
    ['d4rl.hdf5', 'd4rl-hdf5', [60, 60, 10]],
  ])('%s', async (file, name, frames) => {
    const chosen = await chooseMap(layout(file), { robot: g1, rate_hz: 50, kinds: KINDS });
    expect(chosen.name).toBe(name);
    const episodes = await read(layout(file), chosen.map);
    expect(episodes.map(({ frameCount }) => frameCount)).toEqual(frames);
    episodes.forEach((episode, number) => {
      expect(Object.keys(episode.channels)).toContain('action');
      expectSame(episode, samples[number % 2]);
    });
    expect(episodes[1].provenance.options).toMatchObject({ map: { source: chosen.map.source } });
  });

  it.each([
    ['beyondmimic.npz', 'beyondmimic-npz', /retargeted-npz does not agree/],
    ['retargeted.npz', 'retargeted-npz', /beyondmimic-npz does not agree/],
    ['holosoma.npz', 'holosoma-npz', /recognised by joint_pos/],
  ])('%s, told apart by widths and joint order', async (file, name, why) => {
    const chosen = await chooseMap(layout(file), { robot: g1, rate_hz: 50, kinds: KINDS });
    expect(chosen).toMatchObject({ name, why: expect.stringMatching(why) });
    const [episode] = await read(layout(file), chosen.map);
    expect(episode.channels.action).toBeUndefined();
    expectSame(episode, samples[0]);
  });

  it('the samples themselves, by what their actions are', async () => {
    const { name } = await chooseMap(SAMPLE(0), { robot: g1, rate_hz: 50, kinds: KINDS });
    expect(name).toBe('mujoco-npz');
  });

  it('a file of a particular layout that contradicts its map, which is not taken for a less particular one', async () => {
    const file = await NpzFile.open(SAMPLE(0));
    const entries: Record<string, NpzEntry> = {};
    for (const name of file.names) entries[name] = await file.read(name);
    await file.close();
    // The layout of the playground's rollouts, where actions are offsets: here they are absolute.
    const frames = entries.qpos.shape[0];
    entries.obs = { shape: [frames, 85], numbers: new Float64Array(frames * 85) };
    entries.robot = { shape: [], text: ['g1'] };
    const path = join(temporaryFolder(), 'odd.npz');
    writeNpz(path, entries);
    const chosen = await chooseMap(path, { robot: g1, rate_hz: 50, kinds: KINDS });
    expect(chosen).toMatchObject({ name: 't1-playground-npz', why: expect.not.stringContaining('mujoco-npz') });
    await expect(read(path, chosen.map)).rejects.toThrow(/action is absolute, not offset/);
  });

  it('Unitree messages of 35 motors under a policy', async () => {
    const path = await unitreeMessages(35);
    const chosen = await chooseMap(path, { robot: g1, rate_hz: 50, kinds: KINDS });
    expect(chosen.name).toBe('unitree-g1-policy-jsonl');
    const [episode] = await read(path, chosen.map);
    // The sample has no torques; the messages have zeros.
    expectSame(episode, samples[0], ['torque']);
    const torques = await chooseMap(path, { robot: g1, rate_hz: 50, kinds: ['controller'] });
    expect(torques.name).toBe('unitree-g1-jsonl');
    expect((await read(path, torques.map))[0].channels.action).toBeUndefined();
  });

  it('says which verb and which robot a file is for', async () => {
    await expect(chooseMap(SAMPLE(0), { robot: g1, rate_hz: 50, kinds: ['controller'] })).rejects.toThrow(
      /mujoco-npz is for it: nextgait ingest rollout/,
    );
    const small: RobotModel = { ...g1, name: 'small', jointNames: g1.jointNames.slice(0, 23) };
    await expect(chooseMap(layout('robomimic.hdf5'), { robot: small, rate_hz: 50, kinds: KINDS })).rejects.toThrow(
      /robomimic-hdf5 is for such files of a robot with 29 joints; small has 23/,
    );
  });

  it('says what of a file cannot be read', async () => {
    await expect(chooseMap(layout('types.h5'), { robot: g1, rate_hz: 50, kinds: KINDS })).rejects.toThrow(
      /types.h5: (lzf: compression: .*h5repack|half: .*float32|table: )/,
    );
  });

  it('takes the delimiter that a csv file has', async () => {
    const columns = 'cmd_vx cmd_vy cmd_wz root_qw dq_base_0 q_AAHead_yaw act_AAHead_yaw q_Waist act_Waist';
    for (const [name, delimiter] of [
      ['a.tsv', '\t'],
      ['a.csv', ';'],
    ]) {
      const path = join(temporaryFolder(), name);
      const rows = [columns.split(' '), ...Array.from({ length: 3 }, () => columns.split(' ').map(() => 1))];
      writeFileSync(path, rows.map((row) => row.join(delimiter)).join('\n'));
      const { map, name: chosen } = await chooseMap(path, { robot: g1, rate_hz: 50, kinds: KINDS });
      expect([chosen, map.delimiter]).toEqual(['t1-playground-csv', delimiter]);
    }
  });

  it('refuses what no ready map is for, saying what there is', async () => {
    const path = join(temporaryFolder(), 'odd.csv');
    writeFileSync(path, 'a,b\n1,2\n3,4\n');
    await expect(chooseMap(path, { robot: g1, rate_hz: 50, kinds: KINDS })).rejects.toThrow(
      /no ready field map for this csv layout: found a, b.*--describe/,
    );
  });
});

/** The first sample as lowstate and lowcmd messages, with empty motors behind the 29. */
async function unitreeMessages(motors: number): Promise<string> {
  const npz = await NpzFile.open(SAMPLE(0));
  const [qpos, qvel, action] = await Promise.all(
    ['qpos', 'qvel', 'action'].map(async (name) => (await npz.read(name)).numbers!),
  );
  await npz.close();
  const list = (make: (motor: number) => object) =>
    Array.from({ length: motors }, (_, motor) => make(motor < 29 ? motor : -1));
  const lines = Array.from({ length: 60 }, (_, frame) =>
    JSON.stringify({
      stamp_ns: 1.7e18 + frame * 2e7,
      lowstate: {
        imu_state: {
          quaternion: [...qpos.subarray(frame * 36 + 3, frame * 36 + 7)],
          gyroscope: [...qvel.subarray(frame * 35 + 3, frame * 35 + 6)],
        },
        motor_state: list((m) =>
          m < 0
            ? { q: 0, dq: 0, tau_est: 0 }
            : { q: qpos[frame * 36 + 7 + m], dq: qvel[frame * 35 + 6 + m], tau_est: 0 },
        ),
      },
      lowcmd: { motor_cmd: list((m) => ({ q: m < 0 ? 0 : action[frame * 29 + m], kp: 40, kd: 2 })) },
    }),
  );
  const path = join(temporaryFolder(), 'messages.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

describe('maps that are wrong on purpose', () => {
  const wrong = async (...settings: string[]) => read(SAMPLE(0), await loadFieldMap('mujoco-npz', settings));

  it.each([
    ['an offset action', ['channels.action.meaning=offset'], /action is absolute, not offset: .*slope 1\.0/],
    [
      'a scaled action',
      ['channels.action.meaning=scaled', 'channels.action.scale=0.25'],
      /action is absolute, not scaled/,
    ],
    ['degrees', ['channels.jointPosition.unit=deg'], /unit is .*rad|unit of jointPosition/],
    ['velocities in degrees', ['channels.jointVelocity.unit=deg/s'], /jointVelocity is .* its unit is not deg\/s/],
    ['millimetres', ['channels.basePosition.unit=mm'], /its unit is m, not mm/],
    ['x y z w', ['channels.baseQuaternion.order=xyzw'], /baseQuaternion is wxyz, not xyzw/],
    ['an inverse', ['channels.baseQuaternion.inverse=true'], /baseQuaternion is world to base|frame/],
    ['another rate', ['time={rate_hz: 100}'], /the rate is about 50(\.\d)? Hz, not 100/],
    [
      'breadth-first joints',
      ['joints.names={robot: breadth-first}'],
      /joints are in the model's order, not in breadth-first/,
    ],
  ])('%s', async (_, settings, message) => {
    await expect(wrong(...settings)).rejects.toThrow(message);
    await expect(wrong(...settings)).rejects.toThrow(/--set (trust|channels|time|joints)/);
  });

  it('can be trusted, and then say so', async () => {
    const [episode] = await wrong('channels.action.meaning=offset', 'trust=[action]');
    expect(episode.findings).toMatchObject([{ kind: 'contradiction', severity: 'warning', channel: 'action' }]);
  });

  it('are mended by what the data shows', async () => {
    const map = await loadFieldMap('mujoco-npz', [
      'channels.action.meaning=offset',
      'time={rate_hz: 100}',
      'channels.baseQuaternion.order=xyzw',
    ]);
    const mended = await mendMap(SAMPLE(0), map, g1, 50);
    expect(mended.refused).toBeUndefined();
    expect([...mended.settings].sort()).toEqual([
      'channels.action.meaning=absolute',
      'channels.baseQuaternion.order=wxyz',
      expect.stringMatching(/^time.rate_hz=(50|49\.\d|50\.\d)$/),
    ]);
  });

  it('are refused by the first joint that another robot has', async () => {
    const { name, map } = await chooseMap(SAMPLE(0), { robot: g1, rate_hz: 50, kinds: KINDS });
    expect(name).toBe('mujoco-npz');
    const other: RobotModel = {
      ...g1,
      name: 'h1',
      jointNames: g1.jointNames.map((joint) => joint.replace('left_knee', 'left_shin')),
    };
    await expect(readMappedInput(SAMPLE(0), { map, robot: other, rate_hz: 50 })).rejects.toThrow(
      /First difference: joint 3 of the file, left_knee_joint, is none of the robot's, whose joint 3 is left_shin_joint/,
    );
  });
});

describe('a map that is guessed from a file', () => {
  it.each(['isaaclab.hdf5', 'robomimic.hdf5', 'd4rl.hdf5', 'holosoma.npz'])(
    'reads %s as the ready one does',
    async (file) => {
      const described = await describeInput(layout(file), { robot: g1, rate_hz: 50, kind: 'rollout' });
      const path = join(temporaryFolder(), 'map.yaml');
      writeFileSync(path, described.yaml);
      const episodes = await read(layout(file), await loadFieldMap(path));
      const ready = await chooseMap(layout(file), { robot: g1, rate_hz: 50, kinds: KINDS });
      const expected = await read(layout(file), ready.map);
      expect(episodes.length).toBe(expected.length);
      // A second of walking straight ahead does not show in which frame the gyro is; the notes say so.
      expectSame(episodes[0], expected[0], ['baseAngularVelocity']);
      expect(described.notes.join()).toMatch(/frame of baseAngularVelocity|without a contradiction/);
      expect(Object.keys(episodes[0].channels)).toEqual(
        expect.arrayContaining(['jointPosition', 'baseQuaternion', 'jointVelocity']),
      );
    },
  );

  it('says what each field is taken for', async () => {
    const { fields, notes } = await describeInput(SAMPLE(0), { robot: g1, rate_hz: 50, kind: 'rollout' });
    const meaning = (name: string) => fields.find((field) => field.name === name)!.meaning;
    expect(meaning('qpos')).toBe('basePosition ([0, 3]), baseQuaternion ([3, 7], wxyz), jointPosition ([7, 36])');
    expect(meaning('action')).toBe('action (absolute)');
    expect(meaning('joint_names')).toBe('joint names');
    expect(notes.join()).toContain('reads the first episode on g1 without a contradiction');
  });

  it('does not make one robot of another by leaving out its knees', async () => {
    const jointNames = g1.jointNames.map((joint) => joint.replace('knee', 'shin'));
    const other: RobotModel = { ...g1, name: 'h1', jointNames };
    const { notes, yaml } = await describeInput(SAMPLE(0), { robot: other, rate_hz: 50, kind: 'rollout' });
    expect(notes.join()).toMatch(
      /another robot's: 2 of its 29 joints, with left_knee_joint, right_knee_joint of its legs/,
    );
    expect(notes.join()).toMatch(/the map is refused as it is: .*joint names/);
    expect(yaml).not.toMatch(/^ *(held|ignore):/m);
  });

  it('needs no robot', async () => {
    const { yaml } = await describeInput(layout('holosoma.npz'), { rate_hz: 50 });
    expect(parseFieldMap(await import('yaml').then(({ parse }) => parse(yaml)), 'map').kind).toBe('bvh');
  });
});
