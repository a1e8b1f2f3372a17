// Where the browser app lies that vite built: in the package, or in a checkout after `npm run build`.

import { access, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../base/errors.js';
import { packagePath } from '../base/files.js';

/** @returns its real path. @throws DataError where it is not built */
export async function builtApp(): Promise<string> {
  const app = packagePath('dist', 'viewer');
  try {
    await access(join(app, 'index.html'));
  } catch (error) {
    throw new DataError(
      { where: app, what: 'the browser app is not built', fix: 'Run `npm run build`' },
      { cause: error },
    );
  }
  return realpath(app);
}
