// safetensors: named float32 tensors in one file; 8-byte header length, JSON header, raw little-endian data.
//
// Format: github.com/huggingface/safetensors. Strict reader: every offset is checked before a byte is believed.

import { sizeOf } from './arrays.js';
import { DataError } from './errors.js';

export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Names in sorted order, so that equal tensors give equal bytes. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, NamedTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const names = Object.keys(tensors).sort();
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const name of names) {
    const { shape, data } = tensors[name];
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, 8, 8 + padded);
  bytes.set(json, 8);
  let at = 8 + padded;
  for (const name of names) {
    const { data } = tensors[name];
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * @param where file name for messages
 * @throws DataError naming what does not fit
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  where: string,
): { tensors: Record<string, NamedTensor>; metadata: Record<string, string> } {
  const refuse = (what: string, expected?: string, found?: string): never => {
    throw new DataError({ where, what, expected, found, fix: 'The file is damaged or not safetensors' });
  };
  if (bytes.length < 8) refuse('file length', 'at least 8 bytes', String(bytes.length));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > bytes.length - 8) refuse('header length', `at most ${bytes.length - 8}`, String(headerLength));
  let header: Record<string, { dtype?: string; shape?: number[]; data_offsets?: [number, number] } | null>;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + headerLength)));
  } catch {
    return refuse('header', 'JSON');
  }
  if (typeof header !== 'object' || header === null) return refuse('header', 'a JSON object');
  const start = 8 + headerLength;
  const tensors: Record<string, NamedTensor> = {};
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = entry as unknown as Record<string, string>;
      continue;
    }
    const shape = entry?.shape;
    const [from, to] = Array.isArray(entry?.data_offsets) ? entry.data_offsets : [];
    if (entry?.dtype !== 'F32') return refuse(`tensor ${name}: dtype`, 'F32', String(entry?.dtype));
    if (!Array.isArray(shape) || shape.some((extent) => !Number.isInteger(extent) || extent < 0)) {
      return refuse(`tensor ${name}: shape`, 'whole numbers', JSON.stringify(shape));
    }
    if (!Number.isInteger(from) || from! < 0 || to! - from! !== 4 * sizeOf(shape) || start + to! > bytes.length) {
      return refuse(`tensor ${name}: extent`, `${4 * sizeOf(shape)} bytes inside the file`, `${from}..${to}`);
    }
    // A copy, and through Uint8Array: the slice() of Node's Buffer would be a view of the whole file.
    const copy = Uint8Array.from(bytes.subarray(start + from!, start + to!));
    tensors[name] = { shape, data: new Float32Array(copy.buffer) };
  }
  return { tensors, metadata };
}
