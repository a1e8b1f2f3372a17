// Steps and differences of whole configurations (qpos): velocities are added on the manifold, quaternions stay unit.
//
// The same as MuJoCo's mj_integratePos and mj_differentiatePos. A trajectory solver needs both: an update is a step, and
// the velocity between two frames is a difference. Allocation-free; runs in a browser.

import type { FloatArray, Numbers } from '../base/arrays.js';
import { normalizeQuaternion } from '../math/quaternion.js';
import { BALL, FREE, type KinematicTree } from './kinematics.js';

/**
 * out = positions ⊕ velocities · duration.
 * @param positions qpos from `p` on; may be `out` itself at `o`
 * @param velocities qvel from `v` on
 */
export function integrateConfiguration(
  tree: KinematicTree,
  out: FloatArray,
  o: number,
  positions: Numbers,
  p: number,
  velocities: Numbers,
  v: number,
  duration_s: number,
): void {
  for (let joint = 0; joint < tree.types.length; joint++) {
    const type = tree.types[joint];
    const at = tree.qposAddresses[joint];
    const dof = v + tree.dofAddresses[joint];
    if (type === FREE) {
      for (let k = 0; k < 3; k++) out[o + at + k] = positions[p + at + k] + duration_s * velocities[dof + k];
      turnByVelocity(out, o + at + 3, positions, p + at + 3, velocities, dof + 3, duration_s);
    } else if (type === BALL) {
      turnByVelocity(out, o + at, positions, p + at, velocities, dof, duration_s);
    } else {
      out[o + at] = positions[p + at] + duration_s * velocities[dof];
    }
  }
}

/**
 * out = (to ⊖ from) / duration: the constant velocity that leads from one configuration to the other, along the
 * shorter arc. `out` is [velocitySize] from `o` on and must not overlap the others.
 */
export function differenceConfiguration(
  tree: KinematicTree,
  out: FloatArray,
  o: number,
  from: Numbers,
  f: number,
  to: Numbers,
  t: number,
  duration_s: number,
): void {
  for (let joint = 0; joint < tree.types.length; joint++) {
    const type = tree.types[joint];
    const at = tree.qposAddresses[joint];
    const dof = o + tree.dofAddresses[joint];
    if (type === FREE) {
      for (let k = 0; k < 3; k++) out[dof + k] = (to[t + at + k] - from[f + at + k]) / duration_s;
      velocityBetween(out, dof + 3, from, f + at + 3, to, t + at + 3, duration_s);
    } else if (type === BALL) {
      velocityBetween(out, dof, from, f + at, to, t + at, duration_s);
    } else {
      out[dof] = (to[t + at] - from[f + at]) / duration_s;
    }
  }
}

/** q ⊗ exp(ω Δt), with ω in the inner frame. */
function turnByVelocity(
  out: FloatArray,
  o: number,
  q: Numbers,
  i: number,
  velocity: Numbers,
  v: number,
  duration_s: number,
): void {
  const x = velocity[v] * duration_s;
  const y = velocity[v + 1] * duration_s;
  const z = velocity[v + 2] * duration_s;
  const angle = Math.sqrt(x * x + y * y + z * z);
  // sin(a/2)/a tends to 1/2.
  const factor = angle < 1e-12 ? 0.5 : Math.sin(angle / 2) / angle;
  const w = Math.cos(angle / 2);
  const qw = q[i];
  const qx = q[i + 1];
  const qy = q[i + 2];
  const qz = q[i + 3];
  const tx = x * factor;
  const ty = y * factor;
  const tz = z * factor;
  out[o] = qw * w - qx * tx - qy * ty - qz * tz;
  out[o + 1] = qw * tx + qx * w + qy * tz - qz * ty;
  out[o + 2] = qw * ty - qx * tz + qy * w + qz * tx;
  out[o + 3] = qw * tz + qx * ty - qy * tx + qz * w;
  normalizeQuaternion(out, o);
}

/** log(a* ⊗ b) / Δt, in the inner frame of a. */
function velocityBetween(
  out: FloatArray,
  o: number,
  a: Numbers,
  i: number,
  b: Numbers,
  j: number,
  duration_s: number,
): void {
  const aw = a[i];
  const ax = -a[i + 1];
  const ay = -a[i + 2];
  const az = -a[i + 3];
  const w = aw * b[j] - ax * b[j + 1] - ay * b[j + 2] - az * b[j + 3];
  const sign = w < 0 ? -1 : 1;
  const x = sign * (aw * b[j + 1] + ax * b[j] + ay * b[j + 3] - az * b[j + 2]);
  const y = sign * (aw * b[j + 2] - ax * b[j + 3] + ay * b[j] + az * b[j + 1]);
  const z = sign * (aw * b[j + 3] + ax * b[j + 2] - ay * b[j + 1] + az * b[j]);
  const sine = Math.sqrt(x * x + y * y + z * z);
  const factor = (sine < 1e-12 ? 2 : (2 * Math.atan2(sine, sign * w)) / sine) / duration_s;
  out[o] = x * factor;
  out[o + 1] = y * factor;
  out[o + 2] = z * factor;
}
