// What the browser reads of a dataset, over byte ranges, against what the dataset's own reader gives.

import { mkdtempSync, rmSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../../src/dataset/dataset.js';
import { DatasetWriter } from '../../../src/dataset/dataset-writer.js';
import type { ChannelName, Episode } from '../../../src/motion/episode.js';
import { crc32 } from '../../../src/viewer/dataset/crc32.js';
import { type DatasetIndex, hasChannel, readIndex } from '../../../src/viewer/dataset/dataset-index.js';
import { createShardReader } from '../../../src/viewer/dataset/shard-reader.js';
import type { ViewerSource } from '../../../src/viewer/page.js';
import { syntheticEpisode, TINY_ROBOT } from '../../fixtures.js';

let folder: string;
let index: DatasetIndex;
/** Bytes that were asked for. */
let asked = 0;

const source: ViewerSource = {
  describe: () => Promise.reject(new Error('not asked here')),
  readJson: async <T>(path: string) => JSON.parse(await readFile(join(folder, path), 'utf8')) as T,
  async readBytes(path, range) {
    const handle = await open(join(folder, path));
    try {
      const { start, end } = range ?? { start: 0, end: (await handle.stat()).size };
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      asked += bytesRead;
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  },
};

function episodes(): Episode[] {
  const whole = syntheticEpisode(1, { frameCount: 77 });
  const { command } = whole.channels;
  const valid = Uint8Array.from({ length: 77 }, (_, frame) => (frame % 5 === 0 || frame > 60 ? 0 : 1));
  const finding = { kind: 'gap', severity: 'warning', frames: [10, 20], message: 'filled in' } as const;
  return [
    whole,
    {
      ...whole,
      id: 'synthetic/partial',
      channels: { ...whole.channels, command: { ...command!, valid } },
      findings: [finding],
      fell: true,
    },
    syntheticEpisode(3, { frameCount: 40, actions: false, source: 'human' }),
  ];
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nextgait-view-'));
  const writer = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50 });
  for (const episode of episodes()) await writer.append(episode);
  await writer.close();
  index = readIndex(await source.readJson('manifest.json'), 'manifest.json');
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('the index', () => {
  it('has every episode as the dataset has it', async () => {
    const dataset = await openDataset(folder);
    expect(index.episodes.map(({ id, frames, split, fell }) => [id, frames, split, fell])).toEqual(
      dataset.episodes.map(({ id, frameCount, split, fell }) => [id, frameCount, split, fell === true]),
    );
    expect(index.sources).toEqual(['synthetic', 'human']);
    expect(index.findingKinds).toEqual(['gap']);
    dataset.close();
  });

  it('knows which channels an episode has', () => {
    expect(index.episodes.map((episode) => hasChannel(episode, 'action'))).toEqual([true, true, false]);
  });

  it('refuses another file with what to do', () => {
    expect(() => readIndex({ format: 'nextgait-dataset/9', shards: [] }, 'x.json')).toThrow(
      /nextgait-dataset\/9.*inspect/,
    );
    expect(() => readIndex([], 'x.json')).toThrow(/not the manifest/);
  });
});

describe('episodes', () => {
  it('have the values and the masks that the dataset has', async () => {
    const reader = createShardReader(source, '.');
    const dataset = await openDataset(folder);
    for (const entry of index.episodes) {
      const { channels } = await reader.episode(entry);
      const expected = await dataset.readEpisode(entry.index);
      for (const [name, channel] of Object.entries(expected.channels)) {
        const own = channels[name as ChannelName]!;
        const { width, valid } = channel;
        for (let frame = 0; frame < entry.frames; frame++) {
          expect(own.valid?.[frame] ?? 1).toBe(valid?.[frame] ?? 1);
          if (valid?.[frame] === 0) continue;
          expect(own.data.subarray(frame * width, (frame + 1) * width)).toEqual(
            channel.data.subarray(frame * width, (frame + 1) * width),
          );
        }
      }
      expect(Object.keys(channels).sort()).toEqual(Object.keys(expected.channels).sort());
    }
    dataset.close();
  });

  it('come with findings and provenance', async () => {
    const reader = createShardReader(source, '.');
    const { findings, provenance } = await reader.episode(index.episodes[1]);
    expect(findings).toEqual([{ kind: 'gap', severity: 'warning', frames: [10, 20], message: 'filled in' }]);
    expect(provenance.options).toEqual({ seed: 1 });
  });

  it('are read once while they are kept, and by their own bytes alone', async () => {
    const reader = createShardReader(source, '.');
    await reader.episode(index.episodes[0]);
    const before = asked;
    await reader.episode(index.episodes[0]);
    expect(asked).toBe(before);
    await reader.episode(index.episodes[1]);
    expect(asked - before).toBe(index.episodes[1].length);
    expect(reader.keptBytes).toBe(index.episodes[0].length + index.episodes[1].length);
  });

  it('carry the whole robot', async () => {
    const robot = await createShardReader(source, '.').robot(index.episodes[0].shard);
    expect(robot?.jointNames).toEqual(TINY_ROBOT.jointNames);
  });

  it('are refused where a byte has changed', async () => {
    const damaged: ViewerSource = {
      ...source,
      async readBytes(path, range) {
        const bytes = await source.readBytes(path, range);
        if (range?.start === index.episodes[0].offset) bytes[bytes.length - 9] ^= 1;
        return bytes;
      },
    };
    await expect(createShardReader(damaged, '.').episode(index.episodes[0])).rejects.toThrow(/damaged.*--verify/s);
  });

  it('are refused where the shard was cut short', async () => {
    const short: ViewerSource = {
      ...source,
      readBytes: async (path, range) => (await source.readBytes(path, range)).subarray(0, 5),
    };
    await expect(createShardReader(short, '.').episode(index.episodes[0])).rejects.toThrow(/damaged/);
  });
});

it('checksums are those of zlib', () => {
  // The check value of CRC-32 (ISO 3309): that of the digits 1 to 9.
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
});
