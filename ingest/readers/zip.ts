// Reads single entries of a zip archive (npz is one), strictly: sizes are checked against the file before anything is
// allocated, and contents against their checksum.
//
// Stored and deflated entries; no encryption, no archives over 4 GB (zip64 sizes). Source: PKWARE APPNOTE 6.3.10.

import type { FileHandle } from 'node:fs/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import { DataError } from '../../src/base/errors.js';
import { openForReading } from '../../src/base/files.js';

export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly offset: number;
}

const END_SIGNATURE = 0x06054b50;
const DIRECTORY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const LARGEST_COMMENT = 65535;
/** Deflate cannot expand further than this (RFC 1951: a 258-byte match in two bits). */
const MOST_EXPANSION = 1032;

export class ZipFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle, entries: ReadonlyMap<string, ZipEntry>) {
    this.path = path;
    this.#handle = handle;
    this.entries = entries;
  }

  /** @throws DataError where the file is no zip archive, or one of a kind that is not read here */
  static async open(path: string): Promise<ZipFile> {
    const handle = await openForReading(path);
    try {
      return new ZipFile(path, handle, await readDirectory(path, handle));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The contents of an entry. @throws DataError where they are damaged */
  async read(entry: ZipEntry): Promise<Buffer> {
    const where = `${this.path}: ${entry.name}`;
    const header = await readAt(this.#handle, entry.offset, 30, where);
    if (header.readUInt32LE(0) !== LOCAL_SIGNATURE) throw new DataError({ where, what: 'zip entry header is damaged' });
    const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const packed = await readAt(this.#handle, start, entry.compressedSize, where);
    const bytes = entry.method === 0 ? packed : inflate(packed, entry.size, where);
    if (bytes.length !== entry.size || crc32(bytes) !== entry.crc32) {
      throw new DataError({ where, what: 'zip entry is damaged', found: 'contents that do not match their checksum' });
    }
    return bytes;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function inflate(packed: Buffer, size: number, where: string): Buffer {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch (error) {
    throw new DataError({ where, what: 'zip entry is damaged', found: (error as Error).message }, { cause: error });
  }
}

async function readAt(handle: FileHandle, position: number, length: number, where: string): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  if (bytesRead < length) throw new DataError({ where, what: 'file is cut short' });
  return bytes;
}

/** What a zip archive of that name would be. */
function expectedOf(path: string): string {
  if (/\.(pt|pth)$/i.test(path)) return 'a file as torch.save writes it, to its end';
  return /\.npz$/i.test(path) ? 'an .npz as numpy writes it' : 'an archive as numpy or torch write it';
}

async function readDirectory(path: string, handle: FileHandle): Promise<Map<string, ZipEntry>> {
  const { size } = await handle.stat();
  const notZip = (found: string) =>
    new DataError({ where: path, what: 'not a whole zip archive', expected: expectedOf(path), found });
  if (size < END_BYTES) throw notZip(`${size} bytes`);
  const tailBytes = Math.min(size, END_BYTES + LARGEST_COMMENT);
  const tail = await readAt(handle, size - tailBytes, tailBytes, path);
  let at = tail.length - END_BYTES;
  while (at >= 0 && tail.readUInt32LE(at) !== END_SIGNATURE) at--;
  if (at < 0) throw notZip('no end-of-directory record (cut short, or another format)');
  const count = tail.readUInt16LE(at + 10);
  const directorySize = tail.readUInt32LE(at + 12);
  const directoryOffset = tail.readUInt32LE(at + 16);
  if (directoryOffset === 0xffffffff || count === 0xffff) {
    throw new DataError({
      where: path,
      what: 'zip64 archive (over 4 GB)',
      fix: 'Save the rollouts as several smaller .npz files',
    });
  }
  if (directoryOffset + directorySize > size) throw notZip('a directory that lies outside the file');
  return parseDirectory(path, await readAt(handle, directoryOffset, directorySize, path), count, directoryOffset);
}

function parseDirectory(path: string, bytes: Buffer, count: number, end: number): Map<string, ZipEntry> {
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let number = 0; number < count; number++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== DIRECTORY_SIGNATURE) {
      throw new DataError({ where: path, what: `zip directory is damaged at entry ${number}` });
    }
    const nameLength = bytes.readUInt16LE(at + 28);
    const entry: ZipEntry = {
      name: bytes.toString('utf8', at + 46, at + 46 + nameLength),
      method: bytes.readUInt16LE(at + 10),
      crc32: bytes.readUInt32LE(at + 16),
      compressedSize: bytes.readUInt32LE(at + 20),
      size: bytes.readUInt32LE(at + 24),
      offset: bytes.readUInt32LE(at + 42),
    };
    checkEntry(path, entry, bytes.readUInt16LE(at + 8), end);
    entries.set(entry.name, entry);
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return entries;
}

function checkEntry(path: string, entry: ZipEntry, flags: number, end: number): void {
  const where = `${path}: ${entry.name}`;
  if ((flags & 1) !== 0) throw new DataError({ where, what: 'zip entry is encrypted' });
  if (entry.method !== 0 && entry.method !== 8) {
    throw new DataError({
      where,
      what: 'zip compression',
      expected: 'stored or deflated',
      found: `method ${entry.method}`,
    });
  }
  const most = entry.method === 0 ? entry.compressedSize : entry.compressedSize * MOST_EXPANSION;
  if (entry.offset + 30 + entry.compressedSize > end || entry.size > most) {
    throw new DataError({ where, what: 'zip entry claims more bytes than the file has' });
  }
}
