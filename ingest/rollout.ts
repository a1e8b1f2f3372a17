// Rollouts of a neural controller, from npz, csv or JSON lines: complete sequences, with actions. Human motion that
// another tool has put on the robot already (a csv of joint positions, say) comes this way too, without actions.

import { DataError } from '../src/base/errors.js';
import type { Episode } from '../src/motion/episode.js';
import { type MappedInputOptions, readMappedInput } from './mapped-input.js';

/** @throws DataError or FindingsError where the file is refused */
export async function readRollout(path: string, options: MappedInputOptions): Promise<Episode[]> {
  if (options.map.kind === 'controller') {
    throw new DataError({
      where: 'field map: kind',
      what: 'map of a controller log',
      expected: 'rollout',
      found: 'controller',
      fix: 'Use nextgait ingest controller',
    });
  }
  return readMappedInput(path, options);
}
