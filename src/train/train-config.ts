// Training configuration (configs/train/*.yaml): read once, validated, frozen, written whole into the run folder.
//
// The paper states neither optimiser, rate, schedule, batch, epochs nor loss weights. The defaults follow the nearest
// published recipe (RPT, arXiv 2306.10007: AdamW 4e-4, weight decay 0.01, warm-up) and our own closed-loop results.

import { z } from 'zod';
import { modelConfigSchema } from '../model/model-config.js';
import { tokenConfigSchema } from '../tokens/token-spec.js';
import { lossWeights, type Stage, stagesOf } from './schedule.js';

const dataSchema = z.strictObject({
  /** Dataset folders; inputs on the command line replace them. */
  folders: z.array(z.string()).default([]),
  /** Sampling weight by source name; a source that is not named has its share of frames, 0 leaves it out. */
  sources: z.record(z.string(), z.number().min(0)).default({}),
  /**
   * `hindsight`: the command becomes the mean velocity that its segment achieved; `calibrated`: that mean as fitted over
   * all segments of the source, without their noise (docs/decisions.md).
   */
  command: z.enum(['recorded', 'hindsight', 'calibrated']).default('calibrated'),
  /** Time after a change of command that its hindsight label leaves out (s): the robot is still on its way there. */
  hindsightTransient_s: z.number().min(0).default(1),
  /** Smoothing of hindsight commands where the data has none of its own (s): several gait cycles. */
  hindsightWindow_s: z.number().min(1).default(3),
  /** Share of episodes held out, by hash of their id; none where that leaves nothing to train on (held-out.ts). */
  validationShare: z.number().min(0).max(0.5).default(0.05),
});

export const optimiserConfigSchema = z.strictObject({
  steps: z.int().min(1).default(2000),
  /** Windows of one pass; `accumulate` passes make one step. */
  batch: z.int().min(1).default(64),
  accumulate: z.int().min(1).default(1),
  learningRate: z.number().positive().default(4e-4),
  /** Share of the learning rate that the cosine has come down to after the last step. */
  finalLearningRateShare: z.number().min(0).max(1).default(0),
  warmupSteps: z.int().min(0).default(100),
  weightDecay: z.number().min(0).default(0.01),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().positive().default(1e-8),
  /** Largest norm of the whole gradient; 0 switches clipping off. */
  clipNorm: z.number().min(0).default(1),
  /** Decay of the moving average of the weights; 0 switches it off. The average is what is evaluated and exported. */
  averageDecay: z.number().min(0).lt(1).default(0),
  /**
   * Precision of the network's products; weights, moments, sums and everything else are float32. `bfloat16` is for
   * --device cuda; a CPU rounds alike, which gives the same losses and is slower.
   */
  precision: z.enum(['float32', 'bfloat16']).default('float32'),
  observationWeight: z.number().min(0).default(1),
  actionWeight: z.number().min(0).default(1),
  /** `staged`: state prediction on everything first, then action prediction on complete data. */
  schedule: z.enum(['joint', 'staged']).default('joint'),
  /** Share of the steps in the first stage of `staged`. */
  stateShare: z.number().min(0).max(1).default(0.5),
  seed: z.int().min(0).default(1),
});

const wholeSchema = z.strictObject({
  name: z.string().default('train'),
  data: dataSchema.prefault({}),
  tokens: tokenConfigSchema.prefault({}),
  model: modelConfigSchema.prefault({}),
  train: optimiserConfigSchema.prefault({}),
  log: z
    .strictObject({
      /** Steps between lines of metrics.jsonl, validation passes and checkpoints. */
      metricsEvery: z.int().min(1).default(10),
      validateEvery: z.int().min(1).default(250),
      checkpointEvery: z.int().min(1).default(500),
      /** Held-out windows of one validation pass. */
      validationWindows: z.int().min(1).default(512),
    })
    .prefault({}),
  runtime: z
    .strictObject({
      name: z.enum(['auto', 'onnx', 'tfjs', 'reference']).default('auto'),
      /** `cuda`: an NVIDIA GPU; `webgpu`: any GPU; `auto`: a CUDA GPU where one runs, else the CPU. */
      device: z.enum(['auto', 'cuda', 'webgpu', 'cpu']).default('auto'),
      threads: z.int().min(1).optional(),
      /** Steps that the engine makes in one call, at most log.metricsEvery; absent: the engine's own choice. */
      stepsPerCall: z.int().min(1).optional(),
      /** `false`: threads without work sleep (docs/engine.md); absent: the engine's own choice. ONNX Runtime alone. */
      spin: z.boolean().optional(),
    })
    .prefault({}),
});

/** Refuses stages in which nothing is predicted. */
export const trainConfigSchema = wholeSchema.superRefine(({ tokens, train }, context) => {
  for (const stage of stagesOf(train)) {
    const weights = lossWeights(train, stage);
    const observation = tokens.targets === 'action' ? 0 : weights.observation;
    if (observation + weights.action > 0) continue;
    const path = ['train', stage === 'joint' ? 'actionWeight' : 'schedule'];
    context.addIssue({ code: 'custom', path, message: NOTHING_PREDICTED[stage] });
  }
});

const NOTHING_PREDICTED: Record<Stage, string> = {
  joint:
    'nothing is predicted: give train.actionWeight or, with tokens.targets=state+action, train.observationWeight a value above 0',
  state:
    'the first stage of staged predicts states alone, which have no weight: set tokens.targets=state+action and ' +
    'train.observationWeight above 0, or leave the stage out with train.stateShare=0',
  action:
    'the second stage of staged predicts actions alone, which have no weight: set train.actionWeight above 0, or leave ' +
    'the stage out with train.stateShare=1',
};

export type TrainConfig = z.output<typeof wholeSchema>;
export type OptimiserConfig = TrainConfig['train'];
