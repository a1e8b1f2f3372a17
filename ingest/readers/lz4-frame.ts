// LZ4 frames, as MCAP chunks have them: blocks behind a header, independent or linked, each compressed or stored.
//
// Checksums of the frame are passed over: an MCAP chunk has its own. A frame that is cut short gives what it holds up to
// there, where that is asked for. Source: the LZ4 frame and block format descriptions, version 1.6.

const MAGIC = 0x184d2204;
const STORED = 0x80000000;
const SHORTEST_MATCH = 4;
/** One byte of a block stands for at most 255 bytes of data. */
const MOST_EXPANSION = 255;

/**
 * @param size length of the data, as the chunk says
 * @param mayEndEarly true: a frame that is cut short gives its beginning
 * @throws RangeError where the frame is damaged or holds another length
 */
export function decodeLz4Frames(input: Uint8Array, size: number, mayEndEarly = false): Uint8Array {
  if (size > (input.length + 1) * MOST_EXPANSION) throw new RangeError(`lz4: ${size} bytes from ${input.length}`);
  const out = new Uint8Array(size);
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let length = 0;
  let at = 0;
  try {
    while (at < input.length) [at, length] = decodeFrame(input, view, at, out, length);
  } catch (error) {
    if (mayEndEarly && error instanceof EndOfInput) return out.subarray(0, error.length);
    throw new RangeError(`lz4: ${(error as Error).message}`, { cause: error });
  }
  if (length === size || mayEndEarly) return out.subarray(0, length);
  throw new RangeError(`lz4: expected ${size} bytes, found ${length}`);
}

/** The input is over; `length` bytes of output are whole. */
class EndOfInput extends Error {
  readonly length: number;

  constructor(length: number) {
    super('frame is cut short');
    this.length = length;
  }
}

function decodeFrame(
  input: Uint8Array,
  view: DataView,
  start: number,
  out: Uint8Array,
  begin: number,
): [at: number, length: number] {
  let length = begin;
  const need = (bytes: number, at: number) => {
    if (at + bytes > input.length) throw new EndOfInput(length);
  };
  need(7, start);
  if (view.getUint32(start, true) !== MAGIC) throw new Error('no frame');
  const flags = input[start + 4];
  if (flags >> 6 !== 1) throw new Error(`version ${flags >> 6}`);
  const hasBlockChecksum = (flags & 0x10) !== 0;
  const hasSize = (flags & 0x08) !== 0;
  const hasChecksum = (flags & 0x04) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  if (hasDictionary) throw new Error('dictionaries are not supported');
  let at = start + 6 + (hasSize ? 8 : 0) + 1;
  for (;;) {
    need(4, at);
    const field = view.getUint32(at, true);
    at += 4;
    if (field === 0) break;
    const blockBytes = field & ~STORED;
    const end = at + blockBytes;
    if (field >>> 31 === 1) {
      need(blockBytes, at);
      if (length + blockBytes > out.length) throw new Error('more data than the chunk says');
      out.set(input.subarray(at, end), length);
      length += blockBytes;
    } else {
      length = decodeBlock(input, at, Math.min(end, input.length), out, length);
      need(blockBytes, at);
    }
    at = end + (hasBlockChecksum ? 4 : 0);
  }
  return [at + (hasChecksum ? 4 : 0), length];
}

/** Decodes one block into `out` from `length` on; matches may reach back into the blocks before. */
function decodeBlock(input: Uint8Array, start: number, end: number, out: Uint8Array, begin: number): number {
  let length = begin;
  let at = start;
  const next = () => {
    if (at >= end) throw new EndOfInput(length);
    return input[at++];
  };
  /** A length of 15 goes on in further bytes, each 255 but the last. */
  const longer = (short: number) => {
    if (short < 15) return short;
    let sum = short;
    let byte = 255;
    while (byte === 255) {
      byte = next();
      sum += byte;
    }
    return sum;
  };
  while (at < end) {
    const token = next();
    const literals = longer(token >> 4);
    if (at + literals > end) throw new EndOfInput(length);
    if (length + literals > out.length) throw new Error('more data than the chunk says');
    out.set(input.subarray(at, at + literals), length);
    length += literals;
    at += literals;
    if (at === end) return length;
    const offset = next() | (next() << 8);
    if (offset === 0 || offset > length) throw new Error(`match ${offset} bytes back at ${length}`);
    const match = longer(token & 15) + SHORTEST_MATCH;
    if (length + match > out.length) throw new Error('more data than the chunk says');
    // Byte by byte: a match may reach into itself, which repeats it.
    for (let k = 0; k < match; k++, length++) out[length] = out[length - offset];
  }
  return length;
}
