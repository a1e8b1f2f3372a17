// What changes with the step: learning rate, and in a staged run the loss weights and the episodes.

import type { LossWeights } from '../tokens/batch.js';
import type { EpisodeSummary } from '../tokens/window-source.js';
import type { OptimiserConfig } from './train-config.js';

/** Linear warm-up, then a cosine to `finalLearningRateShare`. `step` counts from 0. */
export function learningRate(config: OptimiserConfig, step: number): number {
  const { learningRate: peak, warmupSteps, steps, finalLearningRateShare: final } = config;
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  return peak * (final + (1 - final) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}

export type Stage = 'joint' | 'state' | 'action';

export function stageAt(config: OptimiserConfig, step: number): Stage {
  if (config.schedule === 'joint') return 'joint';
  return step < Math.round(config.stateShare * config.steps) ? 'state' : 'action';
}

/** The stages that have a step. */
export function stagesOf(config: OptimiserConfig): Stage[] {
  return [...new Set([stageAt(config, 0), stageAt(config, config.steps - 1)])];
}

export function lossWeights(config: OptimiserConfig, stage: Stage): LossWeights {
  return {
    observation: stage === 'action' ? 0 : config.observationWeight,
    action: stage === 'state' ? 0 : config.actionWeight,
  };
}

/** Action fine-tuning reads complete episodes only. */
export function acceptsEpisode(stage: Stage, episode: EpisodeSummary): boolean {
  return stage !== 'action' || episode.channels.has('action');
}
