// Resampling of timed columns to one uniform rate.
//
// Continuous channels are interpolated linearly, orientations on the sphere; what a digital controller holds between
// its steps (command, action, executed action) and what switches (foot contact) keeps its previous value. Nothing is
// interpolated over an invalid frame or over a gap: such output frames are invalid. Down-sampling picks values, it does
// not filter, because a controller at the lower rate would have read its sensors so. A source frame within 1 % of an
// output period is taken as it is: same-rate data passes through bit for bit.

import { DataError } from '../base/errors.js';
import { upperMedian } from '../math/median.js';
import { slerp } from '../math/quaternion.js';
import { type Column, type Columns, columnNames, isValidAt, type Motion, normaliseValidity } from './columns.js';
import type { ChannelName } from './episode.js';

/** Columns with their own time stamps (s), strictly increasing. */
export interface Track {
  readonly time_s: Float64Array;
  readonly columns: Columns;
}

export interface ResampleOptions {
  /** Rate of the result (Hz). */
  readonly rate_hz: number;
  /** Longest interval between two source frames that may be bridged (s); at least 1.5 source periods are. */
  readonly maximumGap_s: number;
}

export const RESAMPLE_DEFAULTS: ResampleOptions = { rate_hz: 50, maximumGap_s: 0.2 };

/** Share of an output period by which a source frame may miss an output instant and still be taken unchanged. */
const SNAP = 0.01;

const HELD: ReadonlySet<ChannelName> = new Set(['command', 'action', 'executedAction', 'footContact']);

export interface Resampled extends Motion {
  /** Source time of frame 0 (s). */
  readonly start_s: number;
}

/**
 * Resamples tracks to one uniform grid over the time that all of them cover, beginning at the latest first frame.
 * @throws DataError where times do not increase, a channel stands in two tracks, or the tracks do not overlap
 */
export function resampleTracks(
  tracks: readonly Track[],
  options: Partial<ResampleOptions> = {},
  where = 'recording',
): Resampled {
  const { rate_hz, maximumGap_s } = { ...RESAMPLE_DEFAULTS, ...options };
  let start_s = Number.NEGATIVE_INFINITY;
  let end_s = Number.POSITIVE_INFINITY;
  for (const track of tracks) {
    checkIncreasing(track.time_s, where);
    start_s = Math.max(start_s, track.time_s[0]);
    end_s = Math.min(end_s, track.time_s[track.time_s.length - 1]);
  }
  if (!(end_s >= start_s)) {
    throw new DataError({ where, what: 'times of its parts', expected: 'one common stretch of time', found: 'none' });
  }
  const frameCount = Math.floor((end_s - start_s) * rate_hz + SNAP) + 1;
  checkSpan(tracks, end_s - start_s, frameCount, where);
  const columns: Partial<Record<ChannelName, Column>> = {};
  for (const track of tracks) {
    const place = placeFrames(track.time_s, start_s, frameCount, rate_hz, maximumGap_s);
    for (const name of columnNames(track.columns)) {
      if (columns[name] !== undefined) throw new DataError({ where, what: `channel ${name} comes from two places` });
      columns[name] = resampleColumn(name, track.columns[name]!, place, frameCount);
    }
  }
  return { rate_hz, frameCount, start_s, columns };
}

/** Median time between rows (s) above which they are no recording of motion: their stamps are in another unit. */
const LONGEST_PERIOD_S = 1;
/** Frames of a result that one source row may stand for, on average, beyond a long pause of a short recording. */
const MOST_FRAMES_PER_ROW = 1000;
const PAUSE_FRAMES = 1_000_000;
/** Rows that last less than one output period altogether, where that many are a recording. */
const MANY_ROWS = 20;

/** @throws DataError where the stamps cannot be seconds: far too long a time for their number, or far too short */
function checkSpan(tracks: readonly Track[], span_s: number, frameCount: number, where: string): void {
  const rows = Math.max(...tracks.map(({ time_s }) => time_s.length));
  const isSlow = rows >= MANY_ROWS && Math.min(...tracks.map(({ time_s }) => medianPeriod(time_s))) > LONGEST_PERIOD_S;
  const isLong = frameCount > PAUSE_FRAMES + rows * MOST_FRAMES_PER_ROW;
  const isShort = rows >= MANY_ROWS && frameCount < 2;
  if (!isSlow && !isLong && !isShort) return;
  throw new DataError({
    where,
    what: 'time stamps',
    expected: isShort ? `${rows} rows to last longer` : `${rows} rows to last less`,
    found: `${span_s.toPrecision(3)} s from the first to the last`,
    fix: 'Their unit is another: set time.unit (s, ms, us or ns) in the field map',
  });
}

function checkIncreasing(time_s: Float64Array, where: string): void {
  if (time_s.length === 0) throw new DataError({ where, what: 'frames', expected: 'at least one', found: 'none' });
  for (let frame = 0; frame < time_s.length; frame++) {
    if (!Number.isFinite(time_s[frame]) || (frame > 0 && time_s[frame] <= time_s[frame - 1])) {
      throw new DataError({
        where: `${where}:frame ${frame}`,
        what: 'time stamp',
        expected: frame > 0 ? `more than ${time_s[frame - 1]} s` : 'a number',
        found: `${time_s[frame]}`,
      });
    }
  }
}

/** Where each output frame lies: source frame `left`, and how far towards the next; NaN where in a gap. */
interface Placement {
  readonly left: Int32Array;
  readonly fraction: Float64Array;
}

function placeFrames(
  time_s: Float64Array,
  start_s: number,
  frameCount: number,
  rate_hz: number,
  maximumGap_s: number,
): Placement {
  const left = new Int32Array(frameCount);
  const fraction = new Float64Array(frameCount);
  const snap_s = SNAP / rate_hz;
  const last = time_s.length - 1;
  const widestGap_s = widestBridge(time_s, maximumGap_s);
  let at = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    const time = start_s + frame / rate_hz;
    while (at < last && time_s[at + 1] <= time + snap_s) at++;
    left[frame] = at;
    if (at === last || Math.abs(time - time_s[at]) <= snap_s) continue;
    const period_s = time_s[at + 1] - time_s[at];
    fraction[frame] = period_s > widestGap_s ? Number.NaN : (time - time_s[at]) / period_s;
  }
  return { left, fraction };
}

/** Longest interval that is bridged: a slow source's own period is no gap. */
function widestBridge(time_s: Float64Array, maximumGap_s: number): number {
  return Math.max(maximumGap_s, 1.5 * medianPeriod(time_s));
}

/** Intervals between frames that resampling would not bridge. */
export function gapsIn(
  time_s: Float64Array,
  maximumGap_s = RESAMPLE_DEFAULTS.maximumGap_s,
): { count: number; longest_s: number } {
  const widest_s = widestBridge(time_s, maximumGap_s);
  let count = 0;
  let longest_s = 0;
  for (let frame = 1; frame < time_s.length; frame++) {
    const gap_s = time_s[frame] - time_s[frame - 1];
    if (gap_s <= widest_s) continue;
    count++;
    longest_s = Math.max(longest_s, gap_s);
  }
  return { count, longest_s };
}

/** Median interval between consecutive frames (s); 0 for a single frame. */
export function medianPeriod(time_s: Float64Array): number {
  if (time_s.length < 2) return 0;
  const periods = new Float64Array(time_s.length - 1);
  for (let frame = 0; frame < periods.length; frame++) periods[frame] = time_s[frame + 1] - time_s[frame];
  return upperMedian(periods);
}

function resampleColumn(
  name: ChannelName,
  source: Column,
  { left, fraction }: Placement,
  frameCount: number,
): Column | undefined {
  const { width, data } = source;
  const result = new Float64Array(frameCount * width);
  const valid = new Uint8Array(frameCount);
  const held = HELD.has(name);
  for (let frame = 0; frame < frameCount; frame++) {
    const from = left[frame];
    const share = fraction[frame];
    if (Number.isNaN(share) || !isValidAt(source, from)) continue;
    if (share === 0 || held) {
      for (let k = 0; k < width; k++) result[frame * width + k] = data[from * width + k];
    } else if (!isValidAt(source, from + 1)) {
      continue;
    } else if (name === 'baseQuaternion') {
      slerp(result, frame * 4, data, from * 4, data, (from + 1) * 4, share);
    } else {
      for (let k = 0; k < width; k++) {
        const a = data[from * width + k];
        result[frame * width + k] = a + share * (data[(from + 1) * width + k] - a);
      }
    }
    valid[frame] = 1;
  }
  return normaliseValidity({ width, data: result, valid }, frameCount);
}
