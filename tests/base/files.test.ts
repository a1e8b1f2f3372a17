// What the user is told of files that cannot be read, and hashes of those that can.

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { isPresentFolder, openForReading, sha256OfFile } from '../../src/base/files.js';

const folder = mkdtempSync(join(tmpdir(), 'nextgait-files-'));
const present = join(folder, 'present.txt');
const absent = join(folder, 'absent.txt');
writeFileSync(present, 'walk');

afterAll(() => rmSync(folder, { recursive: true }));

test('a file is opened; what is not there is refused by its path and the reason of the system', async () => {
  const file = await openForReading(present);
  expect(await file.readFile('utf8')).toBe('walk');
  await file.close();
  const refusal = await openForReading(absent).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(DataError);
  expect((refusal as DataError).detail).toEqual({ where: absent, what: 'file cannot be read', found: 'ENOENT' });
  expect((refusal as DataError).cause).toMatchObject({ syscall: 'open' });
});

test('a hash is refused in the same words', async () => {
  expect(await sha256OfFile(present)).toBe(createHash('sha256').update('walk').digest('hex'));
  await expect(sha256OfFile(absent)).rejects.toThrow(`${absent}: file cannot be read: found ENOENT`);
});

test('a folder is told from a file and from nothing', async () => {
  expect(await Promise.all([folder, present, absent].map(isPresentFolder))).toEqual([true, false, false]);
});
