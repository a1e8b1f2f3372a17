// The HDF5 reader against what h5py wrote and read back (fixtures/make_layouts.py), and against what is no HDF5.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFieldMap } from '../../ingest/field-map.js';
import { describeSource } from '../../ingest/formats.js';
import { readMappedEpisodes } from '../../ingest/mapped-input.js';
import { Hdf5File } from '../../ingest/readers/hdf5.js';
import { temporaryFolder } from '../dataset/helpers.js';
import { TINY_ROBOT } from '../fixtures.js';

const LAYOUTS = join(import.meta.dirname, 'fixtures', 'layouts');
const TYPES = join(LAYOUTS, 'types.h5');

describe('HDF5', () => {
  let file: Hdf5File;
  beforeAll(async () => {
    file = await Hdf5File.open(TYPES);
    // Compiling the HDF5 library on a busy machine.
  }, 60_000);
  afterAll(() => file.close());

  it('reads every type as h5py does', () => {
    const expected = JSON.parse(readFileSync(join(LAYOUTS, 'types.json'), 'utf8')) as Record<
      string,
      { shape: number[]; values: (number | boolean)[] }
    >;
    for (const [name, { shape, values }] of Object.entries(expected)) {
      const array = file.read(name);
      expect(array.shape, name).toEqual(shape);
      expect([...array.numbers!], name).toEqual(values.map(Number));
    }
    expect(file.read('names').text).toEqual(['left_joint', 'gelenk_ä']);
    expect(file.read('bytes').text).toEqual(['left', 'right_joint']);
    expect(file.read('@joint_names').text).toEqual(['left_joint', 'right_joint']);
    expect(file.read('alias').numbers).toEqual(file.read('f8').numbers);
  });

  it('reads ranges of one and two axes from compressed chunks', () => {
    const whole = file.read('chunked');
    expect(whole.shape).toEqual([100, 20]);
    const rows = file.read('chunked', [[13, 30]]);
    expect(rows.shape).toEqual([17, 20]);
    expect([...rows.numbers!]).toEqual([...whole.numbers!.subarray(13 * 20, 30 * 20)]);
    const block = file.read('chunked', [[13, 30], [5, 6]]); // biome-ignore format: two axes
    expect(block.shape).toEqual([17, 1]);
    expect([...block.numbers!]).toEqual(Array.from({ length: 17 }, (_, k) => (13 + k) * 20 + 5));
  });

  it('names the nearest dataset, and what it cannot read', () => {
    expect(() => file.read('scaler')).toThrow(/types.h5: scaler: no "scaler".*Did you mean "scalar"/);
    expect(() => file.read('broken')).toThrow(/no "broken"/);
    expect(() => file.read('table')).toThrow(/table: type: expected an array of numbers or text/);
    expect(() => file.read('half')).toThrow(/half: dataset cannot be read.*Float16.*Write it as float32/);
    expect(() => file.read('lzf')).toThrow(/lzf: compression: expected none or gzip, found.*h5repack/);
  });

  it('refuses what is no HDF5 file, or only the beginning of one', async () => {
    const path = join(temporaryFolder(), 'a.hdf5');
    writeFileSync(path, 'no HDF5 file at all');
    await expect(Hdf5File.open(path)).rejects.toThrow(/a.hdf5: not an HDF5 file/);
    writeFileSync(path, readFileSync(TYPES).subarray(0, 500));
    await expect(Hdf5File.open(path)).rejects.toThrow(/damaged or still being written/);
    writeFileSync(path, '');
    await expect(Hdf5File.open(path)).rejects.toThrow(/not an HDF5 file: found 0 bytes/);
    await expect(Hdf5File.open(join(path, 'none'))).rejects.toThrow(/cannot be read/);
  });

  it('gives the episodes around one that is damaged, and describes the first that has something', async () => {
    const path = join(temporaryFolder(), 'broken-off.hdf5');
    const h5 = (await import('h5wasm/node')).default;
    await h5.ready;
    const written = new h5.File(path, 'w');
    written.create_group('data');
    for (const number of [0, 1, 2, 3]) {
      written.create_group(`data/demo_${number}`);
      if (number % 2 === 0) continue;
      const data = Float64Array.from({ length: 20 }, (_, at) => 0.01 * at + number / 8);
      written.create_dataset({ name: `data/demo_${number}/q`, data, shape: [10, 2] });
    }
    written.close();
    expect((await describeSource(path)).fields).toMatchObject([{ name: 'q', shape: '10 x 2' }]);
    const map = parseFieldMap(
      {
        format: 'hdf5',
        kind: 'bvh',
        source: 'test',
        episodes: 'data/demo_*',
        time: { rate_hz: 50 },
        joints: { names: { list: ['left_joint', 'right_joint'] } },
        channels: { jointPosition: { array: 'q' } },
      },
      'test map',
    );
    const found: unknown[] = [];
    for await (const one of readMappedEpisodes(path, { map, robot: TINY_ROBOT, rate_hz: 50 })) {
      found.push(
        'refused' in one ? one.refused.message : [one.episode.id.at(-1), one.episode.channels.jointPosition!.data[0]],
      );
    }
    expect(found).toEqual([
      expect.stringMatching(/data\/demo_0\/q: no "q": the group is empty/),
      ['1', 1 / 8],
      expect.stringMatching(/data\/demo_2/),
      ['3', 3 / 8],
    ]);
  });

  it('is described with its episodes, shapes and attributes', async () => {
    const { fields, mapKeys, recordingCount, facts } = await describeSource(join(LAYOUTS, 'isaaclab.hdf5'));
    expect(mapKeys).toEqual({ episodes: 'data/demo_*' });
    expect(recordingCount).toBe(2);
    const position = fields.find(({ name }) => name === 'states/articulation/robot/joint_position')!;
    expect(position).toMatchObject({ shape: '59 x 29', selector: { array: position.name } });
    expect(facts.join('\n')).toContain('data@env_args: {"env_name": "Isaac-Velocity-Flat-G1-v0"');
    const flat = await describeSource(join(LAYOUTS, 'd4rl.hdf5'));
    expect(flat.mapKeys).toEqual({ episodeEnds: ['terminals', 'timeouts'] });
  });
});
