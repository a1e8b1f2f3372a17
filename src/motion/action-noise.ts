// Exploration noise: whether a robot executed what its controller answered. One threshold for all who ask, so that what
// counts as noisy when commands are calibrated is what is reported as diverse before training.

import type { Episode } from './episode.js';

/** An executed action this close to the controller's own (rad) is its own. */
const SAME_ACTION_RAD = 1e-4;

/** True where the frame has both actions and they differ; a frame that lacks one of them shows no noise. */
export function hasActionNoise(
  { channels: { action, executedAction } }: Pick<Episode, 'channels'>,
  frame: number,
): boolean {
  if (action === undefined || executedAction === undefined) return false;
  // What stands in an invalid frame may be anything.
  if (action.valid?.[frame] === 0 || executedAction.valid?.[frame] === 0) return false;
  for (let at = frame * action.width; at < (frame + 1) * action.width; at++) {
    if (Math.abs(executedAction.data[at] - action.data[at]) > SAME_ACTION_RAD) return true;
  }
  return false;
}
