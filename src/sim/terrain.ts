// Ground to walk on: flat, gentle waves (a height field), or low platforms (boxes), the same in physics and on screen.
//
// Shapes are closed forms and need no seed: everyone walks on the same ground. Around the origin it is flat at height 0,
// so that a robot starts as it does on the plain floor. Outside the terrain is the floor, lowered out of its way.

export const TERRAIN_KINDS = ['flat', 'waves', 'steps'] as const;
export type TerrainKind = (typeof TERRAIN_KINDS)[number];

/** Height above the floor over a square grid, centred at the origin. */
export interface HeightField {
  /** Half the length of a side (m). */
  readonly halfSize_m: number;
  /** Points along a side. */
  readonly count: number;
  /** [row along y, column along x], from the negative ends (m). */
  readonly heights_m: Float32Array;
}

/** A platform: a box that stands on the floor. */
export interface Platform {
  readonly centre_m: readonly [number, number];
  readonly halfSize_m: readonly [number, number];
  readonly height_m: number;
}

export const TERRAIN_SHAPE = {
  halfSize_m: 15,
  /** Flat within this distance of the origin, and as it will be beyond the second. */
  flat_m: 0.8,
  full_m: 2.5,
  /** Waves: half of the height from trough to crest, and lengths of two waves that cross. */
  amplitude_m: 0.04,
  waves_m: [2.6, 3.4],
  spacing_m: 0.15,
  /** Steps: side of a platform, and the heights that alternate. */
  platform_m: 1.2,
  levels_m: [0.015, 0.03, 0.02],
} as const;

/** How far the floor lies below its place where there is a terrain (m). */
export const LOWERED_FLOOR_M = 0.3;

/** Height of the waves at a point (m). */
export function waveHeight(x: number, y: number): number {
  const { flat_m, full_m, amplitude_m, waves_m } = TERRAIN_SHAPE;
  const share = Math.min(1, Math.max(0, (Math.hypot(x, y) - flat_m) / (full_m - flat_m)));
  const blend = share * share * (3 - 2 * share);
  const along = Math.sin((2 * Math.PI * x) / waves_m[0]) + Math.sin((2 * Math.PI * (0.6 * x + 0.8 * y)) / waves_m[1]);
  return 0.5 * amplitude_m * blend * along;
}

export function waves(): HeightField {
  const { halfSize_m, spacing_m } = TERRAIN_SHAPE;
  const count = Math.round((2 * halfSize_m) / spacing_m) + 1;
  const heights_m = new Float32Array(count * count);
  const at = (index: number) => -halfSize_m + (2 * halfSize_m * index) / (count - 1);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) heights_m[row * count + column] = waveHeight(at(column), at(row));
  }
  return { halfSize_m, count, heights_m };
}

/** Height of a platform by its place in the grid (m); neighbours differ, and the one around the origin has none. */
function platformHeight(row: number, column: number): number {
  const { levels_m } = TERRAIN_SHAPE;
  const level = (((2 * row + column) % 4) + 4) % 4;
  return level === 0 ? 0 : levels_m[level - 1];
}

/** Platforms reach this many places from the origin. */
const REACH = Math.floor(TERRAIN_SHAPE.halfSize_m / TERRAIN_SHAPE.platform_m);

/** Platforms side by side, and the ground that they stand on. */
export function platforms(): { readonly platforms: readonly Platform[]; readonly ground: Platform } {
  const { platform_m } = TERRAIN_SHAPE;
  const half = platform_m / 2;
  const made: Platform[] = [];
  for (let row = -REACH; row <= REACH; row++) {
    for (let column = -REACH; column <= REACH; column++) {
      const height_m = platformHeight(row, column);
      if (height_m === 0) continue;
      made.push({ centre_m: [column * platform_m, row * platform_m], halfSize_m: [half, half], height_m });
    }
  }
  const side = (REACH + 0.5) * platform_m;
  return { platforms: made, ground: { centre_m: [0, 0], halfSize_m: [side, side], height_m: 0 } };
}

/** Height of the ground at a point (m). */
export function terrainHeight(kind: TerrainKind, x: number, y: number): number {
  if (kind === 'flat') return 0;
  const { halfSize_m, platform_m } = TERRAIN_SHAPE;
  if (kind === 'waves') {
    return Math.max(Math.abs(x), Math.abs(y)) > halfSize_m ? -LOWERED_FLOOR_M : waveHeight(x, y);
  }
  const row = Math.round(y / platform_m);
  const column = Math.round(x / platform_m);
  if (Math.max(Math.abs(row), Math.abs(column)) > REACH) return -LOWERED_FLOOR_M;
  return platformHeight(row, column);
}
