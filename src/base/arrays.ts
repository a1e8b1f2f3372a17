// Small helpers over typed arrays and shapes.

export type FloatArray = Float32Array | Float64Array;
/** Anything numeric that can be read by index. */
export type Numbers = ArrayLike<number>;

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}
