// Cholesky factorisation of symmetric positive definite band matrices, in place and without allocation.
//
// The lower band is stored by rows, each row over whole 4 x 4 tiles, so that both operands of every inner product lie
// contiguous in memory and sixteen of them run at once. Work is size · halfBandwidth², memory size · halfBandwidth.
// The factor keeps reciprocals on its diagonal. Source: the textbook inner-product form, tiled.

export interface Band {
  /** Rows there is room for; rounded up to whole tiles. */
  readonly capacity: number;
  /** Largest distance of a stored entry from the diagonal. */
  readonly halfBandwidth: number;
  /** Entries a row takes. */
  readonly stride: number;
  /** Entry (row, column) is at bandIndex(band, row, column); the rest of a row is zero. */
  readonly data: Float64Array;
}

const TILE = 4;

export function createBand(size: number, halfBandwidth: number): Band {
  const capacity = TILE * Math.ceil(size / TILE);
  const stride = TILE * Math.ceil(halfBandwidth / TILE) + TILE;
  return { capacity, halfBandwidth, stride, data: new Float64Array(capacity * stride) };
}

/** Where entry (row, column) is, for row - halfBandwidth <= column <= row. */
export function bandIndex(band: Band, row: number, column: number): number {
  return row * band.stride + column - bandStart(band, row);
}

/** Column of a row's first stored entry; negative in the first rows, where those entries must stay zero. */
export function bandStart(band: Band, row: number): number {
  return TILE * (row >> 2) - (band.stride - TILE);
}

/** Completes the last tile of a matrix of `size` rows with the identity, so that whole tiles can be worked on. */
export function padBand(band: Band, size: number): void {
  const end = TILE * Math.ceil(size / TILE);
  for (let row = size; row < end; row++) {
    band.data.fill(0, row * band.stride, (row + 1) * band.stride);
    band.data[bandIndex(band, row, row)] = 1;
  }
}

/**
 * Replaces the lower band of A by L with A = L Lᵀ (reciprocals on L's diagonal).
 * @param size rows of A; the rest of the band is left alone but for the last tile's padding
 * @returns false where A is not positive definite to working precision; the band is then half done
 */
export function factorizeBand(band: Band, size: number): boolean {
  padBand(band, size);
  const { data, stride } = band;
  const reach = stride - TILE;
  for (let top = 0; top < size; top += TILE) {
    const first = Math.max(0, top - reach);
    for (let left = first; left < top; left += TILE) solveTile(data, stride, reach, top, left, first);
    if (!factorizeTile(data, stride, reach, top, first)) return false;
  }
  return true;
}

/** The tile of L at rows top.., columns left..: (A - L_top L_leftᵀ) L_left,left^-T. */
function solveTile(a: Float64Array, stride: number, reach: number, top: number, left: number, first: number): void {
  let x0 = top * stride + first - (top - reach);
  let x1 = x0 + stride;
  let x2 = x1 + stride;
  let x3 = x2 + stride;
  let y0 = left * stride + first - (left - reach);
  let y1 = y0 + stride;
  let y2 = y1 + stride;
  let y3 = y2 + stride;
  const end = x0 + left - first;
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  for (; x0 < end; x0++, x1++, x2++, x3++, y0++, y1++, y2++, y3++) {
    const b0 = a[y0];
    const b1 = a[y1];
    const b2 = a[y2];
    const b3 = a[y3];
    let x = a[x0];
    s00 += x * b0;
    s01 += x * b1;
    s02 += x * b2;
    s03 += x * b3;
    x = a[x1];
    s10 += x * b0;
    s11 += x * b1;
    s12 += x * b2;
    s13 += x * b3;
    x = a[x2];
    s20 += x * b0;
    s21 += x * b1;
    s22 += x * b2;
    s23 += x * b3;
    x = a[x3];
    s30 += x * b0;
    s31 += x * b1;
    s32 += x * b2;
    s33 += x * b3;
  }
  // The triangle of tile (left, left) now begins at y0..y3, and the tile to fill at x0..x3.
  solveRow(a, x0, y0, stride, s00, s01, s02, s03);
  solveRow(a, x1, y0, stride, s10, s11, s12, s13);
  solveRow(a, x2, y0, stride, s20, s21, s22, s23);
  solveRow(a, x3, y0, stride, s30, s31, s32, s33);
}

function solveRow(
  a: Float64Array,
  at: number,
  d: number,
  stride: number,
  s0: number,
  s1: number,
  s2: number,
  s3: number,
): void {
  const d1 = d + stride;
  const d2 = d1 + stride;
  const d3 = d2 + stride;
  const z0 = (a[at] - s0) * a[d];
  const z1 = (a[at + 1] - s1 - z0 * a[d1]) * a[d1 + 1];
  const z2 = (a[at + 2] - s2 - z0 * a[d2] - z1 * a[d2 + 1]) * a[d2 + 2];
  a[at] = z0;
  a[at + 1] = z1;
  a[at + 2] = z2;
  a[at + 3] = (a[at + 3] - s3 - z0 * a[d3] - z1 * a[d3 + 1] - z2 * a[d3 + 2]) * a[d3 + 3];
}

/** The diagonal tile: A - L_top L_topᵀ, factorised. */
function factorizeTile(a: Float64Array, stride: number, reach: number, top: number, first: number): boolean {
  const diagonal = top * stride + reach;
  for (let row = 0; row < TILE; row++) {
    const own = diagonal + row * stride;
    for (let column = 0; column <= row; column++) {
      const other = diagonal + column * stride;
      let sum = a[own + column];
      const end = own + column;
      for (let x = own - (top - first), y = other - (top - first); x < end; x++, y++) sum -= a[x] * a[y];
      if (column < row) {
        a[own + column] = sum * a[other + column];
      } else {
        if (!(sum > 0)) return false;
        a[own + column] = 1 / Math.sqrt(sum);
      }
    }
  }
  return true;
}

/**
 * Solves L Lᵀ x = b in place.
 * @param vector b, then x, from 0 on; needs room for whole tiles (what lies past `size` in the last is zeroed)
 */
export function solveBand(band: Band, size: number, vector: Float64Array): void {
  const { data, stride } = band;
  const reach = stride - TILE;
  const end = TILE * Math.ceil(size / TILE);
  vector.fill(0, size, end);
  for (let top = 0; top < end; top += TILE) forwardTile(data, stride, reach, top, vector);
  for (let top = end - TILE; top >= 0; top -= TILE) backwardTile(data, stride, reach, top, vector);
}

/** Four rows of L y = b: what is known is taken off all four at once, then the tile's own triangle. */
function forwardTile(a: Float64Array, stride: number, reach: number, top: number, x: Float64Array): void {
  const first = Math.max(0, top - reach);
  let r0 = top * stride + first - (top - reach);
  let r1 = r0 + stride;
  let r2 = r1 + stride;
  let r3 = r2 + stride;
  let s0 = x[top];
  let s1 = x[top + 1];
  let s2 = x[top + 2];
  let s3 = x[top + 3];
  for (let column = first; column < top; column++, r0++, r1++, r2++, r3++) {
    const value = x[column];
    s0 -= a[r0] * value;
    s1 -= a[r1] * value;
    s2 -= a[r2] * value;
    s3 -= a[r3] * value;
  }
  s0 *= a[r0];
  s1 = (s1 - a[r1] * s0) * a[r1 + 1];
  s2 = (s2 - a[r2] * s0 - a[r2 + 1] * s1) * a[r2 + 2];
  s3 = (s3 - a[r3] * s0 - a[r3 + 1] * s1 - a[r3 + 2] * s2) * a[r3 + 3];
  x[top] = s0;
  x[top + 1] = s1;
  x[top + 2] = s2;
  x[top + 3] = s3;
}

/** Four rows of Lᵀ x = y: the tile's own triangle, then its part of all that comes before. */
function backwardTile(a: Float64Array, stride: number, reach: number, top: number, x: Float64Array): void {
  const first = Math.max(0, top - reach);
  let r0 = top * stride + first - (top - reach);
  let r1 = r0 + stride;
  let r2 = r1 + stride;
  let r3 = r2 + stride;
  const d = top - first;
  const s3 = x[top + 3] * a[r3 + d + 3];
  const s2 = (x[top + 2] - a[r3 + d + 2] * s3) * a[r2 + d + 2];
  const s1 = (x[top + 1] - a[r3 + d + 1] * s3 - a[r2 + d + 1] * s2) * a[r1 + d + 1];
  const s0 = (x[top] - a[r3 + d] * s3 - a[r2 + d] * s2 - a[r1 + d] * s1) * a[r0 + d];
  x[top] = s0;
  x[top + 1] = s1;
  x[top + 2] = s2;
  x[top + 3] = s3;
  for (let column = first; column < top; column++, r0++, r1++, r2++, r3++) {
    x[column] -= a[r0] * s0 + a[r1] * s1 + a[r2] * s2 + a[r3] * s3;
  }
}
