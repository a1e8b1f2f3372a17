// Joint limits as they are felt on the way: two springs before each limit, the inner one soft, the outer one stiff.
//
// An active set of hard limits chatters where a joint leans on its limit and its neighbours move; springs of about the
// stiffness that keypoints give a joint do not, and leave the joint within a hundredth of a radian of where the hard
// limit would. The limits themselves are made certain at the end (solver-limits.ts).

/** Stiffness (1/rad²) within the margin, and in its last quarter. */
export const SOFT_WEIGHT = 1e4;
export const HARD_WEIGHT = 3e5;

/** Force (gradient) of a joint's limits at `value`; 0 away from them. */
export function limitForce(value: number, lower: number, upper: number, margin: number): number {
  const above = value - upper + margin;
  if (above > 0) return SOFT_WEIGHT * above + HARD_WEIGHT * Math.max(0, above - 0.75 * margin);
  const below = lower + margin - value;
  if (below > 0) return -SOFT_WEIGHT * below - HARD_WEIGHT * Math.max(0, below - 0.75 * margin);
  return 0;
}

/** Second derivative that goes with it. */
export function limitStiffness(value: number, lower: number, upper: number, margin: number): number {
  const into = Math.max(value - upper, lower - value) + margin;
  if (into <= 0) return 0;
  return into > 0.75 * margin ? SOFT_WEIGHT + HARD_WEIGHT : SOFT_WEIGHT;
}

/** Cost that goes with it. */
export function limitCost(value: number, lower: number, upper: number, margin: number): number {
  const into = Math.max(value - upper, lower - value) + margin;
  if (into <= 0) return 0;
  const far = Math.max(0, into - 0.75 * margin);
  return 0.5 * (SOFT_WEIGHT * into * into + HARD_WEIGHT * far * far);
}
