// Reads float arrays out of an .npz, for tests that compare with recordings of other tools.

import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';

export interface NumpyArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** The float32 and float64 arrays of a file, by name. */
export function readNpz(path: string): Record<string, NumpyArray> {
  const arrays: Record<string, NumpyArray> = {};
  for (const [file, bytes] of Object.entries(unzipSync(readFileSync(path)))) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const headerLength = view.getUint16(8, true);
    const header = new TextDecoder().decode(bytes.subarray(10, 10 + headerLength));
    const kind = /'descr': '<f([48])'/.exec(header)?.[1];
    if (kind === undefined) continue;
    const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '')
      .split(',')
      .filter((extent) => extent.trim() !== '')
      .map(Number);
    const content = bytes.slice(10 + headerLength).buffer;
    const data = Float64Array.from(kind === '4' ? new Float32Array(content) : new Float64Array(content));
    arrays[file.replace(/\.npy$/, '')] = { shape, data };
  }
  return arrays;
}
