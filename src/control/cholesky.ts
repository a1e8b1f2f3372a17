// Cholesky factors of small dense symmetric matrices, in place: A = L Lᵀ, and solving with them.

/**
 * Overwrites the lower triangle of `a` [size, size] with L; the upper one is left alone.
 * @returns false where the matrix is not positive definite
 */
export function factorise(a: Float64Array, size: number): boolean {
  for (let j = 0; j < size; j++) {
    const rowJ = j * size;
    let pivot = a[rowJ + j];
    for (let k = 0; k < j; k++) pivot -= a[rowJ + k] * a[rowJ + k];
    if (!(pivot > 0)) return false;
    const diagonal = Math.sqrt(pivot);
    a[rowJ + j] = diagonal;
    for (let i = j + 1; i < size; i++) {
      const rowI = i * size;
      let sum = a[rowI + j];
      for (let k = 0; k < j; k++) sum -= a[rowI + k] * a[rowJ + k];
      a[rowI + j] = sum / diagonal;
    }
  }
  return true;
}

/** Overwrites x, from `at` on, with the solution of L Lᵀ x = x. */
export function solveFactored(l: Float64Array, size: number, x: Float64Array, at = 0): void {
  for (let i = 0; i < size; i++) {
    let sum = x[at + i];
    for (let k = 0; k < i; k++) sum -= l[i * size + k] * x[at + k];
    x[at + i] = sum / l[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    const value = x[at + i] / l[i * size + i];
    x[at + i] = value;
    for (let k = 0; k < i; k++) x[at + k] -= l[i * size + k] * value;
  }
}
