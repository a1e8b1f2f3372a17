// Files into episodes: every convention that a field map can name leads to the same motion.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FieldMap, fieldMapSchema } from '../../ingest/field-map.js';
import { parseConfig } from '../../src/base/config.js';
import { fromAxisAngle, rotate } from '../../src/math/quaternion.js';
import { motionOf } from '../../src/motion/columns.js';
import type { Episode } from '../../src/motion/episode.js';
import { hindsightCommand } from '../../src/motion/hindsight.js';
import { temporaryFolder } from '../dataset/helpers.js';
import { TINY_ROBOT } from '../fixtures.js';
import { readMappedInput } from './read-mapped-input.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const DEGREE = Math.PI / 180;

/** A base on a circle with a lean, two joints that swing, targets that lead them; all in SI and w x y z. */
function truth(time: number) {
  const quaternion = new Float64Array(4);
  fromAxisAngle(quaternion, 0, [0, 0.6, 0.8], 0, 0.5 * time);
  const velocityWorld = [Math.cos(time), Math.sin(time), 0];
  const position = [Math.sin(time), -Math.cos(time), 0.7];
  const angularBase = [0, 0.3, 0.4];
  const angularWorld = new Float64Array(3);
  rotate(angularWorld, 0, quaternion, 0, angularBase, 0);
  const joints = [0.4 * Math.sin(3 * time), -0.3 * Math.cos(2 * time)];
  const velocities = [1.2 * Math.cos(3 * time), 0.6 * Math.sin(2 * time)];
  const targets = [joints[0] + 0.1, joints[1] - 0.05];
  return {
    quaternion: [...quaternion],
    velocityWorld,
    position,
    angularWorld: [...angularWorld],
    joints,
    velocities,
    targets,
  };
}

function csvOf(header: string, rate_hz: number, count: number, row: (time: number) => number[]): string {
  const lines = Array.from({ length: count }, (_, k) => row(k / rate_hz).join(','));
  return `${header}\n${lines.join('\n')}\n`;
}

function writeInput(name: string, content: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

const mapOf = (map: object): FieldMap => parseConfig(fieldMapSchema, map, 'test map');
const read = (path: string, map: object) => readMappedInput(path, { map: mapOf(map), robot: TINY_ROBOT, rate_hz: 50 });

const CSV_MAP = {
  format: 'csv',
  kind: 'rollout',
  source: 'circle',
  time: { column: 't' },
  joints: { names: { header: 'q_{joint}' } },
  channels: {
    basePosition: { columns: ['x', 'y', 'z'] },
    baseQuaternion: { columns: ['qw', 'qx', 'qy', 'qz'], order: 'wxyz' },
    baseLinearVelocity: { columns: ['vx', 'vy', 'vz'], frame: 'world' },
    baseAngularVelocity: { columns: ['wx', 'wy', 'wz'], frame: 'world' },
    jointPosition: { perJoint: 'q_{joint}' },
    jointVelocity: { perJoint: 'dq_{joint}' },
    action: { perJoint: 'target_{joint}', meaning: 'absolute' },
    executedAction: 'same',
  },
};
const CSV_HEADER =
  't,x,y,z,qw,qx,qy,qz,vx,vy,vz,wx,wy,wz,q_left_joint,q_right_joint,dq_left_joint,dq_right_joint,target_left_joint,target_right_joint';

async function plainCsv(rate_hz = 50, count = 101): Promise<Episode> {
  const content = csvOf(CSV_HEADER, rate_hz, count, (time) => {
    const { position, quaternion, velocityWorld, angularWorld, joints, velocities, targets } = truth(time);
    return [time, ...position, ...quaternion, ...velocityWorld, ...angularWorld, ...joints, ...velocities, ...targets];
  });
  return (await read(writeInput('walk.csv', content), CSV_MAP))[0];
}

/** Largest difference of two episodes' channels, all of which both must have. */
function difference(a: Episode, b: Episode): number {
  expect(Object.keys(b.channels).sort()).toEqual(Object.keys(a.channels).sort());
  let largest = 0;
  for (const [name, { data }] of Object.entries(a.channels)) {
    const other = b.channels[name as keyof Episode['channels']]!;
    expect(other.data.length, name).toBe(data.length);
    data.forEach((value, at) => {
      largest = Math.max(largest, Math.abs(value - other.data[at]));
    });
  }
  return largest;
}

// float32 values of order one, and csv text that carries float64 whole.
const ROUNDING = 3e-7;

describe('a rollout in csv', () => {
  it('becomes an episode with base-frame velocities, actions from the default pose, and provenance', async () => {
    const episode = await plainCsv();
    expect(episode.frameCount).toBe(101);
    expect(episode.findings).toEqual([]);
    expect(episode.derived).toEqual(['projectedGravity', 'executedAction']);
    expect(episode.id).toMatch(/^circle\/walk-[0-9a-f]{8}\/0$/);
    expect(episode.provenance).toMatchObject({
      input: 'walk.csv',
      options: { rate_hz: 50, map: { source: 'circle' } },
    });
    expect(episode.provenance.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(episode).toMatchObject({ kind: 'rollout', source: 'circle', startsAtReset: false, fell: false });
    const { action, executedAction, baseAngularVelocity, jointPosition } = episode.channels;
    for (let frame = 0; frame < 101; frame++) {
      const { targets, joints } = truth(frame / 50);
      for (let joint = 0; joint < 2; joint++) {
        const at = frame * 2 + joint;
        expect(action!.data[at]).toBeCloseTo(targets[joint] - TINY_ROBOT.defaultPosition_rad[joint], 6);
        expect(jointPosition!.data[at]).toBe(Math.fround(joints[joint]));
      }
      // The body turns at a constant rate in its own frame.
      expect(baseAngularVelocity!.data[frame * 3 + 1]).toBeCloseTo(0.3, 6);
    }
    expect(executedAction).toEqual(action);
    expect(hindsightCommand(motionOf(episode))).toBeDefined();
  });

  it('is the same from degrees, millimetres, x y z w, other names and order, offsets and scales', async () => {
    const header =
      'ms,d_kneeR,d_kneeL,d_hand,x,y,z,qx,qy,qz,qw,vx,vy,vz,wx,wy,wz,v_kneeR,v_kneeL,v_hand,a_kneeR,a_kneeL,a_hand';
    const scale = [0.25, 0.5];
    const content = csvOf(header, 50, 101, (time) => {
      const { position, quaternion, velocityWorld, angularWorld, joints, velocities, targets } = truth(time);
      const [w, ...xyz] = quaternion;
      const raw = targets.map((target, k) => (target - [0.3, -0.4][k]) / scale[k]);
      return [
        [time * 1000, joints[1] / DEGREE, joints[0] / DEGREE, 7, ...position.map((value) => value * 1000), ...xyz, w],
        [...velocityWorld.map((value) => value * 1000), ...angularWorld.map((value) => value / DEGREE)],
        [velocities[1] / DEGREE, velocities[0] / DEGREE, 7, raw[1], raw[0], 7],
      ].flat();
    });
    const action = { perJoint: 'a_{joint}', meaning: 'scaled', scale: { left_joint: 0.5, right_joint: 0.5, hand: 1 } };
    const map = {
      ...CSV_MAP,
      time: { column: 'ms', unit: 'ms' },
      joints: {
        names: { header: 'd_{joint}' },
        rename: { kneeL: 'left_joint', kneeR: 'right_joint' },
        ignore: ['hand'],
      },
      channels: {
        basePosition: { columns: ['x', 'y', 'z'], unit: 'mm' },
        baseQuaternion: { columns: ['qx', 'qy', 'qz', 'qw'], order: 'xyzw' },
        baseLinearVelocity: { columns: ['vx', 'vy', 'vz'], frame: 'world', unit: 'mm/s' },
        baseAngularVelocity: { columns: ['wx', 'wy', 'wz'], frame: 'world', unit: 'deg/s' },
        jointPosition: { perJoint: 'd_{joint}', unit: 'deg' },
        jointVelocity: { perJoint: 'v_{joint}', unit: 'deg/s' },
        action: {
          ...action,
          scale: { left_joint: scale[0], right_joint: scale[1], hand: 1 },
          default: { left_joint: 0.3, right_joint: -0.4, hand: 0 },
        },
        executedAction: 'same',
      },
    };
    const [episode] = await read(writeInput('walk.csv', content), map);
    expect(difference(await plainCsv(), episode)).toBeLessThan(ROUNDING);
  });

  it('is resampled to the rate of the dataset', async () => {
    const fast = await plainCsv(200, 401);
    // Every output instant is a source frame: nothing is interpolated.
    expect(difference(await plainCsv(), fast)).toBeLessThan(ROUNDING);
    const odd = await plainCsv(60, 121);
    expect(odd.frameCount).toBe(101);
    for (const name of ['jointPosition', 'baseQuaternion', 'basePosition'] as const) {
      const exact = (await plainCsv()).channels[name]!.data;
      // Linear interpolation over 1/60 s: at most an eighth of the period squared times the acceleration (3.6 rad/s²).
      const bound = ((1 / 60) ** 2 / 8) * 3.6 * 1.01;
      odd.channels[name]!.data.forEach((value, at) => {
        expect(Math.abs(value - exact[at])).toBeLessThan(bound);
      });
    }
  });

  it('keeps missing values missing', async () => {
    const header = 't,q_left_joint,q_right_joint,vx,vy,wz';
    const content = csvOf(header, 50, 20, (time) => [time, 0.1, 0.2, 0.5, 0, 0]).replace(
      '0.1,0.1,0.2,0.5,0,0',
      '0.1,0.1,0.2,,,',
    );
    const channels = { jointPosition: { perJoint: 'q_{joint}' }, command: { columns: ['vx', 'vy', 'wz'] } };
    const [episode] = await read(writeInput('walk.csv', content), { ...CSV_MAP, channels });
    expect(episode.channels.command!.valid).toEqual(
      Uint8Array.from({ length: 20 }, (_, frame) => (frame === 5 ? 0 : 1)),
    );
    expect(episode.findings.map(({ kind }) => kind)).toEqual(['non-finite']);
  });

  it('keeps what is whole of a file that is cut off', async () => {
    const content = csvOf('t,q_left_joint,q_right_joint', 50, 9, (time) => [time, ...truth(time).joints]);
    const channels = { jointPosition: { perJoint: 'q_{joint}' } };
    const [episode] = await read(writeInput('walk.csv', `${content}0.18,0`), { ...CSV_MAP, channels });
    expect(episode.frameCount).toBe(9);
    expect(episode.findings).toEqual([
      { kind: 'damaged-file', severity: 'warning', message: 'line 11, the last one, is cut off and left out' },
    ]);
  });

  it('is refused where joints do not fit the robot, naming them', async () => {
    const wrong = (header: string) =>
      writeInput(
        'walk.csv',
        csvOf(`t,${header}`, 50, 5, (time) => [
          time,
          0,
          ...header
            .split(',')
            .slice(1)
            .map(() => 0),
        ]),
      );
    const channels = { jointPosition: { perJoint: 'q_{joint}' } };
    await expect(read(wrong('q_left_joint,q_rigth_joint'), { ...CSV_MAP, channels })).rejects.toThrow(
      /walk.csv: joint names: expected the 2 joints left_joint, right_joint, found missing right_joint; extra rigth_joint/,
    );
    await expect(read(wrong('a,b'), { ...CSV_MAP, channels })).rejects.toThrow(/columns like q_\{joint\}/);
    const rename = { ...CSV_MAP, channels, joints: { ...CSV_MAP.joints, rename: { left_jiont: 'x' } } };
    await expect(read(wrong('q_left_joint,q_right_joint'), rename)).rejects.toThrow(
      /joints.rename.left_jiont: no such joint in the file. Did you mean "left_joint"/,
    );
    const held = { ...CSV_MAP, channels, joints: { ...CSV_MAP.joints, held: { 'arm_*': 0 } } };
    await expect(read(wrong('q_left_joint,q_right_joint'), held)).rejects.toThrow(
      /joints.held.arm_\*: .*matches nothing/,
    );
    // Of another robot's file the joints are told, and not what the map holds of its own robot.
    await expect(read(wrong('q_a,q_b'), held)).rejects.toThrow(/joint 0 of the file, a, is none of the robot's/);
    const both = { ...CSV_MAP, channels, joints: { ...CSV_MAP.joints, held: { left_joint: 0 } } };
    await expect(read(wrong('q_left_joint,q_right_joint'), both)).rejects.toThrow(/held joints that the file has/);
    const world = {
      ...CSV_MAP,
      channels: { baseLinearVelocity: { columns: ['q_left_joint', 'q_right_joint', 't'], frame: 'world' } },
    };
    await expect(read(wrong('q_left_joint,q_right_joint'), world)).rejects.toThrow(/expected baseQuaternion beside it/);
  });
});

describe('a rollout in npz', () => {
  const map = {
    format: 'npz',
    kind: 'rollout',
    source: 'envs',
    time: { array: 't', unit: 'ns' },
    joints: { names: { list: ['left_joint', 'right_joint'] } },
  };

  it.each([
    ['episode-frame', 'q'],
    ['frame-episode', 'q_frame_first'],
  ])('is split along its %s axes', async (axes, array) => {
    const episodes = await read(join(FIXTURES, 'vectorised.npz'), {
      ...map,
      axes,
      // Numbers that tell environments, frames and joints apart are no angles.
      trust: ['units'],
      channels: { jointPosition: { array } },
    });
    expect(episodes.map(({ id }) => id.slice(-2))).toEqual(['/0', '/1', '/2']);
    episodes.forEach(({ channels, frameCount }, environment) => {
      expect(frameCount).toBe(6);
      channels.jointPosition!.data.forEach((value, at) => {
        expect(value).toBeCloseTo(100 * environment + Math.floor(at / 2) + (at % 2) / 10, 4);
      });
    });
  });

  it('is refused by shape', async () => {
    const path = join(FIXTURES, 'vectorised.npz');
    const one = (field: object) => read(path, { ...map, time: { rate_hz: 50 }, channels: { jointPosition: field } });
    await expect(one({ array: 'q' })).rejects.toThrow(
      /width of jointPosition: expected 2, one for each joint name, found 12/,
    );
    await expect(one({ array: 'q', slice: [3, 99] })).rejects.toThrow(/slice: expected part of 0 .. 12, found 3 .. 99/);
    await expect(one({ array: 'p' })).rejects.toThrow(/no array "p"/);
  });
});

describe('a controller log', () => {
  const folderWith = (files: Record<string, string>) => {
    const folder = join(temporaryFolder(), 'squat');
    mkdirSync(folder);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return folder;
  };
  const map = {
    format: 'csv',
    kind: 'controller',
    source: 'squats',
    tables: { joints: 'j.csv', forces: 'f.csv' },
    time: { column: 't' },
    joints: { names: { header: 'q_{joint}', table: 'joints' }, held: { 'right_*': 'default' } },
    channels: {
      jointPosition: { table: 'joints', perJoint: 'q_{joint}' },
      torque: { table: 'joints', perJoint: 'tau_{joint}' },
      footContact: { table: 'forces', columns: ['l', 'r'], threshold: 20 },
    },
  };

  it('joins its tables on time, holds what is locked, keeps torque and has no action', async () => {
    const folder = folderWith({
      'j.csv': csvOf('t,q_left_joint,tau_left_joint', 100, 201, (time) => [time, time / 2, 10 * time]),
      // Begins half a second later, at another rate: contact of the left foot ends at 1 s, the right one's begins there.
      'f.csv': csvOf('t,l,r', 200, 201, (time) => [time + 0.5, time < 0.5 ? 300 : 3, time < 0.5 ? 0 : 300]),
    });
    const [episode] = await read(folder, map);
    expect(Object.keys(episode.channels).sort()).toEqual(['footContact', 'jointPosition', 'jointVelocity', 'torque']);
    expect(episode.frameCount).toBe(51);
    const { jointPosition, jointVelocity, torque, footContact } = episode.channels;
    for (let frame = 0; frame < 51; frame++) {
      const time = 0.5 + frame / 50;
      expect(jointPosition!.data[2 * frame]).toBeCloseTo(time / 2, 6);
      expect(jointPosition!.data[2 * frame + 1]).toBe(Math.fround(-0.2));
      expect(jointVelocity!.data[2 * frame]).toBeCloseTo(0.5, 4);
      expect(jointVelocity!.data[2 * frame + 1]).toBe(0);
      expect(torque!.data[2 * frame]).toBeCloseTo(10 * time, 5);
      expect(torque!.data[2 * frame + 1]).toBe(0);
      expect([...footContact!.data.subarray(2 * frame, 2 * frame + 2)]).toEqual(time < 1 - 1e-9 ? [1, 0] : [0, 1]);
    }
    expect(episode.findings.map(({ kind }) => kind)).toEqual(['held-joints']);
    expect(episode.provenance.options).toMatchObject({ held: ['right_joint'] });
    expect(episode.kind).toBe('controller');
  });

  it('is refused where a table is missing, or time runs backwards', async () => {
    const good = csvOf('t,q_left_joint,tau_left_joint', 100, 11, (time) => [time, 0, 0]);
    await expect(read(folderWith({ 'j.csv': good }), map)).rejects.toThrow(/f.csv: file cannot be read \(ENOENT\)/);
    await expect(read(join(FIXTURES, 'arrays.json'), map)).rejects.toThrow(/expected a folder with j.csv, f.csv/);
    const back = good.replace('0.05,', '0.01,');
    const folder = folderWith({ 'j.csv': back, 'f.csv': csvOf('t,l,r', 100, 11, (time) => [time, 1, 1]) });
    await expect(read(folder, map)).rejects.toThrow(/squat:frame 5: time goes backwards/);
  });

  it('tells gaps and cuts episodes at a marker', async () => {
    const rows = [0, 0.02, 0.04, 1.04, 1.06].map((time) => `${time},0,0`);
    const channels = { jointPosition: { perJoint: 'q_{joint}' } };
    const single = { ...CSV_MAP, channels };
    const [gappy] = await read(writeInput('a.csv', `t,q_left_joint,q_right_joint\n${rows.join('\n')}\n`), single);
    expect(gappy.findings).toMatchObject([{ kind: 'gap', severity: 'warning' }]);
    expect(gappy.channels.jointPosition!.valid!.reduce((sum, bit) => sum + bit, 0)).toBe(5);
    // Two episodes whose clocks both begin at zero.
    const marked = [0, 0, 0, 4, 4].map((episode, k) => `${(k % 3) * 0.02},${episode},${k},0`);
    const path = writeInput('b.csv', `t,ep,q_left_joint,q_right_joint\n${marked.join('\n')}\n`);
    const cut = await read(path, { ...single, episode: { columns: ['ep'] } });
    expect(cut.map(({ frameCount }) => frameCount)).toEqual([3, 2]);
    expect(cut[1].channels.jointPosition!.data[0]).toBe(3);
  });
});
