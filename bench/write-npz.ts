// Writes numpy's .npz: float arrays, packed.

import { zipSync } from 'fflate';

export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** One array by name each; float32 and float64 as they are. */
export function writeNpz(arrays: Readonly<Record<string, FloatTensor>>): Uint8Array {
  const files = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npyBytes(array)]));
  // A fixed date keeps the bytes the same from run to run.
  return zipSync(files, { level: 9, mtime: new Date(1980, 0, 1) });
}

/** Format version 1.0: magic, header length, header padded to 64 bytes, data in C order, little-endian. */
function npyBytes({ shape, data }: FloatTensor): Uint8Array {
  const type = data instanceof Float32Array ? '<f4' : '<f8';
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${extents}), }`;
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + header.length + data.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return bytes;
}
