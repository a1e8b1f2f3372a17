// Columns: an episode in the making, its channels still in double precision and before they are one Episode.
//
// Readers, resampling and derivation work on columns; `toChannels` rounds to the float32 of an Episode once, at the
// end. An Episode's own channels are columns too, so the same functions serve both.

import type { FloatArray } from '../base/arrays.js';
import type { Channel, ChannelName, Episode } from './episode.js';

export interface Column {
  readonly width: number;
  /** Values [frame, width]; what stands in invalid frames has no meaning. */
  readonly data: FloatArray;
  /** 1 where the frame has this column; absent where every frame has it. */
  readonly valid?: Uint8Array;
}

export type Columns = Readonly<Partial<Record<ChannelName, Column>>>;

/** Columns at a uniform rate. */
export interface Motion {
  readonly rate_hz: number;
  readonly frameCount: number;
  readonly columns: Columns;
}

/** An episode as a motion; its channels are shared, not copied. */
export function motionOf(episode: Episode): Motion {
  return { rate_hz: episode.rate_hz, frameCount: episode.frameCount, columns: episode.channels };
}

export function isValidAt(column: Column, frame: number): boolean {
  return column.valid === undefined || column.valid[frame] === 1;
}

/** Names of the columns that are there, in the order of the object. */
export function columnNames(columns: Columns): ChannelName[] {
  return (Object.keys(columns) as ChannelName[]).filter((name) => columns[name] !== undefined);
}

/** Number of frames that have the column. */
export function countValid(column: Column, frameCount: number): number {
  if (column.valid === undefined) return frameCount;
  let count = 0;
  for (let frame = 0; frame < frameCount; frame++) count += column.valid[frame];
  return count;
}

/** A column with its validity left out where every frame is valid; undefined where none is. */
export function normaliseValidity<C extends Column>(column: C, frameCount: number): C | undefined {
  if (column.valid === undefined) return column;
  const count = countValid(column, frameCount);
  if (count === 0) return undefined;
  if (count < frameCount) return column;
  const { valid: _, ...rest } = column;
  return rest as C;
}

/** Rounds columns to an episode's float32 channels; columns that no frame has are left out. Data is copied. */
export function toChannels(columns: Columns, frameCount: number): Partial<Record<ChannelName, Channel>> {
  const channels: Partial<Record<ChannelName, Channel>> = {};
  for (const name of columnNames(columns)) {
    const column = normaliseValidity(columns[name]!, frameCount);
    if (column === undefined) continue;
    const data = Float32Array.from(column.data);
    channels[name] = column.valid === undefined ? { width: column.width, data } : { ...column, data };
  }
  return channels;
}

/** A column over its first frames, made by `write(frame, data, offset)`, which returns whether the frame is valid. */
export function buildColumn(
  frameCount: number,
  width: number,
  write: (frame: number, data: Float64Array, offset: number) => boolean,
): Column | undefined {
  const data = new Float64Array(frameCount * width);
  const valid = new Uint8Array(frameCount);
  for (let frame = 0; frame < frameCount; frame++) valid[frame] = write(frame, data, frame * width) ? 1 : 0;
  return normaliseValidity({ width, data, valid }, frameCount);
}
