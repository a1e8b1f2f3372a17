// Writes an npz file for a test: stored entries of float64 arrays and of text.

import { writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface NpzEntry {
  readonly shape: readonly number[];
  readonly numbers?: Float64Array;
  readonly text?: readonly string[];
}

export function writeNpz(path: string, entries: Readonly<Record<string, NpzEntry>>): void {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, entry] of Object.entries(entries)) {
    const data = npyBytes(entry);
    const file = Buffer.from(`${name}.npy`);
    // Fields that a local header and its line in the directory share: version, flags, method, date, sums and sizes.
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt32LE(crc32(data), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(data.length, 18);
    shared.writeUInt16LE(file.length, 22);
    const line = Buffer.alloc(14);
    line.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), shared, line, file);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, file, data]);
    parts.push(local);
    offset += local.length;
  }
  const lines = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(lines.length, 12);
  end.writeUInt32LE(offset, 16);
  writeFileSync(path, Buffer.concat([...parts, lines, end]));
}

function npyBytes({ shape, numbers, text }: NpzEntry): Buffer {
  const longest = Math.max(1, ...(text ?? []).map((one) => one.length));
  const descr = text === undefined ? '<f8' : `<U${longest}`;
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.map((extent) => `${extent},`).join(' ')}), }`;
  const head = Buffer.alloc(Math.ceil((header.length + 11) / 64) * 64, ' ');
  head.write('\x93NUMPY\x01\0', 'latin1');
  head.writeUInt16LE(head.length - 10, 8);
  head.write(header, 10, 'latin1');
  head.write('\n', head.length - 1);
  if (numbers !== undefined) return Buffer.concat([head, Buffer.from(numbers.slice().buffer)]);
  const letters = Uint32Array.from(
    (text ?? []).flatMap((one) => Array.from({ length: longest }, (_, at) => one.charCodeAt(at) || 0)),
  );
  return Buffer.concat([head, Buffer.from(letters.buffer)]);
}
