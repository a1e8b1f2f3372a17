// Human motion reconstructed from video, and AMASS, to robot Episodes without actions: one for each person and shot.

import type { Retargeter } from '../src/retarget/retarget-problem.js';
import { type HumanEpisodes, type HumanIngestOptions, retargetInput } from './human.js';
import { readVideoMotions, type VideoMotionOptions } from './readers/video-motion.js';

/**
 * @param reader what the file does not say, or says wrongly: rate, up axis, stature, floor, rest joints
 * @throws DataError or FindingsError where the file is refused
 */
export async function readVideo(
  path: string,
  reader: VideoMotionOptions,
  retargeter: Retargeter,
  options: HumanIngestOptions,
): Promise<HumanEpisodes> {
  const { motions, findings } = await readVideoMotions(path, reader);
  return retargetInput(motions, findings, retargeter, options);
}
