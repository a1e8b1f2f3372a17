// Command response: what velocity a controller achieves for a command when it is left alone, fitted over its segments.
//
// Hindsight labels each segment of constant command with the mean velocity that it achieved. Under noise and kicks that
// mean is itself noisy (yaw rate: 0.03 rad/s in clean segments, 0.17 in noisy ones), and a noisy label flattens the
// student's response. The controller's mean response to a command has no such noise: a quadratic in the command, fitted
// robustly (Cauchy weights, so that kicked segments count little), takes the place of each moving segment's own mean.
// Action noise slows a walk down (T1: .59 of the commanded speed against .92), and the student acts without it: where
// enough segments executed the clean action throughout, they alone are fitted.
// Segments in which the robot stood keep theirs: many controllers stand still for small commands.

import { upperMedian } from '../math/median.js';
import { hasActionNoise } from './action-noise.js';
import type { Channel, Episode } from './episode.js';

/** Frames [first, end) of an episode under one command, and the mean velocity achieved in them. */
export interface CommandSegment {
  readonly first: number;
  readonly end: number;
  readonly command: readonly [number, number, number];
  readonly achieved: readonly [number, number, number];
  /** Some executed action differed from the controller's own. */
  readonly noisy: boolean;
}

/** Coefficients [axis][feature] over features(command). */
export type CommandResponse = readonly (readonly number[])[];

/** Below both of these a segment counts as standing (m/s, rad/s). */
const STANDING = { speed_mps: 0.1, yawRate_radps: 0.1 } as const;
/** Moving segments needed before a fit says more than the segments themselves. */
const LEAST_SEGMENTS = 40;
const SHORTEST_SEGMENT_S = 1;
const REWEIGHTINGS = 20;
/** Keeps the normal equations regular where an axis was never commanded, and moves no slope that is wanted. */
const RIDGE = 1e-6;

/** Runs of constant command that have a hindsight label. */
export function commandSegments(episode: Episode, label: Pick<Channel, 'data' | 'valid'>): CommandSegment[] {
  const command = episode.channels.command;
  if (command === undefined) return [];
  const at = (channel: { readonly data: Float32Array }, frame: number) =>
    [channel.data[3 * frame], channel.data[3 * frame + 1], channel.data[3 * frame + 2]] as const;
  const has = (channel: { readonly valid?: Uint8Array }, frame: number) => channel.valid?.[frame] !== 0;
  const segments: CommandSegment[] = [];
  let first = 0;
  for (let frame = 1; frame <= episode.frameCount; frame++) {
    const goesOn =
      frame < episode.frameCount && at(command, frame).every((value, axis) => value === at(command, first)[axis]);
    if (goesOn) continue;
    const long = frame - first >= SHORTEST_SEGMENT_S * episode.rate_hz;
    if (long && has(command, first) && has(label, first)) {
      const noisy = isNoisy(episode, first, frame);
      segments.push({ first, end: frame, command: at(command, first), achieved: at(label, first), noisy });
    }
    first = frame;
  }
  return segments;
}

/** The fitted response of one source, or undefined where it has too few moving segments. */
export function fitCommandResponse(segments: readonly CommandSegment[]): CommandResponse | undefined {
  const all = segments.filter(isMoving);
  if (all.length < LEAST_SEGMENTS) return undefined;
  const clean = all.filter(({ noisy }) => !noisy);
  const moving = clean.length < LEAST_SEGMENTS ? all : clean;
  const rows = moving.map(({ command }) => features(command));
  return [0, 1, 2].map((axis) => {
    const targets = moving.map(({ achieved }) => achieved[axis]);
    let coefficients: number[] = [];
    let weights = moving.map(({ first, end }) => end - first);
    for (let pass = 0; pass < REWEIGHTINGS; pass++) {
      coefficients = weightedLeastSquares(rows, targets, weights);
      const residuals = rows.map((row, at) => Math.abs(targets[at] - dot(row, coefficients)));
      // 1.4826 median |r| is the standard deviation of normal residuals; 2.385 is Cauchy's 95 % efficiency.
      const scale = 2.385 * 1.4826 * Math.max(1e-4, upperMedian(residuals));
      weights = moving.map(({ first, end }, at) => (end - first) / (1 + (residuals[at] / scale) ** 2));
    }
    return coefficients;
  });
}

/** `label` with every moving segment's command replaced by the response to it. */
export function calibrateLabel(
  label: { readonly data: Float32Array; readonly valid?: Uint8Array },
  segments: readonly CommandSegment[],
  response: CommandResponse,
): { readonly data: Float32Array; readonly valid?: Uint8Array } {
  const data = label.data.slice();
  for (const segment of segments) {
    if (!isMoving(segment)) continue;
    const velocity = response.map((coefficients) => dot(features(segment.command), coefficients));
    for (let frame = segment.first; frame < segment.end; frame++) data.set(velocity, 3 * frame);
  }
  return { ...label, data };
}

function isNoisy(episode: Episode, first: number, end: number): boolean {
  for (let frame = first; frame < end; frame++) if (hasActionNoise(episode, frame)) return true;
  return false;
}

function isMoving({ achieved: [vx, vy, wz] }: CommandSegment): boolean {
  return Math.hypot(vx, vy) > STANDING.speed_mps || Math.abs(wz) > STANDING.yawRate_radps;
}

/** 1, the command, its squares and products. */
function features([x, y, z]: readonly [number, number, number]): number[] {
  return [1, x, y, z, x * x, y * y, z * z, x * y, x * z, y * z];
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at] * b[at];
  return sum;
}

/** Normal equations by Gaussian elimination: ten unknowns, well scaled. */
function weightedLeastSquares(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  weights: readonly number[],
): number[] {
  const n = rows[0].length;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const system = Array.from({ length: n }, (_, i) => Array.from({ length: n + 1 }, (_, j) => (i === j ? RIDGE : 0)));
  rows.forEach((row, at) => {
    const weight = weights[at] / total;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) system[i][j] += weight * row[i] * row[j];
      system[i][n] += weight * row[i] * targets[at];
    }
  });
  for (let pivot = 0; pivot < n; pivot++) {
    for (let i = 0; i < n; i++) {
      if (i === pivot) continue;
      const factor = system[i][pivot] / system[pivot][pivot];
      for (let j = pivot; j <= n; j++) system[i][j] -= factor * system[pivot][j];
    }
  }
  return system.map((row, i) => row[n] / row[i]);
}
