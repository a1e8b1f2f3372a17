// How tall the person is, and where the body goes, from feet that stand.
//
// A point that stands does not move in the world: Δpelvis + stature · Δpoint = 0, with the point's place relative to the
// pelvis in units of stature. Of heels and toes, one stands in most frames: the stature is the one for which the slowest
// of the four is slowest, in the mean over frames. Where a file has no motion through the world, the same relation gives
// it back, from the stature.

import { rotate } from '../../src/math/quaternion.js';
import { median } from '../../src/retarget/measure.js';
import { BODY_JOINT_COUNT, BODY_JOINTS, genericRest, poseBody } from './smpl-body.js';
import type { BodyTrack } from './smpl-tracks.js';

const FEET = (['left', 'right'] as const).map((side) => ({
  ankle: BODY_JOINTS.indexOf(`${side}_ankle`),
  toe: BODY_JOINTS.indexOf(`${side}_foot`),
}));

/** Positions of ankles and toes relative to the pelvis [row, foot, ankle or toe, 3], for a body with these rest joints. */
export function footPaths(track: BodyTrack, rest: Float64Array): Float64Array {
  const rowCount = track.frames.length;
  const paths = new Float64Array(rowCount * 12);
  const pose = {
    position: new Float64Array(BODY_JOINT_COUNT * 3),
    quaternion: new Float64Array(BODY_JOINT_COUNT * 4),
  };
  for (let row = 0; row < rowCount; row++) {
    poseBody(rest, track.rotations, row * BODY_JOINT_COUNT * 4, pose);
    for (const [foot, { ankle, toe }] of FEET.entries()) {
      for (let k = 0; k < 3; k++) {
        paths[row * 12 + foot * 6 + k] = pose.position[ankle * 3 + k];
        paths[row * 12 + foot * 6 + 3 + k] = pose.position[toe * 3 + k];
      }
    }
  }
  return paths;
}

/** Where the pelvis lies from the model's origin, in the file's world [row, 3]. */
export function pelvisOffsets({ frames, modelTurns }: BodyTrack, rest: Float64Array): Float64Array {
  const offsets = new Float64Array(frames.length * 3);
  for (let row = 0; row < frames.length; row++) {
    if (modelTurns === undefined) offsets.set(rest.subarray(0, 3), row * 3);
    else rotate(offsets, row * 3, modelTurns, row * 4, rest, 0);
  }
  return offsets;
}

export interface Stature {
  readonly stature_m: number;
  /** Median speed of the slowest of heels and toes, at that stature (m/s). */
  readonly slip_mps: number;
}

/** Statures that are tried (m): those of almost all adults, and some beyond, so that the best is no end of the range. */
const LEAST_M = 1.2;
const MOST_M = 2.3;
const STEP_M = 0.01;
/** Feet that slip more than this at their best do not stand (m/s). */
const MOST_SLIP_MPS = 0.15;
/** Slips count up to this (m/s), so that flight phases do not decide. */
const LARGEST_SLIP_MPS = 0.5;
/** Another stature by 15 % must make the slip larger by this factor; else the clip does not tell. */
const LEAST_RISE = 1.15;

/** Stature (m) from standing feet; undefined where the clip does not tell: no world motion, or feet that slide. */
export function measureStature(track: BodyTrack, rate_hz: number): Stature | undefined {
  const { translation } = track;
  if (translation === undefined) return undefined;
  const rest = genericRest(1);
  const paths = footPaths(track, rest);
  const origin = pelvisOffsets(track, rest);
  for (let at = 0; at < paths.length; at++) paths[at] += origin[Math.floor(at / 12) * 3 + (at % 3)];
  // A twentieth of a second: long against noise, short against a stance.
  const span = Math.max(1, Math.round(rate_hz / 20));
  const pairs = track.frames.length - span;
  if (pairs < rate_hz / 2) return undefined;
  const slips = new Float64Array(pairs);
  const fill = (stature_m: number) => {
    for (let row = 0; row < pairs; row++) {
      let least = Infinity;
      for (let point = 0; point < 12; point += 3) {
        let sum = 0;
        for (let k = 0; k < 3; k++) {
          const relative = paths[(row + span) * 12 + point + k] - paths[row * 12 + point + k];
          const moved = translation[(row + span) * 3 + k] - translation[row * 3 + k];
          sum += (moved + stature_m * relative) ** 2;
        }
        least = Math.min(least, sum);
      }
      slips[row] = (Math.sqrt(least) * rate_hz) / span;
    }
  };
  const meanSlip = (stature_m: number) => {
    fill(stature_m);
    return slips.reduce((sum, slip) => sum + Math.min(slip, LARGEST_SLIP_MPS), 0) / pairs;
  };
  let best = LEAST_M;
  let bestSlip = Infinity;
  for (let stature_m = LEAST_M; stature_m <= MOST_M; stature_m += STEP_M) {
    const slip = meanSlip(stature_m);
    if (slip < bestSlip) [best, bestSlip] = [stature_m, slip];
  }
  const isInside = best > LEAST_M + STEP_M && best < MOST_M - STEP_M;
  const isClear = Math.min(meanSlip(best * 0.85), meanSlip(best * 1.15)) > LEAST_RISE * bestSlip;
  fill(best);
  const slip_mps = median(slips);
  return isInside && isClear && slip_mps < MOST_SLIP_MPS ? { stature_m: best, slip_mps } : undefined;
}

/** 0 left, 1 right: the foot whose toe or ankle is lowest. */
function lowerFoot(paths: Float64Array, row: number, up: ArrayLike<number>): number {
  const height = (foot: number) => {
    const of = (part: number) => {
      const at = row * 12 + foot * 6 + part * 3;
      return paths[at] * up[0] + paths[at + 1] * up[1] + paths[at + 2] * up[2];
    };
    return Math.min(of(0), of(1));
  };
  return height(0) <= height(1) ? 0 : 1;
}

/**
 * A path of the pelvis [row, 3] on which the supporting foot does not move: the lower one, and its lower end.
 * Heights are set so that the supporting foot stays on one plane. Flight phases become slides: the limit of this.
 */
export function pathFromFeet(track: BodyTrack, rest: Float64Array, up: ArrayLike<number>): Float64Array {
  const paths = footPaths(track, rest);
  const rowCount = track.frames.length;
  const path = new Float64Array(rowCount * 3);
  const along = (at: number) => paths[at] * up[0] + paths[at + 1] * up[1] + paths[at + 2] * up[2];
  /** The ankle counts as this much lower than it is: its height above the toe in a flat foot. */
  const flat = Math.abs(rest[FEET[0].ankle * 3 + 1] - rest[FEET[0].toe * 3 + 1]);
  const lowest = (row: number, foot: number) => {
    const at = row * 12 + foot * 6;
    return along(at) - flat < along(at + 3)
      ? { point: foot * 6, height: along(at) - flat }
      : { point: foot * 6 + 3, height: along(at + 3) };
  };
  let support = lowerFoot(paths, 0, up);
  for (let row = 0; row < rowCount; row++) {
    const both = [lowest(row, 0), lowest(row, 1)];
    // The other foot takes over once it is clearly lower: without this, both would do so in turns while standing.
    if (both[1 - support].height < both[support].height - 0.01) support = 1 - support;
    const { point, height } = both[support];
    for (let k = 0; k < 3; k++) {
      const step = row === 0 ? 0 : paths[row * 12 + point + k] - paths[(row - 1) * 12 + point + k];
      path[row * 3 + k] = (row === 0 ? 0 : path[(row - 1) * 3 + k]) - step;
    }
    // Along the vertical there is no integration: the pelvis is as high as the supporting foot is below it.
    const off = -height - (path[row * 3] * up[0] + path[row * 3 + 1] * up[1] + path[row * 3 + 2] * up[2]);
    for (let k = 0; k < 3; k++) path[row * 3 + k] += off * up[k];
  }
  return path;
}
