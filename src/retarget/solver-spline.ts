// Control points of a trajectory: configurations c[0..frameCount] whose midpoints are the frames.
//
// q[t] = (c[t] + c[t+1]) / 2 and v[t] = (c[t+1] - c[t]) / Δt meet q[t+1] = q[t] + (v[t] + v[t+1]) Δt / 2 exactly. The
// base's orientation is the midpoint of the arc between two control orientations, and its velocity that arc over Δt.
// Small changes of an orientation are rotation vectors in the world frame, applied from the left.

import type { FloatArray, Numbers } from '../base/arrays.js';
import { normalizeQuaternion } from '../math/quaternion.js';
import { BASE_VARIABLES, type SolverModel } from './problem.js';
import { turnBetween } from './residual-frame.js';

/** Writes frame `frame`'s qpos to `out` at `o`. Passive coordinates keep what stands in `out`. */
export function writeConfiguration(
  model: SolverModel,
  controls: Float64Array,
  frame: number,
  out: FloatArray,
  o: number,
): void {
  const { baseAddress, addresses } = model;
  const width = model.rest.length;
  const a = frame * width;
  const b = a + width;
  for (let k = 0; k < 3; k++) {
    out[o + baseAddress + k] = 0.5 * (controls[a + baseAddress + k] + controls[b + baseAddress + k]);
  }
  const turn = baseAddress + 3;
  let cosine = 0;
  for (let k = turn; k < turn + 4; k++) cosine += controls[a + k] * controls[b + k];
  // The sum of two unit quaternions points to the middle of their arc.
  const sign = cosine < 0 ? -1 : 1;
  for (let k = turn; k < turn + 4; k++) out[o + k] = controls[a + k] + sign * controls[b + k];
  normalizeQuaternion(out, o + turn);
  for (let joint = 0; joint < addresses.length; joint++) {
    const at = addresses[joint];
    out[o + at] = 0.5 * (controls[a + at] + controls[b + at]);
  }
}

/** Writes the velocity of frame `frame` over the variables [size] (m/s and rad/s, base in the world frame). */
export function writeVelocity(
  model: SolverModel,
  controls: Float64Array,
  frame: number,
  rate_hz: number,
  out: FloatArray,
  o: number,
): void {
  const { baseAddress, addresses } = model;
  const width = model.rest.length;
  const a = frame * width;
  const b = a + width;
  for (let k = 0; k < 3; k++) out[o + k] = (controls[b + baseAddress + k] - controls[a + baseAddress + k]) * rate_hz;
  turnBetween(out, o + 3, controls, a + baseAddress + 3, controls, b + baseAddress + 3);
  for (let k = 3; k < BASE_VARIABLES; k++) out[o + k] *= rate_hz;
  for (let joint = 0; joint < addresses.length; joint++) {
    const at = addresses[joint];
    out[o + BASE_VARIABLES + joint] = (controls[b + at] - controls[a + at]) * rate_hz;
  }
}

/** to[row] = from[row] moved by `scale` times a step over the variables. */
export function moveControl(
  model: SolverModel,
  from: Float64Array,
  row: number,
  step: Numbers,
  s: number,
  scale: number,
  to: Float64Array,
): void {
  const { baseAddress, addresses } = model;
  const at = row * model.rest.length;
  for (let k = 0; k < 3; k++) to[at + baseAddress + k] = from[at + baseAddress + k] + scale * step[s + k];
  turnFromLeft(to, from, at + baseAddress + 3, scale * step[s + 3], scale * step[s + 4], scale * step[s + 5]);
  for (let joint = 0; joint < addresses.length; joint++) {
    to[at + addresses[joint]] = from[at + addresses[joint]] + scale * step[s + BASE_VARIABLES + joint];
  }
}

/** to = exp(vector) ⊗ from, at the same place `i` in both. */
export function turnFromLeft(to: Float64Array, from: Numbers, i: number, x: number, y: number, z: number): void {
  const angle = Math.sqrt(x * x + y * y + z * z);
  // sin(a/2)/a tends to 1/2.
  const factor = angle < 1e-9 ? 0.5 : Math.sin(angle / 2) / angle;
  const w = Math.cos(angle / 2);
  const fw = from[i];
  const fx = from[i + 1];
  const fy = from[i + 2];
  const fz = from[i + 3];
  const tx = x * factor;
  const ty = y * factor;
  const tz = z * factor;
  to[i] = w * fw - tx * fx - ty * fy - tz * fz;
  to[i + 1] = w * fx + tx * fw + ty * fz - tz * fy;
  to[i + 2] = w * fy - tx * fz + ty * fw + tz * fx;
  to[i + 3] = w * fz + tx * fy - ty * fx + tz * fw;
  normalizeQuaternion(to, i);
}

/**
 * Spreads a frame's gradient to its two control points: half each, and for the base's rotation the exact derivative of
 * the arc's midpoint (½ ± ½ tan(θ/4) n×).
 * @param gradient of the frame over its variables
 * @param velocity of the frame over its variables
 * @param out gradients of the control points; the first at `a`, the second at `b`, added to
 */
export function spreadGradient(
  gradient: Numbers,
  velocity: Numbers,
  v: number,
  period_s: number,
  out: Float64Array,
  a: number,
  b: number,
  size: number,
): void {
  for (let k = 0; k < size; k++) {
    const half = 0.5 * gradient[k];
    out[a + k] += half;
    out[b + k] += half;
  }
  const x = velocity[v + 3] * period_s;
  const y = velocity[v + 4] * period_s;
  const z = velocity[v + 5] * period_s;
  const angle = Math.sqrt(x * x + y * y + z * z);
  // ½ tan(θ/4) / θ tends to 1/8.
  const factor = angle < 1e-6 ? 0.125 : (0.5 * Math.tan(angle / 4)) / angle;
  const tx = factor * (y * gradient[5] - z * gradient[4]);
  const ty = factor * (z * gradient[3] - x * gradient[5]);
  const tz = factor * (x * gradient[4] - y * gradient[3]);
  out[a + 3] -= tx;
  out[a + 4] -= ty;
  out[a + 5] -= tz;
  out[b + 3] += tx;
  out[b + 4] += ty;
  out[b + 5] += tz;
}

/** The control points nearest to given frames: means of neighbours, ends extended. `configurations` is [frame, qpos]. */
export function controlsFromFrames(
  model: SolverModel,
  configurations: Float64Array,
  frameCount: number,
  controls: Float64Array,
): void {
  const width = model.rest.length;
  const turn = model.baseAddress + 3;
  const half = new Float64Array(4);
  for (let row = 0; row <= frameCount; row++) {
    const before = Math.max(0, Math.min(frameCount - 1, row - 1)) * width;
    const after = Math.min(frameCount - 1, row) * width;
    const to = row * width;
    for (let k = 0; k < width; k++) controls[to + k] = 0.5 * (configurations[before + k] + configurations[after + k]);
    let cosine = 0;
    for (let k = turn; k < turn + 4; k++) cosine += configurations[before + k] * configurations[after + k];
    const sign = cosine < 0 ? -1 : 1;
    for (let k = 0; k < 4; k++) half[k] = configurations[before + turn + k] + sign * configurations[after + turn + k];
    normalizeQuaternion(half, 0);
    for (let k = 0; k < 4; k++) controls[to + turn + k] = half[k];
  }
}
