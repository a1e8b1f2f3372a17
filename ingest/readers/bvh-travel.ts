// Where a body goes whose file does not say: a root without travel (rotations only, or a treadmill) under feet that walk.
//
// A foot that stands goes with the ground, for most of the time: of all velocities of low heels and toes, seen along the
// body's own axes, those of the ground are the most frequent. They are near zero where the file has the body's way, and
// a walk's speed backwards where it has not. Such a body is moved so that its ground stands: by the low heel or toe whose
// velocity is nearest to that one. A root that has no heights either gets them from the lowest sole. Limits: flight
// phases become slides; who walks forwards and backwards in one clip gets the way of one of the two.

import type { HumanKeypoint } from '../../src/motion/human-motion.js';
import { quantile } from '../../src/retarget/measure.js';
import type { Axis } from '../../src/retarget/rig.js';
import { axisVector, type KeypointTrack } from '../../src/retarget/skeleton.js';

/** A ground that moves at this speed under a body does not stand (m/s). */
const SLIDES_MPS = 0.2;
/** A body that travels at less than this share of it does not travel. */
const TRAVELS_SHARE = 0.25;
/** Velocities within this of another count as the same: a fixed part (m/s), and a share of the speed. */
const SAME_MPS = 0.15;
const SAME_SHARE = 0.2;
/** A velocity that fewer of the low heels and toes have is nobody's ground. */
const LEAST_SHARE = 0.25;
/** Velocities that are looked at to find the most frequent. */
const MOST_SAMPLES = 600;
/** A root that moves less than this along an axis has no motion there (m). */
const SAME_PLACE_M = 1e-3;
/** Soles this near to the lowest may bear the body (m): ankles and toes of a rolling foot, and noise. */
const LOW_M = 0.05;

export interface Travel {
  /** The most frequent velocity of low heels and toes along the body's left and forward (m/s). */
  readonly ground_mps: readonly [number, number];
  /** Mean velocity of the pelvis along them. */
  readonly pelvis_mps: readonly [number, number];
  /** True where the feet walk and the body goes nowhere, or where they move and the root is nailed to a point. */
  readonly isMissing: boolean;
}

/** @param unit_m metres in a unit of the track */
export function measureTravel(track: KeypointTrack, up: Axis, unit_m: number): Travel {
  const { frameCount, rate_hz } = track;
  const body = bodyOf(track, up, unit_m);
  // A twentieth of a second: long against noise, short against a stance.
  const span = Math.max(1, Math.round(rate_hz / 20));
  const toSpeed = (rate_hz / span) * unit_m;
  const pelvis: [number, number] = [0, 0];
  const low: (readonly [number, number])[] = [];
  const count = Math.max(0, frameCount - span);
  for (let frame = 0; frame < count; frame++) {
    const axes = body.axes(frame);
    const velocity = (point: number) => {
      const step = body.horizontal(frame, frame + span, point);
      return [dot(step, axes[0]) * toSpeed, dot(step, axes[1]) * toSpeed] as const;
    };
    const own = velocity(body.pelvis);
    for (let k = 0; k < 2; k++) pelvis[k] += own[k] / count;
    for (const point of body.lowPoints(frame)) low.push(velocity(point));
  }
  const { value: ground_mps, share } = mostFrequent(low);
  const speed = Math.hypot(...ground_mps);
  const walks = speed > SLIDES_MPS && share > LEAST_SHARE && Math.hypot(...pelvis) < TRAVELS_SHARE * speed;
  const feet_mps = low.reduce((sum, velocity) => sum + Math.hypot(...velocity), 0) / Math.max(1, low.length);
  const isMissing = walks || (feet_mps > SLIDES_MPS && body.isNailed(body.pelvis));
  return { ground_mps, pelvis_mps: pelvis, isMissing };
}

/** The velocity that most others are the same as, the mean of those, and their share. */
function mostFrequent(all: readonly (readonly [number, number])[]) {
  const step = Math.max(1, Math.floor(all.length / MOST_SAMPLES));
  const some = all.filter((_, at) => at % step === 0);
  let best = { value: [0, 0] as readonly [number, number], share: 0 };
  for (const [x, y] of some) {
    const reach = SAME_MPS + SAME_SHARE * Math.hypot(x, y);
    const same = some.filter((other) => Math.hypot(other[0] - x, other[1] - y) < reach);
    const share = same.length / some.length;
    const mean = (k: 0 | 1) => same.reduce((sum, other) => sum + other[k], 0) / same.length;
    if (share > best.share) best = { value: [mean(0), mean(1)], share };
  }
  return best;
}

/** Moves the body, in place, so that the ground under its feet stands. */
export function travelFromFeet(track: KeypointTrack, up: Axis, unit_m: number, { ground_mps }: Travel): void {
  const { frameCount, positions } = track;
  const width = track.keypoints.length;
  const body = bodyOf(track, up, unit_m);
  const hasHeights = !body.isNailed(body.pelvis, true);
  const ground = Float64Array.from({ length: hasHeights ? 0 : frameCount }, (_, frame) => body.lowestSole(frame));
  const offset = [0, 0, 0];
  const steps: number[][] = [[0, 0, 0]];
  for (let frame = 1; frame < frameCount; frame++) {
    const [left, forward] = body.axes(frame);
    const toSpeed = track.rate_hz * unit_m;
    const off = (step: readonly number[]) =>
      Math.hypot(dot(step, left) * toSpeed - ground_mps[0], dot(step, forward) * toSpeed - ground_mps[1]);
    const candidates = body.lowPoints(frame).map((point) => body.horizontal(frame - 1, frame, point));
    steps.push(candidates.reduce((best, step) => (off(step) < off(best) ? step : best)));
  }
  for (let frame = 0; frame < frameCount; frame++) {
    for (let k = 0; k < 3; k++) offset[k] -= steps[frame][k];
    const drop = hasHeights ? 0 : ground[frame];
    for (let at = frame * width * 3; at < (frame + 1) * width * 3; at++) {
      positions[at] += offset[at % 3] - drop * body.up[at % 3];
    }
  }
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function bodyOf({ keypoints, positions, frameCount }: KeypointTrack, upAxis: Axis, unit_m: number) {
  const up = axisVector(upAxis);
  const column = (name: HumanKeypoint) => keypoints.indexOf(name);
  const place = (frame: number, keypoint: number, k: number) =>
    positions[(frame * keypoints.length + keypoint) * 3 + k];
  const height = (frame: number, keypoint: number) =>
    place(frame, keypoint, 0) * up[0] + place(frame, keypoint, 1) * up[1] + place(frame, keypoint, 2) * up[2];
  const heightsOf = (keypoint: number) =>
    Float64Array.from({ length: frameCount }, (_, frame) => height(frame, keypoint));
  const feet = (['left', 'right'] as const).map((side) => {
    const [ankle, toe] = [column(`${side}_foot`), column(`${side}_toe`)];
    return { ankle, toe, flat: toe < 0 ? 0 : flatFoot(heightsOf(ankle), heightsOf(toe), unit_m) };
  });
  /** Ankles and toes, and how much higher each lies than a flat foot's toe. */
  const points = feet.flatMap(({ ankle, toe, flat }) => [
    { keypoint: ankle, above: flat },
    ...(toe < 0 ? [] : [{ keypoint: toe, above: 0 }]),
  ]);
  const soleOf = (frame: number, { keypoint, above }: (typeof points)[number]) => height(frame, keypoint) - above;
  const lowestSole = (frame: number) => Math.min(...points.map((point) => soleOf(frame, point)));
  const [leftHip, rightHip] = [column('left_hip'), column('right_hip')];
  return {
    up,
    pelvis: column('pelvis'),
    /** True where a keypoint does not move, or not up and down. */
    isNailed(keypoint: number, alongUp = false): boolean {
      const least = [Infinity, Infinity, Infinity];
      const most = [-Infinity, -Infinity, -Infinity];
      for (let frame = 0; frame < frameCount; frame++) {
        for (let k = 0; k < 3; k++) {
          least[k] = Math.min(least[k], place(frame, keypoint, k));
          most[k] = Math.max(most[k], place(frame, keypoint, k));
        }
      }
      return most.every((value, k) => (alongUp && up[k] === 0) || !((value - least[k]) * unit_m > SAME_PLACE_M));
    },
    lowestSole,
    lowPoints: (frame: number) => {
      const limit = lowestSole(frame) + LOW_M / unit_m;
      return points.filter((point) => soleOf(frame, point) <= limit).map(({ keypoint }) => keypoint);
    },
    /** How far a keypoint moves along the ground. */
    horizontal(from: number, to: number, keypoint: number): number[] {
      const rise = height(to, keypoint) - height(from, keypoint);
      return [0, 1, 2].map((k) => place(to, keypoint, k) - place(from, keypoint, k) - rise * up[k]);
    },
    /** The body's left and forward along the ground, of length one. */
    axes(frame: number): readonly [readonly number[], readonly number[]] {
      const across = [0, 1, 2].map((k) => place(frame, leftHip, k) - place(frame, rightHip, k));
      const rise = dot(across, up);
      const flat = across.map((value, k) => value - rise * up[k]);
      const length = Math.hypot(...flat) || 1;
      const left = flat.map((value) => value / length);
      const forward = [
        left[1] * up[2] - left[2] * up[1],
        left[2] * up[0] - left[0] * up[2],
        left[0] * up[1] - left[1] * up[0],
      ];
      return [left, forward];
    },
  };
}

/** How much higher the ankle lies than the toe in a flat foot: heels rise, and hardly ever sink. */
function flatFoot(ankle: Float64Array, toe: Float64Array, unit_m: number): number {
  const drops = ankle.map((value, frame) => value - toe[frame]);
  return Math.min(0.08 / unit_m, Math.max(0, quantile(drops, 0.2)));
}
