// Which episodes are held out: decided by a hash of the episode's id alone, so that the split stays what it is when a
// dataset grows, is merged, or is read in another order.

import { Random } from '../base/random.js';

export type Split = 'train' | 'validation';

/** Share of episodes held out for validation. */
export const VALIDATION_SHARE = 0.1;

export function splitOf(episodeId: string, validationShare = VALIDATION_SHARE): Split {
  return new Random(0).split('validation', episodeId).uniform() < validationShare ? 'validation' : 'train';
}
