// The configuration of a training in the page: that of `nextgait train`, with a few settings for those who watch.

import { parseConfig } from '../../base/config.js';
import { VALIDATION_SHARE } from '../../motion/split.js';
import { type TrainConfig, trainConfigSchema } from '../../train/train-config.js';

/** Networks for a new policy: small ones, that a browser trains while one waits. */
export const FRESH_MODELS = {
  small: { text: 'small (64 wide, 2 blocks)', model: { width: 64, heads: 4, blocks: 2 } },
  tiny: { text: 'tiny (128 wide, 3 blocks)', model: { width: 128, heads: 4, blocks: 3 } },
  base: { text: 'base (192 wide, 4 blocks)', model: { width: 192, heads: 4, blocks: 4 } },
} as const;
export type FreshModel = keyof typeof FRESH_MODELS;

export interface FinetuneSettings {
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
}

/** Trained weights are moved gently; fresh ones have far to go. */
export const SETTINGS_DEFAULTS = {
  further: { steps: 300, batch: 16, learningRate: 1e-4 },
  fresh: { steps: 1000, batch: 16, learningRate: 8e-4 },
} as const satisfies Readonly<Record<string, FinetuneSettings>>;

/** With fewer episodes than this, all are trained on: a held-out one would say little. */
const LEAST_EPISODES_TO_HOLD_OUT = 10;

/** Lines of metrics that a page can draw, and policies that it is handed, over a whole training. */
const LINES = 200;
const MOST_STEPS_BETWEEN_POLICIES = 10;

/** @throws FindingsError naming a setting outside its bounds */
export function finetuneConfig(
  name: string,
  settings: FinetuneSettings,
  options: { readonly model?: FreshModel; readonly episodeCount: number },
): TrainConfig {
  const { steps, batch, learningRate } = settings;
  const metricsEvery = Math.max(1, Math.round(steps / LINES));
  const config = {
    name,
    data: { validationShare: options.episodeCount < LEAST_EPISODES_TO_HOLD_OUT ? 0 : VALIDATION_SHARE },
    ...(options.model === undefined ? {} : { model: FRESH_MODELS[options.model].model }),
    train: { steps, batch, learningRate, warmupSteps: Math.min(50, Math.ceil(steps / 10)) },
    log: {
      metricsEvery,
      validateEvery: Math.max(metricsEvery, Math.round(steps / 10)),
      checkpointEvery: Math.min(steps, MOST_STEPS_BETWEEN_POLICIES),
      validationWindows: 8 * batch,
    },
  };
  return parseConfig(trainConfigSchema, config, 'settings');
}
