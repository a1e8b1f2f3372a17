// Cost of a trajectory's velocities and accelerations with its gradient, and the speed limit as a stiff one-sided term.
//
// Velocities are v[k] = (c[k+1] - c[k]) / Δt over the control points c, accelerations a[k] = (v[k+1] - v[k]) / Δt. All
// variables are treated alike but for the base's rotation, where a velocity is the rotation vector of an arc and its
// derivative has the arc's curvature in it. The Gauss-Newton matrix takes that curvature as none: its blocks are
// diagonal, and the gradient alone decides where the iteration ends.

import { BASE_VARIABLES, type Problem } from './problem.js';

/** Weight (s²/rad²) of a joint over its speed limit: one rad/s over costs as much as a keypoint off by two tolerances. */
export const SPEED_WEIGHT = 4;

/**
 * Adds the gradient over control points and returns the cost of the terms that belong to velocities [from, to).
 * A term that reaches back (the acceleration before `from`) is taken in where `from` > `origin`.
 * @param velocities [velocity, size], row 0 being velocity `origin`
 * @param gradient [control point, size], row 0 being control point `origin`; added to
 */
export function addSmoothness(
  problem: Problem,
  velocities: Float64Array,
  count: number,
  gradient: Float64Array,
  pull: Float64Array,
): number {
  const { model, smoothness, targets } = problem;
  const { size, speedLimit } = model;
  const { velocityWeight, accelerationWeight } = smoothness;
  const rate = targets.rate_hz;
  let cost = 0;
  for (let k = 0; k < count; k++) {
    const own = k * size;
    for (let variable = 0; variable < size; variable++) {
      const v = velocities[own + variable];
      // The derivative of the cost by this velocity.
      let slope = velocityWeight[variable] * v;
      cost += 0.5 * slope * v;
      const weight = accelerationWeight[variable];
      if (k > 0) slope += weight * (v - velocities[own - size + variable]) * rate * rate;
      if (k + 1 < count) {
        const change = (velocities[own + size + variable] - v) * rate;
        slope -= weight * change * rate;
        cost += 0.5 * weight * change * change;
      }
      if (variable >= BASE_VARIABLES) {
        const over = excess(v, speedLimit[variable - BASE_VARIABLES]);
        slope += SPEED_WEIGHT * over;
        cost += 0.5 * SPEED_WEIGHT * over * over;
      }
      pull[variable] = slope * rate;
    }
    for (let variable = 0; variable < size; variable++) {
      if (variable >= 3 && variable < BASE_VARIABLES) continue;
      gradient[own + variable] -= pull[variable];
      gradient[own + size + variable] += pull[variable];
    }
    addTurnGradient(velocities, own, 1 / rate, pull, gradient, own, own + size);
  }
  return cost;
}

/** How far a velocity is beyond its limit, with its sign; 0 within. */
export function excess(velocity: number, limit: number): number {
  return velocity > limit ? velocity - limit : velocity < -limit ? velocity + limit : 0;
}

/** Gradient by the two orientations of an arc: -Jᵣ⁻ᵀ(φ) p at its start and Jₗ⁻ᵀ(φ) p at its end, φ its vector. */
function addTurnGradient(
  velocities: Float64Array,
  v: number,
  period_s: number,
  pull: Float64Array,
  gradient: Float64Array,
  a: number,
  b: number,
): void {
  const x = velocities[v + 3] * period_s;
  const y = velocities[v + 4] * period_s;
  const z = velocities[v + 5] * period_s;
  const angle = Math.sqrt(x * x + y * y + z * z);
  // 1/θ² - (1 + cos θ) / (2 θ sin θ) tends to 1/12, and loses its digits before.
  const curve = angle < 1e-3 ? 1 / 12 : 1 / (angle * angle) - (1 + Math.cos(angle)) / (2 * angle * Math.sin(angle));
  const px = pull[3];
  const py = pull[4];
  const pz = pull[5];
  const cx = y * pz - z * py;
  const cy = z * px - x * pz;
  const cz = x * py - y * px;
  const sx = px + curve * (y * cz - z * cy);
  const sy = py + curve * (z * cx - x * cz);
  const sz = pz + curve * (x * cy - y * cx);
  gradient[a + 3] -= sx - 0.5 * cx;
  gradient[a + 4] -= sy - 0.5 * cy;
  gradient[a + 5] -= sz - 0.5 * cz;
  gradient[b + 3] += sx + 0.5 * cx;
  gradient[b + 4] += sy + 0.5 * cy;
  gradient[b + 5] += sz + 0.5 * cz;
}
