// Logs of a model-based controller, from csv or JSON lines: observations and torques, no actions.
//
// Such a controller commands torques, or targets with its own feed-forward, which are not the position targets that an
// action is: the paper drops them, and so does the field map (an action in it is refused). Torque is kept as data.

import { DataError } from '../src/base/errors.js';
import type { Assembled } from './assemble.js';
import { type MappedInputOptions, readMappedEpisodes } from './mapped-input.js';

/** @throws DataError or FindingsError where the log is refused */
export function readControllerLog(path: string, options: MappedInputOptions): AsyncIterable<Assembled> {
  if (options.map.kind !== 'controller') {
    throw new DataError({
      where: 'field map: kind',
      what: 'map of rollouts',
      expected: 'controller',
      found: options.map.kind,
      fix: 'Use nextgait ingest rollout',
    });
  }
  return readMappedEpisodes(path, options);
}
