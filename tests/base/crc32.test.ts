import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { createCrc32 } from '../../src/base/crc32.js';

test("equals zlib's, in one piece and in two", () => {
  const ours = createCrc32();
  const bytes = Uint8Array.from({ length: 1000 }, (_, at) => (at * 31) % 256);
  expect(ours(bytes)).toBe(crc32(bytes));
  expect(ours(bytes.subarray(400), ours(bytes.subarray(0, 400)))).toBe(crc32(bytes));
  expect(ours(new Uint8Array(0))).toBe(crc32(new Uint8Array(0)));
});
