// Reads datasets and attributes by path from an HDF5 file, whole or by ranges of rows, through h5wasm.
//
// In Node h5wasm reads the file in place: only what is asked for comes into memory, so that a file may be larger than
// it. Compression by gzip (with or without shuffle) is built in; what needs a plug-in is refused with a way out.

import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Dataset, File, Group } from 'h5wasm/node';
import { DataError, listNames } from '../../src/base/errors.js';
import { unreadableFile } from '../../src/base/files.js';
import { nearest } from '../../src/base/nearest.js';
import type { NpyArray } from './npy.js';

export interface Hdf5Dataset {
  readonly path: string;
  readonly shape: readonly number[];
  /** As h5wasm calls it: `<f`, `<i`, `S`. */
  readonly type: string;
}

const MAGIC = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Filters that h5wasm has built in: none, deflate, shuffle, fletcher32, nbit and scale-offset. */
const KNOWN_FILTERS: readonly number[] = [0, 1, 2, 3, 5, 6];

export class Hdf5File {
  readonly path: string;
  readonly #file: File;
  /** Datasets seen so far; listing a group of a large file is slow, and most are read many times. */
  readonly #datasets = new Map<string, Dataset | undefined>();

  private constructor(path: string, file: File) {
    this.path = path;
    this.#file = file;
  }

  /** @throws DataError where it cannot be read or is no HDF5 file */
  static async open(path: string): Promise<Hdf5File> {
    await requireHdf5(path);
    const h5 = (await import('h5wasm/node')).default;
    const module = await h5.ready;
    (module as unknown as { activate_throwing_error_handler(): number }).activate_throwing_error_handler();
    try {
      return new Hdf5File(path, new h5.File(resolve(path), 'r'));
    } catch (error) {
      throw new DataError(
        { where: path, what: 'HDF5 file is damaged or still being written', found: lastReason(error) },
        { cause: error },
      );
    }
  }

  /** Names in a group, in its order; [] where there is no such group. */
  keys(group: string): string[] {
    const found = group === '' ? this.#file : this.#get(group);
    return found !== undefined && found.type === 'Group' ? (found as Group).keys() : [];
  }

  isGroup(path: string): boolean {
    return this.#get(path)?.type === 'Group';
  }

  has(path: string): boolean {
    const [dataset, attribute] = path.split('@');
    if (attribute !== undefined) return this.attributeNames(dataset).includes(attribute);
    return this.#dataset(path) !== undefined;
  }

  describe(path: string): Hdf5Dataset {
    const dataset = this.#require(path);
    return {
      path,
      shape: dataset.shape ?? [],
      type: typeof dataset.dtype === 'string' ? dataset.dtype : 'compound',
    };
  }

  attributeNames(path: string): string[] {
    const found = path === '' ? this.#file : this.#get(path);
    return found === undefined || !('attrs' in found) ? [] : Object.keys((found as Group).attrs);
  }

  /** An attribute's value as text, for people. */
  attributeText(path: string, name: string): string {
    const found = path === '' ? this.#file : this.#get(path)!;
    try {
      const value = (found as Group).get_attribute(name, true);
      return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
    } catch {
      return '(cannot be read)';
    }
  }

  /**
   * Reads a dataset, or an attribute (`group@name`).
   * @param ranges of the leading axes
   * @throws DataError where there is none (naming the nearest), or it is no array of numbers or text
   */
  read(path: string, ranges?: readonly (readonly [number, number])[]): NpyArray {
    const where = `${this.path}: ${path}`;
    const [object, attribute] = path.split('@');
    if (attribute !== undefined) return this.#readAttribute(object, attribute, where);
    const dataset = this.#require(path);
    if (dataset.metadata.compound_type !== undefined) {
      throw new DataError({
        where,
        what: 'type',
        expected: 'an array of numbers or text',
        found: 'records of several fields',
      });
    }
    const shape = (dataset.shape ?? []).map((extent, axis) => {
      const range = ranges?.[axis];
      return range === undefined ? extent : range[1] - range[0];
    });
    let value: unknown;
    try {
      value =
        ranges === undefined
          ? dataset.value
          : dataset.slice(ranges.map(([first, end]): [number, number] => [first, end]));
    } catch (error) {
      throw unreadable(dataset, where, error);
    }
    if (value === null && dataset.filters.some(({ id }) => !KNOWN_FILTERS.includes(id))) {
      throw unreadable(dataset, where, undefined);
    }
    return asArray(value, shape, String(dataset.dtype), where);
  }

  close(): void {
    this.#datasets.clear();
    this.#file.close();
  }

  #readAttribute(object: string, name: string, where: string): NpyArray {
    const names = this.attributeNames(object);
    if (!names.includes(name)) throw this.#missing(where, name, names);
    const found = (object === '' ? this.#file : this.#get(object)) as Group;
    const { shape, dtype, value } = found.attrs[name];
    return asArray(value, shape ?? [], String(dtype), where);
  }

  #require(path: string): Dataset {
    const dataset = this.#dataset(path);
    if (dataset !== undefined) return dataset;
    // The deepest group of the path that is there says what could have been meant.
    const parts = path.split('/');
    let group = '';
    while (parts.length > 1 && this.isGroup(group === '' ? parts[0] : `${group}/${parts[0]}`)) {
      const part = parts.shift()!;
      group = group === '' ? part : `${group}/${part}`;
    }
    throw this.#missing(`${this.path}: ${path}`, parts[0], this.keys(group));
  }

  #missing(where: string, name: string, names: readonly string[]): DataError {
    const near = nearest(name, names);
    return new DataError({
      where,
      what: names.length === 0 ? `no "${name}": the group is empty` : `no "${name}"`,
      ...(names.length === 0 ? {} : { expected: `one of ${listNames(names, 12)}` }),
      fix: near === undefined ? undefined : `Did you mean "${near}"?`,
    });
  }

  #dataset(path: string): Dataset | undefined {
    if (!this.#datasets.has(path)) {
      // Files of a hundred thousand episodes are read once each: what has been read is not kept for ever.
      if (this.#datasets.size > 1000) this.#datasets.clear();
      const found = this.#get(path);
      this.#datasets.set(path, found?.type === 'Dataset' ? (found as Dataset) : undefined);
    }
    return this.#datasets.get(path);
  }

  #get(path: string): { readonly type: string } | undefined {
    try {
      return (this.#file.get(path) as { readonly type: string } | null) ?? undefined;
    } catch {
      return undefined;
    }
  }
}

async function requireHdf5(path: string): Promise<void> {
  const head = Buffer.alloc(8);
  try {
    if ((await stat(path)).isDirectory()) throw new DataError({ where: path, what: 'a folder, not an HDF5 file' });
    const handle = await open(path, 'r');
    try {
      const { bytesRead } = await handle.read(head, 0, 8, 0);
      if (bytesRead === 0) throw new DataError({ where: path, what: 'not an HDF5 file', found: '0 bytes' });
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw unreadableFile(path, error);
  }
  if (head.equals(MAGIC)) return;
  throw new DataError({ where: path, what: 'not an HDF5 file', found: `first bytes ${head.toString('hex')}` });
}

function unreadable(dataset: Dataset, where: string, error: unknown): DataError {
  const filters = dataset.filters
    .filter(({ id }) => !KNOWN_FILTERS.includes(id))
    .map(({ name, id }) => name || `${id}`);
  if (filters.length === 0) {
    const found = lastReason(error);
    const fix = found?.includes('Float16') ? 'Write it as float32' : undefined;
    return new DataError({ where, what: 'dataset cannot be read', found, fix }, { cause: error });
  }
  return new DataError(
    {
      where,
      what: 'compression',
      expected: 'none or gzip',
      found: filters.join(', '),
      fix: 'Rewrite the file with: h5repack -f GZIP=4 IN OUT',
    },
    { cause: error },
  );
}

/** The innermost line of HDF5's own report. */
function lastReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const minors = [...error.message.matchAll(/minor: (.*)/g)];
  return minors.at(-1)?.[1] ?? error.message.split('\n')[0];
}

function asArray(value: unknown, shape: readonly number[], dtype: string, where: string): NpyArray {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
    return { shape, dtype, numbers: Float64Array.of(Number(value)) };
  }
  if (typeof value === 'string') return { shape, dtype, text: [value] };
  if (value instanceof Float64Array) return { shape, dtype, numbers: value };
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const items = value as unknown as ArrayLike<number | bigint>;
    const numbers = new Float64Array(items.length);
    for (let at = 0; at < numbers.length; at++) numbers[at] = Number(items[at]);
    return { shape, dtype, numbers };
  }
  if (Array.isArray(value)) {
    const flat: unknown[] = value.flat(8);
    if (flat.every((item) => typeof item === 'string')) return { shape, dtype, text: flat };
    if (flat.every((item) => ['number', 'boolean', 'bigint'].includes(typeof item))) {
      return { shape, dtype, numbers: Float64Array.from(flat, Number) };
    }
  }
  throw new DataError({ where, what: 'type', expected: 'an array of numbers or text', found: dtype });
}
