// A static copy of the viewer with the given data in it: a folder that any static host serves.

import { copyFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError } from '../../base/errors.js';
import { prepareOutput } from '../../base/output-folder.js';
import { describeItems, filesOf, itemPath } from './describe.js';
import type { GivenItem } from './items.js';

export const DESCRIPTION_FILE = 'source.json';

export interface StaticBuild {
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
}

/**
 * @param app folder of the built app
 * @param options flag: the one that named the folder, for messages
 * @throws DataError where the folder holds something else
 */
export async function writeStaticBuild(
  app: string,
  items: readonly GivenItem[],
  folder: string,
  options: { readonly flag: '--build' | '--out'; readonly overwrite: boolean; readonly signal?: AbortSignal },
): Promise<StaticBuild> {
  const inside = items.find((item) => `${join(folder)}/`.startsWith(`${item.folder}/`));
  if (inside !== undefined) {
    throw new DataError({
      where: `${options.flag} ${folder}`,
      what: 'folder lies inside what it is to hold',
      found: inside.folder,
    });
  }
  const description = await describeItems(items, false);
  await prepareOutput(folder, {
    flag: options.flag,
    overwrite: options.overwrite,
    marker: DESCRIPTION_FILE,
    what: 'a build of the viewer',
  });
  // First of all, so that a build that was cut short is known as ours.
  await writeFile(join(folder, DESCRIPTION_FILE), JSON.stringify(description));
  await copyApp(app, folder);
  let files = 0;
  let bytes = 0;
  const place = async (path: string): Promise<string> => {
    options.signal?.throwIfAborted();
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    files++;
    return target;
  };
  for (const [index, item] of items.entries()) {
    for (const file of await filesOf(item)) {
      await copyFile(join(item.folder, file.path), await place(`${itemPath(index)}/${file.path}`));
      bytes += file.bytes;
    }
    for (const [path, make] of item.made) {
      const made = await make();
      if (made === undefined) continue;
      await writeFile(await place(`${itemPath(index)}/${path}`), made);
      bytes += made.byteLength;
    }
  }
  return { folder, files, bytes };
}

/** WebGPU's build of the engine, which the page "Fine-tune" offers over `nextgait view` alone: larger than all the rest. */
const WEBGPU_ENGINE = /^ort-wasm-simd-threaded\.asyncify-[\w-]+\.wasm$/;

async function copyApp(app: string, folder: string): Promise<void> {
  for (const name of await readdir(app)) {
    await cp(join(app, name), join(folder, name), {
      recursive: true,
      filter: (file) => !WEBGPU_ENGINE.test(basename(file)),
    });
  }
}
