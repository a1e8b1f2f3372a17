// What a flat foot can do to the ground: the cone of its contact wrench, as linear constraints.
//
// A wrench is force (3) and moment (3) at the centre of the sole, in the sole's heading frame (z up). It is possible
// while it pushes, its tangential part stays within friction, its centre of pressure within the sole's rectangle, and its
// moment about the vertical within what friction at the rectangle's corners holds.

export interface Sole {
  /** Body of the foot, and the centre of its sole in that body's frame (m). */
  readonly body: number;
  readonly centre_m: readonly [number, number, number];
  readonly halfLength_m: number;
  readonly halfWidth_m: number;
}

export interface WrenchLimits {
  readonly friction: number;
  /** Share of the sole's rectangle that the centre of pressure may use. */
  readonly soleShare: number;
  /** Normal force (N). */
  readonly least_N: number;
  readonly greatest_N: number;
}

export const WRENCH_CONSTRAINTS = 12;

/**
 * Writes constraints · wrench ≥ bounds.
 * @param constraints [.., width]: rows from `row` on, columns from `column` on; must be zero there
 */
export function writeWrenchCone(
  constraints: Float64Array,
  bounds: Float64Array,
  width: number,
  row: number,
  column: number,
  sole: Sole,
  limits: WrenchLimits,
): void {
  const { friction, soleShare, least_N, greatest_N } = limits;
  const set = (r: number, c: number, value: number) => {
    constraints[(row + r) * width + column + c] = value;
  };
  set(0, 2, 1);
  bounds[row] = least_N;
  set(1, 2, -1);
  bounds[row + 1] = -greatest_N;
  const lever = Math.hypot(sole.halfLength_m, sole.halfWidth_m) / 2;
  // Force x, force y, moment x, moment y, moment z against the normal force.
  const shares = [
    [0, friction],
    [1, friction],
    [3, soleShare * sole.halfWidth_m],
    [4, soleShare * sole.halfLength_m],
    [5, friction * lever],
  ] as const;
  shares.forEach(([component, share], at) => {
    for (const side of [0, 1]) {
      const r = 2 + 2 * at + side;
      set(r, 2, share);
      set(r, component, side === 0 ? 1 : -1);
      bounds[row + r] = 0;
    }
  });
}
