// A dataset as a LeRobot v3 dataset, and back: the same tensors to the bit, masks included. That others read it was
// checked with pyarrow 25, pandas 3, Hugging Face datasets 5 and polars; a file of their making is in ingest/fixtures.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadFieldMap, TRUSTED } from '../../ingest/field-map.js';
import { describeSource } from '../../ingest/formats.js';
import { ParquetFile } from '../../ingest/readers/parquet.js';
import { Random } from '../../src/base/random.js';
import { openDataset } from '../../src/dataset/dataset.js';
import { exportLeRobot } from '../../src/dataset/lerobot-export.js';
import { LEROBOT_FIELD_MAP, LEROBOT_ORIGINS } from '../../src/dataset/lerobot-features.js';
import type { Channel, ChannelName, Episode } from '../../src/motion/episode.js';
import { syntheticEpisode, TINY_ROBOT } from '../fixtures.js';
import { readMappedInput } from '../ingest/read-mapped-input.js';
import { temporaryFolder, writeDataset } from './helpers.js';

/** A walk with every channel; some frames lack some of them. */
function fullEpisode(seed: number, masked: readonly ChannelName[] = []): Episode {
  const base = syntheticEpisode(seed, { frameCount: 60 + seed, source: seed < 2 ? 'walk' : 'stand' });
  const { frameCount } = base;
  const random = new Random(seed).split('full');
  const column = (width: number, value: (frame: number, k: number) => number): Channel => ({
    width,
    data: Float32Array.from({ length: frameCount * width }, (_, at) => value(Math.floor(at / width), at % width)),
  });
  const yaw = (frame: number) => 0.02 * frame + seed;
  const channels: Partial<Record<ChannelName, Channel>> = {
    basePosition: column(3, (frame, k) => (k === 2 ? 0.5 : 0.01 * frame)),
    baseQuaternion: column(4, (frame, k) => [Math.cos(yaw(frame) / 2), 0, 0, Math.sin(yaw(frame) / 2)][k]),
    baseLinearVelocity: column(3, (_, k) => (k === 0 ? 0.5 : 0)),
    ...base.channels,
    torque: column(2, () => random.uniform(-5, 5)),
    footContact: column(2, (frame, k) => ((frame >> 3) + k) % 2),
  };
  // Numbers that adding and subtracting a default pose would change.
  channels.action!.data.set([1e-9, -0, 3e-12, -2.5e-10]);
  for (const name of masked) {
    const valid = Uint8Array.from({ length: frameCount }, (_, frame) => (frame % 5 === 2 || frame < 3 ? 0 : 1));
    channels[name] = { ...channels[name]!, valid };
  }
  return { ...base, channels };
}

const WITHOUT_ACTION = (episode: Episode): Episode => {
  const { action: _, executedAction: __, ...channels } = episode.channels;
  return { ...episode, channels };
};

const EPISODES = [fullEpisode(0), fullEpisode(1, ['command', 'action', 'torque']), WITHOUT_ACTION(fullEpisode(2))];

async function datasetOf(episodes: readonly Episode[]): Promise<string> {
  const folder = join(temporaryFolder(), 'dataset');
  await writeDataset(folder, episodes);
  return folder;
}

async function exported(options = {}) {
  const folder = join(temporaryFolder(), 'lerobot');
  const dataset = await openDataset(await datasetOf(EPISODES));
  try {
    const result = await exportLeRobot(dataset, folder, options);
    const originals: Episode[] = [];
    for await (const episode of dataset.readEpisodes()) originals.push(episode);
    return { folder, result, originals };
  } finally {
    dataset.close();
  }
}

const bitsOf = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

/** Bits of a channel, masked frames left out of them. */
function tensorOf({ width, data, valid }: Channel, frameCount: number) {
  const bits = bitsOf(data.slice());
  const mask = Array.from({ length: frameCount }, (_, frame) => valid?.[frame] ?? 1);
  mask.forEach((isValid, frame) => {
    if (isValid === 0) bits.fill(0, frame * width, (frame + 1) * width);
  });
  return { width, bits, mask };
}

describe('export as LeRobot v3', () => {
  it('reads back to the bit, masks included', async () => {
    const { folder, originals } = await exported();
    const map = await loadFieldMap(join(folder, LEROBOT_FIELD_MAP));
    expect(map.trust).toEqual(TRUSTED);
    const back = await readMappedInput(folder, { map, robot: TINY_ROBOT, rate_hz: 50 });
    expect(back).toHaveLength(originals.length);
    originals.forEach((original, number) => {
      expect(back[number].frameCount).toBe(original.frameCount);
      expect(Object.keys(back[number].channels).sort()).toEqual(Object.keys(original.channels).sort());
      for (const [name, channel] of Object.entries(original.channels)) {
        const found = back[number].channels[name as ChannelName]!;
        expect(tensorOf(found, original.frameCount), `${number} ${name}`).toEqual(
          tensorOf(channel, original.frameCount),
        );
      }
    });
  });

  it('keeps source, kind and beginning of each episode of a mixed dataset', async () => {
    const log: Episode = {
      ...WITHOUT_ACTION(fullEpisode(3)),
      kind: 'controller',
      source: 'squat',
      startsAtReset: false,
    };
    const dataset = await openDataset(await datasetOf([fullEpisode(0), log]));
    const folder = join(temporaryFolder(), 'lerobot');
    await exportLeRobot(dataset, folder);
    dataset.close();
    const map = await loadFieldMap(join(folder, LEROBOT_FIELD_MAP));
    const options = { map, robot: TINY_ROBOT, rate_hz: 50 };
    const origins = (episodes: readonly Episode[]) =>
      episodes.map(({ source, kind, startsAtReset, id }) => [source, kind, startsAtReset, id.split('/')[0]]);
    expect(origins(await readMappedInput(folder, options))).toEqual([
      ['walk', 'rollout', true, 'walk'],
      ['squat', 'controller', false, 'squat'],
    ]);
    expect(origins(await readMappedInput(folder, { ...options, source: 'all' }))).toEqual([
      ['all', 'rollout', true, 'all'],
      ['all', 'controller', false, 'all'],
    ]);
    // Another tool has put other episodes in their place: what is said of them is not of these.
    const path = join(folder, LEROBOT_ORIGINS);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"length":60', '"length":59'));
    expect(origins(await readMappedInput(folder, options))[0]).toEqual(['lerobot', 'rollout', false, 'lerobot']);
  });

  it('spreads over several data files and reads back all the same', async () => {
    const { folder, result } = await exported({ fileBytes: 1 });
    expect(result).toMatchObject({ episodes: 3, files: 3 });
    const map = await loadFieldMap(join(folder, LEROBOT_FIELD_MAP));
    const back = await readMappedInput(folder, { map, robot: TINY_ROBOT, rate_hz: 50 });
    expect(back.map(({ frameCount }) => frameCount)).toEqual(EPISODES.map(({ frameCount }) => frameCount));
  });

  it('says in meta/info.json what LeRobot asks for', async () => {
    const { folder, result } = await exported({ task: 'walk as commanded' });
    const info = JSON.parse(readFileSync(join(folder, 'meta/info.json'), 'utf8'));
    expect(info).toMatchObject({
      codebase_version: 'v3.0',
      robot_type: 'tiny',
      fps: 50,
      total_episodes: 3,
      total_frames: result.frames,
      total_tasks: 1,
      splits: { train: '0:3' },
    });
    expect(info.features.action).toEqual({ dtype: 'float32', shape: [2], names: ['left_joint', 'right_joint'] });
    expect(info.features['valid.action']).toEqual({ dtype: 'bool', shape: [1], names: null });
    expect(info.features['observation.state'].names).toContain('left_joint.pos');
    // What is there in every frame needs no mask.
    expect(info.features['valid.joint_position']).toBeUndefined();
    const list = await ParquetFile.open(join(folder, 'meta/episodes/chunk-000/file-000.parquet'));
    expect([...(await list.readNumbers('dataset_to_index', [0, 3])).data]).toEqual([60, 121, 183]);
    expect(await list.readValues('tasks', [0, 1])).toEqual([['walk as commanded']]);
    await list.close();
    const described = await describeSource(folder);
    expect(described.facts).toContain('tasks: walk as commanded');
    expect(described.recordingCount).toBe(3);
  });

  it('keeps statistics of the frames that have a channel', async () => {
    const { folder, originals } = await exported();
    const stats = JSON.parse(readFileSync(join(folder, 'meta/stats.json'), 'utf8'));
    const values = originals.flatMap(({ channels: { torque }, frameCount }) =>
      Array.from({ length: frameCount }, (_, frame) => frame)
        .filter((frame) => torque!.valid?.[frame] !== 0)
        .map((frame) => torque!.data[frame * 2]),
    );
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const sorted = [...values].sort((a, b) => a - b);
    expect(stats.torque.count).toEqual([values.length]);
    expect(stats.torque.min[0]).toBe(sorted[0]);
    expect(stats.torque.max[0]).toBe(sorted.at(-1));
    expect(stats.torque.mean[0]).toBeCloseTo(mean, 12);
    // The middle of an odd number of values is one of them, of an even number halfway between two.
    expect(stats.torque.q50[0]).toBeCloseTo((sorted[(values.length - 1) >> 1] + sorted[values.length >> 1]) / 2, 12);
    expect(stats['valid.torque'].mean[0]).toBeCloseTo(values.length / stats.index.count[0], 12);
  });

  it('gives the same bytes twice, and replaces only what it wrote itself', async () => {
    const hashOf = (folder: string) =>
      createHash('sha256')
        .update(readFileSync(join(folder, 'data/chunk-000/file-000.parquet')))
        .digest('hex');
    const first = await exported();
    expect(hashOf(first.folder)).toBe(hashOf((await exported()).folder));
    const dataset = await openDataset(await datasetOf([EPISODES[0]]));
    await expect(exportLeRobot(dataset, first.folder)).rejects.toThrow(/not empty.*--overwrite/s);
    expect(await exportLeRobot(dataset, first.folder, { overwrite: true })).toMatchObject({ episodes: 1 });
    await expect(exportLeRobot(dataset, join(first.folder, 'meta'), { overwrite: true })).rejects.toThrow(
      /something else/,
    );
    dataset.close();
  });

  it('keeps the older export where the dataset is damaged part way, or it is interrupted before', async () => {
    const { folder } = await exported();
    const files = () => readdirSync(folder, { recursive: true }).sort();
    const before = files();
    const source = await datasetOf([fullEpisode(3), fullEpisode(4)]);
    const dataset = await openDataset(source);
    const signal = AbortSignal.abort();
    await expect(exportLeRobot(dataset, folder, { overwrite: true, signal })).rejects.toThrow(/abort/);
    dataset.close();
    const [shard] = readdirSync(source).filter((name) => name.endsWith('.arrow'));
    const bytes = readFileSync(join(source, shard));
    // Of the second of two episodes of the same size.
    bytes[Math.floor(bytes.length * 0.6)] ^= 1;
    writeFileSync(join(source, shard), bytes);
    const damaged = await openDataset(source);
    await damaged.readEpisode(0);
    await expect(exportLeRobot(damaged, folder, { overwrite: true })).rejects.toThrow(/shard-00000/);
    damaged.close();
    expect(files()).toEqual(before);
    expect(JSON.parse(readFileSync(join(folder, 'meta/info.json'), 'utf8')).total_episodes).toBe(EPISODES.length);
  });
});
