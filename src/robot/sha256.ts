// SHA-256 in plain TypeScript, for hashes that must come out the same in Node and in a browser without waiting.
//
// Source: FIPS 180-4. The round constants are the first 32 bits of the fractional parts of the square and cube roots
// of the first primes, and are computed here rather than listed.

const BLOCK_BYTES = 64;
const ROUNDS = 64;

/** The digest of `bytes` as lower-case hex. */
export function sha256(bytes: Uint8Array): string {
  const primes = firstPrimes(ROUNDS);
  const constants = Uint32Array.from(primes, (prime) => fractionBits(Math.cbrt(prime)));
  const state = Uint32Array.from(primes.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime)));
  const padded = pad(bytes);
  const view = new DataView(padded.buffer);
  const schedule = new Uint32Array(ROUNDS);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    fillSchedule(schedule, view, at);
    compress(state, schedule, constants);
  }
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('');
}

function compress(state: Uint32Array, schedule: Uint32Array, constants: Uint32Array): void {
  let [a, b, c, d, e, f, g, h] = state;
  for (let round = 0; round < ROUNDS; round++) {
    const sumE = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
    const choice = (e & f) ^ (~e & g);
    const first = (h + sumE + choice + constants[round] + schedule[round]) | 0;
    const sumA = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + sumA + majority) | 0;
  }
  const sums = [a, b, c, d, e, f, g, h];
  for (let word = 0; word < 8; word++) state[word] += sums[word];
}

function fillSchedule(schedule: Uint32Array, view: DataView, at: number): void {
  for (let word = 0; word < 16; word++) schedule[word] = view.getUint32(at + 4 * word);
  for (let word = 16; word < ROUNDS; word++) {
    const early = schedule[word - 15];
    const late = schedule[word - 2];
    const small = rotateRight(early, 7) ^ rotateRight(early, 18) ^ (early >>> 3);
    const large = rotateRight(late, 17) ^ rotateRight(late, 19) ^ (late >>> 10);
    schedule[word] = schedule[word - 16] + small + schedule[word - 7] + large;
  }
}

/** The message, a one bit, zeros, and the length in bits as 64 bits, to whole blocks. */
function pad(bytes: Uint8Array): Uint8Array {
  const length = Math.ceil((bytes.length + 9) / BLOCK_BYTES) * BLOCK_BYTES;
  const padded = new Uint8Array(length);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(length - 4, bytes.length << 3);
  return padded;
}

function rotateRight(word: number, count: number): number {
  return (word >>> count) | (word << (32 - count));
}

function fractionBits(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32);
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}
