// Unit quaternions (w, x, y, z) over typed arrays, allocation-free: results go to `out` at an offset.
//
// A quaternion q_AB rotates coordinates of frame B into frame A. Convention: Hamilton product, right-handed.

import type { FloatArray, Numbers } from '../base/arrays.js';

/** out = a ⊗ b. */
export function multiplyQuaternions(out: FloatArray, o: number, a: Numbers, i: number, b: Numbers, j: number): void {
  const aw = a[i];
  const ax = a[i + 1];
  const ay = a[i + 2];
  const az = a[i + 3];
  const bw = b[j];
  const bx = b[j + 1];
  const by = b[j + 2];
  const bz = b[j + 3];
  out[o] = aw * bw - ax * bx - ay * by - az * bz;
  out[o + 1] = aw * bx + ax * bw + ay * bz - az * by;
  out[o + 2] = aw * by - ax * bz + ay * bw + az * bx;
  out[o + 3] = aw * bz + ax * by - ay * bx + az * bw;
}

/** out = q v q*: the vector v (3) of the inner frame, in the outer frame. */
export function rotate(out: FloatArray, o: number, q: Numbers, i: number, v: Numbers, j: number): void {
  rotateBy(out, o, q[i], q[i + 1], q[i + 2], q[i + 3], v[j], v[j + 1], v[j + 2]);
}

/** out = q* v q: the vector v (3) of the outer frame, in the inner frame. */
export function rotateInverse(out: FloatArray, o: number, q: Numbers, i: number, v: Numbers, j: number): void {
  rotateBy(out, o, q[i], -q[i + 1], -q[i + 2], -q[i + 3], v[j], v[j + 1], v[j + 2]);
}

function rotateBy(
  out: FloatArray,
  o: number,
  w: number,
  x: number,
  y: number,
  z: number,
  vx: number,
  vy: number,
  vz: number,
): void {
  const tx = 2 * (y * vz - z * vy);
  const ty = 2 * (z * vx - x * vz);
  const tz = 2 * (x * vy - y * vx);
  out[o] = vx + w * tx + y * tz - z * ty;
  out[o + 1] = vy + w * ty + z * tx - x * tz;
  out[o + 2] = vz + w * tz + x * ty - y * tx;
}

/** Gravity's direction in the body frame, R^T (0, 0, -1): (0, 0, -1) when upright. */
export function projectedGravity(out: FloatArray, o: number, q: Numbers, i: number): void {
  const w = q[i];
  const x = q[i + 1];
  const y = q[i + 2];
  const z = q[i + 3];
  out[o] = -2 * (x * z - w * y);
  out[o + 1] = -2 * (y * z + w * x);
  out[o + 2] = -(1 - 2 * (x * x + y * y));
}

/** Scales q to unit length; a zero quaternion becomes the identity. */
export function normalizeQuaternion(q: FloatArray, i: number): void {
  // Math.hypot guards against overflow that unit quaternions cannot have, and costs ten times as much.
  const length = Math.sqrt(q[i] * q[i] + q[i + 1] * q[i + 1] + q[i + 2] * q[i + 2] + q[i + 3] * q[i + 3]);
  if (length === 0) {
    q[i] = 1;
    return;
  }
  for (let k = 0; k < 4; k++) q[i + k] /= length;
}

/** Heading about the world's z axis (rad). */
export function yawOf(q: Numbers, i: number): number {
  const w = q[i];
  const x = q[i + 1];
  const y = q[i + 2];
  const z = q[i + 3];
  return Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
}

/** Rotation about a unit axis by `angle` (rad). */
export function fromAxisAngle(out: FloatArray, o: number, axis: Numbers, i: number, angle: number): void {
  const half = angle / 2;
  const sine = Math.sin(half);
  out[o] = Math.cos(half);
  out[o + 1] = axis[i] * sine;
  out[o + 2] = axis[i + 1] * sine;
  out[o + 3] = axis[i + 2] * sine;
}

/** The rotation vector (axis times angle in [0, π], rad) of q. */
export function rotationVector(out: FloatArray, o: number, q: Numbers, i: number): void {
  const sign = q[i] < 0 ? -1 : 1;
  const x = q[i + 1] * sign;
  const y = q[i + 2] * sign;
  const z = q[i + 3] * sign;
  const sine = Math.sqrt(x * x + y * y + z * z);
  // sin(a/2) ≈ a/2 for small angles: the factor tends to 2.
  const factor = sine < 1e-12 ? 2 : (2 * Math.atan2(sine, q[i] * sign)) / sine;
  out[o] = x * factor;
  out[o + 1] = y * factor;
  out[o + 2] = z * factor;
}

/** Spherical interpolation from a to b along the shorter arc, fraction in [0, 1]. */
export function slerp(
  out: FloatArray,
  o: number,
  a: Numbers,
  i: number,
  b: Numbers,
  j: number,
  fraction: number,
): void {
  let cosine = a[i] * b[j] + a[i + 1] * b[j + 1] + a[i + 2] * b[j + 2] + a[i + 3] * b[j + 3];
  const sign = cosine < 0 ? -1 : 1;
  cosine = Math.min(1, cosine * sign);
  const angle = Math.acos(cosine);
  const sine = Math.sin(angle);
  // Nearly parallel: the sines cancel, and the straight line is exact to rounding.
  const left = sine < 1e-9 ? 1 - fraction : Math.sin((1 - fraction) * angle) / sine;
  const right = (sine < 1e-9 ? fraction : Math.sin(fraction * angle) / sine) * sign;
  for (let k = 0; k < 4; k++) out[o + k] = left * a[i + k] + right * b[j + k];
  normalizeQuaternion(out, o);
}
