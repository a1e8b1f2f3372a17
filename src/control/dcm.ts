// Divergent component of motion: the part of a walking robot's state that falls, and where it goes.
//
// Of a linear inverted pendulum of frequency ω = sqrt(g / height), ξ = c + ċ/ω obeys ξ̇ = ω (ξ - p), with c the centre of
// mass and p the zero-moment point, both in the ground plane. One axis at a time: every function is scalar.
// Sources: Takenaka et al. (IROS 2009); Englsberger, Ott and Albu-Schäffer, "Three-dimensional bipedal walking control
// based on divergent component of motion" (2015).

/** Natural frequency (1/s) of a pendulum of this height (m). */
export function pendulumFrequency(height_m: number, gravity_mps2: number): number {
  return Math.sqrt(gravity_mps2 / height_m);
}

/** ξ after `duration_s` with the zero-moment point held at `zmp`. */
export function dcmAfterHold(dcm: number, zmp: number, duration_s: number, omega: number): number {
  return zmp + (dcm - zmp) * Math.exp(omega * duration_s);
}

/** ξ after the zero-moment point has gone from `from` to `to` at constant speed. */
export function dcmAfterRamp(dcm: number, from: number, to: number, duration_s: number, omega: number): number {
  if (duration_s <= 0) return dcm;
  const growth = Math.exp(omega * duration_s);
  return to + (dcm - from) * growth - ((to - from) * (growth - 1)) / (omega * duration_s);
}

/** ξ before such a ramp: the inverse of dcmAfterRamp. */
export function dcmBeforeRamp(after: number, from: number, to: number, duration_s: number, omega: number): number {
  if (duration_s <= 0) return after;
  const growth = Math.exp(omega * duration_s);
  return from + (after - to + ((to - from) * (growth - 1)) / (omega * duration_s)) / growth;
}

/** The zero-moment point that gives ξ this velocity. */
export function zmpFor(dcm: number, velocity: number, omega: number): number {
  return dcm - velocity / omega;
}

export interface StepTiming {
  readonly singleSupport_s: number;
  readonly doubleSupport_s: number;
}

/**
 * Where ξ has to be when the first of several steps lands, as an offset from that step's foot, so that it stays near
 * the feet for ever after: the end-of-step boundary condition. Solved backwards; what is assumed at the end of the
 * preview shrinks by exp(-ω T) with every step.
 * @param feet positions along one axis: the foot that is stood on, the one that lands first, and those after it
 */
export function offsetAtLanding(feet: readonly number[], timing: StepTiming, omega: number): number {
  const { singleSupport_s, doubleSupport_s } = timing;
  const decay = Math.exp(-omega * singleSupport_s);
  // ξ at rest over the last foot, at its landing.
  let dcm = feet[feet.length - 1];
  for (let step = feet.length - 2; step >= 1; step--) {
    const afterRamp = feet[step] + (dcm - feet[step]) * decay;
    dcm = dcmBeforeRamp(afterRamp, feet[step - 1], feet[step], doubleSupport_s, omega);
  }
  return dcm - feet[1];
}
