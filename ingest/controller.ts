// Logs of a model-based controller, from csv or JSON lines: observations and torques, no actions.
//
// Such a controller commands torques, or targets with its own feed-forward, which are not the position targets that an
// action is: the paper drops them, and so does the field map (an action in it is refused). Torque is kept as data.

import { DataError } from '../src/base/errors.js';
import type { Episode } from '../src/motion/episode.js';
import { type MappedInputOptions, readMappedInput } from './mapped-input.js';

/** @throws DataError or FindingsError where the log is refused */
export async function readControllerLog(path: string, options: MappedInputOptions): Promise<Episode[]> {
  if (options.map.kind !== 'controller') {
    throw new DataError({
      where: 'field map: kind',
      what: 'map of rollouts',
      expected: 'controller',
      found: options.map.kind,
      fix: 'Use nextgait ingest rollout',
    });
  }
  return readMappedInput(path, options);
}
