// Byte ranges of a dataset's shards: from memory where a shard fits the budget, else by positioned reads.
//
// An episode's bytes are checked against their checksum the first time that anything of it is read, so that a flipped
// bit never reaches a model. Few files are open at a time; the budget bounds memory whatever the data's size.

import { closeSync, openSync } from 'node:fs';
import { unreadableFile } from '../base/files.js';
import { checkBytes, readExactly } from './shard-file.js';

/** One shard as the access needs it. */
export interface ShardPlace {
  readonly path: string;
  readonly bytes: number;
}

export interface EpisodePlace {
  readonly id: string;
  readonly offset: number;
  readonly length: number;
  readonly crc32: number;
}

const MOST_OPEN_FILES = 128;

export class ShardAccess {
  readonly #shards: readonly ShardPlace[];
  readonly #verify: boolean;
  readonly #verified: Uint8Array;
  readonly #memory: (Uint8Array | undefined)[];
  /** File descriptors by shard, least recently used first. */
  readonly #files = new Map<number, number>();
  #budget: number;
  #scratch = new Uint8Array(0);

  /**
   * @param episodeCount episodes are named by their index in verified()
   * @param memoryBytes how much of the data may be held in memory
   */
  constructor(shards: readonly ShardPlace[], episodeCount: number, verify: boolean, memoryBytes: number) {
    this.#shards = shards;
    this.#verify = verify;
    this.#verified = new Uint8Array(episodeCount);
    this.#memory = shards.map(() => undefined);
    this.#budget = memoryBytes;
  }

  /** Copies bytes of a shard to `target`. */
  read(shard: number, position: number, target: Uint8Array): void {
    const memory = this.#inMemory(shard);
    if (memory !== undefined) target.set(memory.subarray(position, position + target.byteLength));
    else readExactly(this.#file(shard), position, target, this.#shards[shard].path);
  }

  /** Checks an episode's bytes unless that was done before. @throws DataError where they have changed */
  verifyOnce(index: number, shard: number, place: EpisodePlace): void {
    if (!this.#verify || this.#verified[index] === 1) return;
    const { path } = this.#shards[shard];
    const memory = this.#inMemory(shard);
    let bytes = memory?.subarray(place.offset, place.offset + place.length);
    if (bytes === undefined) {
      if (this.#scratch.byteLength < place.length) this.#scratch = new Uint8Array(place.length);
      bytes = this.#scratch.subarray(0, place.length);
      readExactly(this.#file(shard), place.offset, bytes, path);
    }
    checkBytes(bytes, place.crc32, path, `episode ${place.id}`);
    this.#verified[index] = 1;
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
    this.#memory.fill(undefined);
  }

  /** A shard's bytes, read whole at its first use where the budget has room for them. */
  #inMemory(shard: number): Uint8Array | undefined {
    const { bytes, path } = this.#shards[shard];
    if (this.#memory[shard] !== undefined || bytes > this.#budget) return this.#memory[shard];
    const memory = new Uint8Array(bytes);
    readExactly(this.#file(shard), 0, memory, path);
    this.#budget -= bytes;
    this.#memory[shard] = memory;
    return memory;
  }

  #file(shard: number): number {
    let file = this.#files.get(shard);
    if (file !== undefined) {
      // Moves it to the end of the order of use.
      this.#files.delete(shard);
    } else {
      if (this.#files.size >= MOST_OPEN_FILES) {
        const [oldest, descriptor] = this.#files.entries().next().value!;
        closeSync(descriptor);
        this.#files.delete(oldest);
      }
      file = openFile(this.#shards[shard].path);
    }
    this.#files.set(shard, file);
    return file;
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw unreadableFile(path, error);
  }
}
