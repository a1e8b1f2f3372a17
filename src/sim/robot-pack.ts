// A loaded robot as one file: a zip of its model files and of what was read from them, for a browser to simulate.
//
// Model files keep their paths (which may begin with ../) in robot.json and are numbered in the zip, so that unpacking
// it by hand writes nowhere else.

import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { z } from 'zod';
import { parseConfig } from '../base/config.js';
import { DataError } from '../base/errors.js';
import { robotConfigSchema } from '../robot/robot-config.js';
import { robotFromJson } from '../robot/robot-json.js';
import type { LoadedRobot } from './load-robot.js';

export const ROBOT_PACK_FILE = 'robot.zip';
const DESCRIPTION = 'robot.json';
const FORMAT = 'nextgait-robot/1';

const descriptionSchema = z.looseObject({
  format: z.literal(FORMAT),
  robot: z.unknown(),
  config: z.unknown(),
  main: z.string(),
  /** Name in the zip by path of the model file. */
  files: z.record(z.string(), z.string()),
});

export function packRobot({ robot, config, source }: LoadedRobot): Uint8Array {
  const entries = Object.entries(source.files).map(([path, bytes], index) => ({
    path,
    name: `model/${index}-${path.slice(path.lastIndexOf('/') + 1)}`,
    bytes,
  }));
  const description = {
    format: FORMAT,
    robot,
    config,
    main: source.main,
    files: Object.fromEntries(entries.map(({ path, name }) => [path, name])),
  };
  return zipSync(
    {
      [DESCRIPTION]: strToU8(JSON.stringify(description)),
      ...Object.fromEntries(entries.map(({ name, bytes }) => [name, bytes])),
    },
    // The same robot gives the same bytes.
    { level: 6, mtime: '1980-01-01T00:00:00' },
  );
}

/** @throws DataError or FindingsError where it is damaged or not a robot */
export function unpackRobot(bytes: Uint8Array, where: string): LoadedRobot {
  let files: Record<string, Uint8Array>;
  let raw: unknown;
  try {
    files = unzipSync(bytes);
    raw = JSON.parse(strFromU8(files[DESCRIPTION] ?? new Uint8Array(0)));
  } catch (error) {
    const found = (error as Error).message;
    throw new DataError({ where, what: 'not a packed robot', found, fix: 'Export it again' }, { cause: error });
  }
  const description = parseConfig(descriptionSchema, raw, where);
  const missing = Object.values(description.files).filter((name) => files[name] === undefined);
  if (missing.length > 0 || description.files[description.main] === undefined) {
    throw new DataError({
      where,
      what: 'model files of the packed robot',
      found: `missing ${[...missing, description.main].join(', ')}`,
      fix: 'Export it again',
    });
  }
  return {
    robot: robotFromJson(description.robot, where),
    config: parseConfig(robotConfigSchema, description.config, `${where}: config`),
    source: {
      main: description.main,
      files: Object.fromEntries(Object.entries(description.files).map(([path, name]) => [path, files[name]])),
    },
  };
}
