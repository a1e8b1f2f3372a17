// Files of Python objects, whatever their container: plain pickles, joblib (raw, zlib, gzip), torch (zip and older), and
// numpy's .npy of one object. Recognised by content, never by name. Nothing in them is executed (see pickle.ts).

import { DataError } from '../../src/base/errors.js';
import { openForReading } from '../../src/base/files.js';
import { decompress, JOBLIB_CLASSES } from './joblib.js';
import { classTable, NUMPY_CLASSES, PYTHON_CLASSES } from './numpy-pickle.js';
import { type PickleOptions, readPickle } from './pickle.js';
import { isPickledArray } from './pickle-arrays.js';
import { isLegacyMagic, isTorchZip, readTorchLegacy, readTorchZip, torchClasses } from './torch-file.js';
import { ZipFile } from './zip.js';

export type ObjectContainer = 'pickle' | 'joblib' | 'torch' | 'npy';

export interface ObjectFile {
  readonly container: ObjectContainer;
  /** Dictionaries are Map, lists and tuples arrays, arrays and tensors PickledArray (see pickle-arrays.ts). */
  readonly value: unknown;
}

export interface ObjectFileOptions {
  /** Most bytes that a file may have, and that a compressed one may unpack to. */
  readonly maximumBytes: number;
}

export const OBJECT_FILE_DEFAULTS: ObjectFileOptions = { maximumBytes: 2 ** 31 - 1 };

const DEEPEST_NESTING = 8;

/** Everything that a pickle may name here. `depth`: how many torch containers lie around it. */
function allClasses(file: string, depth: number): PickleOptions['classes'] {
  const nested = torchClasses((bytes, reader) => {
    if (depth >= DEEPEST_NESTING) throw reader.refuse('nested torch files', `at most ${DEEPEST_NESTING}`, 'more');
    return readTorchLegacy(bytes, `${file}: tensor`, allClasses(file, depth + 1));
  });
  return classTable(PYTHON_CLASSES, NUMPY_CLASSES, JOBLIB_CLASSES, nested);
}

/**
 * Reads the object that a file holds.
 * @throws DataError naming what is refused
 */
export async function readObjectFile(path: string, options: Partial<ObjectFileOptions> = {}): Promise<ObjectFile> {
  const { maximumBytes } = { ...OBJECT_FILE_DEFAULTS, ...options };
  const bytes = await readWhole(path, maximumBytes);
  if (bytes.length >= 4 && bytes.readUInt32LE(0) === 0x04034b50) {
    const zip = await ZipFile.open(path);
    try {
      if (!isTorchZip(zip)) {
        const found = 'a zip archive without data.pkl';
        throw new DataError({ where: path, what: 'object file', expected: 'pickle, joblib, torch or npy', found });
      }
      return { container: 'torch', value: await readTorchZip(zip, allClasses(path, 0)) };
    } finally {
      await zip.close();
    }
  }
  return parseObjectFile(bytes, path, maximumBytes);
}

/** The same for bytes in memory; zip archives excepted. */
export function parseObjectFile(
  bytes: Buffer,
  file: string,
  maximumBytes = OBJECT_FILE_DEFAULTS.maximumBytes,
): ObjectFile {
  const classes = allClasses(file, 0);
  if (bytes.toString('latin1', 0, 6) === '\x93NUMPY') {
    const { value } = readPickle(bytes, file, { classes }, endOfObjectHeader(bytes, file));
    // numpy.save wraps a dictionary in an array of one object.
    const isOne = isPickledArray(value) && value.shape.length === 0 && value.items?.length === 1;
    return { container: 'npy', value: isOne ? value.items![0] : value };
  }
  const content = decompress(bytes, file, maximumBytes);
  if (!looksLikePickle(content)) {
    const found = `bytes ${[...content.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
    throw new DataError({ where: file, what: 'object file', expected: 'pickle, joblib, torch or npy', found });
  }
  const first = readPickle(content, file, { classes });
  if (isLegacyMagic(first.value)) return { container: 'torch', value: readTorchLegacy(content, file, classes) };
  if (first.end < content.length) {
    const found = `${content.length - first.end} bytes more`;
    throw new DataError({ where: `${file}: byte ${first.end}`, what: 'pickle', expected: 'one object', found });
  }
  return { container: content === bytes ? 'pickle' : 'joblib', value: first.value };
}

/** Protocol 2 and later begin with 0x80 and their number; 0 and 1 with one of the instructions that open a value. */
function looksLikePickle(bytes: Uint8Array): boolean {
  return bytes[0] === 0x80 ? bytes[1] <= 5 : '(}]cINFGS'.includes(String.fromCharCode(bytes[0] ?? 0));
}

function endOfObjectHeader(bytes: Buffer, file: string): number {
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  const length = bytes.length < start ? Number.NaN : wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const end = start + length;
  const type = end <= bytes.length ? /'descr':\s*'([^']*)'/.exec(bytes.toString('latin1', start, end))?.[1] : undefined;
  if (type !== '|O' && type !== 'O') {
    throw new DataError({
      where: file,
      what: 'numpy file',
      expected: 'an array of objects',
      found: type ?? 'no header',
    });
  }
  return end;
}

async function readWhole(path: string, maximumBytes: number): Promise<Buffer> {
  const handle = await openForReading(path);
  try {
    const { size } = await handle.stat();
    if (size > maximumBytes) {
      throw new DataError({
        where: path,
        what: 'file size',
        expected: `at most ${maximumBytes} bytes`,
        found: `${size}`,
      });
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
