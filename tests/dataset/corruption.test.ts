// A shard that is not what was written is refused, by file and reason: cut short, a bit flipped anywhere, another format.

import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { openDataset } from '../../src/dataset/dataset.js';
import { rebuildManifest } from '../../src/dataset/manifest.js';
import { verifyShard } from '../../src/dataset/shard-file.js';
import { randomEpisode, temporaryFolder, writeDataset } from './helpers.js';

let original: Buffer;

beforeAll(async () => {
  const folder = temporaryFolder();
  await writeDataset(folder, [randomEpisode(0, { frameCount: 20, partial: ['command'] }), randomEpisode(1)]);
  original = readFileSync(join(folder, 'shard-00000.arrow'));
});

function shardOf(bytes: Uint8Array): string {
  const path = join(temporaryFolder(), 'shard-00000.arrow');
  writeFileSync(path, bytes);
  return path;
}

describe('a damaged shard', () => {
  it('passes where nothing is damaged', () => {
    expect(verifyShard(shardOf(original)).content.episodes.map((episode) => episode.id)).toEqual([
      'random/0',
      'random/1',
    ]);
  });

  it('is refused with any bit flipped', () => {
    // Every byte of the first and last stretches (header, metadata, footer's ends), every seventh in between.
    const path = shardOf(original);
    for (let at = 0; at < original.length; at += at < 600 || at > original.length - 600 ? 1 : 7) {
      const bytes = Buffer.from(original);
      bytes[at] ^= 1 << (at % 8);
      writeFileSync(path, bytes);
      let found: unknown;
      try {
        verifyShard(path);
      } catch (error) {
        found = error;
      }
      expect(found, `byte ${at}`).toBeInstanceOf(DataError);
      expect((found as DataError).message).toContain(path);
    }
  });

  it('is refused cut short at any length', () => {
    const path = shardOf(original);
    for (let length = original.length - 1; length >= 0; length -= 61) {
      truncateSync(path, length);
      expect(() => verifyShard(path), `length ${length}`).toThrow(DataError);
    }
  });

  it('is refused where it is no shard, saying what it is', () => {
    expect(() => verifyShard(shardOf(Buffer.from('time,x\n0,1\n0.1,2\n0.2,3\n')))).toThrow(
      /not a shard: expected an Arrow file/,
    );
    const other = tableToIPC(tableFromArrays({ price: Float64Array.of(1, 2, 3) }), 'file');
    expect(() => verifyShard(shardOf(other))).toThrow(/an Arrow file of another kind \(columns price\)/);
  });

  it('is refused by opening, reading and rebuilding', async () => {
    const folder = temporaryFolder();
    await writeDataset(folder, [randomEpisode(0), randomEpisode(1)]);
    const path = join(folder, 'shard-00000.arrow');
    const bytes = readFileSync(path);
    // In the middle of the second record batch: values of the second episode.
    const { offset, length } = verifyShard(path).content.episodes[1];
    bytes[offset + Math.floor(length / 2)] ^= 4;
    writeFileSync(path, bytes);
    await expect(openDataset(folder, { verify: 'open' })).rejects.toThrow(
      /shard-00000.arrow: damaged shard.*random\/1/,
    );
    for (const memoryBytes of [0, 1e9]) {
      const dataset = await openDataset(folder, { memoryBytes });
      expect((await dataset.readEpisode(0)).id).toBe('random/0');
      await expect(dataset.readEpisode(1)).rejects.toThrow(/damaged shard/);
      expect(() => dataset.readWindow(1, 'jointPosition', 0, 1, new Float32Array(2))).toThrow(/damaged shard/);
      dataset.close();
    }
    const manifest = readFileSync(join(folder, 'manifest.json'));
    await expect(rebuildManifest(folder)).rejects.toThrow(/shard-00000.arrow: damaged shard/);
    expect(readFileSync(join(folder, 'manifest.json')).equals(manifest)).toBe(true);
  });

  it('is told apart from a shard that the manifest does not know', async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()];
    await writeDataset(folder, [randomEpisode(0), randomEpisode(1)]);
    await writeDataset(other, [randomEpisode(0), randomEpisode(7)]);
    copyFileSync(join(other, 'shard-00000.arrow'), join(folder, 'shard-00001.arrow'));
    await expect(openDataset(folder)).rejects.toThrow(/shard-00001.arrow is not listed.*--rebuild/);
    copyFileSync(join(other, 'shard-00000.arrow'), join(folder, 'shard-00000.arrow'));
    const { unlinkSync } = await import('node:fs');
    unlinkSync(join(folder, 'shard-00001.arrow'));
    await expect(openDataset(folder)).rejects.toThrow(/shard is not the one in the manifest.*--rebuild/);
    unlinkSync(join(folder, 'shard-00000.arrow'));
    await expect(openDataset(folder)).rejects.toThrow(/shard-00000.arrow is gone/);
  });
});
