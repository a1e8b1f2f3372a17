// BVH motion capture files: a strict, streaming parser.
//
//   const clip = await readBvh('walk.bvh');                     // the whole file
//   const stream = await openBvh(chunks, 'walk.bvh');           // or piece by piece, in memory that does not grow
//   for await (const { count, values } of stream.frames()) ...  // values [frame, channel], the file's units and degrees
//   computeBvhPose(clip.joints, clip.values, 0, pose);          // bvh-kinematics.ts: world positions and orientations
//
// What is wrong in a file is an error with file:line, expected and found; nothing is skipped or filled in. Speed: about
// 200 MB a second of one core (npm run bench -- ingest). Limits: the hierarchy may take 16 MB, UTF-16 is refused.

import type { FloatArray } from '../../src/base/arrays.js';
import { DataError } from '../../src/base/errors.js';
import { openForReading } from '../../src/base/files.js';
import { type BvhHeader, parseBvhHeader } from './bvh-header.js';
import { createBvhRowScanner } from './bvh-rows.js';

export { BVH_CHANNELS, type BvhChannel, type BvhHeader, type BvhJoint } from './bvh-header.js';
export { type BvhPose, computeBvhPose, createBvhPose } from './bvh-kinematics.js';

export interface BvhOptions {
  /** Type of the values. */
  readonly precision: 'float64' | 'float32';
  /** Frames in a chunk of `frames()`. */
  readonly chunkFrames: number;
  /** Whether a `Frames:` line that disagrees with the rows is an error, or the rows are right. */
  readonly frameCount: 'must-match' | 'rows';
}

export const BVH_DEFAULTS: BvhOptions = { precision: 'float64', chunkFrames: 1024, frameCount: 'must-match' };

/** Consecutive frames. The reader owns `values` and overwrites it for the next chunk: copy what is to be kept. */
export interface BvhFrames {
  readonly first: number;
  readonly count: number;
  readonly values: FloatArray; // [count, channelCount]
}

export interface BvhStream extends BvhHeader {
  /** The rows, once, in order. Throws DataError or FindingsError where the file is wrong, at its end at the latest. */
  frames(): AsyncGenerator<BvhFrames>;
  /** Lets go of the source where the rows are not wanted; `frames()` does so by itself when it ends or is left. */
  close(): Promise<void>;
}

export interface BvhClip extends BvhHeader {
  readonly values: FloatArray; // [frameCount, channelCount]
}

const LONGEST_HEADER = 16 << 20;
const BLOCK = 1 << 18;

/**
 * Reads the hierarchy, and leaves the rows to `frames()`.
 * @param source the file's bytes in pieces of any size
 * @param file name for messages
 * @throws DataError with file:line
 */
export async function openBvh(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  file: string,
  options: Partial<BvhOptions> = {},
): Promise<BvhStream> {
  const { precision, chunkFrames, frameCount } = { ...BVH_DEFAULTS, ...options };
  const pieces = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let head = new Uint8Array(0);
  let size = -1;
  for (let ended = false; size < 0; ) {
    const piece = await pieces.next();
    ended = piece.done === true;
    if (!ended) head = concatenate(head, piece.value as Uint8Array);
    size = ended || head.length > LONGEST_HEADER ? headerSize(head, true) : headerSize(head, false);
  }
  let header: BvhHeader;
  try {
    header = parseBvhHeader(decodeHeader(head.subarray(0, size), file), file);
  } catch (error) {
    await pieces.return?.();
    throw error;
  }

  async function* rest(): AsyncGenerator<Uint8Array> {
    yield head.subarray(size);
    for (;;) {
      const piece = await pieces.next();
      if (piece.done === true) return;
      yield piece.value as Uint8Array;
    }
  }

  async function* frames(): AsyncGenerator<BvhFrames> {
    const { channelCount } = header;
    const length = Math.max(1, chunkFrames) * channelCount;
    const values = precision === 'float32' ? new Float32Array(length) : new Float64Array(length);
    const scanner = createBvhRowScanner(header, file);
    let first = 0;
    let filled = 0;
    try {
      for await (const block of blocksEndingInSpace(rest(), file)) {
        for (let at = 0; at < block.length; ) {
          ({ at, filled } = scanner.scan(block, at, block.length, values, filled));
          if (filled < length) continue;
          // Only whole rows leave; what is wrong is thrown at the end, with everything else that is wrong.
          if (!scanner.failed) yield { first, count: chunkFrames, values };
          first += chunkFrames;
          filled = 0;
        }
      }
      scanner.finish(frameCount === 'rows');
      const count = filled / channelCount;
      if (count > 0) yield { first, count, values: values.subarray(0, filled) };
    } finally {
      await pieces.return?.();
    }
  }
  const close = async () => {
    await pieces.return?.();
  };
  return { ...header, frames, close };
}

/**
 * Parses a whole file that is in memory.
 * @throws DataError or FindingsError with file:line
 */
export function parseBvh(
  content: Uint8Array | string,
  file: string,
  options: Partial<Omit<BvhOptions, 'chunkFrames'>> = {},
): BvhClip {
  const { precision, frameCount } = { ...BVH_DEFAULTS, ...options };
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const size = headerSize(bytes, true);
  const header = parseBvhHeader(decodeHeader(bytes.subarray(0, size), file), file);
  const scanner = createBvhRowScanner(header, file);
  // A number takes two bytes with the space after it, so the file itself bounds what its rows can need.
  const most = Math.ceil((bytes.length - size + 1) / 2);
  const declared = header.frameCount * header.channelCount;
  let values = allocate(precision, Math.min(declared, most));
  let filled = 0;
  const scanAll = (block: Uint8Array, start: number) => {
    for (let at = start; at < block.length; ) {
      if (filled === values.length) {
        // More rows than declared: keep reading, because the rows may be what is trusted and their count is reported.
        const larger = allocate(precision, Math.min(most, 2 * values.length + header.channelCount));
        larger.set(values);
        values = larger;
      }
      ({ at, filled } = scanner.scan(block, at, block.length, values, filled));
    }
  };
  const lastSpace = endOfLastSpace(bytes, size);
  scanAll(bytes.subarray(0, lastSpace), size);
  scanAll(withLineEnd(bytes.subarray(lastSpace)), 0);
  scanner.finish(frameCount === 'rows');
  return { ...header, frameCount: scanner.rowCount, values: values.subarray(0, filled) };
}

/** Opens a file for streaming. */
export async function openBvhFile(path: string, options: Partial<BvhOptions> = {}): Promise<BvhStream> {
  return openBvh(fileBlocks(path), path, options);
}

/** Reads a whole file. */
export async function readBvh(path: string, options: Partial<BvhOptions> = {}): Promise<BvhClip> {
  const stream = await openBvhFile(path, options);
  const { channelCount } = stream;
  const parts: FloatArray[] = [];
  let frameCount = 0;
  for await (const chunk of stream.frames()) {
    parts.push(chunk.values.slice());
    frameCount += chunk.count;
  }
  const values = allocate(options.precision ?? BVH_DEFAULTS.precision, frameCount * channelCount);
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  const { frames: _frames, close: _close, ...header } = stream;
  return { ...header, frameCount, values };
}

function allocate(precision: BvhOptions['precision'], length: number): FloatArray {
  return precision === 'float32' ? new Float32Array(length) : new Float64Array(length);
}

/** A file in blocks that share one buffer: each is valid until the next is asked for. */
async function* fileBlocks(path: string): AsyncGenerator<Uint8Array> {
  const handle = await openForReading(path);
  try {
    const buffer = new Uint8Array(BLOCK);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, BLOCK, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** The same bytes, cut so that no number is: every block ends in white space. Blocks are valid until the next one. */
async function* blocksEndingInSpace(pieces: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(2 * BLOCK);
  let kept = 0;
  for await (const piece of pieces) {
    for (let start = 0; start < piece.length; start += BLOCK) {
      const part = piece.subarray(start, start + BLOCK);
      if (kept + part.length > buffer.length) throw notText(file);
      buffer.set(part, kept);
      const length = kept + part.length;
      const end = endOfLastSpace(buffer.subarray(0, length), 0);
      if (end > 0) yield buffer.subarray(0, end);
      buffer.copyWithin(0, end, length);
      kept = length - end;
    }
  }
  yield withLineEnd(buffer.subarray(0, kept));
}

function notText(file: string): DataError {
  return new DataError({ where: file, what: 'motion', expected: 'numbers', found: `${BLOCK} bytes without a space` });
}

function endOfLastSpace(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] > 32) end--;
  return end;
}

function withLineEnd(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length + 1);
  result.set(bytes);
  result[bytes.length] = 10;
  return result;
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}

/** Size in bytes of the header: through the line end of `Frame Time:`. -1 where more of the file has to be read. */
function headerSize(bytes: Uint8Array, isAll: boolean): number {
  const most = Math.min(bytes.length, LONGEST_HEADER);
  // Latin-1 gives one character a byte, so that indices are byte offsets whatever the encoding of the names.
  for (let length = Math.min(most, BLOCK); ; length = Math.min(most, 4 * length)) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
    const match = /frame[ \t]+time:[^\r\n]*(\r\n|\n|\r(?=[^\n]))/i.exec(text);
    if (match !== null) return match.index + match[0].length;
    if (length === most) return isAll ? most : -1;
  }
}

function decodeHeader(bytes: Uint8Array, file: string): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    const fix = 'Save the file as plain text (UTF-8)';
    throw new DataError({ where: `${file}:1`, what: 'encoding', expected: 'ASCII or UTF-8', found: 'UTF-16', fix });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}
