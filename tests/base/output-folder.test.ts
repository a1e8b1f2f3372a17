// Output folders that cannot be made are refused at once, whatever the system says of them.

import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimOutput } from '../../src/base/output-folder.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-out-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options = { marker: 'manifest.json' };

it('makes a folder and those above it, also when several ask at once', async () => {
  const deep = join(folder, 'a/b/c');
  await Promise.all(Array.from({ length: 5 }, () => claimOutput(deep, options)));
  expect(await readdir(join(folder, 'a/b'))).toEqual(['c']);
});

it('refuses a folder under a file, or a file', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(claimOutput(join(folder, 'file/a/b'), options)).rejects.toThrow(/folder cannot be used: found ENOTDIR/);
  await expect(claimOutput(join(folder, 'file'), options)).rejects.toThrow(/folder cannot be used: found ENOTDIR/);
});

it('blames the flag that named the folder', async () => {
  await writeFile(join(folder, 'photo.jpg'), '');
  await expect(claimOutput(folder, options)).rejects.toThrow(/^--out .*folder holds something else/);
  await expect(claimOutput(folder, { ...options, flag: '--build' })).rejects.toThrow(/^--build .*something else/);
});

it.skipIf(!existsSync('/proc/self'))(
  'refuses a folder where the system takes none, instead of never ending',
  async () => {
    await expect(claimOutput('/proc/nextgait/a', options)).rejects.toThrow(
      /--out \/proc\/nextgait\/a: folder cannot be used/,
    );
  },
);
