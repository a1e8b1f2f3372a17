// LeRobot datasets as recordings. The v3 one in fixtures was written by pyarrow, pandas and Hugging Face datasets; v2.1
// ones are made here.

import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parquetWriteFile } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { type FieldMap, fieldMapSchema } from '../../ingest/field-map.js';
import { describeSource } from '../../ingest/formats.js';
import { readMappedEpisodes } from '../../ingest/mapped-input.js';
import { readLeRobotInput } from '../../ingest/read-lerobot.js';
import { parseConfig } from '../../src/base/config.js';
import { isUserError } from '../../src/base/errors.js';
import { temporaryFolder } from '../dataset/helpers.js';
import { TINY_ROBOT } from '../fixtures.js';
import { readMappedInput } from './read-mapped-input.js';

const V3 = join(import.meta.dirname, 'fixtures/lerobot_v3');

const MAP = {
  format: 'lerobot',
  kind: 'rollout',
  source: 'lerobot',
  time: { rateArray: 'fps' },
  joints: { names: { header: 'observation.state/{joint}.pos' } },
  channels: {
    jointPosition: { perJoint: 'observation.state/{joint}.pos' },
    action: { array: 'action', meaning: 'absolute' },
  },
};
const mapOf = (map: object): FieldMap => parseConfig(fieldMapSchema, map, 'test map');
const read = (folder: string, map: object = MAP) =>
  readMappedInput(folder, { map: mapOf(map), robot: TINY_ROBOT, rate_hz: 50 });
const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  );

/** A copy of the v3 dataset that a test may spoil. */
function copyOfV3(): string {
  const folder = join(temporaryFolder(), 'dataset');
  cpSync(V3, folder, { recursive: true });
  return folder;
}

/** A v2.1 dataset: one file an episode; episodes of null have none. */
function makeV21(lengths: readonly (number | null)[], info: object = {}, stateWidth = 2): string {
  const folder = join(temporaryFolder(), 'dataset');
  const names = [['left_joint', 'right_joint']];
  const features = {
    'observation.state': { dtype: 'float32', shape: [2], names },
    timestamp: { dtype: 'float32', shape: [1], names: null },
    action: { dtype: 'float32', shape: [2], names: { motors: ['left_joint', 'right_joint'] } },
  };
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write(
    'meta/info.json',
    JSON.stringify({ codebase_version: 'v2.1', fps: 50, total_episodes: lengths.length, features, ...info }),
  );
  write('meta/episodes.jsonl', '{"episode_index": 0, "tasks": ["wave"], "length": 12}\n');
  lengths.forEach((length, episode) => {
    if (length === null) return;
    const path = `data/chunk-000/episode_${String(episode).padStart(6, '0')}.parquet`;
    write(path, '');
    const frames = Array.from({ length }, (_, frame) => frame);
    const steps = (width: number) => frames.map((frame) => Array.from({ length: width }, (_, k) => frame + k / 4));
    const vector = frames.map((frame) => [0.1 * Math.sin(frame / 5), episode / 10]);
    parquetWriteFile({
      filename: join(folder, path),
      columnData: [
        { name: 'observation.state', data: stateWidth === 2 ? vector : steps(stateWidth) },
        { name: 'action', data: stateWidth === 2 ? vector : steps(2) },
        { name: 'timestamp', data: frames.map((frame) => frame / 25) },
        { name: 'frame_index', data: frames.map(BigInt) },
        { name: 'episode_index', data: frames.map(() => BigInt(episode)) },
      ],
      schema: [
        { name: 'root', num_children: 5 },
        ...['observation.state', 'action'].flatMap(
          (name) =>
            [
              { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
              { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
              { name: 'element', repetition_type: 'OPTIONAL', type: 'FLOAT' },
            ] as const,
        ),
        { name: 'timestamp', type: 'FLOAT', repetition_type: 'OPTIONAL' },
        { name: 'frame_index', type: 'INT64', repetition_type: 'OPTIONAL' },
        { name: 'episode_index', type: 'INT64', repetition_type: 'OPTIONAL' },
      ],
      rowGroupSize: 5,
    });
  });
  return folder;
}

describe('LeRobot v3', () => {
  it('reads what pyarrow wrote: several episodes in a file, two compressions', async () => {
    const episodes = await read(V3);
    expect(episodes.map(({ frameCount }) => frameCount)).toEqual([40, 25, 30]);
    episodes.forEach(({ channels, findings }, number) => {
      expect(findings).toEqual([]);
      for (const frame of [0, 7, 24]) {
        const time = frame / 50;
        const expected = [0.3 * Math.sin(3 * time + number), -0.2 * Math.cos(2 * time + number)].map(Math.fround);
        expect([...channels.jointPosition!.data.subarray(frame * 2, frame * 2 + 2)]).toEqual(expected);
        expected.forEach((position, joint) => {
          const target = Math.fround(position + Math.fround(0.05));
          const action = channels.action!.data[frame * 2 + joint];
          expect(action).toBe(Math.fround(target - TINY_ROBOT.defaultPosition_rad[joint]));
        });
      }
    });
  });

  it('tells its features, joints and tasks', async () => {
    const description = await describeSource(V3);
    expect(description).toMatchObject({
      format: 'lerobot',
      rate_hz: 50,
      recordingCount: 3,
      time: { rateArray: 'fps' },
      joints: { names: ['left_joint', 'right_joint'], selector: { header: 'observation.state/{joint}.pos' } },
    });
    expect(description.facts).toContain('tasks: stand still | walk ahead');
    const [state, , video] = description.fields;
    expect(state).toMatchObject({
      name: 'observation.state',
      shape: '40 x 2',
      selector: { array: 'observation.state' },
    });
    expect(state.sample!.data).toHaveLength(80);
    expect(video).toEqual({ name: 'observation.images.front', shape: '', type: 'video' });
  });

  it('is described by the parts that its names show', async () => {
    const names = ['left', 'right'].flatMap((side) => [`${side}_joint.pos`, `${side}_joint.vel`]);
    const features = {
      'observation.state': { dtype: 'float32', shape: [7], names: [...names, 'gyro.x', 'gyro.y', 'gyro.z'] },
      action: { dtype: 'float32', shape: [2], names: ['left_joint.pos', 'right_joint.pos'] },
    };
    const { fields, robot } = await describeSource(makeV21([10], { features, robot_type: 'tiny' }, 7));
    expect(robot).toBe('tiny');
    expect(fields.map(({ name, selector, sample }) => [name, selector, sample!.data[sample!.width]])).toEqual([
      ['observation.state', { array: 'observation.state' }, 1],
      ['observation.state/{joint}.pos', { perJoint: 'observation.state/{joint}.pos' }, 1],
      ['observation.state/{joint}.vel', { perJoint: 'observation.state/{joint}.vel' }, 1.25],
      [
        expect.stringContaining('gyro.z'),
        { columns: ['x', 'y', 'z'].map((axis) => `observation.state/gyro.${axis}`) },
        2,
      ],
      ['action', { array: 'action' }, 1],
    ]);
  });

  it('holds one episode at a time', async () => {
    const { recordings } = await readLeRobotInput(V3, mapOf(MAP), TINY_ROBOT);
    const sizes: number[] = [];
    for await (const recording of recordings) {
      if ('refused' in recording) throw recording.refused;
      sizes.push(recording[0].fields.get('action')!.data.buffer.byteLength);
    }
    expect(sizes).toEqual([40 * 16, 25 * 16, 30 * 16]);
  });

  it.each([
    [
      'a feature that is not there',
      { action: { array: 'actions', meaning: 'absolute' } },
      /no feature "actions".*"action"/,
    ],
    ['a video', { action: { array: 'observation.images.front', meaning: 'absolute' } }, /no numbers \(video\)/],
    ['a number by a wrong name', { command: { columns: ['action/a', 'action/b', 'action/left_joint.po'] } }, /no "a"/],
    ['a width that does not fit', { command: { array: 'action' } }, /width of command: expected 3, found 2/],
    ['a slice beyond', { action: { array: 'action', slice: [1, 4], meaning: 'absolute' } }, /part of 0 .. 2/],
  ])('refuses %s', async (_, channels, expected) => {
    expect(await messageOf(read(V3, { ...MAP, channels }))).toMatch(expected);
  });

  it('refuses a file that is cut short, and a version it does not know', async () => {
    const cut = copyOfV3();
    truncateSync(join(cut, 'data/chunk-000/file-001.parquet'), 3000);
    expect(await messageOf(read(cut))).toMatch(/file-001\.parquet: not a whole Parquet file/);
    const later = copyOfV3();
    const info = join(later, 'meta/info.json');
    writeFileSync(info, readFileSync(info, 'utf8').replace('v3.0', 'v4.0'));
    expect(await messageOf(read(later))).toMatch(/expected v2\.0, v2\.1 or v3\.0, found v4\.0/);
    writeFileSync(info, '{"codebase_version": "v3.0"}');
    expect(await messageOf(read(later))).toMatch(/info\.json: (fps|features)/);
  });

  it('does not fall over any byte that is changed', async () => {
    const folder = copyOfV3();
    const path = join(folder, 'data/chunk-000/file-000.parquet');
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 199) {
      const spoilt = Buffer.from(bytes);
      spoilt[at] ^= 0xff;
      writeFileSync(path, spoilt);
      // Parquet has no checksums by default, so that a changed value may pass; nothing but a told refusal may come else.
      const error = await read(folder).catch((thrown: unknown) => thrown);
      expect(Array.isArray(error) || isUserError(error), `byte ${at}: ${error}`).toBe(true);
    }
  });
});

describe('LeRobot v2.1', () => {
  it('reads one file an episode, row group by row group, and tells what is missing', async () => {
    const folder = makeV21([12, null, 23]);
    const map = {
      ...MAP,
      joints: { names: { array: 'action' } },
      channels: { jointPosition: { array: 'observation.state' } },
    };
    const [first, second] = await read(folder, map);
    expect([first.frameCount, second.frameCount]).toEqual([12, 23]);
    expect(first.findings).toMatchObject([
      { kind: 'missing-files', message: expect.stringMatching(/^1 of .* 3 episodes/) },
    ]);
    expect(second.channels.jointPosition!.data[2 * 22 + 1]).toBe(Math.fround(0.2));
    expect((await describeSource(folder)).facts).toContain('2 of 3 episodes are here');
  });

  it('gives the episodes around a file that is cut short', async () => {
    const folder = makeV21([12, 15, 23]);
    truncateSync(join(folder, 'data/chunk-000/episode_000001.parquet'), 100);
    const map = mapOf({
      ...MAP,
      joints: { names: { array: 'action' } },
      channels: { jointPosition: { array: 'action' } },
    });
    const found: unknown[] = [];
    for await (const one of readMappedEpisodes(folder, { map, robot: TINY_ROBOT, rate_hz: 50 })) {
      found.push('refused' in one ? one.refused.message : one.episode.frameCount);
    }
    expect(found).toEqual([12, expect.stringMatching(/episode_000001\.parquet/), 23]);
    truncateSync(join(folder, 'data/chunk-000/episode_000000.parquet'), 100);
    expect((await describeSource(folder)).fields[0].shape).toBe('23 x 2');
  });

  it('takes the stamps where the map says so', async () => {
    const map = {
      ...MAP,
      time: { array: 'timestamp' },
      joints: { names: { array: 'action' } },
      channels: { jointPosition: { array: 'action' } },
    };
    const [episode] = await read(makeV21([11]), map);
    // Stamped at 25 Hz, whatever fps says.
    expect(episode.frameCount).toBe(21);
    expect(episode.findings).toMatchObject([{ kind: 'episode-length' }]);
  });
});
