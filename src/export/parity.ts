// The check that every export passes: policy.onnx in ONNX Runtime against the training program's predictions, computed
// in float64 by plain TypeScript.
//
// The oracle shares nothing with the exported program but the transformer: it predicts at all positions of a window,
// the newest is picked and turned into radians here, and it never sees what lies behind. policy.onnx gets the same
// window at every length, with NaN behind its newest step. Windows are drawn from the normaliser's distribution.

import { DataError } from '../base/errors.js';
import { Random } from '../base/random.js';
import { BUNDLE_FILES, type PolicyBundle } from '../policy/bundle.js';
import { openOnnxPolicy } from '../policy/onnx-policy.js';
import { POLICY_IO } from '../policy/policy-graph.js';
import type { OrtModule } from '../runtime/onnx.js';
import { referenceRuntime } from '../runtime/reference.js';
import { rowWidth } from '../tokens/token-spec.js';
import { buildPredictionGraph, STATE } from '../train/training-program.js';

export const PARITY_DEFAULTS = {
  /** Largest difference, in normalised units and in rad. */
  tolerance: 1e-5,
  windows: 4,
  seed: 1,
} as const;

export interface ParityReport {
  /** Windows, times lengths: each compared in all outputs. */
  readonly comparisons: number;
  readonly tolerance: number;
  /** Largest absolute differences. */
  readonly action_rad: number;
  readonly actionNormalised: number;
  readonly nextObservationNormalised: number;
}

export interface ParityOptions {
  readonly tolerance?: number;
  readonly windows?: number;
  readonly seed?: number;
  /** File name for messages. */
  readonly where?: string;
}

/**
 * Compares a policy.onnx with the bundle's training program.
 * @throws DataError where they differ by more than the tolerance
 */
export async function checkParity(
  ort: OrtModule,
  model: Uint8Array,
  bundle: PolicyBundle,
  options: ParityOptions = {},
): Promise<ParityReport> {
  const { tolerance = PARITY_DEFAULTS.tolerance, windows = PARITY_DEFAULTS.windows } = options;
  const { seed = PARITY_DEFAULTS.seed, where = BUNDLE_FILES.onnx } = options;
  const { tokens, normaliser } = bundle;
  const { context, observationWidth: m, actionWidth: n } = tokens;
  const width = rowWidth(tokens);
  const reference = await referenceRuntime().compile(buildPredictionGraph(bundle, 1), {
    state: trainedState(bundle),
  });
  const exported = await openOnnxPolicy(ort, model, bundle, { where });
  const batch = exported.feeds[POLICY_IO.newest].length;
  const worst = { action_rad: 0, actionNormalised: 0, nextObservationNormalised: 0 };
  try {
    for (let window = 0; window < windows; window++) {
      const rows = randomRows(bundle, new Random(seed).split('parity', window));
      reference.feeds.values.set(rows);
      reference.feeds.present.fill(1);
      await reference.run();
      for (let newest = 0; newest < context; newest++) {
        for (let slot = 0; slot < batch; slot++) feedWindow(exported.feeds, slot, rows, newest, bundle);
        await exported.run();
        for (let slot = 0; slot < batch; slot++) {
          for (let entry = 0; entry < width; entry++) {
            const expected = reference.results.predictions[newest * width + entry];
            const isAction = entry >= m;
            const found = isAction
              ? exported.results[POLICY_IO.output][slot * n + entry - m]
              : exported.results[POLICY_IO.nextObservation][slot * m + entry];
            const deviation = normaliser.deviation[entry];
            const physical = difference(found, expected * deviation + normaliser.mean[entry]);
            if (isAction) worst.action_rad = Math.max(worst.action_rad, physical);
            const key = isAction ? 'actionNormalised' : 'nextObservationNormalised';
            worst[key] = Math.max(worst[key], physical / deviation);
          }
        }
      }
    }
  } finally {
    await exported.dispose();
    await reference.dispose();
  }
  const report = { comparisons: windows * context * batch, tolerance, ...worst };
  if (Math.max(...Object.values(worst)) > tolerance) {
    throw new DataError({
      where,
      what: 'outputs differ from the training program',
      expected: `at most ${tolerance}`,
      found: describeParity(report),
      fix: 'Weights or inputs are too large for float32; train with weight decay or clipping, or check the normaliser',
    });
  }
  return report;
}

/** One line for people. */
export function describeParity(report: ParityReport): string {
  return (
    `action ${report.action_rad.toExponential(1)} rad (${report.actionNormalised.toExponential(1)} normalised), ` +
    `next observation ${report.nextObservationNormalised.toExponential(1)} normalised, ` +
    `over ${report.comparisons} windows`
  );
}

/** A NaN differs from everything by more than any tolerance. */
function difference(found: number, expected: number): number {
  const absolute = Math.abs(found - expected);
  return Number.isNaN(absolute) ? Number.POSITIVE_INFINITY : absolute;
}

function trainedState(bundle: PolicyBundle): Record<string, { readonly initial: Float32Array }> {
  const state: Record<string, { initial: Float32Array }> = {};
  for (const [name, initial] of Object.entries(bundle.parameters)) state[STATE.parameter + name] = { initial };
  if (bundle.running !== undefined) {
    state[STATE.runningMean] = { initial: bundle.running.mean };
    state[STATE.runningVariance] = { initial: bundle.running.variance };
  }
  return state;
}

/** A whole window of rows in physical units, as float32 holds them. */
function randomRows({ tokens, normaliser }: PolicyBundle, random: Random): Float32Array {
  const { mean, deviation } = normaliser;
  return Float32Array.from(
    { length: tokens.context * mean.length },
    (_, at) => mean[at % mean.length] + deviation[at % mean.length] * random.normal(),
  );
}

/** The first newest + 1 rows as one robot's window; NaN behind them. */
function feedWindow(
  feeds: Readonly<Record<string, Float32Array | Float64Array>>,
  slot: number,
  rows: Float32Array,
  newest: number,
  { tokens }: PolicyBundle,
): void {
  const { context, observationWidth: m, actionWidth: n } = tokens;
  feeds[POLICY_IO.newest][slot] = newest;
  for (let step = 0; step < context; step++) {
    const row = step * (m + n);
    const observation = (slot * context + step) * m;
    const action = (slot * context + step) * n;
    for (let entry = 0; entry < m; entry++) {
      feeds[POLICY_IO.observation][observation + entry] = step <= newest ? rows[row + entry] : Number.NaN;
    }
    for (let joint = 0; joint < n; joint++) {
      feeds[POLICY_IO.action][action + joint] = step <= newest ? rows[row + m + joint] : Number.NaN;
    }
  }
}
