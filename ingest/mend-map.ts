// A field map mended by what its file contradicts: the first episode is read, the settings that the contradictions name
// are applied, and again, until nothing contradicts or nothing more can be set.

import { applySettings } from '../src/base/config.js';
import { isUserError } from '../src/base/errors.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { ContradictionError } from './contradiction-error.js';
import { parseFieldMap, settingValue } from './field-map.js';
import { readMappedEpisodes } from './mapped-input.js';

export interface MendedMap {
  readonly map: Readonly<Record<string, unknown>>;
  /** Settings that were applied, in order. */
  readonly settings: readonly string[];
  /** Why the file is refused even so. */
  readonly refused?: Error;
}

const MOST_ROUNDS = 6;

/** @param map plain data of a field map, well-formed or not */
export async function mendMap(
  path: string,
  map: Readonly<Record<string, unknown>>,
  robot: RobotModel,
  rate_hz: number,
): Promise<MendedMap> {
  let mended = map;
  const settings: string[] = [];
  for (let round = 0; ; round++) {
    const problem = await firstProblem(path, mended, robot, rate_hz);
    if (problem === undefined) return { map: mended, settings };
    const fresh =
      problem instanceof ContradictionError ? problem.settings.filter((one) => !settings.includes(one)) : [];
    if (fresh.length === 0 || round === MOST_ROUNDS) return { map: mended, settings, refused: problem };
    mended = applySettings(mended, fresh, settingValue) as Record<string, unknown>;
    settings.push(...fresh);
  }
}

/** Episodes that are refused for other reasons than what the map says, after which no more are looked at. */
const MOST_DAMAGED = 10;

/**
 * Why the first episode is refused by a map; undefined where it is not. A damaged episode says nothing of the map: of an
 * input that begins with some, the first whole one counts.
 */
export async function firstProblem(
  path: string,
  tree: Readonly<Record<string, unknown>>,
  robot: RobotModel,
  rate_hz: number,
): Promise<Error | undefined> {
  let first: Error | undefined;
  let refused = 0;
  try {
    const map = parseFieldMap(tree, 'field map');
    for await (const assembled of readMappedEpisodes(path, { map, robot, rate_hz })) {
      if (!('refused' in assembled)) return undefined;
      if (assembled.refused instanceof ContradictionError) return assembled.refused;
      first ??= assembled.refused;
      if (++refused === MOST_DAMAGED) break;
    }
    return first;
  } catch (error) {
    if (!isUserError(error)) throw error;
    return error;
  }
}
