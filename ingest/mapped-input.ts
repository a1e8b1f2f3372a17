// What rollouts and controller logs share: a file (or a folder of tables) read by a field map.

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { DataError } from '../src/base/errors.js';
import { sha256OfFile } from '../src/base/files.js';
import type { Episode } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { assembleEpisodes } from './assemble.js';
import type { FieldMap } from './field-map.js';
import { readCsvInput } from './read-csv.js';
import { readJsonlInput } from './read-jsonl.js';
import { readNpzInput } from './read-npz.js';
import type { RawInput } from './recording.js';

export interface MappedInputOptions {
  readonly map: FieldMap;
  readonly robot: RobotModel;
  /** Rate of the dataset (Hz). */
  readonly rate_hz: number;
  /** Name of the source; the map's where absent. */
  readonly source?: string;
}

const READERS: Readonly<Record<FieldMap['format'], (path: string, map: FieldMap) => Promise<RawInput>>> = {
  npz: readNpzInput,
  csv: readCsvInput,
  jsonl: readJsonlInput,
};

/** Reads one input into episodes. @throws DataError or FindingsError where it is refused */
export async function readMappedInput(path: string, options: MappedInputOptions): Promise<Episode[]> {
  const { map, robot, rate_hz } = options;
  await requireThere(path);
  const input = await READERS[map.format](path, map);
  return assembleEpisodes(input, map, robot, {
    input: basename(resolve(path)),
    sha256: await sha256OfFiles(input.files),
    rate_hz,
    source: options.source ?? map.source,
    kind: map.kind,
  });
}

async function requireThere(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    throw new DataError(
      { where: path, what: 'input cannot be read', found: (error as NodeJS.ErrnoException).code },
      { cause: error },
    );
  }
}

/** SHA-256 of one file; of the list of names and hashes where there are several. */
async function sha256OfFiles(files: readonly string[]): Promise<string> {
  if (files.length === 1) return sha256OfFile(files[0]);
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${await sha256OfFile(file)}  ${basename(file)}\n`);
  return hash.digest('hex');
}
