// Foot contacts: when the soles stand still on the floor, where they stand, and the targets that hold them there.
//
// Found on the feet's own target paths, heel and toe apart, so that a foot may roll over its toes. A part is in contact
// while it is slow and low (with hysteresis, against the lowest sole of the last second on both sides, because the floor
// of a recording drifts); a long contact that creeps is cut into shorter ones. Each holds its sole's corners at the mean
// of their target positions, on the floor, with a weight that swells and ebbs.

import type { Numbers } from '../base/arrays.js';
import { rotate } from '../math/quaternion.js';
import type { Targets, TrackedPoint } from './problem.js';

/** Corners of a sole in its foot body's frame (m): two of the heel, then two of the toe. */
export interface Sole {
  readonly name: string;
  readonly body: number;
  readonly corners_m: readonly Numbers[];
}

/** Where a foot's body is led: world position (m) [frame, 3] and orientation [frame, 4]. */
export interface FootPath {
  readonly position_m: Float64Array;
  readonly quaternion: Float64Array;
}

export interface ContactOptions {
  /** Slower than this begins a contact, faster than the second ends it (m/s). */
  readonly slow_mps: number;
  readonly fast_mps: number;
  /** Lower above the floor than this begins a contact, higher than the second ends it (m). */
  readonly low_m: number;
  readonly high_m: number;
  /** Shorter contacts are left out (s). */
  readonly minimum_s: number;
  /** A contact that strays further than this from its mean is cut (m). */
  readonly radius_m: number;
  /** Time in which a hold swells and ebbs (s). */
  readonly ramp_s: number;
  /** How far a held corner may stray at the cost of a keypoint off by its tolerance (m). */
  readonly tolerance_m: number;
  /** Where held soles are: on the floor, or at the height that their targets have. */
  readonly height: 'floor' | 'kept';
  /** Most by which the floor of the recording may be off, and is levelled (m). */
  readonly levelling_m: number;
}

export const CONTACT_DEFAULTS: ContactOptions = {
  slow_mps: 0.2,
  fast_mps: 0.35,
  low_m: 0.035,
  high_m: 0.06,
  minimum_s: 0.1,
  radius_m: 0.02,
  ramp_s: 0.1,
  tolerance_m: 0.003,
  height: 'floor',
  levelling_m: 0.06,
};

/** Frames [start, end) in which a part of a sole (0 heel, 1 toe) stands still. */
export interface Contact {
  readonly foot: number;
  readonly part: 0 | 1;
  readonly start: number;
  readonly end: number;
}

/** World positions of a sole's corners along its path [frame, corner, 3]. */
export function cornerPaths(path: FootPath, sole: Sole, frameCount: number): Float64Array {
  const count = sole.corners_m.length;
  const out = new Float64Array(frameCount * count * 3);
  for (let frame = 0; frame < frameCount; frame++) {
    for (let corner = 0; corner < count; corner++) {
      const at = 3 * (frame * count + corner);
      rotate(out, at, path.quaternion, 4 * frame, sole.corners_m[corner], 0);
      for (let k = 0; k < 3; k++) out[at + k] += path.position_m[3 * frame + k];
    }
  }
  return out;
}

/** Middle of a part's two corners [frame, 3]. */
function partPath(corners: Float64Array, part: 0 | 1, frameCount: number): Float64Array {
  const out = new Float64Array(frameCount * 3);
  for (let frame = 0; frame < frameCount; frame++) {
    const at = 12 * frame + 6 * part;
    for (let k = 0; k < 3; k++) out[3 * frame + k] = 0.5 * (corners[at + k] + corners[at + 3 + k]);
  }
  return out;
}

/**
 * Finds contacts on the soles' corner paths.
 * @param corners one a foot, [frame, 4, 3]
 * @param floor_m height of the floor
 */
export function findContacts(
  corners: readonly Float64Array[],
  frameCount: number,
  rate_hz: number,
  floor_m: number,
  options: ContactOptions = CONTACT_DEFAULTS,
): Contact[] {
  const parts = corners.flatMap((path, foot) =>
    ([0, 1] as const).map((part) => ({ foot, part, path: partPath(path, part, frameCount) })),
  );
  const lowest = new Float64Array(frameCount).fill(Number.POSITIVE_INFINITY);
  for (const { path } of parts) {
    for (let frame = 0; frame < frameCount; frame++) lowest[frame] = Math.min(lowest[frame], path[3 * frame + 2]);
  }
  const ground = slidingMinimum(lowest, Math.round(rate_hz));
  for (let frame = 0; frame < frameCount; frame++) {
    const off = ground[frame] - floor_m;
    ground[frame] = floor_m + Math.max(-options.levelling_m, Math.min(options.levelling_m, off));
  }
  return parts.flatMap(({ foot, part, path }) =>
    phases(path, ground, frameCount, rate_hz, options).flatMap(({ start, end }) =>
      cut(path, start, end, options, rate_hz).map((piece) => ({ foot, part, ...piece })),
    ),
  );
}

/** Least value within `reach` entries to either side. */
function slidingMinimum(values: Float64Array, reach: number): Float64Array {
  const count = values.length;
  const out = new Float64Array(count);
  // Indices of candidates, values rising.
  const queue = new Int32Array(count);
  let head = 0;
  let tail = 0;
  for (let at = 0, next = 0; at < count; at++) {
    for (; next < Math.min(count, at + reach + 1); next++) {
      while (tail > head && values[queue[tail - 1]] >= values[next]) tail--;
      queue[tail++] = next;
    }
    while (queue[head] < at - reach) head++;
    out[at] = values[queue[head]];
  }
  return out;
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

function phases(
  path: Float64Array,
  ground: Float64Array,
  frameCount: number,
  rate_hz: number,
  options: ContactOptions,
): Stretch[] {
  const found: Stretch[] = [];
  const minimum = Math.max(2, Math.round(options.minimum_s * rate_hz));
  // A difference over less than a fortieth of a second is noise.
  const reach = Math.max(1, Math.round(rate_hz / 40));
  let start = -1;
  for (let frame = 0; frame <= frameCount; frame++) {
    let stays = false;
    let begins = false;
    if (frame < frameCount) {
      const speed = speedAt(path, frame, reach, frameCount, rate_hz);
      const height = path[3 * frame + 2] - ground[frame];
      begins = speed < options.slow_mps && height < options.low_m;
      stays = speed < options.fast_mps && height < options.high_m;
    }
    if (start < 0 && begins) start = frame;
    if (start >= 0 && !stays) {
      if (frame - start >= minimum) found.push({ start, end: frame });
      start = -1;
    }
  }
  return found;
}

function speedAt(path: Float64Array, frame: number, reach: number, frameCount: number, rate_hz: number): number {
  const before = 3 * Math.max(0, frame - reach);
  const after = 3 * Math.min(frameCount - 1, frame + reach);
  if (after === before) return 0;
  const scale = (3 * rate_hz) / (after - before);
  const x = path[after] - path[before];
  const y = path[after + 1] - path[before + 1];
  return scale * Math.sqrt(x * x + y * y);
}

/** Cuts a contact into the fewest pieces that each stay within the radius of their middle. */
function cut(path: Float64Array, start: number, end: number, options: ContactOptions, rate_hz: number): Stretch[] {
  const pieces: Stretch[] = [];
  const minimum = Math.max(2, Math.round(options.minimum_s * rate_hz));
  let from = start;
  let [lowX, highX, lowY, highY] = [path[3 * start], path[3 * start], path[3 * start + 1], path[3 * start + 1]];
  for (let frame = start; frame < end; frame++) {
    const x = path[3 * frame];
    const y = path[3 * frame + 1];
    const width = Math.max(highX, x) - Math.min(lowX, x);
    const depth = Math.max(highY, y) - Math.min(lowY, y);
    if (width * width + depth * depth > 4 * options.radius_m * options.radius_m) {
      if (frame - from >= minimum) pieces.push({ start: from, end: frame });
      from = frame;
      [lowX, highX, lowY, highY] = [x, x, y, y];
    }
    lowX = Math.min(lowX, x);
    highX = Math.max(highX, x);
    lowY = Math.min(lowY, y);
    highY = Math.max(highY, y);
  }
  if (end - from >= minimum) pieces.push({ start: from, end });
  return pieces;
}

/**
 * How far above the floor the recording's own floor lies, frame by frame (m): the mean height of the soles in each
 * contact, straight between contacts. To be taken off every target.
 */
export function floorShift(
  contacts: readonly Contact[],
  corners: readonly Float64Array[],
  frameCount: number,
  floor_m: number,
  options: ContactOptions = CONTACT_DEFAULTS,
): Float64Array {
  const sum = new Float64Array(frameCount);
  const count = new Int32Array(frameCount);
  for (const { foot, part, start, end } of contacts) {
    let height = 0;
    for (let frame = start; frame < end; frame++) {
      const at = 12 * frame + 6 * part;
      height += 0.5 * (corners[foot][at + 2] + corners[foot][at + 5]) - floor_m;
    }
    height /= end - start;
    const limited = Math.max(-options.levelling_m, Math.min(options.levelling_m, height));
    for (let frame = start; frame < end; frame++) {
      sum[frame] += limited;
      count[frame]++;
    }
  }
  const shift = new Float64Array(frameCount);
  let last = -1;
  for (let frame = 0; frame < frameCount; frame++) {
    if (count[frame] === 0) continue;
    shift[frame] = sum[frame] / count[frame];
    const from = last < 0 ? shift[frame] : shift[last];
    for (let gap = last + 1; gap < frame; gap++) {
      shift[gap] = from + ((shift[frame] - from) * (gap - last)) / (frame - last);
    }
    last = frame;
  }
  if (last >= 0) shift.fill(shift[last], last + 1);
  return shift;
}

/** The soles' corners as tracked points, foot by foot. */
export function solePoints(soles: readonly Sole[]): TrackedPoint[] {
  return soles.flatMap(({ name, body, corners_m }) => corners_m.map((offset_m) => ({ name, body, offset_m })));
}

/**
 * Writes the targets that hold the soles' corners in contact.
 * @param firstPoint index in `targets.points` of the first corner (those of solePoints)
 */
export function writeContactTargets(
  targets: Targets,
  firstPoint: number,
  contacts: readonly Contact[],
  corners: readonly Float64Array[],
  floor_m: number,
  options: ContactOptions = CONTACT_DEFAULTS,
): void {
  const { pointTarget_m, pointWeight, points, rate_hz, frameCount } = targets;
  const most = 1 / options.tolerance_m ** 2;
  const place = new Float64Array(3);
  for (const { foot, part, start, end } of contacts) {
    for (let corner = 2 * part; corner < 2 * part + 2; corner++) {
      place.fill(0);
      for (let frame = start; frame < end; frame++) {
        const at = 12 * frame + 3 * corner;
        for (let k = 0; k < 3; k++) place[k] += corners[foot][at + k] / (end - start);
      }
      place[2] = options.height === 'floor' ? floor_m : Math.max(floor_m, place[2]);
      for (let frame = start; frame < end; frame++) {
        const at = frame * points.length + firstPoint + 4 * foot + corner;
        // From the middle of the first frame to that of the last; what the clip cuts off was held before and is after.
        const since = start === 0 ? Number.POSITIVE_INFINITY : frame - start + 0.5;
        const left = end === frameCount ? Number.POSITIVE_INFINITY : end - frame - 0.5;
        const inside = Math.min(since, left) / (rate_hz * options.ramp_s);
        const share = Math.min(1, inside);
        pointWeight[at] = most * share * share * (3 - 2 * share);
        for (let k = 0; k < 3; k++) pointTarget_m[3 * at + k] = place[k];
      }
    }
  }
}
