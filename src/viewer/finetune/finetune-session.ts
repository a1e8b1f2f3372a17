// Training in a page: the program, the loop and the preparation of `nextgait train`, on shards in memory. It knows no
// page, no worker and no engine.

import { DataError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { Random } from '../../base/random.js';
import { TOOL } from '../../base/version.js';
import { initialParameters, parameterCount, parameterSpecs } from '../../model/parameters.js';
import { encodeBundle, type PolicyBundle } from '../../policy/bundle.js';
import type { RobotModel } from '../../robot/robot-model.js';
import { sha256 } from '../../robot/sha256.js';
import type { Runtime } from '../../runtime/runtime.js';
import { createTokenSpec } from '../../tokens/token-spec.js';
import { memorySource } from '../../tokens/window-source.js';
import { bundleOfState, stateOfBundle } from '../../train/bundle-of-state.js';
import { heldOutBy, keepEnoughToTrain } from '../../train/held-out.js';
import type { MetricsLine } from '../../train/metrics.js';
import { type DataReport, prepareData } from '../../train/prepare.js';
import type { TrainConfig } from '../../train/train-config.js';
import { type TrainResult, train } from '../../train/trainer.js';
import { initialState, type Recipe, type StateValues } from '../../train/training-program.js';
import { openTrainingShard, readTrainingEpisodes, requireBelonging, type ShardFile } from './training-shards.js';

export interface FinetuneJob {
  /** Tokens and model count for a new policy only: one that is trained further keeps its own. */
  readonly config: TrainConfig;
  readonly shards: readonly ShardFile[];
  /** The policy to go on from; absent: fresh weights. */
  readonly start?: PolicyBundle;
}

export interface FinetuneHooks {
  readonly runtime: Runtime;
  readonly log: Logger;
  readonly now_s: () => number;
}

export interface FinetuneSteps {
  readonly signal?: AbortSignal;
  /** Awaited before each step. */
  readonly beforeStep?: () => Promise<void>;
  readonly onMetrics: (line: MetricsLine) => void;
  /** The policy so far, at every checkpoint of the configuration and at the end. */
  readonly onPolicy: (step: number, files: Readonly<Record<string, Uint8Array>>) => void;
}

export interface FinetuneSession {
  readonly robot: RobotModel;
  readonly parameterCount: number;
  readonly report: DataReport;
  run(steps: FinetuneSteps): Promise<TrainResult>;
}

/** @throws ProblemError or DataError where shards and policy do not belong together, or nothing can be learnt from them */
export async function createFinetuneSession(job: FinetuneJob, hooks: FinetuneHooks): Promise<FinetuneSession> {
  const { start } = job;
  const shards = [];
  for (const file of job.shards) shards.push(await openTrainingShard(file));
  if (shards.length === 0) {
    throw new DataError({ where: 'training data', what: 'no shard to train on', fix: 'Choose at least one' });
  }
  const first = { name: shards[0].file.name, robot: shards[0].robot, rate_hz: shards[0].rate_hz };
  const reference =
    start === undefined ? first : { name: start.name, robot: start.robot, rate_hz: start.tokens.rate_hz };
  for (const shard of shards) requireBelonging(shard, reference);
  const { robot, rate_hz } = reference;

  const episodes = await readTrainingEpisodes(shards);
  const tokens = start?.tokens ?? createTokenSpec(job.config.tokens, robot, rate_hz);
  const source = memorySource(episodes);
  const config = keepEnoughToTrain(job.config, tokens, source.episodes, hooks.log);
  const { command, hindsightWindow_s, hindsightTransient_s } = config.data;
  const heldOut = heldOutBy(config);
  const reader = { ...source, readEpisode: async (index: number) => episodes[index] };
  const prepared = await prepareData(reader, tokens, robot, {
    ...{ command, hindsightWindow_s, hindsightTransient_s, heldOut, sourceWeights: config.data.sources },
    log: hooks.log,
  });
  const recipe: Recipe =
    start === undefined
      ? { model: config.model, tokens, normaliser: prepared.normaliser }
      : { model: start.model, tokens, normaliser: start.normaliser };
  const specs = parameterSpecs(recipe.model, tokens);
  const from = start && stateOfBundle(start);
  const parameters = from?.parameters ?? initialParameters(specs, new Random(config.train.seed));
  const state: StateValues = { ...initialState(recipe, config.train, parameters), ...from?.running };
  const provenance = {
    tool: TOOL,
    trainedIn: 'browser',
    config,
    commandRange: prepared.report.commandRange,
    data: {
      shards: shards.map(({ file }) => ({ name: file.name, bytes: file.bytes })),
      sources: [...new Set(episodes.map(({ source }) => source))],
      report: prepared.report,
      ...(start === undefined ? {} : { from: { name: start.name, weightsSha256: weightsHash(start) } }),
    },
  };

  return {
    robot,
    parameterCount: parameterCount(specs),
    report: prepared.report,
    run: (steps) =>
      train({
        run: config.name,
        ...{ config, recipe, robot, heldOut, state },
        source: prepared.source,
        runtime: hooks.runtime,
        firstStep: 0,
        pending: {},
        now_s: hooks.now_s,
        signal: steps.signal,
        beforeStep: steps.beforeStep,
        openRecord: async () => ({
          metrics: (line) => steps.onMetrics(line),
          checkpoint: async ({ step }, values) =>
            steps.onPolicy(
              step,
              encodeBundle(bundleOfState(config.name, recipe, robot, values, { ...provenance, step })),
            ),
        }),
      }),
  };
}

function weightsHash(bundle: PolicyBundle): string {
  return sha256(encodeBundle(bundle)['weights.safetensors']);
}
