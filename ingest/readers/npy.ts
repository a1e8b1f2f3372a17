// Reads one array in numpy's .npy format: numbers as float64, text as strings, C order whatever the file's order.
//
// Object arrays (pickles) and structured types are refused. Source: numpy.lib.format, versions 1.0 to 3.0.

import { DataError } from '../../src/base/errors.js';

export interface NpyArray {
  readonly shape: readonly number[];
  /** As the file has it: `<f8`, `|b1`, `<U20`. */
  readonly dtype: string;
  /** Numbers in C order; booleans are 0 and 1. Absent for text. */
  readonly numbers?: Float64Array;
  /** Text in C order; absent for numbers. */
  readonly text?: readonly string[];
}

const MAGIC = '\x93NUMPY';

/** @throws DataError where the bytes are not an array of numbers or text */
export function parseNpy(bytes: Buffer, where: string): NpyArray {
  const { dtype, fortranOrder, shape, dataStart } = parseHeader(bytes, where);
  const type = /^([<>|=]?)([fiubUS])(\d+)$/.exec(dtype);
  if (type === null) {
    throw new DataError({
      where,
      what: 'array type',
      expected: 'numbers, booleans or text',
      found: dtype.startsWith('|O') ? 'Python objects (a pickle)' : dtype,
      fix: 'Save the array with a plain dtype, for instance numpy.asarray(x, dtype=float)',
    });
  }
  const [, order, kind, digits] = type;
  const itemSize = Number(digits) * (kind === 'U' ? 4 : 1);
  let count = 1;
  for (const extent of shape) count *= extent;
  const byteLength = bytes.length - dataStart;
  if (!Number.isSafeInteger(count * itemSize) || count * itemSize !== byteLength) {
    throw new DataError({
      where,
      what: 'array size',
      expected: `${count} items of ${itemSize} bytes (shape ${shape.join(' x ') || 'scalar'}, ${dtype})`,
      found: `${byteLength} bytes`,
    });
  }
  const position = fortranOrder && shape.length > 1 ? fortranPosition(shape) : (index: number) => index;
  const data = bytes.subarray(dataStart);
  if (kind === 'U' || kind === 'S') {
    const read = kind === 'U' ? readUtf32 : readLatin1;
    return {
      shape,
      dtype,
      text: Array.from({ length: count }, (_, index) =>
        read(data, position(index) * itemSize, itemSize, order === '>'),
      ),
    };
  }
  const read = numberReader(data, kind, itemSize, order !== '>', dtype, where);
  const numbers = new Float64Array(count);
  for (let index = 0; index < count; index++) numbers[index] = read(position(index) * itemSize);
  return { shape, dtype, numbers };
}

function parseHeader(bytes: Buffer, where: string) {
  if (bytes.length < 10 || bytes.toString('latin1', 0, 6) !== MAGIC) {
    throw new DataError({ where, what: 'not a numpy array', expected: 'the .npy format' });
  }
  const major = bytes[6];
  const lengthBytes = major === 1 ? 2 : 4;
  const headerLength = major === 1 ? bytes.readUInt16LE(8) : bytes.length < 12 ? 0 : bytes.readUInt32LE(8);
  const dataStart = 8 + lengthBytes + headerLength;
  if (major < 1 || major > 3 || dataStart > bytes.length) {
    throw new DataError({ where, what: 'numpy header is damaged', found: `version ${major}, ${headerLength} bytes` });
  }
  const text = bytes.toString(major === 3 ? 'utf8' : 'latin1', 8 + lengthBytes, dataStart);
  const dtype = /'descr':\s*'([^']*)'/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text);
  const shape = /'shape':\s*\(([\d\s,]*)\)/.exec(text);
  if (dtype === null || order === null || shape === null) {
    throw new DataError({
      where,
      what: 'numpy header',
      expected: 'descr, fortran_order and shape of a plain array',
      found: text.trim().slice(0, 80),
    });
  }
  const extents = shape[1].split(',').filter((part) => part.trim() !== '');
  return { dtype: dtype[1], fortranOrder: order[1] === 'True', shape: extents.map(Number), dataStart };
}

/** Where item `index` of C order lies in Fortran order. */
function fortranPosition(shape: readonly number[]): (index: number) => number {
  return (index) => {
    let rest = index;
    let position = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      let stride = 1;
      for (let before = 0; before < axis; before++) stride *= shape[before];
      position += (rest % shape[axis]) * stride;
      rest = Math.floor(rest / shape[axis]);
    }
    return position;
  };
}

function numberReader(
  data: Buffer,
  kind: string,
  size: number,
  littleEndian: boolean,
  dtype: string,
  where: string,
): (offset: number) => number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (`${kind}${size}`) {
    case 'f8':
      return (at) => view.getFloat64(at, littleEndian);
    case 'f4':
      return (at) => view.getFloat32(at, littleEndian);
    case 'f2':
      return (at) => halfToNumber(view.getUint16(at, littleEndian));
    case 'i1':
      return (at) => view.getInt8(at);
    case 'i2':
      return (at) => view.getInt16(at, littleEndian);
    case 'i4':
      return (at) => view.getInt32(at, littleEndian);
    case 'i8':
      return (at) => Number(view.getBigInt64(at, littleEndian));
    case 'u1':
    case 'b1':
      return (at) => view.getUint8(at);
    case 'u2':
      return (at) => view.getUint16(at, littleEndian);
    case 'u4':
      return (at) => view.getUint32(at, littleEndian);
    case 'u8':
      return (at) => Number(view.getBigUint64(at, littleEndian));
    default:
      throw new DataError({ where, what: 'array type', expected: 'f2 f4 f8, i1 to i8, u1 to u8, bool', found: dtype });
  }
}

/** IEEE 754 half precision. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function readUtf32(data: Buffer, offset: number, size: number, bigEndian: boolean): string {
  let text = '';
  for (let at = offset; at < offset + size; at += 4) {
    const code = bigEndian ? data.readUInt32BE(at) : data.readUInt32LE(at);
    // Numpy pads with zeros; nothing above the last code point is a character.
    if (code === 0 || code > 0x10ffff) break;
    text += String.fromCodePoint(code);
  }
  return text;
}

function readLatin1(data: Buffer, offset: number, size: number): string {
  return data.toString('latin1', offset, offset + size).replace(/\0+$/, '');
}
