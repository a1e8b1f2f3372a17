// Arrays and tensors as pickles describe them: bytes somewhere, an element type, a shape and strides; and their numbers.
//
// A shape is only believed once it fits the bytes. Expanded tensors (stride 0) may say more elements than they store,
// up to a limit, because producers save them so.

import { DataError } from '../../src/base/errors.js';

export interface ElementType {
  /** float, signed, unsigned, boolean, bfloat16, 8-bit text, UTF-32 text, Python objects. */
  readonly kind: 'f' | 'i' | 'u' | 'b' | 'g' | 'S' | 'U' | 'O';
  readonly size: number; // bytes
  readonly littleEndian: boolean;
}

/** Where the elements are; torch files name a storage before they give its bytes. */
export interface ElementStorage {
  bytes?: Uint8Array;
}

export interface PickledArray {
  readonly isArray: true;
  element: ElementType;
  shape: readonly number[];
  /** In elements. */
  strides: readonly number[];
  offset: number;
  storage: ElementStorage;
  /** Elements of an object array, C order. */
  items?: readonly unknown[];
}

export interface NumericArray {
  readonly shape: readonly number[];
  readonly values: Float64Array; // C order
}

/** Elements that an expanded tensor may have beyond those it stores: 128 MB of doubles. */
const MOST_EXPANDED = 1 << 24;

export function elementType(code: string, littleEndian = true): ElementType | undefined {
  const match = /^([<>=|]?)(?:([fiubSU])(\d+)|(O)8?|(\?))$/.exec(code);
  if (match === null) return undefined;
  const order = match[1] === '<' ? true : match[1] === '>' ? false : littleEndian;
  if (match[4] !== undefined) return { kind: 'O', size: 8, littleEndian: order };
  if (match[5] !== undefined) return { kind: 'b', size: 1, littleEndian: order };
  const kind = match[2] as ElementType['kind'];
  const digits = Number(match[3]);
  const sizes: Record<string, readonly number[]> = { f: [2, 4, 8], i: [1, 2, 4, 8], u: [1, 2, 4, 8], b: [1] };
  if (sizes[kind] !== undefined && !sizes[kind].includes(digits)) return undefined;
  return { kind, size: kind === 'U' ? digits * 4 : digits, littleEndian: order };
}

/** Strides (elements) of a dense array in C or Fortran order. */
export function denseStrides(shape: readonly number[], fortran: boolean): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let k = 0; k < shape.length; k++) {
    const axis = fortran ? k : shape.length - 1 - k;
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Number of elements; undefined where the shape is no shape. */
export function countOf(shape: unknown): number | undefined {
  if (!Array.isArray(shape)) return undefined;
  let count = 1;
  for (const extent of shape) {
    if (!Number.isInteger(extent) || extent < 0) return undefined;
    count *= extent;
  }
  return Number.isSafeInteger(count) ? count : undefined;
}

export function isPickledArray(value: unknown): value is PickledArray {
  return (value as PickledArray | null)?.isArray === true;
}

function isNumericArray(value: unknown): value is NumericArray {
  return (value as Partial<NumericArray> | null)?.values instanceof Float64Array;
}

/** Elements and depth that nested lists may have: a few bytes of pickle can say a list of lists that has no end. */
const MOST_LISTED = 1 << 26;
const DEEPEST_LIST = 8;

/**
 * The numbers of an array, tensor, number, or list of such, in C order.
 * @throws DataError where the value is no array of numbers, or its shape does not fit its bytes
 */
export function toNumbers(value: unknown, where: string): NumericArray {
  const budget = { elements: MOST_LISTED };
  return convert(value, where, 0, budget);
}

function convert(value: unknown, where: string, depth: number, budget: { elements: number }): NumericArray {
  if (typeof value === 'number' || typeof value === 'boolean') {
    return { shape: [], values: Float64Array.of(Number(value)) };
  }
  if (isNumericArray(value)) return value;
  const list = Array.isArray(value) ? value : isPickledArray(value) ? value.items : undefined;
  if (list !== undefined) {
    budget.elements -= list.length;
    if (depth >= DEEPEST_LIST || budget.elements < 0) {
      const expected = `at most ${MOST_LISTED} numbers in ${DEEPEST_LIST} levels`;
      throw new DataError({ where, what: 'nested list', expected, found: 'more' });
    }
    if (Array.isArray(value)) return stack(list, where, depth, budget);
    const { shape } = value as PickledArray;
    if (shape.length === 0) return convert(list[0], where, depth + 1, budget);
    const flat = stack(list, where, depth, budget);
    return { shape: [...shape, ...flat.shape.slice(1)], values: flat.values };
  }
  if (isPickledArray(value)) return readElements(value, where);
  throw new DataError({ where, what: 'value', expected: 'an array of numbers', found: kindOf(value) });
}

function stack(list: readonly unknown[], where: string, depth: number, budget: { elements: number }): NumericArray {
  if (list.every((item) => typeof item === 'number')) {
    return { shape: [list.length], values: Float64Array.from(list as number[]) };
  }
  const parts = list.map((item, index) => convert(item, `${where}[${index}]`, depth + 1, budget));
  const { shape } = parts[0];
  const uneven = parts.findIndex((part) => part.shape.join() !== shape.join());
  if (uneven >= 0) {
    const found = `(${parts[uneven].shape.join(', ')})`;
    throw new DataError({ where: `${where}[${uneven}]`, what: 'shape', expected: `(${shape.join(', ')})`, found });
  }
  const values = new Float64Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { shape: [list.length, ...shape], values };
}

function readElements(array: PickledArray, where: string): NumericArray {
  const { element, shape, strides, offset, storage } = array;
  if (storage.bytes === undefined) throw new DataError({ where, what: 'array', expected: 'its bytes', found: 'none' });
  const { bytes } = storage;
  const stored = Math.floor(bytes.length / element.size);
  const count = countOf(shape);
  let last = offset;
  for (const [axis, extent] of shape.entries()) last += (extent - 1) * strides[axis];
  if (count === undefined || (count > 0 && (offset < 0 || last >= stored || strides.some((stride) => stride < 0)))) {
    const expected = `${stored} elements, as many as it stores`;
    throw new DataError({ where, what: 'array size', expected, found: `shape (${shape.join(', ')})` });
  }
  if (count > Math.max(stored, MOST_EXPANDED)) {
    throw new DataError({
      where,
      what: 'expanded array',
      expected: `at most ${MOST_EXPANDED} elements`,
      found: `${count}`,
    });
  }
  const read = reader(element, bytes, where);
  const values = new Float64Array(count);
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let at = 0; at < count; at++) {
    values[at] = read(from * element.size);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return { shape, values };
}

function reader({ kind, size, littleEndian }: ElementType, bytes: Uint8Array, where: string): (at: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (`${kind}${size}`) {
    case 'f8':
      return (at) => view.getFloat64(at, littleEndian);
    case 'f4':
      return (at) => view.getFloat32(at, littleEndian);
    case 'f2':
      return (at) => halfToNumber(view.getUint16(at, littleEndian));
    case 'g2': {
      const word = new Uint32Array(1);
      const float = new Float32Array(word.buffer);
      return (at) => {
        word[0] = view.getUint16(at, littleEndian) << 16;
        return float[0];
      };
    }
    case 'i8':
      return (at) => Number(view.getBigInt64(at, littleEndian));
    case 'i4':
      return (at) => view.getInt32(at, littleEndian);
    case 'i2':
      return (at) => view.getInt16(at, littleEndian);
    case 'i1':
      return (at) => view.getInt8(at);
    case 'u8':
      return (at) => Number(view.getBigUint64(at, littleEndian));
    case 'u4':
      return (at) => view.getUint32(at, littleEndian);
    case 'u2':
      return (at) => view.getUint16(at, littleEndian);
    case 'u1':
    case 'b1':
      return (at) => view.getUint8(at);
    default:
      throw new DataError({
        where,
        what: 'array elements',
        expected: 'numbers',
        found: kind === 'O' ? 'objects' : 'text',
      });
  }
}

/** IEEE 754 half precision: a float32 whose exponent is re-biased, subnormals scaled. */
function halfToNumber(bits: number): number {
  const sign = bits >> 15 === 1 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (value instanceof Map) return `a dictionary of ${value.size}`;
  if (value instanceof Uint8Array) return 'bytes';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' ? 'an object' : typeof value;
}
