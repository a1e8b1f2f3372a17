// Where the settings of a verb are read from: a name in configs/<folder>, or a file.

import { existsSync, readdirSync } from 'node:fs';
import { DataError } from '../base/errors.js';
import { packagePath } from '../base/files.js';
import { nearest } from '../base/nearest.js';

/** @throws DataError naming what there is, where `reference` is neither a name nor a file */
export function configPath(folder: 'evaluate' | 'record' | 'train', reference: string): string {
  const named = packagePath('configs', folder, `${reference}.yaml`);
  if (!reference.includes('/') && existsSync(named)) return named;
  if (existsSync(reference)) return reference;
  const names = readdirSync(packagePath('configs', folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.replace(/\.yaml$/, ''))
    .sort();
  const near = nearest(reference, names);
  throw new DataError({
    where: reference,
    what: 'no such config',
    expected: `a YAML file or one of ${names.join(', ')}`,
    fix: near === undefined ? undefined : `Did you mean "${near}"?`,
  });
}
