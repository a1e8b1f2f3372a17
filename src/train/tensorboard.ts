// TensorBoard event files: scalars as TFRecord-framed Event messages, appended as training goes.
//
// Framing: length (uint64), masked CRC32C of it, data, masked CRC32C of the data (tensorflow/core/lib/io/record_writer).
// Event fields used: wall_time = 1 (double), step = 2 (int64), file_version = 3 (string), summary = 5, and in it
// value = 1 { tag = 1, simple_value = 2 (float) } (tensorflow/core/util/event.proto).

import { closeSync, openSync, writeSync } from 'node:fs';
import protobuf from 'protobufjs/light.js';

export interface ScalarWriter {
  write(step: number, wallTime_s: number, scalars: Readonly<Record<string, number>>): void;
  close(): void;
}

/** Opens `path` for appending; a new file starts with the version record. */
export function openEventFile(path: string, wallTime_s: number): ScalarWriter {
  const file = openSync(path, 'a');
  const table = castagnoliTable();
  const write = (event: protobuf.Writer) => writeSync(file, frame(event.finish(), table));
  write(protobuf.Writer.create().uint32(9).double(wallTime_s).uint32(26).string('brain.Event:2'));
  return {
    write(step, time_s, scalars) {
      const summary = protobuf.Writer.create();
      for (const [tag, value] of Object.entries(scalars)) {
        if (!Number.isFinite(value)) continue;
        const entry = protobuf.Writer.create().uint32(10).string(tag).uint32(21).float(value).finish();
        summary.uint32(10).bytes(entry);
      }
      write(
        protobuf.Writer.create().uint32(9).double(time_s).uint32(16).int64(step).uint32(42).bytes(summary.finish()),
      );
    },
    close: () => closeSync(file),
  };
}

function frame(data: Uint8Array, table: Uint32Array): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(record.subarray(0, 8), table), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, masked(data, table), true);
  return record;
}

function masked(bytes: Uint8Array, table: Uint32Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff];
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function castagnoliTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    return crc >>> 0;
  });
}
