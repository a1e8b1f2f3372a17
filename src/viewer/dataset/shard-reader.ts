// Reads shards over byte ranges: the robot from a shard's header, findings from its footer, an episode's record batch.
//
// An episode is one range of the file, decoded in place: its columns are views of the bytes that arrived, its nulls are
// the modality mask. Bytes are held against their checksums; episodes last looked at are kept within a budget.

import { Message } from 'apache-arrow/ipc/metadata/message';
import type { ShardContent } from '../../dataset/schema.js';
import type { Channel, ChannelName, Finding } from '../../motion/episode.js';
import { robotFromJson } from '../../robot/robot-json.js';
import type { RobotModel } from '../../robot/robot-model.js';
import type { ViewerSource } from '../page.js';
import { crc32 } from './crc32.js';
import type { EpisodeEntry, ShardEntry } from './dataset-index.js';
import { damagedShard, readShardFooter, type ShardFooter } from './shard-footer.js';

const KEPT_BYTES = 32 * 1024 * 1024;
const KEPT_FOOTERS = 4;

export interface EpisodeData {
  readonly entry: EpisodeEntry;
  readonly channels: Readonly<Partial<Record<ChannelName, Channel>>>;
  readonly findings: readonly Finding[];
  readonly provenance: ShardContent['provenances'][number];
}

export interface ShardReader {
  /** The whole robot; undefined where the shard's writer did not have it. @throws ProblemError */
  robot(shard: ShardEntry): Promise<RobotModel | undefined>;
  /** @throws ProblemError where the bytes are not those that were written */
  episode(entry: EpisodeEntry): Promise<EpisodeData>;
  /** Bytes of episodes that are kept. */
  readonly keptBytes: number;
}

export function createShardReader(source: ViewerSource, itemPath: string): ShardReader {
  const footers = new Map<string, Promise<ShardFooter>>();
  const kept = new Map<number, EpisodeData>();
  let keptBytes = 0;

  const footerOf = (shard: ShardEntry): Promise<ShardFooter> => {
    const known = footers.get(shard.file);
    if (known !== undefined) return known;
    const path = `${itemPath}/${shard.file}`;
    const read = (start: number, end: number) => source.readBytes(path, { start, end });
    const reading = readShardFooter(read, path, shard.bytes);
    footers.set(shard.file, reading);
    reading.catch(() => footers.delete(shard.file));
    if (footers.size > KEPT_FOOTERS) footers.delete(footers.keys().next().value!);
    return reading;
  };

  return {
    get keptBytes() {
      return keptBytes;
    },
    async robot(shard) {
      const { robotJson } = await footerOf(shard);
      return robotJson === undefined ? undefined : robotFromJson(JSON.parse(robotJson), shard.file);
    },
    async episode(entry) {
      const known = kept.get(entry.index);
      if (known !== undefined) {
        // Looked at last: goes to the end of the order.
        kept.delete(entry.index);
        kept.set(entry.index, known);
        return known;
      }
      const path = `${itemPath}/${entry.shard.file}`;
      const [bytes, { content }] = await Promise.all([
        source.readBytes(path, { start: entry.offset, end: entry.offset + entry.length }),
        footerOf(entry.shard),
      ]);
      checkEpisode(path, entry, bytes);
      const listed = content.episodes[entry.number];
      if (listed?.id !== entry.id) throw damagedShard(path, 'list of episodes');
      const data: EpisodeData = {
        entry,
        channels: decodeChannels(entry, bytes),
        findings: listed.findings,
        provenance: content.provenances[listed.provenance],
      };
      kept.set(entry.index, data);
      keptBytes += entry.length;
      for (const [index, old] of kept) {
        if (keptBytes <= KEPT_BYTES || index === entry.index) break;
        kept.delete(index);
        keptBytes -= old.entry.length;
      }
      return data;
    },
  };
}

/** @throws ProblemError where the bytes of an episode are not those that were written */
export function checkEpisode(path: string, { id, length, crc32: expected }: EpisodeEntry, bytes: Uint8Array): void {
  if (bytes.byteLength !== length || crc32(bytes) !== expected) throw damagedShard(path, `episode ${id}`);
}

/** Before the metadata of a message: a mark of four bytes and the length of the metadata. */
const MESSAGE_HEAD_BYTES = 8;

/** The columns of a record batch as views of its bytes (a copy where those are not aligned). @throws ProblemError */
export function decodeChannels(entry: EpisodeEntry, bytes: Uint8Array): EpisodeData['channels'] {
  const { frames, shard } = entry;
  const body = entry.body - entry.offset;
  const message = Message.decode(bytes.subarray(MESSAGE_HEAD_BYTES, body));
  if (!message.isRecordBatch()) throw damagedShard(shard.file, `episode ${entry.id}`);
  const { buffers, nodes } = message.header();
  const channels: Partial<Record<ChannelName, Channel>> = {};
  // Columns `episode` and `frame` have a node and two buffers each; a list has a node and a buffer, then its items.
  shard.columns.forEach(({ name, width }, at) => {
    const node = nodes[2 + 2 * at];
    const [validity, , data] = buffers.slice(4 + 3 * at, 7 + 3 * at);
    if (node?.length !== frames || data === undefined || body + data.offset + 4 * frames * width > bytes.byteLength) {
      throw damagedShard(shard.file, `episode ${entry.id}`);
    }
    channels[name] = {
      width,
      data: floats(bytes, body + data.offset, frames * width),
      ...(node.nullCount === 0 ? {} : { valid: expandBits(bytes, body + validity.offset, frames) }),
    };
  });
  return channels;
}

function floats(bytes: Uint8Array, at: number, count: number): Float32Array {
  const start = bytes.byteOffset + at;
  if (start % 4 === 0) return new Float32Array(bytes.buffer as ArrayBuffer, start, count);
  return new Float32Array(bytes.slice(at, at + 4 * count).buffer);
}

/** Bits, least significant first, as one byte each. */
function expandBits(bytes: Uint8Array, at: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, bit) => (bytes[at + (bit >> 3)] >> (bit & 7)) & 1);
}
