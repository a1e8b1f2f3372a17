// What a shard is: column types, what its metadata says, and where each column's bytes lie.
//
// A shard is an Arrow IPC file with one record batch per episode and one row per frame: `episode` and `frame` (int32)
// and one FixedSizeList<float32> column per channel, uncompressed; a null is the modality mask. All episodes of a shard
// have the same set of channels, so that an absent channel costs no bytes. Because buffers are uncompressed and laid
// out by rule, a window is read with one positioned read per channel. docs/dataset-format.md is the reference.

import { Field, FixedSizeList, Float32, Int32, Schema } from 'apache-arrow';
import { z } from 'zod';
import { CHANNEL_NAMES, CHANNELS, type ChannelName, SOURCE_KINDS } from '../motion/episode.js';

export const FORMAT = 'nextgait-shard/1';
export const SHARD_PATTERN = /^shard-\d{5,}\.arrow$/;

/** Keys of the schema's metadata. */
export const META = {
  format: 'nextgait.format',
  tool: 'nextgait.tool',
  robot: 'nextgait.robot',
  robotModel: 'nextgait.robot_model',
  rate: 'nextgait.rate_hz',
  /** Footer only: the episodes, their provenance, and the checksums. */
  content: 'nextgait.content',
  footerChecksum: 'nextgait.footer_crc32',
} as const;

export interface ShardColumn {
  readonly name: ChannelName;
  readonly width: number;
}

export const robotIdentitySchema = z.object({ name: z.string(), hash: z.string(), jointNames: z.array(z.string()) });

const findingSchema = z.object({
  kind: z.string(),
  severity: z.enum(['info', 'warning', 'error']),
  channel: z.enum(CHANNEL_NAMES).optional(),
  frames: z.tuple([z.int(), z.int()]).optional(),
  message: z.string(),
});

/** An episode as its shard lists it. */
export const shardEpisodeSchema = z.object({
  id: z.string().min(1),
  source: z.string(),
  kind: z.enum(SOURCE_KINDS),
  frames: z.int().positive(),
  derived: z.array(z.enum(CHANNEL_NAMES)),
  startsAtReset: z.boolean(),
  fell: z.boolean().optional(),
  /** Byte range of its record batch in the file, where the batch's body begins in it, and the range's CRC-32. */
  offset: z.int().nonnegative(),
  length: z.int().positive(),
  body: z.int().positive(),
  crc32: z.int().nonnegative(),
  /** Number of valid frames of each channel that is not valid throughout. */
  partial: z.partialRecord(z.enum(CHANNEL_NAMES), z.int().positive()),
  findings: z.array(findingSchema),
  /** Index into `provenances`. */
  provenance: z.int().nonnegative(),
});
export type ShardEpisode = z.infer<typeof shardEpisodeSchema>;

export const shardContentSchema = z.object({
  /** CRC-32 of the bytes before the first record batch. */
  headerCrc32: z.int().nonnegative(),
  headerLength: z.int().positive(),
  episodes: z.array(shardEpisodeSchema).min(1),
  provenances: z.array(
    z.object({
      input: z.string(),
      sha256: z.string().optional(),
      tool: z.string(),
      options: z.record(z.string(), z.unknown()),
    }),
  ),
});
export type ShardContent = z.infer<typeof shardContentSchema>;

/** The Arrow schema of a shard with these channels. */
export function arrowSchema(columns: readonly ShardColumn[], metadata: ReadonlyMap<string, string>): Schema {
  const index = (name: string, about: string) => new Field(name, new Int32(), false, new Map([['about', about]]));
  return new Schema(
    [
      index('episode', 'position of the episode in the list in nextgait.content'),
      index('frame', 'frame in the episode'),
      ...columns.map(({ name, width }) => {
        const { unit, about } = CHANNELS[name];
        const type = new FixedSizeList(width, new Field('item', new Float32(), false));
        const notes: [string, string][] = [
          ['unit', unit],
          ['about', about],
        ];
        return new Field(name, type, true, new Map(notes));
      }),
    ],
    new Map(metadata),
  );
}

/** Byte offsets of a channel's buffers from the start of its record batch's body. */
export interface ColumnPlace {
  readonly width: number;
  /** Validity bitmap, least significant bit first; -1 where every frame is valid. */
  readonly validity: number;
  /** float32 [frame, width]. */
  readonly data: number;
}

export interface BatchLayout {
  readonly columns: ReadonlyMap<ChannelName, ColumnPlace>;
  /** Length of the body in bytes. */
  readonly length: number;
}

/** Where the buffers of an episode's record batch lie: in column order, each padded to 8 bytes. */
export function batchLayout(
  columns: readonly ShardColumn[],
  frames: number,
  isPartial: (name: ChannelName) => boolean,
): BatchLayout {
  // Columns `episode` and `frame`: int32 values and no validity.
  let at = 2 * padded(frames * 4);
  const places = new Map<ChannelName, ColumnPlace>();
  for (const { name, width } of columns) {
    const validity = isPartial(name) ? at : -1;
    if (validity >= 0) at += padded(Math.ceil(frames / 8));
    places.set(name, { width, validity, data: at });
    at += padded(frames * width * 4);
  }
  return { columns: places, length: at };
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
