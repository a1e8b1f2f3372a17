// The event file, record by record: TFRecord framing with its checksums, and the fields of each event.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEventFile } from '../../src/train/tensorboard.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nextgait-events-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('frames events so that a reader finds tags, steps and values', () => {
  const path = join(folder, 'events.out.tfevents.1.test');
  const writer = openEventFile(path, 1);
  writer.write(7, 2, { 'train/loss': 0.5, skipped: Number.NaN });
  writer.close();
  const bytes = readFileSync(path);
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    records.push(bytes.subarray(at + 12, at + 12 + length));
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc(bytes.subarray(at, at + 8)));
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc(records.at(-1)!));
    at += 16 + length;
  }
  expect(records).toHaveLength(2);
  // wall_time (field 1, double) then file_version (field 3, string).
  expect(records[0].toString('hex')).toBe(`09000000000000f03f1a0d${Buffer.from('brain.Event:2').toString('hex')}`);
  // wall_time 2.0, step 7, summary { value { tag "train/loss", simple_value 0.5 } }.
  const tag = Buffer.from('train/loss').toString('hex');
  expect(records[1].toString('hex')).toBe(`09000000000000004010072a130a110a0a${tag}150000003f`);
});

/** CRC-32C, bit by bit from its definition (reflected polynomial 0x82f63b78), and TensorFlow's mask. */
function maskedCrc(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc = (crc ^ 0xffffffff) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
