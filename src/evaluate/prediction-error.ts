// Open-loop prediction error: how well the next token is foretold on held-out episodes (arXiv 2402.19469, section 4).
//
// Mean squared error in normalised units of the step after a full window: what the policy has in front of it in use.
// Complete windows only, as in the paper: every channel and action of the window and of its target is there. Baselines:
// copying the newest observation and executed action, and predicting the mean. It does not foretell walking
// (docs/evaluation.md), and belongs beside closed-loop numbers, not in their place.

import { Random } from '../base/random.js';
import type { Dataset } from '../dataset/dataset.js';
import { motionOf } from '../motion/columns.js';
import { type CommandResponse, calibrateLabel, commandSegments, isMoving } from '../motion/command-response.js';
import type { Episode } from '../motion/episode.js';
import { hindsightCommand } from '../motion/hindsight.js';
import { splitOf } from '../motion/split.js';
import { taughtCommand } from '../motion/taught-command.js';
import type { PolicyBundle } from '../policy/bundle.js';
import { buildPolicyGraph, POLICY_IO, policyState } from '../policy/policy-graph.js';
import type { Runtime } from '../runtime/runtime.js';
import { allocateBatch, createCutter, leastFirstFrame } from '../tokens/batch.js';
import { windowsIn } from '../tokens/sampler.js';
import { rowWidth, type TokenSpec } from '../tokens/token-spec.js';
import { memorySource } from '../tokens/window-source.js';
import type { CommandLabel } from '../train/prepare.js';
import { bootstrapInterval, type Estimate } from './statistics.js';

/** Mean squared errors in normalised units; state is null for a policy that was trained on actions alone. */
export interface PredictionErrors {
  readonly state: Estimate | null;
  readonly action: Estimate | null;
  readonly both: Estimate | null;
}

export interface PredictionRow {
  readonly key: string;
  readonly name: string;
  readonly errors: PredictionErrors;
}

export interface PredictionResult {
  readonly data: readonly string[];
  readonly split: 'held-out' | 'all';
  readonly command: CommandLabel;
  readonly episodes: number;
  readonly windows: number;
  readonly rows: readonly PredictionRow[];
}

/** A network to be judged. Its tokens and normaliser must be those of the first one. */
export interface Predictor {
  readonly key: string;
  readonly name: string;
  readonly bundle: PolicyBundle;
}

export interface PredictionOptions {
  readonly runtime: Runtime;
  readonly windows: number;
  readonly split: 'held-out' | 'all';
  /** The training's own share of held-out episodes. */
  readonly validationShare: number;
  /** The command label that training used. */
  readonly command: CommandLabel;
  readonly hindsightWindow_s: number;
  readonly hindsightTransient_s: number;
  /** Fitted responses to commands by source, for calibrated labels. */
  readonly responses?: Readonly<Record<string, CommandResponse>>;
  readonly resamples: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Windows of one call of the network. */
const BATCH = 64;

/** Sums over one episode: squared errors and numbers of entries, state then action. */
type EpisodeSums = Float64Array; // [4]

/** @returns null where no held-out episode has a complete window */
export async function predictionErrors(
  dataset: Pick<Dataset, 'episodes' | 'readEpisode' | 'folders'>,
  predictors: readonly Predictor[],
  options: PredictionOptions,
): Promise<PredictionResult | null> {
  const { bundle } = predictors[0];
  const { tokens } = bundle;
  const plan = planWindows(dataset, tokens, options);
  const judges = [
    ...(await Promise.all(predictors.map((predictor) => networkJudge(predictor, options.runtime)))),
    copyJudge(tokens),
    meanJudge(),
  ];
  const sums = judges.map((): EpisodeSums[] => []);
  let windows = 0;
  try {
    for (const { index, firsts } of plan) {
      if (options.signal?.aborted) break;
      const episode = withCommand(await dataset.readEpisode(index), options);
      const complete = completeWindows(episode, bundle, firsts);
      if (complete.count === 0) continue;
      windows += complete.count;
      for (let at = 0; at < judges.length; at++) sums[at].push(await judges[at].judge(complete, bundle));
    }
  } finally {
    for (const judge of judges) await judge.dispose();
  }
  if (windows === 0) return null;
  return {
    data: dataset.folders,
    split: options.split,
    command: options.command,
    episodes: sums[0].length,
    windows,
    rows: judges.map(({ key, name }, at) => ({ key, name, errors: errorsOf(sums[at], tokens, options) })),
  };
}

/** Which windows of which episodes: at most `options.windows`, evenly spread over all that there are. */
function planWindows(
  dataset: Pick<Dataset, 'episodes'>,
  tokens: TokenSpec,
  { windows, split, validationShare }: PredictionOptions,
): { index: number; firsts: number[] }[] {
  const needed = ['action' as const, ...tokens.channels.map(({ name }) => name).filter((name) => name !== 'command')];
  const episodes = dataset.episodes
    .map((episode, index) => ({ ...episode, index, windows: windowsIn(tokens, episode) }))
    .filter(({ id, channels }) => {
      const isHeldOut = split === 'all' || splitOf(id, validationShare) === 'validation';
      return isHeldOut && needed.every((name) => channels.has(name));
    });
  const total = episodes.reduce((sum, episode) => sum + episode.windows, 0);
  const wanted = Math.min(windows, total);
  const plan: { index: number; firsts: number[] }[] = [];
  let before = 0;
  let next = 0;
  for (const episode of episodes) {
    const firsts: number[] = [];
    const least = leastFirstFrame(tokens, episode.startsAtReset);
    for (; next < wanted; next++) {
      const window = Math.floor(((next + 0.5) * total) / wanted) - before;
      if (window >= episode.windows) break;
      firsts.push(least + window);
    }
    before += episode.windows;
    if (firsts.length > 0) plan.push({ index: episode.index, firsts });
  }
  return plan;
}

function withCommand(
  episode: Episode,
  { command, hindsightWindow_s, hindsightTransient_s, responses = {} }: PredictionOptions,
): Episode {
  if (command === 'recorded') return episode;
  const known = command === 'calibrated' ? responses : {};
  const taught = taughtCommand(episode);
  if (taught !== undefined) return { ...episode, channels: { ...episode.channels, command: taught.label(known) } };
  const label = hindsightCommand(motionOf(episode), {
    smoothing_s: hindsightWindow_s,
    transient_s: hindsightTransient_s,
  });
  const response = known[episode.source];
  const calibrated =
    label !== undefined && response !== undefined
      ? { ...label, ...calibrateLabel(label, commandSegments(episode, label).filter(isMoving), response) }
      : label;
  return { ...episode, channels: { ...episode.channels, command: calibrated } };
}

/** Complete windows of one episode: raw rows [window, context, m + n] and the raw target of the last step. */
interface CompleteWindows {
  readonly count: number;
  readonly rows: Float32Array; // [count, context, m + n]
  readonly targets: Float32Array; // [count, m + n]
}

function completeWindows(episode: Episode, bundle: PolicyBundle, firsts: readonly number[]): CompleteWindows {
  const { tokens, robot } = bundle;
  const width = rowWidth(tokens);
  const size = tokens.context * width;
  const cut = createCutter(tokens, robot, memorySource([episode]));
  const batch = allocateBatch(tokens, 1);
  const rows = new Float32Array(firsts.length * size);
  const targets = new Float32Array(firsts.length * width);
  const judgedFrom = tokens.targets === 'action' ? tokens.observationWidth : 0;
  let count = 0;
  for (const first of firsts) {
    cut({ episode: 0, first }, batch, 0, { observation: 1, action: 1 });
    const hasTargets = batch.weights.subarray(size - width + judgedFrom, size).every((weight) => weight === 1);
    if (!hasTargets || batch.present.includes(0)) continue;
    rows.set(batch.values as Float32Array, count * size);
    targets.set(batch.targets.subarray(size - width, size), count * width);
    count++;
  }
  return { count, rows: rows.subarray(0, count * size), targets: targets.subarray(0, count * width) };
}

interface Judge {
  readonly key: string;
  readonly name: string;
  judge(windows: CompleteWindows, bundle: PolicyBundle): Promise<EpisodeSums>;
  dispose(): Promise<void>;
}

async function networkJudge({ key, name, bundle }: Predictor, runtime: Runtime): Promise<Judge> {
  const { context, observationWidth: m, actionWidth: n } = bundle.tokens;
  const width = m + n;
  const program = await runtime.compile(buildPolicyGraph(bundle, BATCH), { state: policyState(bundle), threads: 1 });
  const predicted = new Float32Array(width);
  return {
    key,
    name,
    dispose: () => program.dispose(),
    async judge({ count, rows, targets }) {
      const sums = new Float64Array(4);
      program.feeds[POLICY_IO.newest].fill(context - 1);
      for (let from = 0; from < count; from += BATCH) {
        const here = Math.min(BATCH, count - from);
        for (let step = 0; step < here * context; step++) {
          const row = (from * context + step) * width;
          program.feeds[POLICY_IO.observation].set(rows.subarray(row, row + m), step * m);
          program.feeds[POLICY_IO.action].set(rows.subarray(row + m, row + width), step * n);
        }
        await program.run();
        const observations = program.results[POLICY_IO.nextObservation];
        const actions = program.results[POLICY_IO.output];
        for (let window = 0; window < here; window++) {
          for (let at = 0; at < m; at++) predicted[at] = observations[window * m + at];
          for (let at = 0; at < n; at++) predicted[m + at] = actions[window * n + at];
          addErrors(sums, predicted, targets, (from + window) * width, bundle);
        }
      }
      return sums;
    },
  };
}

/**
 * Copies the newest observation and the newest executed action. Non-aligned, the action that stands beside the newest
 * observation is the one to be foretold: there it is the action of the step before, or the default pose's, 0.
 */
function copyJudge({ context, observationWidth, actionWidth, alignment }: TokenSpec): Judge {
  const width = observationWidth + actionWidth;
  const back = alignment === 'nonaligned' ? 1 : 0;
  return baselineJudge('copy-last', 'copy-last', ({ rows }, window, predicted) => {
    const newest = ((window + 1) * context - 1) * width;
    predicted.set(rows.subarray(newest, newest + observationWidth));
    if (back >= context) predicted.fill(0, observationWidth);
    else
      predicted.set(
        rows.subarray(newest - back * width + observationWidth, newest - back * width + width),
        observationWidth,
      );
  });
}

function meanJudge(): Judge {
  return baselineJudge('predict-mean', 'predict-mean', (_windows, _window, predicted, bundle) => {
    predicted.set(bundle.normaliser.mean);
  });
}

/** A baseline that needs no network. @param predict writes the prediction [m + n] of a window */
function baselineJudge(
  key: string,
  name: string,
  predict: (windows: CompleteWindows, window: number, predicted: Float32Array, bundle: PolicyBundle) => void,
): Judge {
  return {
    key,
    name,
    dispose: async () => {},
    async judge(windows, bundle) {
      const sums = new Float64Array(4);
      const width = rowWidth(bundle.tokens);
      const predicted = new Float32Array(width);
      for (let window = 0; window < windows.count; window++) {
        predict(windows, window, predicted, bundle);
        addErrors(sums, predicted, windows.targets, window * width, bundle);
      }
      return sums;
    },
  };
}

function addErrors(
  sums: EpisodeSums,
  predicted: Float32Array,
  targets: Float32Array,
  target: number,
  { normaliser, tokens }: PolicyBundle,
): void {
  for (let at = 0; at < predicted.length; at++) {
    const side = at < tokens.observationWidth ? 0 : 2;
    sums[side] += ((predicted[at] - targets[target + at]) / normaliser.deviation[at]) ** 2;
    sums[side + 1] += 1;
  }
}

/** Means over all entries; episodes are what the bootstrap resamples, because windows of one episode are not independent. */
function errorsOf(sums: readonly EpisodeSums[], tokens: TokenSpec, options: PredictionOptions): PredictionErrors {
  const estimate = (sides: readonly number[]): Estimate => {
    const mean = (pick: ArrayLike<number>) => {
      let errors = 0;
      let entries = 0;
      for (let at = 0; at < pick.length; at++) {
        for (const side of sides) {
          errors += sums[pick[at]][side];
          entries += sums[pick[at]][side + 1];
        }
      }
      return errors / entries;
    };
    const random = new Random(options.seed).split('bootstrap', 'prediction');
    return {
      mean: mean(sums.map((_, at) => at)),
      interval95: bootstrapInterval(sums.length, options.resamples, random, mean),
      count: sums.length,
    };
  };
  const hasState = tokens.targets === 'state+action';
  return { state: hasState ? estimate([0]) : null, action: estimate([2]), both: hasState ? estimate([0, 2]) : null };
}
