// Writes one shard: a record batch per episode, then a footer that lists them with their checksums.
//
// Every byte of the file is under a CRC-32 or a fixed value: the header and each batch under those in the footer, the
// footer under one that stands in itself (computed with its own eight digits as zeros). The file is written beside its
// place and renamed into it when complete, so that a shard is whole or absent.

import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
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

export interface ShardSummary {
  readonly bytes: number;
  readonly footerCrc32: number;
  readonly content: ShardContent;
}

export class ShardWriter {
  readonly path: string;
  readonly columns: readonly ShardColumn[];
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #encoder = new BatchEncoder();
  readonly #schema: Schema;
  readonly #episodes: ShardEpisode[] = [];
  readonly #provenances: ShardContent['provenances'] = [];
  readonly #provenanceIndex = new Map<string, number>();
  readonly #header: { crc32: number; length: number };
  #bytes: number;

  private constructor(
    path: string,
    temporary: string,
    handle: FileHandle,
    columns: readonly ShardColumn[],
    schema: Schema,
  ) {
    this.path = path;
    this.columns = columns;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#schema = schema;
    this.#encoder.reset(undefined, schema);
    const header = Buffer.concat(this.#encoder.take());
    this.#header = { crc32: crc32(header), length: header.length };
    this.#bytes = 0;
    this.#encoder.chunks.push(header);
  }

  /** @param metadata goes into the file's schema: format, robot, rate */
  static async open(
    path: string,
    columns: readonly ShardColumn[],
    metadata: ReadonlyMap<string, string>,
  ): Promise<ShardWriter> {
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
    const handle = await open(temporary, 'w');
    return new ShardWriter(path, temporary, handle, columns, arrowSchema(columns, metadata));
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends an episode that has exactly this shard's channels, valid in at least one frame each. */
  async append(episode: Episode): Promise<void> {
    const header = this.#encoder.take();
    const partial = partialChannels(episode, this.columns);
    this.#encoder.write(this.#recordBatch(episode, partial));
    const layout = batchLayout(this.columns, episode.frameCount, (name) => partial[name] !== undefined);
    if (layout.length !== this.#encoder.bodyLength) {
      throw new Error(`record batch body of ${this.#encoder.bodyLength} bytes, expected ${layout.length}`);
    }
    const chunks = this.#encoder.take();
    await this.#write(header);
    const offset = this.#bytes;
    await this.#write(chunks);
    const length = this.#bytes - offset;
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
      crc32: chunks.reduce((sum, chunk) => crc32(chunk, sum), 0),
      partial,
      findings: episode.findings.map((finding) => ({
        ...finding,
        frames: finding.frames && [finding.frames[0], finding.frames[1]],
      })),
      provenance: this.#provenanceOf(episode),
    });
  }

  /** Writes the footer, flushes and moves the file into its place. */
  async close(): Promise<ShardSummary> {
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
    const end = Buffer.concat(this.#encoder.take());
    // End-of-stream (8 bytes), footer, its length (4), magic (6).
    const footer = end.subarray(8, end.length - 10);
    const footerCrc32 = crc32(footer);
    const digits = footer.indexOf(FOOTER_MARK) + FOOTER_MARK.length;
    footer.write(footerCrc32.toString(16).padStart(8, '0'), digits, 'latin1');
    await this.#write([end]);
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#temporary, this.path);
    return { bytes: this.#bytes, footerCrc32, content };
  }

  /** Gives the shard up and removes what was written. */
  async abort(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporary, { force: true });
  }

  async #write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      await this.#handle.writeFile(chunk);
      this.#bytes += chunk.byteLength;
    }
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
