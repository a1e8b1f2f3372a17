// What a flat foot can do to the ground: the cone of its contact wrench, as linear constraints.
//
// A wrench is force (3) and moment (3) at the centre of the sole, in the sole's heading frame (z up). It is possible
// while it pushes, its tangential part stays within friction, its centre of pressure within the sole's rectangle, and its
// moment about the vertical within what friction at the rectangle's corners holds: Caron, Pham and Nakamura, "Stability
// of surface contacts for humanoid robots" (ICRA 2015), whose closed form the last eight constraints are.

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

export const WRENCH_CONSTRAINTS = 18;

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
  const [length, breadth] = [soleShare * sole.halfLength_m, soleShare * sole.halfWidth_m];
  let next = row;
  /** fx, fy, fz, mx, my, mz */
  const write = (wrench: readonly number[], bound: number) => {
    for (let k = 0; k < 6; k++) constraints[next * width + column + k] = wrench[k];
    bounds[next++] = bound;
  };
  write([0, 0, 1, 0, 0, 0], least_N);
  write([0, 0, -1, 0, 0, 0], -greatest_N);
  for (const side of [1, -1]) {
    write([side, 0, friction, 0, 0, 0], 0);
    write([0, side, friction, 0, 0, 0], 0);
    write([0, 0, breadth, side, 0, 0], 0);
    write([0, 0, length, 0, side, 0], 0);
  }
  // Moment about the vertical: what is left of the corners' friction. A foot on its edge can hardly be kept from turning.
  for (const turn of [1, -1]) {
    for (const a of [1, -1]) {
      for (const b of [1, -1]) {
        write(
          [a * breadth, b * length, friction * (length + breadth), turn * a * friction, turn * b * friction, -turn],
          0,
        );
      }
    }
  }
}
