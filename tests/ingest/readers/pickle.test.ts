// Pickles, joblib and torch files against what Python wrote into them; and what they must not be able to do.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseObjectFile, readObjectFile } from '../../../ingest/readers/object-file.js';
import { toNumbers } from '../../../ingest/readers/pickle-arrays.js';
import { DataError, isUserError } from '../../../src/base/errors.js';
import { Random } from '../../../src/base/random.js';

const FOLDER = join(import.meta.dirname, '../../fixtures/pickle');
const golden = (name: string) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
const latin1 = (text: string) => Buffer.from(text, 'latin1');

/** A dictionary from a fixture file. */
async function dictionary(name: string): Promise<Map<unknown, unknown>> {
  const { value } = await readObjectFile(join(FOLDER, name));
  expect(value).toBeInstanceOf(Map);
  return value as Map<unknown, unknown>;
}

describe.each([0, 1, 2, 3, 4, 5])('protocol %i', (protocol) => {
  it('plain values', async () => {
    const read = await dictionary(`plain_${protocol}.pkl`);
    expect(Object.fromEntries([...read].filter(([key]) => typeof key === 'string'))).toEqual({
      none: null,
      true: true,
      false: false,
      zero: 0,
      byte: 255,
      short: 65535,
      int: 2147483647,
      negative: -2147483648,
      large: 2 ** 40,
      huge: 2n ** 70n,
      minus_huge: -(2n ** 70n),
      pi: Math.PI,
      tiny: 5e-324,
      text: 'Grüße, 世界 \u{1f3c3}',
      escaped: "line\nquote' \\",
      list: [1, [2.5, 'x'], []],
      tuple: [1, [2, 3], []],
      set: new Set([1, 2]),
      nested: new Map([['a', new Map([['b', new Map([['c', 1]])]])]]),
      shared: [
        [1, 2, 3],
        [1, 2, 3],
      ],
      bytes: Uint8Array.of(0, 1, 2, 3, 4),
      ordered: new Map([
        ['b', 1],
        ['a', 2],
      ]),
      default: new Map([['k', [7]]]),
    });
    const [first, second] = read.get('shared') as unknown[];
    expect(first).toBe(second);
  });

  it('numpy arrays', async () => {
    expectArrays(await dictionary(`arrays_${protocol}.pkl`), golden('arrays.json'));
  });
});

function expectArrays(read: Map<unknown, unknown>, expected: Record<string, unknown>) {
  for (const [name, value] of Object.entries(expected)) {
    const wanted = Array.isArray(value) ? { shape: [1], values: value.flatMap(({ values }) => values) } : value;
    const { shape, values } = toNumbers(read.get(name), name);
    const got = typeof wanted === 'number' ? values[0] : { shape, values: [...values] };
    expect(got, name).toEqual(wanted);
  }
}

describe('containers', () => {
  it.each(['joblib_raw.pkl', 'joblib_zlib.pkl', 'joblib_gzip.pkl'])('%s', async (name) => {
    const read = await dictionary(name);
    expectArrays(read, golden('arrays.json'));
    expect(toNumbers(read.get('objects'), 'objects')).toEqual({ shape: [2, 2], values: Float64Array.of(0, 1, 2, 3) });
  });

  it.each(['torch_zip.pt', 'torch_legacy.pt', 'torch_in_pickle.npy'])('%s', async (name) => {
    expectArrays(await dictionary(name), golden('tensors.json'));
  });

  it('refuses by name what it does not read', async () => {
    await expect(readObjectFile(join(FOLDER, 'joblib_xz.pkl'))).rejects.toThrow(/compression: .*found xz/);
    await expect(readObjectFile(join(FOLDER, 'torch_module.pt'))).rejects.toThrow(/torch\.nn\.modules\.linear\.Linear/);
    expect(() => parseObjectFile(latin1('hello'), 'f')).toThrow(/object file: expected pickle/);
    expect(() => parseObjectFile(Buffer.alloc(0), 'f')).toThrow(/object file/);
    await expect(readObjectFile(join(FOLDER, 'absent.pkl'))).rejects.toThrow(/ENOENT/);
  });
});

describe('executes nothing', () => {
  const attacks: [name: string, program: string, named: RegExp][] = [
    ['GLOBAL and REDUCE', "cos\nsystem\n(S'touch /tmp/x'\ntR.", /found os\.system/],
    [
      'STACK_GLOBAL',
      '\x80\x04\x8c\x08builtins\x94\x8c\x04eval\x94\x93\x94\x8c\x011\x94\x85\x94R.',
      /found builtins\.eval/,
    ],
    ['INST', "(S'id'\nios\nsystem\n.", /found os\.system/],
    ['OBJ', "(cposix\nsystem\nS'id'\no.", /found posix\.system/],
    ['NEWOBJ', 'csubprocess\nPopen\n)\x81.', /found subprocess\.Popen/],
    ['getattr', '\x80\x02c__builtin__\ngetattr\n.', /found __builtin__\.getattr/],
    ['numpy outside its data', 'cnumpy.f2py\nexec\n.', /found numpy\.f2py\.exec/],
    ['a call of a class that only names', '\x80\x02cnumpy\nndarray\n)R.', /wants to call.*found numpy\.ndarray/],
    ['a call of data', '\x80\x02})R.', /wants to call.*found a dictionary/],
    ['a call of None', 'N)R.', /wants to call.*found None/],
    ['BUILD on a list', '\x80\x02]}b.', /object that has state, found a list/],
    ['an extension code', '\x80\x02\x82\x01.', /instruction.*EXT1/],
    ['an out-of-band buffer', '\x80\x05\x97.', /instruction.*NEXT_BUFFER/],
    ['an unknown instruction', '\x80\x02\xfe.', /instruction.*0xfe/],
    ['a persistent id', '\x80\x02K\x01Q.', /persistent/],
    ['a later protocol', '\x80\x06N.', /expected pickle/],
    ['latin1 by another name', "c_codecs\nencode\n(S'x'\nS'rot13'\ntR.", /_codecs\.encode.*rot13/],
  ];
  it.each(attacks)('%s', (_, program, named) => {
    expect(() => parseObjectFile(latin1(program), 'attack.pkl')).toThrow(DataError);
    expect(() => parseObjectFile(latin1(program), 'attack.pkl')).toThrow(named);
  });
});

describe('allocates nothing from lengths that are not backed by bytes', () => {
  const lengths: [name: string, program: string][] = [
    ['BINBYTES', '\x80\x03B\xff\xff\xff\x7f'],
    ['BINBYTES8', '\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f'],
    ['BYTEARRAY8', '\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00'],
    ['BINUNICODE8', '\x80\x04\x8d\x00\x00\x00\x00\x00\x00\x00\xff'],
    ['BINUNICODE', '\x80\x02X\xff\xff\xff\xff'],
    ['BINSTRING', '\x80\x02T\xff\xff\xff\xff'],
    ['LONG4', '\x80\x02\x8b\xff\xff\xff\xff'],
    ['FRAME', '\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x00N.'],
  ];
  it.each(lengths)('%s', (_, program) => {
    expect(() => parseObjectFile(latin1(program), 'f')).toThrow(/expected \d+ bytes, found \d+ to the end/);
  });

  it('array shapes', () => {
    const make = (shape: string) =>
      latin1(
        `\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01${shape}cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R\x89U\x08abcdefghtb.`,
      );
    expect(() => toNumbers(parseObjectFile(make('K\x01\x85'), 'f').value, 'x')).not.toThrow();
    for (const shape of [
      'J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86',
      'K\x00\x85',
      'J\xff\xff\xff\xff\x85',
      'N',
      'G?\xf0\x00\x00\x00\x00\x00\x01\x85',
    ]) {
      expect(() => parseObjectFile(make(shape), 'f')).toThrow(/array shape/);
    }
  });

  it('compressed files that unpack to more than is allowed', () => {
    const bomb = deflateSync(Buffer.alloc(50_000_000));
    expect(() => parseObjectFile(bomb, 'f', 1_000_000)).toThrow(/at most 1000000 bytes/);
    expect(() => parseObjectFile(deflateSync(latin1('N.')).subarray(0, 8), 'f')).toThrow(/whole zlib/);
  });

  it('lists that contain themselves, or themselves twice and twice again', () => {
    const recursive = parseObjectFile(latin1(']q\x00h\x00a.'), 'f').value;
    expect(() => toNumbers(recursive, 'x')).toThrow(/nested list/);
    const laughs = `]K\x01a${'2\x86'.repeat(60)}.`;
    expect(() => toNumbers(parseObjectFile(latin1(`\x80\x02${laughs}`), 'f').value, 'x')).toThrow(/nested list/);
  });

  it('tensors expanded beyond measure', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'nextgait-')), 'bomb.pt');
    const bytes = readFileSync(join(FOLDER, 'torch_legacy.pt'));
    // The tensor "expanded" has size (5, 1): K 05 K 01 86.
    const at = bytes.indexOf(latin1('K\x05K\x01\x86'));
    bytes[at + 1] = 255;
    bytes.write('K', at + 2, 'latin1');
    writeFileSync(file, bytes);
    const { value } = await readObjectFile(file);
    expect(toNumbers((value as Map<unknown, unknown>).get('expanded'), 'x').shape).toEqual([255, 1]);
    const huge = { ...((value as Map<unknown, unknown>).get('expanded') as object), shape: [2 ** 40, 1] };
    expect(() => toNumbers(huge, 'x')).toThrow(/expanded array/);
  });

  it('endless work', () => {
    expect(() => parseObjectFile(Buffer.concat([latin1('('.repeat(1000)), latin1('t.')]), 'f')).not.toThrow(RangeError);
    const nested = Buffer.alloc(200_000, latin1('cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81'));
    expect(() => parseObjectFile(Buffer.concat([latin1('\x80\x02'), nested]), 'f')).toThrow(DataError);
  });
});

it('damaged files give errors for people, never crashes', () => {
  const random = new Random(11);
  const names = [
    'plain_0.pkl',
    'plain_4.pkl',
    'arrays_2.pkl',
    'arrays_5.pkl',
    'joblib_raw.pkl',
    'torch_legacy.pt',
    'torch_in_pickle.npy',
  ];
  for (const name of names) {
    const bytes = readFileSync(join(FOLDER, name));
    for (let round = 0; round < 400; round++) {
      const damaged = Buffer.from(round % 2 === 0 ? bytes.subarray(0, random.integer(bytes.length)) : bytes);
      for (let k = 0; k < 1 + random.integer(4) && damaged.length > 0; k++) {
        damaged[random.integer(damaged.length)] = random.integer(256);
      }
      try {
        const { value } = parseObjectFile(damaged, name);
        if (value instanceof Map) for (const [key, item] of value) if (item !== null) tryNumbers(item, String(key));
      } catch (error) {
        if (!isUserError(error)) throw error;
      }
    }
  }
});

function tryNumbers(value: unknown, where: string) {
  try {
    toNumbers(value, where);
  } catch (error) {
    if (!isUserError(error)) throw error;
  }
}
