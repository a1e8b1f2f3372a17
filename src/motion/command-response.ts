// Command response: what velocity a controller achieves for a command when it is left alone.
//
// Hindsight labels each segment of constant command with the mean velocity that it achieved. Under noise and kicks that
// mean is itself noisy (yaw rate: 0.03 rad/s in clean segments, 0.17 in noisy ones), and a noisy label flattens the
// student's response. The controller's mean response has no such noise: a plane through the segments of the nearest
// commands, weighted by nearness and robustly (LOESS, Cleveland 1979, with Cauchy weights, so that kicked segments
// count little), takes the place of each moving segment's own mean. Near, because responses are no polynomials: many
// controllers stand still for small commands, or answer turning on the spot otherwise than turning in a curve.
// Action noise slows a walk down (T1: .59 of the commanded speed against .92), and the student acts without it: where
// enough segments executed the clean action throughout, they alone are asked.
// Segments in which the robot stood keep their own mean.

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

/** Segments of the controller left alone: rows of its command (3), what it achieved (3) and for how many frames. */
export type CommandResponse = readonly (readonly number[])[];

/** Below both of these a segment counts as standing (m/s, rad/s). */
const STANDING = { speed_mps: 0.1, yawRate_radps: 0.1 } as const;
/** Segments needed before their neighbourhoods say more than each of them alone. */
const LEAST_SEGMENTS = 40;
/** More say no more, and every policy carries them with it. */
const MOST_SEGMENTS = 600;
const NEIGHBOURS = 32;
const SHORTEST_SEGMENT_S = 1;
const REWEIGHTINGS = 8;
/** Keeps the normal equations regular where all neighbours lie on one axis. */
const RIDGE = 1e-6;
/** Rows have four decimals: commands that differ by less are one command, and no scale of their axis. */
const ROUNDING = 1e-4;

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

/** The response of one source, or undefined where it has too few segments that were commanded to move. */
export function fitCommandResponse(segments: readonly CommandSegment[]): CommandResponse | undefined {
  const all = segments.filter(isToMove);
  if (all.length < LEAST_SEGMENTS) return undefined;
  const clean = all.filter(({ noisy }) => !noisy);
  const asked = clean.length < LEAST_SEGMENTS ? all : clean;
  const stride = Math.max(1, asked.length / MOST_SEGMENTS);
  return Array.from({ length: Math.min(asked.length, MOST_SEGMENTS) }, (_, at) => {
    const { command, achieved, first, end } = asked[Math.floor(at * stride)];
    return [...[...command, ...achieved].map((value) => Number(value.toFixed(4))), end - first];
  });
}

/** The velocity that the controller achieves for a command: vx (m/s), vy (m/s), wz (rad/s). */
export function respond(response: CommandResponse, command: readonly [number, number, number]): number[] {
  const scales = [0, 1, 2].map((axis) => {
    const deviation = deviationOf(response.map((row) => row[axis]));
    return deviation > ROUNDING ? deviation : 1;
  });
  const offsets = response.map((row) => command.map((value, axis) => (row[axis] - value) / scales[axis]));
  const distances = offsets.map((offset) => Math.hypot(...offset));
  const nearest = distances.map((_, at) => at).sort((a, b) => distances[a] - distances[b] || a - b);
  nearest.length = Math.min(nearest.length, NEIGHBOURS);
  const reach = distances[nearest[nearest.length - 1]] || 1;
  // Tricube; the farthest has next to nothing rather than nothing, so that equally far ones are not all without weight.
  const nearness = nearest.map((at) => response[at][6] * Math.max(1e-6, 1 - (distances[at] / reach) ** 3) ** 3);
  const rows = nearest.map((at) => [1, ...offsets[at]]);
  return [0, 1, 2].map((axis) =>
    robustIntercept(
      rows,
      nearest.map((at) => response[at][3 + axis]),
      nearness,
    ),
  );
}

/** Whether the robot moved in a segment. */
export function isMoving({ achieved: [vx, vy, wz] }: CommandSegment): boolean {
  return Math.hypot(vx, vy) > STANDING.speed_mps || Math.abs(wz) > STANDING.yawRate_radps;
}

/** Whether it was asked to. */
export function isToMove({ command }: CommandSegment): boolean {
  return command.some((value) => value !== 0);
}

/** `label` with the response to its command in every frame of `segments`. */
export function calibrateLabel(
  label: { readonly data: Float32Array; readonly valid?: Uint8Array },
  segments: readonly CommandSegment[],
  response: CommandResponse,
): { readonly data: Float32Array; readonly valid?: Uint8Array } {
  const data = label.data.slice();
  for (const segment of segments) {
    const velocity = respond(response, segment.command);
    for (let frame = segment.first; frame < segment.end; frame++) data.set(velocity, 3 * frame);
  }
  return { ...label, data };
}

function isNoisy(episode: Episode, first: number, end: number): boolean {
  for (let frame = first; frame < end; frame++) if (hasActionNoise(episode, frame)) return true;
  return false;
}

/** Value at offset 0 of the plane through the targets. */
function robustIntercept(rows: readonly number[][], targets: readonly number[], nearness: readonly number[]): number {
  let coefficients: number[] = [];
  let weights = nearness;
  for (let pass = 0; pass < REWEIGHTINGS; pass++) {
    coefficients = weightedLeastSquares(rows, targets, weights);
    const residuals = rows.map((row, at) => Math.abs(targets[at] - dot(row, coefficients)));
    // 1.4826 median |r| is the standard deviation of normal residuals; 2.385 is Cauchy's 95 % efficiency.
    const scale = 2.385 * 1.4826 * Math.max(1e-4, upperMedian(residuals));
    weights = nearness.map((weight, at) => weight / (1 + (residuals[at] / scale) ** 2));
  }
  return coefficients[0];
}

function deviationOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at] * b[at];
  return sum;
}

/** Normal equations by Gaussian elimination: four unknowns, well scaled. */
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
