// Reads a shard: its footer with every claim in it checked, its contents with their checksums, and byte ranges of it.
//
// A file is refused with its name and the reason before anything is allocated from a number in it: not Arrow, an Arrow
// file of another kind, cut short, or changed since it was written.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import type { FixedSizeList, Schema } from 'apache-arrow';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import { parseConfig } from '../base/config.js';
import { DataError } from '../base/errors.js';
import { CHANNEL_NAMES, type ChannelName } from '../motion/episode.js';
import type { RobotIdentity } from '../robot/robot-model.js';
import {
  batchLayout,
  FORMAT,
  META,
  robotIdentitySchema,
  type ShardColumn,
  type ShardContent,
  shardContentSchema,
} from './schema.js';
import { FOOTER_MARK } from './shard-encoder.js';

const MAGIC = 'ARROW1';
const TAIL_BYTES = 4 + MAGIC.length;
const END_OF_STREAM = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
/** No footer of ours comes near this; a larger length is damage. */
const LARGEST_FOOTER_BYTES = 512 * 1024 * 1024;

/** What a shard says of itself, checked against the file's size and its checksum. */
export interface ShardInfo {
  readonly path: string;
  readonly bytes: number;
  readonly footerCrc32: number;
  readonly tool: string;
  readonly robot: RobotIdentity;
  /** JSON of the whole RobotModel, where the shard carries it. */
  readonly robotModelJson?: string;
  readonly rate_hz: number;
  readonly columns: readonly ShardColumn[];
  readonly content: ShardContent;
}

/** Reads exactly `target.byteLength` bytes at `position`. @throws DataError where the file ends before that */
export function readExactly(file: number, position: number, target: Uint8Array, where: string): void {
  let done = 0;
  while (done < target.byteLength) {
    const count = readSync(file, target, done, target.byteLength - done, position + done);
    if (count === 0) {
      throw new DataError({
        where,
        what: 'shard is cut short',
        expected: `${position + target.byteLength} bytes`,
        found: `${position + done}`,
      });
    }
    done += count;
  }
}

interface RawFooter {
  readonly bytes: number;
  readonly footer: Buffer;
  readonly checksum: number;
}

/**
 * Reads a shard's footer and checks its checksum.
 * @returns the file's size and the footer's checksum
 * @throws DataError where the file is not an undamaged shard
 */
export function readFooterChecksum(path: string): { bytes: number; footerCrc32: number } {
  const { bytes, checksum } = withFile(path, (file) => readRawFooter(file, path));
  return { bytes, footerCrc32: checksum };
}

/** Reads and checks everything that a shard's footer says. */
export function readShardInfo(path: string): ShardInfo {
  return withFile(path, (file) => parseFooter(path, readRawFooter(file, path)));
}

/**
 * Reads a shard from end to end against its checksums, a record batch at a time.
 * @throws DataError naming the first damaged part
 */
export function verifyShard(path: string): ShardInfo {
  return withFile(path, (file) => {
    const info = parseFooter(path, readRawFooter(file, path));
    const { headerLength, headerCrc32, episodes } = info.content;
    const check = (offset: number, length: number, expected: number, part: string) => {
      const bytes = Buffer.allocUnsafe(length);
      readExactly(file, offset, bytes, path);
      checkBytes(bytes, expected, path, part);
    };
    check(0, headerLength, headerCrc32, 'header');
    for (const episode of episodes) check(episode.offset, episode.length, episode.crc32, `episode ${episode.id}`);
    const last = episodes[episodes.length - 1];
    const end = Buffer.alloc(END_OF_STREAM.length);
    readExactly(file, last.offset + last.length, end, path);
    if (!end.equals(END_OF_STREAM)) throw damaged(path, 'end-of-stream mark');
    return info;
  });
}

/** @throws DataError where the bytes are not what was written */
export function checkBytes(bytes: Uint8Array, expected: number, path: string, part: string): void {
  if (crc32(bytes) !== expected) throw damaged(path, part);
}

function damaged(path: string, part: string): DataError {
  return new DataError({
    where: path,
    what: `damaged shard: the bytes of its ${part} are not those that were written (checksum)`,
    fix: 'Restore the file from a copy, or move it away and run `nextgait inspect <folder> --rebuild`',
  });
}

function withFile<T>(path: string, read: (file: number) => T): T {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new DataError(
      { where: path, what: 'shard cannot be read', found: (error as NodeJS.ErrnoException).code },
      { cause: error },
    );
  }
  try {
    return read(file);
  } finally {
    closeSync(file);
  }
}

function readRawFooter(file: number, path: string): RawFooter {
  const bytes = fstatSync(file).size;
  if (bytes < 2 * TAIL_BYTES) {
    throw new DataError({ where: path, what: 'not a shard', expected: 'an Arrow file', found: `${bytes} bytes` });
  }
  const start = Buffer.alloc(MAGIC.length);
  const tail = Buffer.alloc(TAIL_BYTES);
  readExactly(file, 0, start, path);
  readExactly(file, bytes - TAIL_BYTES, tail, path);
  if (start.toString('latin1') !== MAGIC) {
    throw new DataError({
      where: path,
      what: 'not a shard',
      expected: `an Arrow file (${MAGIC})`,
      found: quote(start),
    });
  }
  if (tail.toString('latin1', 4) !== MAGIC) {
    throw new DataError({
      where: path,
      what: 'shard is cut short or damaged',
      expected: `${MAGIC} as its last bytes`,
      found: quote(tail.subarray(4)),
      fix: 'Restore the file from a copy, or record or ingest it again',
    });
  }
  const length = tail.readInt32LE(0);
  if (length <= 0 || length > Math.min(bytes - 2 * TAIL_BYTES, LARGEST_FOOTER_BYTES)) {
    throw damaged(path, 'footer length');
  }
  const footer = Buffer.allocUnsafe(length);
  readExactly(file, bytes - TAIL_BYTES - length, footer, path);
  const mark = footer.indexOf(FOOTER_MARK);
  if (mark < 0) throw foreign(path, footer);
  const digits = mark + FOOTER_MARK.length;
  const written = footer.toString('latin1', digits, digits + 8);
  footer.write('00000000', digits, 'latin1');
  const checksum = crc32(footer);
  if (written !== checksum.toString(16).padStart(8, '0')) throw damaged(path, 'footer');
  return { bytes, footer, checksum };
}

/** The error for a file without our mark: Arrow of another kind, or a footer damaged in the mark itself. */
function foreign(path: string, footer: Uint8Array): DataError {
  let fields: string;
  try {
    fields = Footer.decode(footer)
      .schema.fields.slice(0, 6)
      .map((field) => field.name)
      .join(', ');
  } catch {
    return damaged(path, 'footer');
  }
  return new DataError({
    where: path,
    what: 'not a shard of this tool',
    expected: `an Arrow file with ${META.format} in its metadata`,
    found: `an Arrow file of another kind (columns ${fields})`,
  });
}

function parseFooter(path: string, { bytes, footer, checksum }: RawFooter): ShardInfo {
  const decoded = Footer.decode(footer);
  const { metadata } = decoded.schema;
  const format = metadata.get(META.format);
  if (format !== FORMAT) {
    throw new DataError({
      where: path,
      what: 'shard format',
      expected: FORMAT,
      found: format ?? 'none',
      fix: 'Use the version of nextgait that wrote it, or a newer one',
    });
  }
  const columns = columnsOf(decoded.schema, path);
  const content = parseConfig(shardContentSchema, parseJson(metadata, META.content, path), path);
  const info: ShardInfo = {
    path,
    bytes,
    footerCrc32: checksum,
    tool: metadata.get(META.tool) ?? '',
    robot: parseConfig(robotIdentitySchema, parseJson(metadata, META.robot, path), `${path}: ${META.robot}`),
    robotModelJson: metadata.get(META.robotModel),
    rate_hz: Number(metadata.get(META.rate)),
    columns,
    content,
  };
  checkPlaces(info, footer.length, [...decoded.recordBatches()]);
  return info;
}

/** Every byte before the footer belongs to the header, to exactly one episode, or to the end-of-stream mark. */
function checkPlaces(info: ShardInfo, footerLength: number, blocks: readonly { offset: number }[]): void {
  const { content, columns, bytes, path } = info;
  let at = content.headerLength;
  content.episodes.forEach((episode, index) => {
    const layout = batchLayout(columns, episode.frames, (name) => episode.partial[name] !== undefined);
    const fits =
      episode.offset === at &&
      blocks[index]?.offset === at &&
      episode.body + layout.length === episode.offset + episode.length &&
      episode.provenance < content.provenances.length;
    if (!fits) throw inconsistent(path, `episode ${episode.id}`);
    at += episode.length;
  });
  if (blocks.length !== content.episodes.length || at + END_OF_STREAM.length + footerLength + TAIL_BYTES !== bytes) {
    throw inconsistent(path, 'size');
  }
}

function inconsistent(path: string, part: string): DataError {
  return new DataError({ where: path, what: `shard contradicts itself: ${part} does not fit the file` });
}

function columnsOf(schema: Schema, path: string): ShardColumn[] {
  return schema.fields.slice(2).map((field) => {
    if (!CHANNEL_NAMES.includes(field.name as ChannelName)) {
      throw new DataError({ where: path, what: 'unknown channel', found: field.name });
    }
    return { name: field.name as ChannelName, width: (field.type as FixedSizeList).listSize };
  });
}

function parseJson(metadata: ReadonlyMap<string, string>, key: string, path: string): unknown {
  try {
    return JSON.parse(metadata.get(key) ?? '');
  } catch (error) {
    throw new DataError({ where: path, what: `metadata ${key} is missing or not JSON` }, { cause: error });
  }
}

function quote(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1'));
}

/** File name of a shard in its folder. */
export function shardName(path: string): string {
  return basename(path);
}
