// Which episodes a run holds out, and when it holds out none.
//
// The hash of an id decides (motion/split.ts). Where it would leave nothing to train on, as with a single episode, the
// run holds out nothing: its configuration then says validationShare 0, which whoever reads it later goes by.

import type { Logger } from '../base/logger.js';
import { splitOf } from '../motion/split.js';
import { windowsIn } from '../tokens/sampler.js';
import type { TokenSpec } from '../tokens/token-spec.js';
import type { EpisodeSummary } from '../tokens/window-source.js';
import type { TrainConfig } from './train-config.js';

export function heldOutBy({ data }: Pick<TrainConfig, 'data'>): (id: string) => boolean {
  return (id) => splitOf(id, data.validationShare) === 'validation';
}

/**
 * The configuration, without held-out episodes where these are all that an action could be learnt from. Data without any
 * such episode is left to those who refuse it.
 */
export function keepEnoughToTrain(
  config: TrainConfig,
  spec: TokenSpec,
  episodes: readonly EpisodeSummary[],
  log: Logger,
): TrainConfig {
  const { sources, validationShare } = config.data;
  const heldOut = heldOutBy(config);
  const usable = episodes.filter(
    (episode) => sources[episode.source] !== 0 && episode.channels.has('action') && windowsIn(spec, episode) > 0,
  );
  if (usable.length === 0 || usable.some(({ id }) => !heldOut(id))) return config;
  const all = usable.length === 1 ? 'the one episode' : `all ${usable.length} episodes`;
  log.warn(
    `${all} with actions for a window would be held out (data.validationShare=${validationShare}), which leaves none to ` +
      'train on: nothing is held out (data.validationShare=0), and there is no held-out loss. Record more episodes to have one',
  );
  return { ...config, data: { ...config.data, validationShare: 0 } };
}
