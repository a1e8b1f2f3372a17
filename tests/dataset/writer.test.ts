// The writer: --out's rule, appending, the same bytes from the same episodes, and what it refuses.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareOutput } from '../../src/base/output-folder.js';
import { openDataset, openDatasets } from '../../src/dataset/dataset.js';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import { rebuildManifest } from '../../src/dataset/manifest.js';
import type { Episode } from '../../src/motion/episode.js';
import { TINY_ROBOT } from '../fixtures.js';
import { randomEpisode, temporaryFolder, writeDataset } from './helpers.js';

const MANY = Array.from({ length: 12 }, (_, number) =>
  randomEpisode(number, number % 4 === 3 ? { channels: ['jointPosition'] } : { partial: ['action'] }),
);

function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

describe('the writer', () => {
  it('gives the same bytes for the same episodes, and a manifest that rebuilding reproduces', async () => {
    const [a, b] = [temporaryFolder(), temporaryFolder()];
    for (const folder of [a, b]) await writeDataset(folder, MANY, { shardBytes: 20_000 });
    expect(filesOf(a)).toEqual(filesOf(b));
    expect(Object.keys(filesOf(a)).length).toBeGreaterThan(4);
    writeFileSync(join(b, 'manifest.json'), '');
    await rebuildManifest(b);
    expect(filesOf(b)).toEqual(filesOf(a));
  });

  it('counts sources, hours and coverage', async () => {
    const folder = temporaryFolder();
    await writeDataset(folder, [...MANY, randomEpisode(0, { source: 'other', frameCount: 50, channels: ['torque'] })]);
    const { manifests } = await openDataset(folder);
    const [random, other] = manifests[0].sources;
    expect(random).toMatchObject({ source: 'random', kinds: ['rollout'], episodes: 12, frames: 12 * 37 });
    expect(random.hours).toBeCloseTo((12 * 37) / 50 / 3600, 12);
    expect(random.coverage.jointPosition).toBe(1);
    expect(random.coverage.torque).toBeCloseTo(9 / 12, 12);
    const action = MANY.reduce((sum, e) => sum + (e.channels.action?.valid?.reduce((n, bit) => n + bit, 0) ?? 0), 0);
    expect(random.coverage.action).toBeCloseTo(action / (12 * 37), 12);
    expect(other.coverage).toEqual({ torque: 1 });
    expect(manifests[0].totals.episodes).toBe(13);
  });

  it('appends to the same robot and rate only, and never an id twice', async () => {
    const folder = temporaryFolder();
    await writeDataset(folder, [randomEpisode(0)]);
    await writeDataset(folder, [randomEpisode(1)], { append: true });
    const dataset = await openDataset(folder);
    expect(dataset.episodes.map(({ id }) => id)).toEqual(['random/0', 'random/1']);
    dataset.close();
    const writer = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50, append: true });
    expect(writer.has('random/0')).toBe(true);
    await expect(writer.append(randomEpisode(0))).rejects.toThrow(/episode id is taken/);
    await writer.close();
    const renamed = { ...TINY_ROBOT, jointNames: ['left_joint', 'knee'] };
    await expect(writeDataset(folder, [], { append: true, robot: renamed })).rejects.toThrow(
      /joint 1 of robot tiny: expected right_joint.*found knee/,
    );
    await expect(writeDataset(folder, [], { append: true, rate_hz: 100 })).rejects.toThrow(/rate: expected 50 Hz/);
    await expect(writeDataset(folder, [], { append: true, robot: { ...TINY_ROBOT, hash: 'else' } })).rejects.toThrow(
      /same joints but another model/,
    );
  });

  it('refuses episodes that do not fit', async () => {
    const writer = await DatasetWriter.open(temporaryFolder(), { robot: TINY_ROBOT, rate_hz: 50 });
    const good = randomEpisode(1);
    const change = (channels: Episode['channels']) => writer.append({ ...good, channels });
    await expect(writer.append({ ...good, rate_hz: 60 })).rejects.toThrow(/rate: expected 50 Hz/);
    await expect(change({})).rejects.toThrow(/empty episode/);
    await expect(change({ torque: { width: 3, data: new Float32Array(37 * 3) } })).rejects.toThrow(
      /width of torque: expected 2/,
    );
    await expect(change({ torque: { width: 2, data: new Float32Array(37) } })).rejects.toThrow(/length of torque/);
    const data = new Float32Array(74);
    data[20] = Number.NaN;
    await expect(change({ torque: { width: 2, data } })).rejects.toThrow(/frame 10: value of torque: found NaN/);
    await writer.abort();
  });

  it('keeps what it is to overwrite until the first episode of the new dataset comes', async () => {
    const folder = temporaryFolder();
    await writeDataset(folder, [randomEpisode(0), randomEpisode(1)]);
    const before = filesOf(folder);
    const idle = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50, overwrite: true });
    expect(idle.keepsOld).toBe(true);
    await idle.close();
    expect(filesOf(folder)).toEqual(before);
    const refusing = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50, overwrite: true });
    await expect(refusing.append({ ...randomEpisode(2), rate_hz: 60 })).rejects.toThrow(/rate/);
    await refusing.abort();
    expect(filesOf(folder)).toEqual(before);
    const writer = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50, overwrite: true });
    await writer.append(randomEpisode(0, { source: 'new' }));
    expect(writer.keepsOld).toBe(false);
    await writer.close();
    const dataset = await openDataset(folder);
    expect(dataset.episodes.map(({ id }) => id)).toEqual(['new/0']);
    dataset.close();
  });

  it('takes a dataset without episodes for an empty folder, unless it holds anything else', async () => {
    const folder = temporaryFolder();
    const other = { ...TINY_ROBOT, hash: 'else' };
    await writeDataset(folder, [], { robot: other });
    writeFileSync(join(folder, 'ingest-report.json'), '{}');
    await writeDataset(folder, [], { robot: other });
    expect(readdirSync(folder)).toEqual(['manifest.json']);
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    await expect(writeDataset(folder, [randomEpisode(0)])).rejects.toThrow(/folder is not empty/);
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
    rmSync(join(folder, 'notes.txt'));
    await writeDataset(folder, [randomEpisode(0)]);
    await expect(writeDataset(folder, [randomEpisode(1)])).rejects.toThrow(/folder is not empty/);
  });

  it('leaves a dataset that opens when it is killed after a shard was closed', async () => {
    const folder = temporaryFolder();
    const writer = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50, shardBytes: 10_000 });
    for (let number = 0; number < 5; number++) await writer.append(randomEpisode(number));
    // Not closed: what stands in the folder now is what a killed process leaves.
    const dataset = await openDataset(folder);
    expect(dataset.episodes.length).toBeGreaterThanOrEqual(2);
    for await (const episode of dataset.readEpisodes()) expect(episode.frameCount).toBe(37);
    dataset.close();
    await writer.abort();
  });
});

describe('datasets together', () => {
  it('are one list', async () => {
    const [a, b] = [temporaryFolder(), temporaryFolder()];
    await writeDataset(a, [randomEpisode(0), randomEpisode(1)]);
    await writeDataset(b, [randomEpisode(0, { source: 'other', channels: ['jointPosition'] })]);
    const dataset = await openDatasets([a, b]);
    expect(dataset.episodes.map(({ id, source }) => [id, source])).toEqual([
      ['random/0', 'random'],
      ['random/1', 'random'],
      ['other/0', 'other'],
    ]);
    const episode = await dataset.readEpisode(2);
    expect(episode.channels).toEqual(randomEpisode(0, { source: 'other', channels: ['jointPosition'] }).channels);
    dataset.close();
  });

  it('are refused where robot, rate or ids clash', async () => {
    const [a, b, c] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    await writeDataset(a, [randomEpisode(0)]);
    const other = { ...TINY_ROBOT, jointNames: ['hip', 'right_joint'] };
    await writeDataset(b, [], { robot: other });
    await expect(openDatasets([a, b])).rejects.toThrow(
      /joint 0 of robot tiny: expected left_joint, as in .*, found hip/,
    );
    await writeDataset(c, [randomEpisode(0)]);
    await expect(openDatasets([a, c])).rejects.toThrow(/episode random\/0: the same episode id twice/);
    await expect(openDatasets([a, a])).rejects.toThrow(/named twice/);
  });
});

describe('--out', () => {
  const options = { marker: 'manifest.json', what: 'a dataset' };

  it('takes a new or an empty folder', async () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    expect(await prepareOutput(folder, options)).toEqual({ folder, existing: false });
    expect(await prepareOutput(folder, { ...options, append: true })).toEqual({ folder, existing: false });
  });

  it('refuses a folder that holds something, and deletes nothing that is not ours', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'thesis.tex'), 'years of work');
    for (const more of [{}, { append: true }, { overwrite: true }]) {
      await expect(prepareOutput(folder, { ...options, ...more })).rejects.toThrow(/holds something else.*thesis.tex/);
    }
    expect(readdirSync(folder)).toEqual(['thesis.tex']);
  });

  it('appends to or replaces one of ours', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'manifest.json'), '{}');
    mkdirSync(join(folder, 'more'));
    await expect(prepareOutput(folder, { ...options, append: false })).rejects.toThrow(
      /not empty.*--append.*--overwrite/,
    );
    expect(await prepareOutput(folder, { ...options, append: true })).toEqual({ folder, existing: true });
    expect(await prepareOutput(folder, { ...options, overwrite: true })).toEqual({ folder, existing: false });
    expect(readdirSync(folder)).toEqual([]);
  });
});
