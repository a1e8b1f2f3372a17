// Spatial vectors: motions (angular, linear velocity at the reference point) and forces (moment about it, force), six
// numbers each at an offset of a typed array. Featherstone, "Rigid Body Dynamics Algorithms" (2008), chapter 2.

/** out += factor · v. */
export function addScaled(out: Float64Array, o: number, v: Float64Array, i: number, factor: number): void {
  for (let k = 0; k < 6; k++) out[o + k] += factor * v[i + k];
}

/** Power of a force on a motion: angular and linear parts in the same order. */
export function dot6(a: Float64Array, i: number, b: Float64Array, j: number): number {
  let sum = 0;
  for (let k = 0; k < 6; k++) sum += a[i + k] * b[j + k];
  return sum;
}

/** Momentum (angular about the reference, linear) of an inertia that moves with `v`. */
export function momentumOf(
  out: Float64Array,
  o: number,
  inertia: Float64Array,
  i: number,
  v: Float64Array,
  j: number,
): void {
  const [mass, hx, hy, hz] = [inertia[i], inertia[i + 1], inertia[i + 2], inertia[i + 3]];
  const [wx, wy, wz, vx, vy, vz] = [v[j], v[j + 1], v[j + 2], v[j + 3], v[j + 4], v[j + 5]];
  const [xx, yy, zz] = [inertia[i + 4], inertia[i + 5], inertia[i + 6]];
  const [xy, xz, yz] = [inertia[i + 7], inertia[i + 8], inertia[i + 9]];
  out[o] = xx * wx + xy * wy + xz * wz + hy * vz - hz * vy;
  out[o + 1] = xy * wx + yy * wy + yz * wz + hz * vx - hx * vz;
  out[o + 2] = xz * wx + yz * wy + zz * wz + hx * vy - hy * vx;
  out[o + 3] = mass * vx + wy * hz - wz * hy;
  out[o + 4] = mass * vy + wz * hx - wx * hz;
  out[o + 5] = mass * vz + wx * hy - wy * hx;
}

/** out = v × m, of two motions. */
export function crossMotion(
  out: Float64Array,
  o: number,
  v: Float64Array,
  i: number,
  m: Float64Array,
  j: number,
): void {
  cross(out, o, v, i, m, j);
  cross(out, o + 3, v, i, m, j + 3);
  const [x, y, z] = [out[o + 3], out[o + 4], out[o + 5]];
  cross(out, o + 3, v, i + 3, m, j);
  out[o + 3] += x;
  out[o + 4] += y;
  out[o + 5] += z;
}

/** out = v ×* f, of a motion and a force. */
export function crossForce(out: Float64Array, o: number, v: Float64Array, i: number, f: Float64Array, j: number): void {
  cross(out, o, v, i + 3, f, j + 3);
  const [x, y, z] = [out[o], out[o + 1], out[o + 2]];
  cross(out, o, v, i, f, j);
  out[o] += x;
  out[o + 1] += y;
  out[o + 2] += z;
  cross(out, o + 3, v, i, f, j + 3);
}

function cross(out: Float64Array, o: number, a: Float64Array, i: number, b: Float64Array, j: number): void {
  const [ax, ay, az, bx, by, bz] = [a[i], a[i + 1], a[i + 2], b[j], b[j + 1], b[j + 2]];
  out[o] = ay * bz - az * by;
  out[o + 1] = az * bx - ax * bz;
  out[o + 2] = ax * by - ay * bx;
}
