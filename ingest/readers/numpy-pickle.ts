// The classes that pickles of plain data name: Python's containers and numpy's arrays, element types and scalars.
//
// Each makes data and nothing else. Structured and datetime arrays are refused. Source: numpy's documented pickle
// protocol (`__reduce__` of ndarray, dtype and scalar).

import type { PickleClass, PickleReader, Stateful } from './pickle.js';
import {
  countOf,
  denseStrides,
  type ElementType,
  elementType,
  isPickledArray,
  type PickledArray,
  toNumbers,
} from './pickle-arrays.js';

interface PickledType extends Stateful {
  element: ElementType;
}

/** Bytes of a Python 3 pickle, or of a Python 2 one, where they are text of one character a byte. */
export function asBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  return typeof value === 'string' ? Uint8Array.from(Buffer.from(value, 'latin1')) : undefined;
}

function makeType(code: unknown, reader: PickleReader): PickledType {
  const element = elementType(String(code));
  if (element === undefined) {
    throw reader.refuse('array element type', 'numbers, booleans, text or objects', String(code));
  }
  const type: PickledType = {
    element,
    setState(state) {
      // (version, byte order, subtype, names, fields, size, alignment, flags)
      if (!Array.isArray(state) || (state[3] ?? null) !== null || (state[2] ?? null) !== null) {
        throw reader.refuse('array element type', 'a plain type', 'a structured one');
      }
      if (element.kind === 'S' || element.kind === 'U') {
        const size = Number(state[5]);
        if (Number.isInteger(size) && size > 0) type.element = { ...element, size };
      }
      type.element = { ...type.element, littleEndian: state[1] !== '>' };
      return type;
    },
  };
  return type;
}

function isType(value: unknown): value is PickledType {
  return (value as PickledType | null)?.element !== undefined && !isPickledArray(value);
}

/** An array of `shape` over `bytes`. @throws DataError where they do not fit */
export function arrayOver(
  bytes: Uint8Array,
  element: ElementType,
  shape: unknown,
  fortran: boolean,
  reader: PickleReader,
): PickledArray {
  const count = countOf(shape);
  if (count === undefined || count * element.size !== bytes.length) {
    const expected = `${bytes.length} bytes of ${element.size} each`;
    throw reader.refuse('array shape', expected, Array.isArray(shape) ? `(${shape.join(', ')})` : 'no shape');
  }
  const extents = shape as number[];
  return {
    isArray: true,
    element,
    shape: extents,
    strides: denseStrides(extents, fortran),
    offset: 0,
    storage: { bytes },
  };
}

/** `numpy.core.multiarray._reconstruct`: an empty array that BUILD fills. */
function reconstruct(): PickledArray & Stateful {
  const array: PickledArray & Stateful = {
    isArray: true,
    element: { kind: 'f', size: 8, littleEndian: true },
    shape: [0],
    strides: [1],
    offset: 0,
    storage: { bytes: new Uint8Array(0) },
    setState(state, reader) {
      // (version, shape, dtype, is Fortran order, data)
      const [, shape, type, fortran, data] = Array.isArray(state) ? state : [];
      if (!isType(type)) throw reader.refuse('array state', 'an element type', typeof type);
      if (type.element.kind === 'O') {
        const count = countOf(shape);
        if (!Array.isArray(data) || count !== data.length || fortran === true) {
          throw reader.refuse('object array', 'a list of as many objects as its shape has, in C order', 'another');
        }
        return Object.assign(array, { element: type.element, shape, items: data });
      }
      const bytes = asBytes(data);
      if (bytes === undefined) throw reader.refuse('array data', 'bytes', typeof data);
      return Object.assign(array, arrayOver(bytes, type.element, shape, fortran === true, reader));
    },
  };
  return array;
}

function scalar(args: readonly unknown[], reader: PickleReader): unknown {
  const [type, data] = args;
  const bytes = asBytes(data);
  if (!isType(type) || bytes === undefined) throw reader.refuse('scalar', 'an element type and bytes', 'others');
  const { element } = type;
  if (element.kind === 'S') return Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
  if (element.kind === 'U') return utf32(bytes, element.littleEndian);
  return toNumbers(arrayOver(bytes, element, [], false, reader), 'scalar').values[0];
}

function utf32(bytes: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, littleEndian);
    if (code === 0 || code > 0x10ffff) break;
    text += String.fromCodePoint(code);
  }
  return text;
}

/** Pairs of a list of (key, value), into a dictionary. */
function dictionary(args: readonly unknown[], reader: PickleReader): Map<unknown, unknown> {
  const [pairs] = args;
  if (pairs === undefined) return new Map();
  if (pairs instanceof Map) return new Map(pairs);
  if (Array.isArray(pairs) && pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) return new Map(pairs);
  throw reader.refuse('dictionary', 'pairs of key and value', typeof pairs);
}

function listOf(args: readonly unknown[], reader: PickleReader): unknown[] {
  const [items] = args;
  if (items === undefined) return [];
  if (Array.isArray(items)) return [...items];
  if (items instanceof Set) return [...items];
  throw reader.refuse('list', 'a list', typeof items);
}

/** `_codecs.encode(text, 'latin1')`: how protocol 2 writes bytes. */
function encode([text, encoding]: readonly unknown[], reader: PickleReader): Uint8Array {
  const bytes =
    typeof text === 'string' && /^latin-?1$/i.test(String(encoding ?? 'latin1')) ? asBytes(text) : undefined;
  if (bytes === undefined) throw reader.refuse('_codecs.encode', 'text in latin1', String(encoding));
  return bytes;
}

/** `copyreg._reconstructor(class, base, state)`: how protocols 0 and 1 make an object. */
function reconstructor([target]: readonly unknown[], reader: PickleReader): unknown {
  const { create, name } = (target ?? {}) as Partial<PickleClass>;
  if (typeof create !== 'function') throw reader.refuse('object', 'a class that makes data', String(name));
  return create([], reader);
}

const nameOnly = (name: string): PickleClass => ({ name });
const callable = (name: string, call: PickleClass['call'], create = call): PickleClass => ({ name, call, create });

export const NUMPY_CLASSES: readonly PickleClass[] = [
  callable('numpy.core.multiarray._reconstruct', reconstruct),
  nameOnly('numpy.ndarray'),
  nameOnly('numpy.matrix'),
  nameOnly('numpy.memmap'),
  nameOnly('numpy.core.memmap.memmap'),
  callable('numpy.dtype', ([code], reader) =>
    makeType(isType(code) ? `${code.element.kind}${code.element.size}` : code, reader),
  ),
  callable('numpy.core.multiarray.scalar', scalar),
  callable('numpy.core.numeric._frombuffer', ([buffer, type, shape, order], reader) => {
    const bytes = asBytes(buffer);
    if (!isType(type) || bytes === undefined) throw reader.refuse('array', 'bytes and an element type', 'others');
    return arrayOver(bytes, type.element, shape, order === 'F', reader);
  }),
];

export const PYTHON_CLASSES: readonly PickleClass[] = [
  callable('collections.OrderedDict', dictionary),
  callable('collections.defaultdict', (args, reader) => dictionary(args.slice(1), reader)),
  callable('builtins.dict', dictionary),
  callable('builtins.list', listOf),
  callable('builtins.tuple', listOf),
  callable('builtins.set', (args, reader) => new Set(listOf(args, reader))),
  callable('builtins.frozenset', (args, reader) => new Set(listOf(args, reader))),
  callable('builtins.bytearray', ([content, encoding], reader) => {
    if (content === undefined) return new Uint8Array(0);
    return content instanceof Uint8Array ? content : encode([content, encoding], reader);
  }),
  callable('builtins.bytes', ([content, encoding], reader) => {
    if (content === undefined) return new Uint8Array(0);
    return content instanceof Uint8Array ? content : encode([content, encoding], reader);
  }),
  callable('_codecs.encode', encode),
  nameOnly('builtins.object'),
  nameOnly('builtins.int'),
  nameOnly('builtins.float'),
  nameOnly('builtins.str'),
  nameOnly('builtins.bool'),
  callable('copyreg._reconstructor', reconstructor),
  callable('pathlib.PosixPath', (parts) => parts.map(String).join('/').replace(/^\/\//, '/')),
  callable('pathlib._local.PosixPath', (parts) => parts.map(String).join('/').replace(/^\/\//, '/')),
];

export function classTable(...lists: readonly (readonly PickleClass[])[]): ReadonlyMap<string, PickleClass> {
  return new Map(lists.flat().map((known) => [known.name, known]));
}

/** Element type of a numpy dtype object in a pickle. */
export function elementOf(value: unknown): ElementType | undefined {
  return isType(value) ? value.element : undefined;
}
