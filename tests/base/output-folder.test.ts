// Output folders that cannot be made are refused at once, whatever the system says of them.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimOutput, requireOutside } from '../../src/base/output-folder.js';

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

it('refuses an output that is or holds an input, through links too, and no other', async () => {
  const run = join(folder, 'run');
  await mkdir(join(run, 'rounds/1'), { recursive: true });
  await symlink(join(run, 'rounds'), join(folder, 'link'));
  for (const input of [run, join(run, 'rounds/1'), join(folder, 'link/1'), `${run}/rounds/`]) {
    await expect(requireOutside(run, [folder, input])).rejects.toThrow(
      `folder holds what is to be read: found ${input}`,
    );
  }
  await requireOutside(run, [folder, join(folder, 'run-2'), join(folder, 'nowhere')]);
});

it.skipIf(!existsSync('/proc/self'))(
  'refuses a folder where the system takes none, instead of never ending',
  async () => {
    await expect(claimOutput('/proc/nextgait/a', options)).rejects.toThrow(
      /--out \/proc\/nextgait\/a: folder cannot be used/,
    );
  },
);
