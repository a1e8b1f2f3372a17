// What is written is what is read, by this reader and by Arrow's own.

import { readFileSync } from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../src/dataset/dataset.js';
import { CHANNEL_NAMES, type Episode } from '../../src/motion/episode.js';
import { memorySource, type WindowSource } from '../../src/tokens/window-source.js';
import { TINY_ROBOT } from '../fixtures.js';
import { randomEpisode, temporaryFolder, writeDataset } from './helpers.js';

/** The episode with zeros where nothing may be read, so that what may be read can be compared as it is. */
function masked(episode: Episode): Episode {
  const channels = Object.fromEntries(
    Object.entries(episode.channels).map(([name, channel]) => {
      if (channel.valid === undefined) return [name, channel];
      const data = channel.data.map((value, at) => (channel.valid![Math.floor(at / channel.width)] === 1 ? value : 0));
      return [name, { ...channel, data }];
    }),
  );
  return { ...episode, channels };
}

const EPISODES = [
  randomEpisode(0),
  randomEpisode(1, { frameCount: 1 }),
  randomEpisode(2, { frameCount: 200, partial: ['command', 'action', 'footContact'] }),
  randomEpisode(3, { channels: ['baseQuaternion', 'jointPosition', 'jointVelocity'], frameCount: 64 }),
  randomEpisode(4, { channels: ['baseQuaternion', 'jointPosition', 'jointVelocity'], partial: ['baseQuaternion'] }),
  randomEpisode(5, { frameCount: 8, partial: CHANNEL_NAMES }),
];

describe('a dataset', () => {
  it.each([0, 1e9])(
    'gives its episodes back bit for bit, nulls included (memory budget %d bytes)',
    async (memoryBytes) => {
      const folder = temporaryFolder();
      await writeDataset(folder, EPISODES);
      const dataset = await openDataset(folder, { memoryBytes });
      const read = new Map<string, Episode>();
      for await (const episode of dataset.readEpisodes()) read.set(episode.id, episode);
      expect(read.size).toBe(EPISODES.length);
      for (const episode of EPISODES) expect(read.get(episode.id)).toEqual(masked(episode));
      expect(dataset.robotModel()).toEqual(TINY_ROBOT);
      dataset.close();
    },
  );

  it('reads windows equal to the episodes, with stride, offset and validity', async () => {
    const folder = temporaryFolder();
    await writeDataset(folder, EPISODES);
    const dataset = await openDataset(folder, { memoryBytes: 0 });
    const out = new Float32Array(4000);
    const valid = new Uint8Array(300);
    for (const info of dataset.episodes) {
      const episode = masked(EPISODES.find(({ id }) => id === info.id)!);
      for (const name of CHANNEL_NAMES) {
        const channel = episode.channels[name];
        for (const [first, count] of [
          [0, info.frameCount],
          [Math.floor(info.frameCount / 3), Math.ceil(info.frameCount / 2)],
          [info.frameCount - 1, 1],
        ]) {
          out.fill(7);
          valid.fill(9);
          const stride = (channel?.width ?? 3) + 2;
          const validCount = dataset.readWindow(info.index, name, first, count, out, 5, stride, valid, 3);
          let expectedCount = 0;
          for (let frame = 0; frame < count; frame++) {
            const ok = channel === undefined ? 0 : (channel.valid?.[first + frame] ?? 1);
            expectedCount += ok;
            expect(valid[3 + frame]).toBe(ok);
            for (let k = 0; k < (channel?.width ?? 0); k++) {
              expect(out[5 + frame * stride + k]).toBe(channel!.data[(first + frame) * channel!.width + k]);
            }
          }
          expect(validCount).toBe(expectedCount);
          expect([valid[2], valid[3 + count], out[4]]).toEqual([9, 9, 7]);
        }
      }
    }
    expect(() => dataset.readWindow(0, 'command', 0, 38, out)).toThrow(RangeError);
    dataset.close();
  });

  it('is a window source for training, equal to one in memory', async () => {
    const folder = temporaryFolder();
    await writeDataset(folder, EPISODES);
    const dataset = await openDataset(folder);
    const source: WindowSource = dataset;
    const memory = memorySource(EPISODES.map(masked));
    const at = (id: string) => source.episodes.findIndex((episode) => episode.id === id);
    memory.episodes.forEach((episode, index) => {
      const found = source.episodes[at(episode.id)];
      expect({ ...found, channels: [...found.channels] }).toMatchObject({
        ...episode,
        channels: [...episode.channels],
      });
      const [a, b] = [new Float32Array(20), new Float32Array(20)];
      const [validA, validB] = [new Uint8Array(5), new Uint8Array(5)];
      const count = Math.min(5, episode.frameCount);
      for (const name of CHANNEL_NAMES) {
        source.read(at(episode.id), name, 0, count, a, validA);
        memory.read(index, name, 0, count, b, validB);
        expect([a, validA]).toEqual([b, validB]);
      }
    });
    dataset.close();
  });

  it("is what Arrow's own reader sees: values, nulls, units, index columns", async () => {
    const folder = temporaryFolder();
    const episode = EPISODES[2];
    await writeDataset(folder, [EPISODES[0], episode]);
    const table = tableFromIPC(readFileSync(`${folder}/shard-00000.arrow`));
    expect(table.schema.fields.map((field) => field.name)).toEqual(['episode', 'frame', ...CHANNEL_NAMES]);
    expect(table.schema.metadata.get('nextgait.format')).toBe('nextgait-shard/1');
    expect(table.schema.fields[2].metadata.get('unit')).toBe('m');
    expect(table.numRows).toBe(37 + 200);
    expect([...table.getChild('frame')!].slice(37, 40)).toEqual([0, 1, 2]);
    expect(table.getChild('episode')!.get(37)).toBe(1);
    const column = table.getChild('command')!;
    const { valid, data } = episode.channels.command!;
    expect(column.nullCount).toBe(200 - valid!.reduce((sum, bit) => sum + bit, 0));
    for (let frame = 0; frame < 200; frame++) {
      const row = column.get(37 + frame) as { toArray(): Float32Array } | null;
      if (valid![frame] === 0) expect(row).toBeNull();
      else expect(row!.toArray()).toEqual(data.subarray(frame * 3, frame * 3 + 3));
    }
  });

  it('costs no bytes for a channel that an episode lacks', async () => {
    const [full, lean] = [temporaryFolder(), temporaryFolder()];
    await writeDataset(full, [randomEpisode(0, { frameCount: 5000 })]);
    await writeDataset(lean, [randomEpisode(0, { frameCount: 5000, channels: ['jointPosition'] })]);
    const [a, b] = await Promise.all([openDataset(full), openDataset(lean)]);
    // Two index columns and two joint angles of four bytes a frame, and the metadata.
    expect(b.manifests[0].totals.bytes).toBeLessThan(5000 * 16 + 10_000);
    expect(a.manifests[0].totals.bytes).toBeGreaterThan(5000 * 100);
    a.close();
    b.close();
  });
});
