// The readers against what numpy wrote, and against files that are not what they claim.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeSource } from '../../ingest/formats.js';
import { readCsv } from '../../ingest/readers/csv.js';
import { readJsonl } from '../../ingest/readers/jsonl.js';
import { NpzFile } from '../../ingest/readers/npz.js';
import { ZipFile } from '../../ingest/readers/zip.js';
import { DataError } from '../../src/base/errors.js';
import { temporaryFolder } from '../dataset/helpers.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');

function fileWith(name: string, content: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

describe('npz', () => {
  const expected = JSON.parse(readFileSync(join(FIXTURES, 'arrays.json'), 'utf8')) as Record<
    string,
    { shape: number[]; values: (number | string | boolean)[] }
  >;

  it.each(['arrays.npz', 'arrays-compressed.npz'])('reads every type of %s as numpy does', async (file) => {
    const npz = await NpzFile.open(join(FIXTURES, file));
    expect([...npz.names].sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { shape, values }] of Object.entries(expected)) {
      const array = await npz.read(name);
      expect(array.shape, name).toEqual(shape);
      const wanted = values.map((value) => (value === 'inf' ? Infinity : typeof value === 'boolean' ? +value : value));
      expect(array.text ?? [...array.numbers!], name).toEqual(wanted);
    }
    await npz.close();
  });

  it('names the nearest array, and refuses pickles', async () => {
    const npz = await NpzFile.open(join(FIXTURES, 'arrays.npz'));
    await expect(npz.read('scaler')).rejects.toThrow(/no array "scaler".*Did you mean "scalar"/);
    await npz.close();
    const objects = await NpzFile.open(join(FIXTURES, 'objects.npz'));
    await expect(objects.read('q')).rejects.toThrow(/q: array type.*found Python objects \(a pickle\)/);
    await objects.close();
  });

  it('refuses damaged archives without believing their sizes', async () => {
    await expect(NpzFile.open(fileWith('a.npz', 'no zip at all, but long enough for one'))).rejects.toThrow(
      /not a whole zip/,
    );
    const bytes = readFileSync(join(FIXTURES, 'arrays-compressed.npz'));
    await expect(NpzFile.open(fileWith('a.npz', bytes.subarray(0, 900)))).rejects.toThrow(/not a whole zip/);
    // Every byte of the file changed in turn: never a crash, and never other numbers without a word.
    const path = join(temporaryFolder(), 'a.npz');
    for (let at = 0; at < bytes.length; at += 13) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 0x55;
      writeFileSync(path, damaged);
      try {
        const npz = await NpzFile.open(path);
        try {
          const { numbers } = await npz.read('f8');
          expect([...numbers!], `byte ${at}`).toEqual(expected.f8.values);
        } finally {
          await npz.close();
        }
      } catch (error) {
        expect(error, `byte ${at}: ${error}`).toBeInstanceOf(DataError);
      }
    }
  });

  it('refuses an entry that claims to unpack into gigabytes', async () => {
    const path = join(temporaryFolder(), 'a.npz');
    copyFileSync(join(FIXTURES, 'arrays-compressed.npz'), path);
    const bytes = readFileSync(path);
    const directory = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    bytes.writeUInt32LE(0xfffffff0, directory + 24);
    writeFileSync(path, bytes);
    await expect(ZipFile.open(path)).rejects.toThrow(/claims more bytes than the file has/);
  });
});

describe('a file that ends in the middle of a line', () => {
  it('gives the lines before, and says so', async () => {
    const table = await readCsv(fileWith('a.csv', 't,x,y\n0,1,2\n1,3,4\n2,5'), (header) => header);
    expect([...table.values]).toEqual([0, 1, 2, 1, 3, 4]);
    expect(table.cut).toBe('line 4, the last one, is cut off and left out');
    await expect(readCsv(fileWith('b.csv', 't,x\n0'), (header) => header)).rejects.toThrow(/b.csv:2/);
    const lines = await readJsonl(fileWith('a.jsonl', '{"a": [1, 2]}\n{"a": [3, 4]}\n{"a": [5'), ['a']);
    expect([...lines.columns.get('a')!.values]).toEqual([1, 2, 3, 4]);
    expect(lines.cut).toBe('line 3, the last one, is cut off and left out');
    await expect(readJsonl(fileWith('b.jsonl', '{"a": '), ['a'])).rejects.toThrow(/b.jsonl:1: line is not JSON/);
  });
});

describe('csv of other makers', () => {
  it('has spaces behind its commas, or # before its header', async () => {
    for (const text of ['t,  x,  y\n0,  1,  2\n1,  3,  4\n', '# t,x,y\n0,1,2\n1,3,4\n', '#t x y\n0 1 2\n1 3 4\n']) {
      const { fields, time } = await describeSource(fileWith('a.csv', text));
      expect(fields.map(({ name, sample }) => [name, [...sample!.data]])).toEqual([
        ['x', [1, 3]],
        ['y', [2, 4]],
      ]);
      expect(time).toEqual({ column: 't', unit: 's' });
    }
  });
});

describe('JSON lines as Python writes them', () => {
  it('have missing values where a number is none', async () => {
    const line = '{"NaN \\" Infinity": "NaN, -Infinity", "a": [NaN, 1, -Infinity, Infinity]}';
    const { columns } = await readJsonl(fileWith('a.jsonl', `${line}\n`), ['a']);
    expect([...columns.get('a')!.values]).toEqual([Number.NaN, 1, Number.NaN, Number.NaN]);
  });
});

describe('csv', () => {
  const all = (header: readonly string[]) => header;

  it('reads quoted, spaced, dotted and missing numbers, with CRLF and a byte-order mark', async () => {
    const path = fileWith('a.csv', '\ufefft, "x" ,y\r\n0,1e3,-.5\r\n1, ,nan\r\n\r\n2,inf,0x10\r\n');
    const table = await readCsv(path, all);
    expect(table.header).toEqual(['t', 'x', 'y']);
    expect([...table.values]).toEqual([0, 1000, -0.5, 1, Number.NaN, Number.NaN, 2, Infinity, 16]);
    const part = await readCsv(path, () => ['y', 't']);
    expect([...part.values]).toEqual([-0.5, 0, Number.NaN, 1, 16, 2]);
  });

  it('tells file, line and column of what is no number, all at once', async () => {
    const path = fileWith('a.csv', 't,x\n0,1\n1,fast\n2,3\n3,1.2.3\n');
    await expect(readCsv(path, all)).rejects.toThrow(
      /a.csv:3: value in column "x": expected a number, found "fast"\n.*a.csv:5: .*"1.2.3"/,
    );
    await expect(readCsv(fileWith('b.csv', 't,x\n0,1\n1\n2,3\n'), all)).rejects.toThrow(
      /b.csv:3: number of columns: expected 2, found 1/,
    );
    await expect(readCsv(fileWith('b.csv', 't,x\n0,1\n1,2,3'), all)).rejects.toThrow(/b.csv:3: .*expected 2, found 3/);
    await expect(readCsv(fileWith('c.csv', 't,t\n0,1\n'), all)).rejects.toThrow(/c.csv:1: column names.*found t/);
    await expect(readCsv(fileWith('d.csv', 't,x\n'), all)).rejects.toThrow(/at least one row/);
    await expect(readCsv('/no/such.csv', all)).rejects.toThrow(/such.csv: file cannot be read \(ENOENT\)/);
    await expect(readCsv(path, () => ['X_pos'])).rejects.toThrow(/a.csv:1: no column "X_pos"/);
  });
});

describe('json lines', () => {
  it('follows names, items and lists', async () => {
    const line = (k: number) => JSON.stringify({ t: k, motor: [{ q: [k, 1] }, { q: [k + 1, null] }], on: true });
    const path = fileWith('a.jsonl', `${line(0)}\n${line(5)}\n\n`);
    const { columns, rowCount } = await readJsonl(path, ['t', 'motor[].q', 'motor[1].q', 'on']);
    expect(rowCount).toBe(2);
    expect([...columns.get('motor[].q')!.values]).toEqual([0, 1, 1, Number.NaN, 5, 1, 6, Number.NaN]);
    expect(columns.get('motor[1].q')!.width).toBe(2);
    expect([...columns.get('on')!.values]).toEqual([1, 1]);
  });

  it('tells file and line of what is missing, with the nearest name', async () => {
    const path = fileWith(
      'a.jsonl',
      '{"imu":{"gyro":[1,2,3]}}\n{"imu":{"giro":[1,2,3]}}\n{"imu":{"gyro":[1,2]}}\nnot json\n',
    );
    await expect(readJsonl(path, ['imu.gyro'])).rejects.toThrow(
      /a.jsonl:2: path "imu.gyro": no "gyro". Did you mean "giro".*\n.*:3: .*number of values: expected 3.*found 2\n.*:4: line is not JSON/,
    );
    const early = fileWith('c.jsonl', '{"a": 1}\n{"a": 2\n{"a": 3}\n');
    await expect(readJsonl(early, ['a'])).rejects.toThrow(/c.jsonl:2: line is not JSON/);
    await expect(readJsonl('/no/such.jsonl', ['a'])).rejects.toThrow(/cannot be read.*ENOENT/);
    await expect(readJsonl(fileWith('b.jsonl', '\n'), ['a'])).rejects.toThrow(/at least one/);
    await expect(readJsonl(path, ['imu[x].gyro'])).rejects.toThrow(/names, \[\] and \[number\]/);
  });
});
