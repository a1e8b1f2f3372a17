// A table of numbers that grows row by row, for readers that do not know its length beforehand.

/** Rows of equal width in one float64 array that doubles when it is full. */
export class GrowingRows {
  readonly width: number;
  #data: Float64Array;
  #length = 0;

  constructor(width: number) {
    this.width = width;
    this.#data = new Float64Array(256 * width);
  }

  get rowCount(): number {
    return this.#length / this.width;
  }

  push(row: ArrayLike<number>): void {
    if (this.#length + this.width > this.#data.length) {
      const larger = new Float64Array(this.#data.length * 2);
      larger.set(this.#data);
      this.#data = larger;
    }
    for (let k = 0; k < this.width; k++) this.#data[this.#length + k] = row[k];
    this.#length += this.width;
  }

  /** The rows so far [row, width]; a copy of exactly their length. */
  finish(): Float64Array {
    return this.#data.slice(0, this.#length);
  }
}
