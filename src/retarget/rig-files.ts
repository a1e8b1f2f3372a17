// The rig files that come with the package, and a user's own.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../base/config-file.js';
import { DataError } from '../base/errors.js';
import { packagePath } from '../base/files.js';
import { type Rig, rigSchema } from './rig.js';

/** All rigs of configs/retarget/rigs, in the order of their names. */
export async function loadRigs(folder = packagePath('configs', 'retarget', 'rigs')): Promise<readonly Rig[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(files.map((name) => loadConfig(rigSchema, join(folder, name))));
}

/** Rigs to choose from: all that come with the package, or the one that is named, or the one in a file. */
export async function chooseRigs(nameOrFile: string | undefined): Promise<readonly Rig[]> {
  if (nameOrFile === undefined) return loadRigs();
  if (/\.(ya?ml|json)$/.test(nameOrFile)) return [await loadConfig(rigSchema, nameOrFile)];
  const rigs = await loadRigs();
  const named = rigs.filter(({ name }) => name === nameOrFile);
  if (named.length > 0) return named;
  const expected = `one of ${rigs.map(({ name }) => name).join(', ')}, or a YAML file`;
  throw new DataError({ where: nameOrFile, what: 'rig', expected, found: 'none of that name' });
}
