// Seeded, splittable random numbers: xoshiro128** seeded by a 32-bit avalanche hash of labels.
//
// `split(label)` gives an independent stream that depends only on the parent's seed and the label, not on how many
// numbers the parent has drawn: recording episode 17 is the same whoever records it, and in whatever order.
// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021).

export type RandomState = readonly [number, number, number, number];

export class Random {
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    let mixed = this.seed;
    const next = () => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      return avalanche(mixed);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() || 1;
  }

  /** An independent stream named by `labels`; the same labels give the same stream. */
  split(...labels: readonly (string | number)[]): Random {
    let hash = avalanche(this.seed ^ 0x5bd1e995);
    for (const label of labels) {
      const text = String(label);
      for (let at = 0; at < text.length; at++) hash = avalanche(hash ^ text.charCodeAt(at));
      hash = avalanche(hash ^ 0x27d4eb2f);
    }
    return new Random(hash);
  }

  /** The next 32 random bits, as an unsigned integer. */
  bits(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * ((this.bits() >>> 8) * 2 ** -24);
  }

  /** Uniform integer in [0, count). */
  integer(count: number): number {
    return Math.floor(((this.bits() >>> 5) * 67108864 + (this.bits() >>> 6)) * 2 ** -53 * count);
  }

  /** Standard normal (Box-Muller, one number a call so that the state stays four words). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  state(): RandomState {
    return [this.#a, this.#b, this.#c, this.#d];
  }

  restore(state: RandomState): void {
    [this.#a, this.#b, this.#c, this.#d] = state;
  }
}

function avalanche(word: number): number {
  let x = word >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
