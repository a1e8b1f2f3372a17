// Unit quaternions (w, x, y, z) from the other forms in which rotations are written down, allocation-free.

import type { FloatArray, Numbers } from '../base/arrays.js';
import { normalizeQuaternion } from './quaternion.js';

/** From a rotation vector (axis times angle, rad). */
export function fromRotationVector(out: FloatArray, o: number, v: Numbers, i: number): void {
  const angle = Math.hypot(v[i], v[i + 1], v[i + 2]);
  // sin(a/2)/a tends to 1/2.
  const factor = angle < 1e-12 ? 0.5 : Math.sin(angle / 2) / angle;
  out[o] = Math.cos(angle / 2);
  for (let k = 0; k < 3; k++) out[o + 1 + k] = v[i + k] * factor;
}

/** From a rotation matrix (9, row-major); a matrix that is only nearly a rotation gives the nearby one. */
export function fromMatrix(out: FloatArray, o: number, m: Numbers, i: number): void {
  const xx = m[i];
  const yy = m[i + 4];
  const zz = m[i + 8];
  // The largest of the four squared components is at least 1/4: divide by that one (S. Shepperd, 1978).
  if (xx + yy + zz > 0) {
    out[o] = 1 + xx + yy + zz;
    out[o + 1] = m[i + 7] - m[i + 5];
    out[o + 2] = m[i + 2] - m[i + 6];
    out[o + 3] = m[i + 3] - m[i + 1];
  } else if (xx >= yy && xx >= zz) {
    out[o] = m[i + 7] - m[i + 5];
    out[o + 1] = 1 + xx - yy - zz;
    out[o + 2] = m[i + 1] + m[i + 3];
    out[o + 3] = m[i + 2] + m[i + 6];
  } else if (yy >= zz) {
    out[o] = m[i + 2] - m[i + 6];
    out[o + 1] = m[i + 1] + m[i + 3];
    out[o + 2] = 1 - xx + yy - zz;
    out[o + 3] = m[i + 5] + m[i + 7];
  } else {
    out[o] = m[i + 3] - m[i + 1];
    out[o + 1] = m[i + 2] + m[i + 6];
    out[o + 2] = m[i + 5] + m[i + 7];
    out[o + 3] = 1 - xx - yy + zz;
  }
  normalizeQuaternion(out, o);
}

/** The rotation that carries the coordinate axes x, y, z to three orthonormal vectors. */
export function fromAxes(out: FloatArray, o: number, x: Numbers, y: Numbers, z: Numbers): void {
  fromMatrix(out, o, [x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]], 0);
}

/** The shortest rotation that carries unit vector a to unit vector b; about any perpendicular axis where they oppose. */
export function fromTo(out: FloatArray, o: number, a: Numbers, b: Numbers): void {
  const cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  if (cosine < -1 + 1e-9) {
    const flat = Math.abs(a[0]) < 0.9 ? [0, -a[2], a[1]] : [a[2], 0, -a[0]];
    out[o] = 0;
    for (let k = 0; k < 3; k++) out[o + 1 + k] = flat[k];
  } else {
    out[o] = 1 + cosine;
    out[o + 1] = a[1] * b[2] - a[2] * b[1];
    out[o + 2] = a[2] * b[0] - a[0] * b[2];
    out[o + 3] = a[0] * b[1] - a[1] * b[0];
  }
  normalizeQuaternion(out, o);
}
