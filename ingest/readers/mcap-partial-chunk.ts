// The chunk that a file ends in the middle of: the records that had been written, as far as they can be decompressed.
//
// Layout (MCAP specification, Chunk): opcode 6, length u64, message start and end time u64, uncompressed size u64, CRC
// u32, compression (u32 length and text), records (u64 length and bytes). The CRC is of the whole and cannot be checked.

import { Decompress } from 'fzstd';
import { decodeLz4Frames } from './lz4-frame.js';

const CHUNK = 0x06;
const FIXED_BYTES = 1 + 8 + 8 + 8 + 8 + 4 + 4;

/** Records at the beginning of a cut chunk; undefined where there is none, or not enough of it. */
export function partialChunk(tail: Uint8Array): Uint8Array | undefined {
  if (tail.length < FIXED_BYTES || tail[0] !== CHUNK) return undefined;
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const size = Number(view.getBigUint64(25, true));
  const nameLength = view.getUint32(37, true);
  const start = FIXED_BYTES + nameLength + 8;
  if (nameLength > 16 || start >= tail.length) return undefined;
  const compression = new TextDecoder().decode(tail.subarray(FIXED_BYTES, FIXED_BYTES + nameLength));
  const records = tail.subarray(start);
  try {
    if (compression === '') return records;
    if (compression === 'zstd') return beginningOfZstd(records);
    // An LZ4 block's output is at most 255 times its input: the chunk's own word for it need not be trusted.
    if (compression === 'lz4') return decodeLz4Frames(records, Math.min(size, records.length * 255), true);
  } catch {
    // Its beginning is damaged as well: nothing of it can be had.
  }
  return undefined;
}

/** What whole blocks of a zstd frame hold. */
function beginningOfZstd(records: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  new Decompress((part) => parts.push(part)).push(records, false);
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
