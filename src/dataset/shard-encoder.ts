// The bytes of one shard, without a file system: a record batch per episode, then a footer with their checksums.
//
// Every byte is under a CRC-32 or a fixed value: the header and each batch under those in the footer, the footer under
// one that stands in itself (computed with its own eight digits as zeros). shard-writer.ts puts the bytes into a file; a
// browser, which records what it drives, into a download.

import {
  Field,
  FixedSizeList,
  Float32,
  Int32,
  Message,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
} from 'apache-arrow';
import type { Channel, Episode } from '../motion/episode.js';
import { arrowSchema, batchLayout, META, type ShardColumn, type ShardContent, type ShardEpisode } from './schema.js';

/** CRC-32 of bytes, going on from the checksum of what came before them: zlib's, or base/crc32.ts. */
export type Checksum = (bytes: Uint8Array, before?: number) => number;

/** Stands before the eight hexadecimal digits of the footer's checksum. */
export const FOOTER_MARK = 'nextgait-footer-crc32:';
const NO_DIGITS = '00000000';

/** The library's file writer, with its bytes handed over as they come instead of queued for a reader. */
class BatchEncoder extends RecordBatchFileWriter {
  chunks: Uint8Array[] = [];
  bodyLength = 0;
  footerMetadata: ReadonlyMap<string, string> = new Map();

  /** Takes what has been encoded since the last call. */
  take(): Uint8Array[] {
    const taken = this.chunks;
    this.chunks = [];
    return taken;
  }

  protected override _write(chunk: ArrayBufferView): this {
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (bytes.byteLength > 0) this.chunks.push(bytes);
    this._position += bytes.byteLength;
    return this;
  }

  /** The library leaves out the schema message that the format has before the batches; sequential readers need it. */
  protected override _writeSchema(schema: Schema): this {
    return super._writeSchema(schema)._writeMessage(Message.from(schema));
  }

  protected override _assembleRecordBatch(
    batch: RecordBatch,
  ): ReturnType<RecordBatchFileWriter['_assembleRecordBatch']> {
    const assembled = super._assembleRecordBatch(batch);
    this.bodyLength = assembled.byteLength;
    return assembled;
  }

  protected override _writeFooter(schema: Schema): this {
    return super._writeFooter(new Schema(schema.fields, new Map([...schema.metadata, ...this.footerMetadata])));
  }
}

export interface ShardEnd {
  readonly chunks: readonly Uint8Array[];
  readonly footerCrc32: number;
  readonly content: ShardContent;
}

/** Chunks come out in file order: those of every append(), then those of finish(). */
export class ShardEncoder {
  readonly columns: readonly ShardColumn[];
  readonly #checksum: Checksum;
  readonly #encoder = new BatchEncoder();
  readonly #schema: Schema;
  readonly #episodes: ShardEpisode[] = [];
  readonly #provenances: ShardContent['provenances'] = [];
  readonly #provenanceIndex = new Map<string, number>();
  readonly #header: { crc32: number; length: number };
  #bytes: number;

  /** @param metadata goes into the file's schema: format, robot, rate */
  constructor(columns: readonly ShardColumn[], metadata: ReadonlyMap<string, string>, checksum: Checksum) {
    this.columns = columns;
    this.#checksum = checksum;
    this.#schema = arrowSchema(columns, metadata);
    this.#encoder.reset(undefined, this.#schema);
    const header = concatenate(this.#encoder.take());
    this.#header = { crc32: checksum(header), length: header.length };
    this.#bytes = 0;
    this.#encoder.chunks.push(header);
  }

  /** Bytes given out so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Encodes an episode that has exactly this shard's channels, valid in at least one frame each. */
  append(episode: Episode): readonly Uint8Array[] {
    const header = this.#encoder.take();
    const partial = partialChannels(episode, this.columns);
    this.#encoder.write(this.#recordBatch(episode, partial));
    const layout = batchLayout(this.columns, episode.frameCount, (name) => partial[name] !== undefined);
    if (layout.length !== this.#encoder.bodyLength) {
      throw new Error(`record batch body of ${this.#encoder.bodyLength} bytes, expected ${layout.length}`);
    }
    const chunks = this.#encoder.take();
    const offset = this.#bytes + sizeOf(header);
    const length = sizeOf(chunks);
    this.#bytes = offset + length;
    this.#episodes.push({
      id: episode.id,
      source: episode.source,
      kind: episode.kind,
      frames: episode.frameCount,
      derived: [...episode.derived],
      startsAtReset: episode.startsAtReset,
      ...(episode.fell === undefined ? {} : { fell: episode.fell }),
      offset,
      length,
      body: offset + length - layout.length,
      crc32: chunks.reduce((sum, chunk) => this.#checksum(chunk, sum), 0),
      partial,
      findings: episode.findings.map((finding) => ({
        ...finding,
        frames: finding.frames && [finding.frames[0], finding.frames[1]],
      })),
      provenance: this.#provenanceOf(episode),
    });
    return [...header, ...chunks];
  }

  /** The footer, after which nothing may be appended. */
  finish(): ShardEnd {
    const content: ShardContent = {
      headerCrc32: this.#header.crc32,
      headerLength: this.#header.length,
      episodes: this.#episodes,
      provenances: this.#provenances,
    };
    this.#encoder.footerMetadata = new Map([
      [META.content, JSON.stringify(content)],
      [META.footerChecksum, FOOTER_MARK + NO_DIGITS],
    ]);
    this.#encoder.finish();
    const end = concatenate(this.#encoder.take());
    // End-of-stream (8 bytes), footer, its length (4), magic (6).
    const footer = end.subarray(8, end.length - 10);
    const footerCrc32 = this.#checksum(footer);
    const digits = new TextEncoder().encode(footerCrc32.toString(16).padStart(8, '0'));
    footer.set(digits, indexOf(footer, new TextEncoder().encode(FOOTER_MARK)) + FOOTER_MARK.length);
    this.#bytes += end.length;
    return { chunks: [end], footerCrc32, content };
  }

  #provenanceOf(episode: Episode): number {
    const key = JSON.stringify(episode.provenance);
    const known = this.#provenanceIndex.get(key);
    if (known !== undefined) return known;
    const { input, sha256, tool, options } = episode.provenance;
    this.#provenances.push({ input, ...(sha256 === undefined ? {} : { sha256 }), tool, options: { ...options } });
    this.#provenanceIndex.set(key, this.#provenances.length - 1);
    return this.#provenances.length - 1;
  }

  #recordBatch(episode: Episode, partial: ShardEpisode['partial']): RecordBatch {
    const length = episode.frameCount;
    const numbers = (value: (frame: number) => number) =>
      makeData({ type: new Int32(), length, data: Int32Array.from({ length }, (_, frame) => value(frame)) });
    const children = [
      numbers(() => this.#episodes.length),
      numbers((frame) => frame),
      ...this.columns.map(({ name, width }) => {
        const channel = episode.channels[name]!;
        const isPartial = partial[name] !== undefined;
        return makeData({
          type: new FixedSizeList(width, new Field('item', new Float32(), false)),
          length,
          nullCount: isPartial ? length - partial[name]! : 0,
          nullBitmap: isPartial ? bitmapOf(channel.valid!, length) : undefined,
          child: makeData({ type: new Float32(), length: length * width, data: maskedData(channel, length) }),
        });
      }),
    ];
    return new RecordBatch(
      this.#schema,
      makeData({ type: new Struct(this.#schema.fields), length, nullCount: 0, children }),
    );
  }
}

/** Number of valid frames of the channels that are not valid throughout. */
function partialChannels(episode: Episode, columns: readonly ShardColumn[]): ShardEpisode['partial'] {
  const partial: ShardEpisode['partial'] = {};
  for (const { name } of columns) {
    const valid = episode.channels[name]!.valid;
    if (valid === undefined) continue;
    const count = valid.reduce((sum, bit) => sum + bit, 0);
    if (count < episode.frameCount) partial[name] = count;
  }
  return partial;
}

/** Arrow's validity bitmap: frame 0 in the least significant bit of byte 0. */
function bitmapOf(valid: Uint8Array, frameCount: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(frameCount / 64) * 8);
  for (let frame = 0; frame < frameCount; frame++) if (valid[frame] === 1) bitmap[frame >> 3] |= 1 << (frame & 7);
  return bitmap;
}

/** A channel's values with zeros in invalid frames: the same episode gives the same bytes. */
function maskedData({ data, width, valid }: Channel, frameCount: number): Float32Array {
  if (valid === undefined) return data;
  const masked = data.slice();
  for (let frame = 0; frame < frameCount; frame++) {
    if (valid[frame] === 0) masked.fill(0, frame * width, (frame + 1) * width);
  }
  return masked;
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(sizeOf(chunks));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

/** Where `wanted` begins in `bytes`. It is there: we wrote it. */
function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  let at = 0;
  while (!wanted.every((byte, index) => bytes[at + index] === byte)) at++;
  return at;
}
