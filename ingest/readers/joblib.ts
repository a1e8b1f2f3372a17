// joblib files: a pickle in which each array's bytes follow the instruction that describes it, raw or in one zlib or
// gzip stream around everything.
//
// Read: joblib 0.10 and later. Refused by name: other compressions, and arrays that older versions kept in files of
// their own. Source: the layout documented in joblib.numpy_pickle.

import { gunzipSync, inflateSync } from 'node:zlib';
import { DataError } from '../../src/base/errors.js';
import { arrayOver, elementOf } from './numpy-pickle.js';
import type { PickleClass, PickleReader, Stateful } from './pickle.js';
import { countOf, type PickledArray } from './pickle-arrays.js';

/** What `NumpyArrayWrapper` becomes: BUILD gives shape, order and type, and the bytes are the next in the file. */
function arrayWrapper(): Stateful {
  return {
    setState(state, reader) {
      const fields = state instanceof Map ? (state as Map<unknown, unknown>) : new Map<unknown, unknown>();
      const element = elementOf(fields.get('dtype'));
      const shape = fields.get('shape');
      const count = countOf(shape);
      if (element === undefined || count === undefined) {
        throw reader.refuse('joblib array', 'shape and element type', 'others');
      }
      if (element.kind === 'O') return reader.readNested();
      const alignment = fields.get('numpy_array_alignment_bytes') ?? null;
      if (alignment !== null) reader.takeOutsideFrame(reader.takeOutsideFrame(1, 'padding')[0], 'padding');
      const bytes = reader.takeOutsideFrame(count * element.size, 'array');
      return arrayOver(bytes, element, shape, fields.get('order') === 'F', reader) satisfies PickledArray;
    },
  };
}

function separateFile(_: readonly unknown[], reader: PickleReader): never {
  const fix = 'Load the file with the joblib that wrote it and save it again with joblib.dump';
  throw reader.refuse('joblib array', 'in this file', 'in a file of its own (joblib before 0.10)', fix);
}

export const JOBLIB_CLASSES: readonly PickleClass[] = [
  { name: 'joblib.numpy_pickle.NumpyArrayWrapper', create: arrayWrapper },
  { name: 'joblib.numpy_pickle.NDArrayWrapper', create: separateFile },
  { name: 'joblib.numpy_pickle.ZNDArrayWrapper', create: separateFile },
  { name: 'joblib.numpy_pickle_compat.NDArrayWrapper', create: separateFile },
  { name: 'joblib.numpy_pickle_compat.ZNDArrayWrapper', create: separateFile },
];

const OTHER_COMPRESSIONS: readonly (readonly [magic: readonly number[], name: string])[] = [
  [[0x42, 0x5a, 0x68], 'bzip2'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz'],
  [[0x5d, 0x00, 0x00], 'lzma'],
  [[0x04, 0x22, 0x4d, 0x18], 'lz4'],
  [[0x5a, 0x46], 'joblib before 0.10 (ZF)'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstandard'],
];

/**
 * The pickle inside a compressed file, or the bytes themselves where they are not compressed.
 * @param maximumBytes most that may come out
 * @throws DataError for other compressions, and for a stream that is damaged or unpacks to more
 */
export function decompress(bytes: Uint8Array, file: string, maximumBytes: number): Uint8Array {
  const other = OTHER_COMPRESSIONS.find(([magic]) => magic.every((byte, k) => bytes[k] === byte));
  if (other !== undefined) {
    const fix = 'Load it with joblib and save it again with joblib.dump(x, path, compress=("zlib", 3))';
    throw new DataError({ where: file, what: 'compression', expected: 'none, zlib or gzip', found: other[1], fix });
  }
  // RFC 1950 with the 32 kB window that every writer uses; its first byte opens no pickle.
  const isZlib = bytes[0] === 0x78 && ((bytes[0] << 8) | bytes[1]) % 31 === 0;
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isZlib && !isGzip) return bytes;
  try {
    return (isZlib ? inflateSync : gunzipSync)(bytes, { maxOutputLength: maximumBytes });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const tooLarge = code === 'ERR_BUFFER_TOO_LARGE';
    throw new DataError(
      {
        where: file,
        what: 'compressed file',
        expected: tooLarge ? `at most ${maximumBytes} bytes inside` : 'a whole zlib or gzip stream',
        found: tooLarge ? 'more' : message,
      },
      { cause: error },
    );
  }
}
