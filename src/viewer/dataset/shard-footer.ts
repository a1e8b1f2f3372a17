// What a shard says of itself, read from its end by byte ranges: robot, rate, columns, episodes and where they lie.

import type { FixedSizeList } from 'apache-arrow';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import { META, type ShardColumn, type ShardContent, shardContentSchema } from '../../dataset/schema.js';
import { CHANNEL_NAMES, type ChannelName } from '../../motion/episode.js';
import { ProblemError } from '../page.js';

const MAGIC = 'ARROW1';
const TAIL_BYTES = 4 + MAGIC.length;

/** Bytes [start, end) of a shard. */
export type ReadShardRange = (start: number, end: number) => Promise<Uint8Array>;

export interface ShardFooter {
  readonly content: ShardContent;
  readonly columns: readonly ShardColumn[];
  readonly rate_hz: number;
  /** JSON of the whole RobotModel; absent where the shard's writer did not have it. */
  readonly robotJson?: string;
}

/**
 * @param path of the shard, for messages
 * @param bytes size of the shard
 * @throws ProblemError where it is not an undamaged shard
 */
export async function readShardFooter(read: ReadShardRange, path: string, bytes: number): Promise<ShardFooter> {
  const tail = await read(Math.max(0, bytes - TAIL_BYTES), bytes);
  if (tail.byteLength !== TAIL_BYTES || new TextDecoder('latin1').decode(tail.subarray(4)) !== MAGIC) {
    throw damagedShard(path, 'end');
  }
  const length = new DataView(tail.buffer, tail.byteOffset).getInt32(0, true);
  if (length <= 0 || length > bytes - 2 * TAIL_BYTES) throw damagedShard(path, 'footer');
  const end = bytes - TAIL_BYTES;
  const raw = await read(end - length, end);
  try {
    const { schema } = Footer.decode(raw);
    const { metadata } = schema;
    const content = shardContentSchema.safeParse(JSON.parse(metadata.get(META.content) ?? 'null'));
    if (!content.success) throw damagedShard(path, 'list of episodes');
    const columns = schema.fields.slice(2).map(({ name, type }) => {
      if (!CHANNEL_NAMES.includes(name as ChannelName)) throw damagedShard(path, `column ${name}`);
      return { name: name as ChannelName, width: (type as FixedSizeList).listSize };
    });
    const rate_hz = Number(metadata.get(META.rate));
    return { content: content.data, columns, rate_hz, robotJson: metadata.get(META.robotModel) };
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const { problem } = damagedShard(path, 'footer');
    throw new ProblemError({ ...problem, detail: String(error) }, { cause: error });
  }
}

export function damagedShard(path: string, part: string): ProblemError {
  return new ProblemError({
    what: `${path} is damaged, or was changed since the viewer started`,
    fix: `The bytes of its ${part} are not those that were written. Reload; if it stays, check the dataset: nextgait inspect <folder> --verify`,
  });
}
