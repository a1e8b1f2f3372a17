// Whether an input is there, and whether it is a folder.

import { stat } from 'node:fs/promises';
import { DataError } from '../src/base/errors.js';

/** @throws DataError where nothing is there */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const found = (error as NodeJS.ErrnoException).code;
    throw new DataError({ where: path, what: 'input cannot be read', found }, { cause: error });
  }
}
