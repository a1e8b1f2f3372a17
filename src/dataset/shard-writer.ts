// Writes one shard into a file: what shard-encoder.ts makes of its episodes.
//
// The file is written beside its place and renamed into it when complete, so that a shard is whole or absent.

import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Episode } from '../motion/episode.js';
import type { ShardColumn, ShardContent } from './schema.js';
import { ShardEncoder } from './shard-encoder.js';

export interface ShardSummary {
  readonly bytes: number;
  readonly footerCrc32: number;
  readonly content: ShardContent;
}

export class ShardWriter {
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #encoder: ShardEncoder;

  private constructor(path: string, temporary: string, handle: FileHandle, encoder: ShardEncoder) {
    this.path = path;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#encoder = encoder;
  }

  /** @param metadata goes into the file's schema: format, robot, rate */
  static async open(
    path: string,
    columns: readonly ShardColumn[],
    metadata: ReadonlyMap<string, string>,
  ): Promise<ShardWriter> {
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
    const handle = await open(temporary, 'w');
    return new ShardWriter(path, temporary, handle, new ShardEncoder(columns, metadata, crc32));
  }

  get columns(): readonly ShardColumn[] {
    return this.#encoder.columns;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#encoder.bytes;
  }

  /** Appends an episode that has exactly this shard's channels, valid in at least one frame each. */
  async append(episode: Episode): Promise<void> {
    await this.#write(this.#encoder.append(episode));
  }

  /** Writes the footer, flushes and moves the file into its place. */
  async close(): Promise<ShardSummary> {
    const { chunks, footerCrc32, content } = this.#encoder.finish();
    await this.#write(chunks);
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#temporary, this.path);
    return { bytes: this.bytes, footerCrc32, content };
  }

  /** Gives the shard up and removes what was written. */
  async abort(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporary, { force: true });
  }

  async #write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) await this.#handle.writeFile(chunk);
  }
}
