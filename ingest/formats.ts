// The seam between files and everything else: one reader a format, chosen by file type.
//
// A reader knows how numbers are stored and nothing of what they mean: `describe` tells what is in a file, with the
// beginning of every field, and `readRecordings` gives the fields that a map asks for, as recordings with times in
// seconds. Guessing, checking and conversion to SI happen once, for all formats, behind this seam.

import { DataError } from '../src/base/errors.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { describeCsv, isTableFolder } from './describe-csv.js';
import { describeHdf5 } from './describe-hdf5.js';
import { describeJsonl } from './describe-jsonl.js';
import { describeLeRobot } from './describe-lerobot.js';
import { describeNpz } from './describe-npz.js';
import type { FieldMap, FormatName } from './field-map.js';
import { isFolder } from './input-path.js';
import { readCsvInput } from './read-csv.js';
import { readHdf5Input } from './read-hdf5.js';
import { readJsonlInput } from './read-jsonl.js';
import { readLeRobotInput } from './read-lerobot.js';
import { readNpzInput } from './read-npz.js';
import { isLeRobotFolder } from './readers/lerobot.js';
import { isBagFolder } from './readers/ros2-bag.js';
import type { RawInput } from './recording.js';
import type { SourceDescription } from './source-description.js';

export interface SourceReader {
  /** Endings of its files, with the dot and in lower case. */
  readonly endings: readonly string[];
  /** True for a folder that is one input of this format, as a dataset of many files is. */
  readonly ownsFolder?: (path: string) => Promise<boolean>;
  /** @throws DataError or FindingsError where the file is not of this format */
  readonly describe: (path: string) => Promise<SourceDescription>;
  /**
   * The fields that the map selects; recordings may be made one at a time while they are iterated.
   * @param robot names the joints where the map leaves them to the robot
   * @throws DataError or FindingsError where the file does not fit the map
   */
  readonly readRecordings: (path: string, map: FieldMap, robot: RobotModel) => Promise<RawInput>;
}

/** One line a format; its selectors stand in FORMAT_KEYS of field-map.ts. */
export const READERS: Readonly<Record<FormatName, SourceReader>> = {
  npz: { endings: ['.npz'], describe: describeNpz, readRecordings: readNpzInput },
  csv: {
    endings: ['.csv', '.tsv'],
    ownsFolder: isTableFolder,
    describe: describeCsv,
    readRecordings: readCsvInput,
  },
  jsonl: { endings: ['.jsonl', '.ndjson'], describe: describeJsonl, readRecordings: readJsonlInput },
  hdf5: { endings: ['.hdf5', '.h5'], describe: describeHdf5, readRecordings: readHdf5Input },
  mcap: {
    // Bags in SQLite are known, and refused with the command that converts them.
    endings: ['.mcap', '.db3'],
    ownsFolder: isBagFolder,
    // The parsers of the messages' encodings take long to load: they are, where there is a bag.
    describe: async (path) => (await import('./describe-mcap.js')).describeMcap(path),
    readRecordings: async (path, map, robot) => (await import('./read-mcap.js')).readMcapInput(path, map, robot),
  },
  lerobot: {
    endings: [],
    ownsFolder: isLeRobotFolder,
    describe: describeLeRobot,
    readRecordings: readLeRobotInput,
  },
};

/** The format of a file or folder. @throws DataError where there is none for it, or nothing is there */
export async function formatOf(path: string): Promise<FormatName> {
  const entries = Object.entries(READERS) as [FormatName, SourceReader][];
  if (await isFolder(path)) {
    for (const [name, { ownsFolder }] of entries) if (await ownsFolder?.(path)) return name;
    throw new DataError({
      where: path,
      what: 'folder',
      expected: 'a folder that is one input (a dataset, a bag, tables that belong together)',
      found: 'another one',
      fix: 'Name a file in it',
    });
  }
  const found = entries.find(([, { endings }]) => endings.some((ending) => path.toLowerCase().endsWith(ending)));
  if (found !== undefined) return found[0];
  throw new DataError({
    where: path,
    what: 'no reader for this kind of file',
    expected: `one of ${entries.flatMap(([, { endings }]) => endings).join(', ')}`,
  });
}

/** What is in a file or folder, read by the reader of its type. */
export async function describeSource(path: string): Promise<SourceDescription> {
  return READERS[await formatOf(path)].describe(path);
}
