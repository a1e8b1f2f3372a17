// Footsteps from a velocity command: where the next feet land, from the one that is stood on.
//
// Feet are the centres of their soles. A foot's distance across from the other is kept within bounds: walking sideways,
// the leading foot takes what the trailing one may not.

/** A foot on the ground: place (m) and heading (rad). */
export interface Footprint {
  readonly x: number;
  readonly y: number;
  readonly heading_rad: number;
}

/** 1 for a left foot, -1 for a right one. */
export type Side = 1 | -1;

export interface StrideLimits {
  readonly width_m: number;
  readonly leastWidth_m: number;
  readonly greatestWidth_m: number;
  readonly stride_m: number;
}

/**
 * The footprints after the one stood on, which comes first in the result.
 * @param side of the foot stood on
 * @param firstHeading_rad heading of the robot when the first of them lands
 * @param stepDuration_s time from landing to landing
 */
export function planFootsteps(
  standing: Footprint,
  side: Side,
  command: ArrayLike<number>,
  firstHeading_rad: number,
  stepDuration_s: number,
  limits: StrideLimits,
  count: number,
): Footprint[] {
  const feet: Footprint[] = [standing];
  const [vx, vy, wz] = [command[0], command[1], command[2]];
  const forward = clamp(vx * stepDuration_s, -limits.stride_m, limits.stride_m);
  for (let step = 0; step < count; step++) {
    const from = feet[step];
    const swingSide = (step % 2 === 0 ? -side : side) as Side;
    const heading_rad = firstHeading_rad + step * wz * stepDuration_s;
    const across = swingSide * widthOfStep(vy * stepDuration_s * swingSide, limits);
    const middle = (from.heading_rad + heading_rad) / 2;
    feet.push({
      x: from.x + forward * Math.cos(middle) - (across / 2) * (Math.sin(from.heading_rad) + Math.sin(heading_rad)),
      y: from.y + forward * Math.sin(middle) + (across / 2) * (Math.cos(from.heading_rad) + Math.cos(heading_rad)),
      heading_rad,
    });
  }
  return feet;
}

/** Distance across of a step, when the robot moves by `outward_m` towards the swinging side in a step. */
function widthOfStep(outward_m: number, { width_m, leastWidth_m, greatestWidth_m }: StrideLimits): number {
  const trailing = Math.max(width_m - Math.abs(outward_m), leastWidth_m);
  return outward_m > 0 ? Math.min(trailing + 2 * outward_m, greatestWidth_m) : trailing;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
