// Quintic splines: from position, velocity and acceleration to position, velocity and acceleration in a given time.
//
// A swing foot's target moves while it swings. Its reference is therefore planned anew at every control tick from where
// the reference is now, and only the first tick of the plan is used.

/** Position, velocity and acceleration along one axis. */
export interface AxisState {
  position: number;
  velocity: number;
  acceleration: number;
}

/** Coefficients of position over time, constant first. */
export function quintic(from: AxisState, to: AxisState, duration_s: number): Float64Array {
  const T = duration_s;
  const { position: p, velocity: v, acceleration: a } = from;
  // What is missing at the end when the beginning is continued at constant acceleration.
  const dp = to.position - (p + v * T + (a * T * T) / 2);
  const dv = to.velocity - (v + a * T);
  const da = to.acceleration - a;
  return Float64Array.of(
    p,
    v,
    a / 2,
    (10 * dp - 4 * dv * T + (da * T * T) / 2) / T ** 3,
    (-15 * dp + 7 * dv * T - da * T * T) / T ** 4,
    (6 * dp - 3 * dv * T + (da * T * T) / 2) / T ** 5,
  );
}

/** Writes the state at `time_s` to `out`. */
export function evaluateQuintic(c: ArrayLike<number>, time_s: number, out: AxisState): void {
  const t = time_s;
  out.position = c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * (c[4] + t * c[5]))));
  out.velocity = c[1] + t * (2 * c[2] + t * (3 * c[3] + t * (4 * c[4] + t * 5 * c[5])));
  out.acceleration = 2 * c[2] + t * (6 * c[3] + t * (12 * c[4] + t * 20 * c[5]));
}

/** Carries a reference on by one tick of `tick_s` towards `to`, which it reaches in `remaining_s`. */
export function followTarget(state: AxisState, to: AxisState, remaining_s: number, tick_s: number): void {
  if (remaining_s <= 2 * tick_s) {
    // Too late to plan: the end of the spline is as good as reached.
    state.position += (to.position - state.position) * Math.min(1, tick_s / Math.max(remaining_s, tick_s));
    state.velocity = to.velocity;
    state.acceleration = 0;
    return;
  }
  evaluateQuintic(quintic(state, to, remaining_s), tick_s, state);
}
