// Batch: windows of episodes as the rows that the training program reads, and the cutter that fills it.
//
// Row r = window * context + step holds [observation, action]: inputs, which of them are present, targets, and the
// weight of each target. A weight is zero where the target does not exist or where the input of the same channel is
// masked (arXiv 2402.19469, section 3: predictions that correspond to masked inputs carry no loss); a non-aligned action
// is predicted from the observation before it, and its label alone decides.
// What is absent is written as 0, and no loss or gradient depends on it.

import type { FloatArray } from '../base/arrays.js';
import type { RobotModel } from '../robot/robot-model.js';
import { rowWidth, type TokenSpec } from './token-spec.js';
import type { WindowSource } from './window-source.js';

export interface BatchBuffers {
  /** Each [batch * context, m + n]. */
  readonly values: FloatArray;
  readonly present: FloatArray;
  readonly targets: FloatArray;
  readonly weights: FloatArray;
}

export interface LossWeights {
  readonly observation: number;
  readonly action: number;
}

/** First frame of a window of `episode`, as drawn by the sampler. */
export interface Window {
  readonly episode: number;
  readonly first: number;
}

/** Frames that a window spans beyond its first: targets lie one step after the last token. */
export function framesNeeded(spec: TokenSpec): number {
  return spec.context + 1;
}

/** The least first frame: with pairing `previous` the first token needs the action of the frame before. */
export function leastFirstFrame(spec: TokenSpec, startsAtReset: boolean): number {
  return spec.pairing === 'same' || startsAtReset ? 0 : 1;
}

/** Allocates the four arrays of a batch. */
export function allocateBatch(spec: TokenSpec, batch: number): BatchBuffers {
  const size = batch * spec.context * rowWidth(spec);
  return {
    values: new Float32Array(size),
    present: new Float32Array(size),
    targets: new Float32Array(size),
    weights: new Float32Array(size),
  };
}

/** Returns a function that cuts one window into a batch, with its scratch memory allocated once. */
export function createCutter(
  spec: TokenSpec,
  robot: RobotModel,
  source: WindowSource,
): (window: Window, into: BatchBuffers, index: number, weights: LossWeights) => void {
  const width = rowWidth(spec);
  const { context, observationWidth: m, actionWidth: n } = spec;
  const frames = framesNeeded(spec);
  const widest = Math.max(n, ...spec.channels.map((channel) => channel.width));
  const scratch = new Float32Array(frames * widest);
  const valid = new Uint8Array(frames);
  const defaults = Float32Array.from(robot.defaultPosition_rad);

  return ({ episode, first }, into, index, lossWeights) => {
    const start = index * context * width;
    into.values.fill(0, start, start + context * width);
    into.present.fill(0, start, start + context * width);
    into.targets.fill(0, start, start + context * width);
    into.weights.fill(0, start, start + context * width);

    for (const channel of spec.channels) {
      source.read(episode, channel.name, first, frames, scratch, valid);
      const shift = channel.name === 'jointPosition' ? defaults : undefined;
      for (let step = 0; step < context; step++) {
        const row = start + step * width + channel.offset;
        if (valid[step] === 1) copyEntries(into.values, into.present, row, scratch, step, channel.width, shift);
        if (valid[step + 1] === 1) {
          const weight = valid[step] === 1 && spec.targets === 'state+action' ? lossWeights.observation : 0;
          copyTarget(into.targets, into.weights, row, scratch, step + 1, channel.width, shift, weight);
        }
      }
    }

    // History carries the executed action, targets the clean label.
    const lag = spec.pairing === 'previous' ? 1 : 0;
    const before = first - lag < 0 ? 1 : 0;
    // A source that was not disturbed executes what it says: its action is its executed action.
    const executed = source.episodes[episode].channels.has('executedAction') ? 'executedAction' : 'action';
    // At least one frame: whether there are actions at all is asked of the first one.
    source.read(episode, executed, first - lag + before, Math.max(1, context - before), scratch, valid);
    for (let step = 0; step < context; step++) {
      const row = start + step * width + m;
      if (step < before) {
        // The first step after a reset: the action before it is the default pose, 0, if there are actions at all.
        if (valid[0] === 1) into.present.fill(1, row, row + n);
      } else if (valid[step - before] === 1) {
        copyEntries(into.values, into.present, row, scratch, step - before, n, undefined);
      }
    }
    // The action after the one beside the observation; non-aligned, o_t predicts the very action that stands beside it.
    const ahead = spec.alignment === 'nonaligned' ? 0 : 1 - lag;
    const readsAction = spec.alignment === 'aligned';
    source.read(episode, 'action', first + ahead, context, scratch, valid);
    for (let step = 0; step < context; step++) {
      if (valid[step] === 0) continue;
      const row = start + step * width + m;
      const weight = !readsAction || into.present[row] === 1 ? lossWeights.action : 0;
      copyTarget(into.targets, into.weights, row, scratch, step, n, undefined, weight);
    }
  };
}

function copyEntries(
  values: FloatArray,
  present: FloatArray,
  row: number,
  scratch: Float32Array,
  frame: number,
  width: number,
  shift: Float32Array | undefined,
): void {
  for (let entry = 0; entry < width; entry++) {
    values[row + entry] = scratch[frame * width + entry] - (shift === undefined ? 0 : shift[entry]);
    present[row + entry] = 1;
  }
}

function copyTarget(
  targets: FloatArray,
  weights: FloatArray,
  row: number,
  scratch: Float32Array,
  frame: number,
  width: number,
  shift: Float32Array | undefined,
  weight: number,
): void {
  for (let entry = 0; entry < width; entry++) {
    targets[row + entry] = scratch[frame * width + entry] - (shift === undefined ? 0 : shift[entry]);
    weights[row + entry] = weight;
  }
}
