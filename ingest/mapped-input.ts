// What rollouts and controller logs share: a file (or a folder of tables) read by a field map.

import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { sha256OfFile } from '../src/base/files.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { type Assembled, assembleEpisodes } from './assemble.js';
import type { FieldMap } from './field-map.js';
import { READERS } from './formats.js';
import { isFolder } from './input-path.js';

export interface MappedInputOptions {
  readonly map: FieldMap;
  readonly robot: RobotModel;
  /** Rate of the dataset (Hz). */
  readonly rate_hz: number;
  /** Name of the source; the map's where absent. */
  readonly source?: string;
}

/**
 * Reads one input, an episode at a time.
 * @throws DataError or FindingsError where it is refused as a whole
 */
export async function* readMappedEpisodes(path: string, options: MappedInputOptions): AsyncGenerator<Assembled> {
  const { map, robot, rate_hz } = options;
  await isFolder(path); // says so where nothing is there
  const input = await READERS[map.format].readRecordings(path, map, robot);
  yield* assembleEpisodes(input, map, robot, {
    input: basename(resolve(path)),
    sha256: await sha256OfFiles(input.files),
    rate_hz,
    source: options.source ?? map.source,
    isSourceGiven: options.source !== undefined,
    kind: map.kind,
  });
}

/** SHA-256 of one file; of the list of names and hashes where there are several. */
async function sha256OfFiles(files: readonly string[]): Promise<string> {
  if (files.length === 1) return sha256OfFile(files[0]);
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${await sha256OfFile(file)}  ${basename(file)}\n`);
  return hash.digest('hex');
}
