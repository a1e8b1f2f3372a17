// Rest joints of a body model that the user has: npz with `joints`, npy, JSON (a list, or `joints`), pickle or joblib.
//
// Recognised by content. Of more than SMPL's 22 body joints the first 22 are taken.

import { readFile } from 'node:fs/promises';
import { DataError } from '../../src/base/errors.js';
import { openForReading } from '../../src/base/files.js';
import { parseNpy } from './npy.js';
import { NpzFile } from './npz.js';
import { readObjectFile } from './object-file.js';
import { toNumbers } from './pickle-arrays.js';
import { checkRest } from './smpl-body.js';

/** Rest joints [22, 3] of a file. @throws DataError where it has none */
export async function readRest(path: string): Promise<Float64Array> {
  const head = await readHead(path);
  if (head.startsWith('PK')) {
    const npz = await NpzFile.open(path);
    try {
      const { shape, numbers } = await npz.read('joints');
      return checkRest(shape, numbers ?? new Float64Array(0), path);
    } finally {
      await npz.close();
    }
  }
  if (head.startsWith('\x93NUMPY') && !/'descr':\s*'\|?O'/.test(head)) {
    const { shape, numbers } = parseNpy(await readFile(path), path);
    return checkRest(shape, numbers ?? new Float64Array(0), path);
  }
  const value = isJson(head) ? await readJson(path) : (await readObjectFile(path)).value;
  const { shape, values } = toNumbers(value instanceof Map ? value.get('joints') : value, path);
  return checkRest(shape, values, path);
}

/** Pickles of the oldest protocol may begin with a bracket, too, but not with these. */
function isJson(head: string): boolean {
  return /^\s*(\[\s*\[|\{\s*")/.test(head);
}

async function readJson(path: string): Promise<unknown> {
  let tree: unknown;
  try {
    tree = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new DataError({ where: path, what: 'JSON file', found: (error as Error).message }, { cause: error });
  }
  return Array.isArray(tree) ? tree : (tree as { readonly joints?: unknown }).joints;
}

/** The first bytes of a file, one character each. */
async function readHead(path: string): Promise<string> {
  const handle = await openForReading(path);
  try {
    const bytes = Buffer.alloc(256);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
