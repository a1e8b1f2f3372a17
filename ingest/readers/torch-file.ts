// What torch.save writes: a pickle whose tensors are views of storages kept beside it. Three containers are read: the
// zip archive of torch 1.6 and later, the older sequence of pickles followed by raw storages, and tensors inside an
// ordinary pickle (each then carries such a sequence with one storage).
//
// Tensors only: a pickled module or model is refused by the name of its class. Little-endian files. Source: the layout
// documented in torch.serialization.

import { DataError } from '../../src/base/errors.js';
import { type PickleClass, type PickleOptions, type PickleReader, readPickle } from './pickle.js';
import { type ElementStorage, type ElementType, isPickledArray, type PickledArray } from './pickle-arrays.js';
import type { ZipFile } from './zip.js';

const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_VERSION = 1001;

const STORAGES: Readonly<Record<string, readonly [kind: ElementType['kind'], size: number]>> = {
  Float: ['f', 4],
  Double: ['f', 8],
  Half: ['f', 2],
  BFloat16: ['g', 2],
  Long: ['i', 8],
  Int: ['i', 4],
  Short: ['i', 2],
  Char: ['i', 1],
  Byte: ['u', 1],
  Bool: ['b', 1],
  Untyped: ['u', 1],
};

/** Some elements of a type; the bytes may come later. */
interface TorchStorage {
  readonly isStorage: true;
  readonly element: ElementType;
  readonly count: number;
  readonly content: ElementStorage;
}

function isStorage(value: unknown): value is TorchStorage {
  return (value as TorchStorage | null)?.isStorage === true;
}

function storageClassElement(value: unknown): ElementType | undefined {
  const name = (value as Partial<PickleClass> | null)?.name ?? '';
  const [kind, size] = STORAGES[/^torch\.(?:storage\.)?(\w+)Storage$/.exec(name)?.[1] ?? ''] ?? [];
  return kind === undefined || size === undefined ? undefined : { kind, size, littleEndian: true };
}

function rebuildTensor(args: readonly unknown[], reader: PickleReader): PickledArray {
  const [storage, offset, shape, strides] = args;
  const integers = (list: unknown) => Array.isArray(list) && list.every((n) => Number.isInteger(n) && n >= 0);
  const sound = Number.isInteger(offset) && integers(shape) && integers(strides);
  if (!isStorage(storage) || !sound || (shape as number[]).length !== (strides as number[]).length) {
    throw reader.refuse('tensor', 'storage, offset, size and stride', 'others');
  }
  return {
    isArray: true,
    element: storage.element,
    shape: shape as number[],
    strides: strides as number[],
    offset: offset as number,
    storage: storage.content,
  };
}

/** Classes of torch. @param nested reads the bytes that a tensor in an ordinary pickle carries */
export function torchClasses(nested: (bytes: Uint8Array, reader: PickleReader) => unknown): readonly PickleClass[] {
  return [
    { name: 'torch._utils._rebuild_tensor', call: rebuildTensor },
    { name: 'torch._utils._rebuild_tensor_v2', call: rebuildTensor },
    {
      name: 'torch._utils._rebuild_parameter',
      call: ([data], reader) => {
        if (!isPickledArray(data)) throw reader.refuse('parameter', 'a tensor', 'another');
        return data;
      },
    },
    {
      name: 'torch.storage._load_from_bytes',
      call: ([bytes], reader) => {
        if (!(bytes instanceof Uint8Array)) throw reader.refuse('storage', 'bytes', typeof bytes);
        return nested(bytes, reader);
      },
    },
    { name: 'torch.Size', call: ([extents]) => extents },
    { name: 'torch.device', call: (args) => args.map(String).join(':') },
    ...Object.keys(STORAGES).map((kind) => ({ name: `torch.${kind}Storage` })),
    { name: 'torch.storage.UntypedStorage' },
  ];
}

/** Storages that persistent ids of a pickle have asked for, by key. */
function collectStorages() {
  const storages = new Map<string, TorchStorage>();
  const persistent: PickleOptions['persistent'] = (id, reader) => {
    const [kind, type, key, , count] = Array.isArray(id) ? id : [];
    const element = storageClassElement(type);
    if (kind !== 'storage' || element === undefined || !Number.isInteger(count) || (count as number) < 0) {
      throw reader.refuse('persistent id', 'a tensor storage of a known type', String(kind));
    }
    const known = storages.get(String(key));
    if (known !== undefined) return known;
    const storage: TorchStorage = { isStorage: true, element, count: count as number, content: {} };
    storages.set(String(key), storage);
    return storage;
  };
  return { storages, persistent };
}

function give(storage: TorchStorage, bytes: Uint8Array, where: string): void {
  const needed = storage.count * storage.element.size;
  if (bytes.length < needed) {
    throw new DataError({ where, what: 'tensor storage', expected: `${needed} bytes`, found: `${bytes.length}` });
  }
  storage.content.bytes = bytes.subarray(0, needed);
}

/** True where a zip archive is one of torch's. */
export function isTorchZip(zip: ZipFile): boolean {
  return [...zip.entries.keys()].some((name) => /(^|\/)data\.pkl$/.test(name));
}

/** What was saved, tensors as PickledArray. */
export async function readTorchZip(zip: ZipFile, classes: PickleOptions['classes']): Promise<unknown> {
  const index = [...zip.entries.keys()].find((name) => /(^|\/)data\.pkl$/.test(name))!;
  const folder = index.slice(0, -'data.pkl'.length);
  const order = zip.entries.get(`${folder}byteorder`);
  if (order !== undefined && (await zip.read(order)).toString('latin1') !== 'little') {
    throw new DataError({ where: zip.path, what: 'byte order', expected: 'little', found: 'another' });
  }
  const { storages, persistent } = collectStorages();
  const bytes = await zip.read(zip.entries.get(index)!);
  const { value } = readPickle(bytes, `${zip.path}: ${index}`, { classes, persistent });
  for (const [key, storage] of storages) {
    const entry = zip.entries.get(`${folder}data/${key}`);
    if (entry === undefined) {
      throw new DataError({ where: zip.path, what: 'tensor storage', expected: `${folder}data/${key}`, found: 'none' });
    }
    give(storage, await zip.read(entry), `${zip.path}: ${entry.name}`);
  }
  return value;
}

/** True where a pickle's value is the number that opens torch's older container. */
export function isLegacyMagic(value: unknown): boolean {
  return value === LEGACY_MAGIC;
}

/**
 * The older container: magic number, version, system, the object, the storage keys, then for each storage its element
 * count and its bytes.
 */
export function readTorchLegacy(bytes: Uint8Array, file: string, classes: PickleOptions['classes']): unknown {
  const plain: PickleOptions = { classes };
  const magic = readPickle(bytes, file, plain);
  const version = readPickle(bytes, file, plain, magic.end);
  if (!isLegacyMagic(magic.value) || version.value !== LEGACY_VERSION) {
    const found = `version ${String(version.value)}`;
    throw new DataError({ where: file, what: 'torch file', expected: `version ${LEGACY_VERSION}`, found });
  }
  const system = readPickle(bytes, file, plain, version.end);
  if (system.value instanceof Map && system.value.get('little_endian') === false) {
    throw new DataError({ where: file, what: 'byte order', expected: 'little', found: 'big' });
  }
  const { storages, persistent } = collectStorages();
  const saved = readPickle(bytes, file, { classes, persistent }, system.end);
  const keys = readPickle(bytes, file, plain, saved.end);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = keys.end;
  for (const key of Array.isArray(keys.value) ? keys.value : []) {
    const storage = storages.get(String(key));
    const where = `${file}: byte ${at}`;
    if (storage === undefined)
      throw new DataError({ where, what: 'storage', expected: 'one that is used', found: String(key) });
    if (at + 8 > bytes.length)
      throw new DataError({ where, what: 'storage', expected: 'its size', found: 'the end of the file' });
    const count = Number(view.getBigUint64(at, true));
    const size = count * storage.element.size;
    if (count < storage.count || size > bytes.length - at - 8) {
      throw new DataError({ where, what: 'tensor storage', expected: `${storage.count} elements`, found: `${count}` });
    }
    give(storage, bytes.subarray(at + 8, at + 8 + size), where);
    at += 8 + size;
  }
  return saved.value;
}
