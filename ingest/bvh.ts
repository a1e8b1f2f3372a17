// BVH motion capture to robot Episodes without actions.

import type { Retargeter } from '../src/retarget/retarget-problem.js';
import { type HumanEpisodes, type HumanIngestOptions, retargetInput } from './human.js';
import { type BvhMotionOptions, readBvhMotions } from './readers/bvh-motion.js';

/**
 * @param reader what the file does not say, or says wrongly: rig, unit, up axis, stature, floor, rate
 * @throws DataError or FindingsError where the file is refused
 */
export function readBvh(
  path: string,
  reader: BvhMotionOptions,
  retargeter: Retargeter,
  options: HumanIngestOptions,
): Promise<HumanEpisodes> {
  return retargetInput(readBvhMotions(path, reader), [], retargeter, options);
}
