// Rollouts of a neural controller, from npz, csv or JSON lines: complete sequences, with actions. Human motion that
// another tool has put on the robot already (a csv of joint positions, say) comes this way too, without actions.

import { DataError } from '../src/base/errors.js';
import type { Assembled } from './assemble.js';
import { type MappedInputOptions, readMappedEpisodes } from './mapped-input.js';

/** @throws DataError or FindingsError where the file is refused */
export function readRollout(path: string, options: MappedInputOptions): AsyncIterable<Assembled> {
  if (options.map.kind === 'controller') {
    throw new DataError({
      where: 'field map: kind',
      what: 'map of a controller log',
      expected: 'rollout',
      found: 'controller',
      fix: 'Use nextgait ingest controller',
    });
  }
  return readMappedEpisodes(path, options);
}
