// MCAP files, message by message, streaming: memory holds one chunk. What a crash left is read as far as it goes.
//
// A chunk that is damaged is left out and told; a file that ends in the middle gives every whole message before, also
// those of the chunk that was being written. Records are parsed by @mcap/core, which checks chunk checksums.

import type { FileHandle } from 'node:fs/promises';
import { McapRecordBuilder, McapStreamReader, type McapTypes } from '@mcap/core';
import { decompress } from 'fzstd';
import { DataError, isUserError } from '../../src/base/errors.js';
import { openForReading } from '../../src/base/files.js';
import { decodeLz4Frames } from './lz4-frame.js';
import { partialChunk } from './mcap-partial-chunk.js';

export interface McapChannel {
  readonly topic: string;
  /** `json`, `cdr`, `protobuf` ... */
  readonly messageEncoding: string;
  readonly schemaName: string;
  /** `jsonschema`, `ros2msg`, `protobuf` ...; empty where there is no schema. */
  readonly schemaEncoding: string;
  readonly schemaData: Uint8Array;
}

export interface McapMessage {
  readonly channel: McapChannel;
  readonly logTime_ns: bigint;
  readonly publishTime_ns: bigint;
  readonly data: Uint8Array;
}

/** A record, and so a chunk, larger than this is taken for damage (bytes). */
export const MOST_RECORD_BYTES = 1024 * 1024 * 1024;
const BLOCK_BYTES = 1024 * 1024;
/** Damaged places after which the rest is given up. */
const MOST_PROBLEMS = 100;

export const DECOMPRESS: McapTypes.DecompressHandlers = {
  zstd: (data, size) => decompress(data, new Uint8Array(checkedSize(size))),
  lz4: (data, size) => decodeLz4Frames(data, checkedSize(size)),
};

function checkedSize(size: bigint): number {
  if (size > BigInt(MOST_RECORD_BYTES)) throw new RangeError(`a chunk of ${size} bytes`);
  return Number(size);
}

/**
 * Calls `visit` with every message in the order of the file, until it returns false.
 * @returns what is damaged or missing, for people; empty for a whole file
 * @throws DataError where it is no MCAP file or cannot be read; what `visit` throws
 */
export async function readMcap(path: string, visit: (message: McapMessage) => boolean): Promise<string[]> {
  const file = await openForReading(path);
  try {
    return await readRecords(path, file, visit);
  } finally {
    await file.close();
  }
}

/** The schemas and channels that a file has named so far. */
export interface McapNames {
  readonly schemas: Map<number, McapTypes.Schema>;
  readonly channels: Map<number, McapTypes.Channel>;
  /** What messages carry, by channel. */
  readonly known: Map<number, McapChannel>;
}

type Visit = (message: McapMessage) => boolean;

async function readRecords(path: string, file: FileHandle, visit: Visit): Promise<string[]> {
  const names: McapNames = { schemas: new Map(), channels: new Map(), known: new Map() };
  const problems: string[] = [];
  let start = 0;
  while (problems.length < MOST_PROBLEMS) {
    const reader = new McapStreamReader({ decompressHandlers: DECOMPRESS, noMagicPrefix: start > 0 });
    let at = start;
    try {
      if (start > 0) prime(reader, names);
      for (;;) {
        const block = await readBlock(file, at);
        if (block.length === 0) break;
        at += block.length;
        reader.append(block);
        if (!drain(reader, names, visit) || reader.done()) return problems;
        if (reader.bytesRemaining() > MOST_RECORD_BYTES) throw new RangeError('a record of more than 1 GiB');
      }
    } catch (error) {
      if (isUserError(error)) throw error;
      const message = (error as Error).message;
      if (start === 0 && /magic/.test(message) && names.channels.size === 0) {
        throw new DataError({ where: path, what: 'not an MCAP file', found: message }, { cause: error });
      }
      const next = at - reader.bytesRemaining();
      problems.push(`damaged before byte ${next} (${message})`);
      // Behind a damaged chunk the file goes on; where the damage is in what says how long it is, it does not.
      if (next <= start) break;
      start = next;
      continue;
    }
    const end = at - reader.bytesRemaining();
    if (end === 0 && at < 16) throw new DataError({ where: path, what: 'not an MCAP file', found: `${at} bytes` });
    problems.push(`ends in the middle of a record at byte ${end}: it was cut short, or its writer was not closed`);
    const records = partialChunk(await readTail(file, end));
    if (records !== undefined) readPartial(records, names, visit);
    break;
  }
  return problems;
}

async function readBlock(file: FileHandle, position: number): Promise<Uint8Array> {
  const block = new Uint8Array(BLOCK_BYTES);
  const { bytesRead } = await file.read(block, 0, block.length, position);
  return block.subarray(0, bytesRead);
}

async function readTail(file: FileHandle, position: number): Promise<Uint8Array> {
  const size = Math.min((await file.stat()).size - position, MOST_RECORD_BYTES);
  const tail = new Uint8Array(size);
  const { bytesRead } = await file.read(tail, 0, size, position);
  return tail.subarray(0, bytesRead);
}

/** The whole messages at the beginning of a chunk's records. */
function readPartial(records: Uint8Array, names: McapNames, visit: Visit): void {
  const reader = new McapStreamReader({ noMagicPrefix: true });
  try {
    prime(reader, names);
    reader.append(records);
    drain(reader, names, visit);
  } catch (error) {
    // Records that nothing vouches for any more: what came before the first that cannot be parsed is kept.
    if (isUserError(error)) throw error;
  }
}

/** Tells a reader that begins in the middle of a file what was named before. */
function prime(reader: McapStreamReader, { schemas, channels }: McapNames): void {
  const builder = new McapRecordBuilder();
  for (const schema of schemas.values()) builder.writeSchema(schema);
  for (const channel of channels.values()) builder.writeChannel(channel);
  reader.append(builder.buffer.slice(0, builder.length));
  while (reader.nextRecord() !== undefined);
}

/** Hands out the messages that are there; false where `visit` has had enough. */
function drain(reader: McapStreamReader, names: McapNames, visit: Visit): boolean {
  for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
    if (record.type === 'Schema') names.schemas.set(record.id, record);
    else if (record.type === 'Channel') names.channels.set(record.id, record);
    else if (record.type === 'Message') {
      const { channelId, logTime, publishTime, data } = record;
      const message = { channel: channelOf(names, channelId), logTime_ns: logTime, publishTime_ns: publishTime, data };
      if (!visit(message)) return false;
    }
  }
  return true;
}

function channelOf({ known, channels, schemas }: McapNames, id: number): McapChannel {
  let channel = known.get(id);
  if (channel !== undefined) return channel;
  // The parser refuses a message whose channel was not named before.
  const { topic, messageEncoding, schemaId } = channels.get(id)!;
  const schema = schemas.get(schemaId);
  channel = {
    topic,
    messageEncoding,
    schemaName: schema?.name ?? '',
    schemaEncoding: schema?.encoding ?? '',
    schemaData: schema?.data ?? new Uint8Array(0),
  };
  known.set(id, channel);
  return channel;
}
