// What is mended in a recording before anything is computed from it, and what makes it unusable.
//
// Mended, with a finding: repeated time stamps (the later frame goes), values that are not finite (the frame has no
// such channel), quaternions slightly off unit length (rescaled) or far off (the frame has no orientation).
// Refused: time that runs backwards or is not a number, because the order of everything else hangs on it.

import { type DataError, FindingsError } from '../base/errors.js';
import { type Column, type Columns, columnNames, isValidAt, normaliseValidity } from './columns.js';
import type { ChannelName, Finding } from './episode.js';
import type { Track } from './resample.js';

/** Deviation from unit length that float32 leaves: rescaling would round such a quaternion to another one. */
const SINGLE_PRECISION = 2 ** -23;
/** Deviation from unit length up to which a quaternion is rescaled without a word: rounding to a few decimals. */
const ROUNDING = 1e-3;
/** Deviation from unit length beyond which a quaternion is not an orientation. */
const FAR_OFF = 0.05;

export interface Repaired {
  readonly track: Track;
  readonly findings: readonly Finding[];
}

/**
 * Mends one track; columns are replaced, never written into.
 * @throws FindingsError naming every frame (up to ten) at which time runs backwards or is not a number
 */
export function repairTrack(track: Track, where: string): Repaired {
  const findings: Finding[] = [];
  const kept = framesInOrder(track.time_s, where);
  const repeated = track.time_s.length - kept.length;
  let { time_s, columns } = track;
  if (repeated > 0) {
    findings.push({
      kind: 'repeated-time',
      severity: 'warning',
      message: `${repeated} of ${time_s.length} frames repeat the time stamp before them and were dropped`,
    });
    time_s = Float64Array.from(kept, (frame) => track.time_s[frame]);
    columns = mapColumns(columns, (column) => pickFrames(column, kept));
  }
  const frameCount = time_s.length;
  columns = mapColumns(columns, (column, name) => {
    const finite = dropNonFinite(name, column, frameCount, findings);
    return name === 'baseQuaternion' && finite !== undefined ? rescale(finite, frameCount, findings) : finite;
  });
  return { track: { time_s, columns }, findings };
}

/** Frames whose stamp is later than every stamp before. */
function framesInOrder(time_s: Float64Array, where: string): Int32Array {
  const kept = new Int32Array(time_s.length);
  const problems: DataError['detail'][] = [];
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (let frame = 0; frame < time_s.length; frame++) {
    const time = time_s[frame];
    if (time === last) continue;
    if (Number.isFinite(time) && time > last) {
      kept[count++] = frame;
      last = time;
    } else if (problems.length < 10) {
      problems.push({
        where: `${where}:frame ${frame}`,
        what: Number.isFinite(time) ? 'time goes backwards' : 'time stamp',
        expected: last === Number.NEGATIVE_INFINITY ? 'a number' : `more than ${last} s`,
        found: `${time} s`,
        fix: 'Cut the log there, or give rate_hz in the field map if its stamps mean nothing',
      });
    }
  }
  if (problems.length > 0) throw new FindingsError(problems);
  return kept.subarray(0, count);
}

function mapColumns(columns: Columns, change: (column: Column, name: ChannelName) => Column | undefined): Columns {
  const changed: Partial<Record<ChannelName, Column>> = {};
  for (const name of columnNames(columns)) {
    const column = change(columns[name]!, name);
    if (column !== undefined) changed[name] = column;
  }
  return changed;
}

function pickFrames({ width, data, valid }: Column, frames: Int32Array): Column {
  const picked = new Float64Array(frames.length * width);
  for (let frame = 0; frame < frames.length; frame++) {
    for (let k = 0; k < width; k++) picked[frame * width + k] = data[frames[frame] * width + k];
  }
  return valid === undefined
    ? { width, data: picked }
    : { width, data: picked, valid: Uint8Array.from(frames, (frame) => valid[frame]) };
}

function dropNonFinite(name: ChannelName, column: Column, frameCount: number, findings: Finding[]): Column | undefined {
  const bad: number[] = [];
  for (let frame = 0; frame < frameCount; frame++) {
    if (isValidAt(column, frame) && !isFiniteFrame(column, frame)) bad.push(frame);
  }
  if (bad.length === 0) return column;
  findings.push({
    kind: 'non-finite',
    severity: 'warning',
    channel: name,
    message: `${name} is missing or not a finite number in ${bad.length} of ${frameCount} frames, first in frame ${bad[0]}`,
  });
  return withoutFrames(column, bad, frameCount);
}

function isFiniteFrame({ width, data }: Column, frame: number): boolean {
  for (let k = frame * width; k < (frame + 1) * width; k++) if (!Number.isFinite(data[k])) return false;
  return true;
}

function withoutFrames(column: Column, frames: readonly number[], frameCount: number): Column | undefined {
  const valid = column.valid === undefined ? new Uint8Array(frameCount).fill(1) : column.valid.slice();
  for (const frame of frames) valid[frame] = 0;
  return normaliseValidity({ ...column, valid }, frameCount);
}

/** Unit quaternions from nearly unit ones. */
function rescale(column: Column, frameCount: number, findings: Finding[]): Column | undefined {
  const data = column.data.slice();
  const bad: number[] = [];
  let worst = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    if (!isValidAt(column, frame)) continue;
    const at = frame * 4;
    const length = Math.hypot(data[at], data[at + 1], data[at + 2], data[at + 3]);
    const deviation = Math.abs(length - 1);
    if (deviation > FAR_OFF) {
      bad.push(frame);
    } else if (deviation > SINGLE_PRECISION) {
      worst = Math.max(worst, deviation);
      for (let k = 0; k < 4; k++) data[at + k] /= length;
    }
  }
  if (worst > ROUNDING) {
    findings.push({
      kind: 'quaternion-length',
      severity: 'info',
      channel: 'baseQuaternion',
      message: `orientations up to ${worst.toPrecision(2)} off unit length were rescaled`,
    });
  }
  if (bad.length > 0) {
    findings.push({
      kind: 'quaternion-length',
      severity: bad.length * 2 > frameCount ? 'error' : 'warning',
      channel: 'baseQuaternion',
      message: `${bad.length} of ${frameCount} frames have no unit quaternion (off by more than ${FAR_OFF}), first frame ${bad[0]}`,
    });
  }
  const rescaled = worst > 0 ? { ...column, data } : column;
  return bad.length === 0 ? rescaled : withoutFrames(rescaled, bad, frameCount);
}
