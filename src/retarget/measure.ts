// What a motion file does not say and the body in it does: its unit of length, which way is up, the person's stature.
//
// Up: the axis along which legs and trunk lie on average. Unit: the one that gives the body a human stature, from ankle
// to shoulder, which is 0.779 of it. Every result is reported and can be overridden. Limits: a clip in which nobody
// stands needs `up`; a figure that no unit makes human needs `unit` or `height_m`.

import { z } from 'zod';
import { DataError } from '../base/errors.js';
import type { HumanKeypoint, HumanSegment } from '../motion/human-motion.js';
import type { Axis } from './rig.js';
import { axisVector, type KeypointTrack } from './skeleton.js';
import { ANKLE_TO_SHOULDER, FRACTIONS, STATURE_RANGE_M } from './skeleton-fractions.js';

/** Units of length that motion files use (m). CMU's database counts in 1/0.45 inches. */
export const UNITS_M = { m: 1, ft: 0.3048, dm: 0.1, cmu: 0.0254 / 0.45, in: 0.0254, cm: 0.01, mm: 0.001 } as const;
export type UnitName = keyof typeof UNITS_M;

export const measureSchema = z.strictObject({
  /** Unit of length: a name, or metres in one unit of the file. Default: measured. */
  unit: z.union([z.enum(['m', 'ft', 'dm', 'cmu', 'in', 'cm', 'mm']), z.number().positive()]).optional(),
  /** Axis of the file that points up. Default: measured. */
  up: z.enum(['+x', '-x', '+y', '-y', '+z', '-z']).optional(),
  /** The person's stature (m), to scale to. Default: measured. */
  height_m: z.number().min(0.3).max(3).optional(),
  /** Height of the floor in the file, along `up`, in metres. Default: measured from the feet that stand. */
  floor_m: z.number().optional(),
  /** One floor for the whole clip, or one that follows drifting feet (for reconstructions from video). */
  floor: z.enum(['level', 'follow']).default('level'),
});
export type MeasureOptions = z.input<typeof measureSchema>;

export interface BodyMeasure {
  readonly unit_m: number;
  readonly unit: string;
  readonly up: Axis;
  readonly upright: number;
  readonly height_m: number;
  readonly heights_m: Readonly<Record<string, number>>;
  readonly segments_m: Readonly<Partial<Record<HumanSegment, number>>>;
}

const MOST_SAMPLES = 2000;
const TYPICAL_STATURE_M = 1.7;

/**
 * Measures unit, up axis and stature.
 * @param where file, for messages
 * @throws DataError where no unit gives a human stature
 */
export function measureBody(track: KeypointTrack, options: MeasureOptions, where: string): BodyMeasure {
  const frames = sampleFrames(track);
  const { up, upright } = measureUp(track, frames, options.up);
  const raw = segmentLengths(track, frames);
  const rawHeights = staturesOf(raw);
  const { unit_m, unit } = chooseUnit(rawHeights.body, options, where);
  const scale = (lengths: Record<string, number>) =>
    Object.fromEntries(Object.entries(lengths).map(([name, value]) => [name, value * unit_m]));
  const heights_m = scale(rawHeights);
  return {
    unit_m,
    unit,
    up,
    upright,
    height_m: options.height_m ?? heights_m.body,
    heights_m,
    segments_m: scale(raw),
  };
}

/** Valid frames, evenly spread, few enough for medians. */
export function sampleFrames({ frameCount, valid }: Pick<KeypointTrack, 'frameCount' | 'valid'>): Int32Array {
  const all: number[] = [];
  const step = Math.max(1, Math.ceil(frameCount / MOST_SAMPLES));
  for (let frame = 0; frame < frameCount; frame += step) if (valid[frame] === 1) all.push(frame);
  return Int32Array.from(all.length > 0 ? all : [0]);
}

function measureUp(track: KeypointTrack, frames: Int32Array, given: Axis | undefined): { up: Axis; upright: number } {
  const column = (name: HumanKeypoint) => track.keypoints.indexOf(name);
  const pairs = [
    [column('left_hip'), column('right_hip'), column('left_shoulder'), column('right_shoulder')],
    [column('left_foot'), column('right_foot'), column('left_hip'), column('right_hip')],
  ];
  const mean = [0, 0, 0];
  const direction = [0, 0, 0];
  for (const frame of frames) {
    for (const [lowA, lowB, highA, highB] of pairs) {
      let length = 0;
      for (let k = 0; k < 3; k++) {
        const of = (keypoint: number) => track.positions[(frame * track.keypoints.length + keypoint) * 3 + k];
        direction[k] = of(highA) + of(highB) - of(lowA) - of(lowB);
        length += direction[k] ** 2;
      }
      if (length > 0) for (let k = 0; k < 3; k++) mean[k] += direction[k] / Math.sqrt(length) / (2 * frames.length);
    }
  }
  const largest = [0, 1, 2].reduce((best, k) => (Math.abs(mean[k]) > Math.abs(mean[best]) ? k : best), 0);
  const up = given ?? (`${mean[largest] < 0 ? '-' : '+'}${'xyz'[largest]}` as Axis);
  const vector = axisVector(up);
  return { up, upright: mean[0] * vector[0] + mean[1] * vector[1] + mean[2] * vector[2] };
}

/** Median lengths in the file's unit. */
export function segmentLengths(track: KeypointTrack, frames: Int32Array): Record<HumanSegment, number> {
  const column = (name: HumanKeypoint) => track.keypoints.indexOf(name);
  const distances = new Float64Array(frames.length);
  /** Median, or another quantile, of the distance between the middles of two sets of keypoints. */
  const between = (from: readonly HumanKeypoint[], to: readonly HumanKeypoint[], share = 0.5): number => {
    const a = from.map(column);
    const b = to.map(column);
    if ([...a, ...b].some((index) => index < 0)) return Number.NaN;
    for (const [row, frame] of frames.entries()) {
      let sum = 0;
      for (let k = 0; k < 3; k++) {
        const mean = (set: readonly number[]) =>
          set.reduce(
            (total, keypoint) => total + track.positions[(frame * track.keypoints.length + keypoint) * 3 + k],
            0,
          ) / set.length;
        sum += (mean(a) - mean(b)) ** 2;
      }
      distances[row] = Math.sqrt(sum);
    }
    return quantile(distances, share);
  };
  const sides = (from: string, to: string) =>
    (between([`left_${from}` as HumanKeypoint], [`left_${to}` as HumanKeypoint]) +
      between([`right_${from}` as HumanKeypoint], [`right_${to}` as HumanKeypoint])) /
    2;
  return {
    thigh: sides('hip', 'knee'),
    shank: sides('knee', 'foot'),
    foot: sides('foot', 'toe'),
    upperArm: sides('shoulder', 'elbow'),
    forearm: sides('elbow', 'hand'),
    // Bending shortens the trunk between its ends and nothing lengthens it: the straight ones count.
    trunk: between(['left_hip', 'right_hip'], ['left_shoulder', 'right_shoulder'], 0.9),
    hips: between(['left_hip'], ['right_hip']),
    shoulders: between(['left_shoulder'], ['right_shoulder']),
  };
}

function staturesOf(lengths: Record<HumanSegment, number>): Record<'body' | 'legs' | 'arms' | 'trunk', number> {
  const { thigh, shank, upperArm, forearm, trunk } = lengths;
  return {
    body: (thigh + shank + trunk) / ANKLE_TO_SHOULDER,
    legs: (thigh + shank) / (FRACTIONS.thigh + FRACTIONS.shank),
    arms: (upperArm + forearm) / (FRACTIONS.upperArm + FRACTIONS.forearm),
    trunk: trunk / (FRACTIONS.shoulderHeight - FRACTIONS.hipHeight),
  };
}

function chooseUnit(rawHeight: number, options: MeasureOptions, where: string): { unit_m: number; unit: string } {
  if (!(rawHeight > 0)) {
    throw new DataError({ where, what: 'skeleton', expected: 'bones with a length', found: 'none' });
  }
  if (options.height_m !== undefined)
    return { unit_m: options.height_m / rawHeight, unit: 'scaled to the stature given' };
  if (typeof options.unit === 'number') return { unit_m: options.unit, unit: `${options.unit} m` };
  if (options.unit !== undefined) return { unit_m: UNITS_M[options.unit], unit: options.unit };
  const distance = (unit: UnitName) => Math.abs(Math.log((rawHeight * UNITS_M[unit]) / TYPICAL_STATURE_M));
  const names = Object.keys(UNITS_M) as UnitName[];
  const best = names.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  const height = rawHeight * UNITS_M[best];
  if (height < STATURE_RANGE_M[0] || height > STATURE_RANGE_M[1]) {
    throw new DataError({
      where,
      what: 'unit of length',
      expected: `one that makes the skeleton ${STATURE_RANGE_M[0]} to ${STATURE_RANGE_M[1]} m tall`,
      found: `${rawHeight.toPrecision(4)} units from sole to head`,
      fix: 'Give the unit (--unit cm; of reconstructions --reader unit=cm), or the stature to scale to (--height 1.75)',
    });
  }
  return { unit_m: UNITS_M[best], unit: best };
}

/** Median of finite values; NaN where there are none. Sorts a copy. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** Linear quantile of finite values; NaN where there are none. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(Array.from(values).filter(Number.isFinite)).sort();
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}
