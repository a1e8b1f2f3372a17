// Where the floor is, from the feet that stand on it.
//
// A foot stands where its toe hardly moves and it is the lower of the two. Joint centres lie above the sole: the ball
// by 0.015 of the stature, the ankle by as much more as it lies above the ball while both stand still, but at least by
// the published 0.039 of the stature where a rig has no toes.

import type { FloatArray } from '../base/arrays.js';
import type { HumanKeypoint } from '../motion/human-motion.js';
import { median, quantile } from './measure.js';
import { BALL_HEIGHT, FRACTIONS } from './skeleton-fractions.js';

export interface FloorInput {
  readonly rate_hz: number;
  readonly frameCount: number;
  readonly keypoints: readonly HumanKeypoint[];
  /** Metres, Z up [frame, keypoint, 3]. */
  readonly positions_m: FloatArray;
  readonly valid: Uint8Array;
}

export interface Floor {
  /** Height of the floor (m). */
  readonly height_m: number;
  /** Between the 10th and 90th percentile of the soles that stand (m). */
  readonly spread_m: number;
  readonly soles_m: Readonly<Partial<Record<HumanKeypoint, number>>>;
  /** Frames in which a foot stands, and the height of its sole. */
  readonly standing: readonly { readonly frame: number; readonly height_m: number }[];
}

/** Speed below which a toe stands still (m/s): noise of motion capture stays below it, and a swinging foot above. */
const STILL_MPS = 0.3;
/** Fewer standing frames than this share: the slowest feet of the clip are taken instead. */
const FEWEST_STANDING = 0.02;

export function measureFloor(input: FloorInput, height_m: number): Floor {
  const { frameCount, keypoints, positions_m, valid } = input;
  const column = (name: HumanKeypoint) => keypoints.indexOf(name);
  const feet = (['left', 'right'] as const).map((side) => ({
    ankle: column(`${side}_foot`),
    toe: column(`${side}_toe`),
  }));
  const z = (frame: number, keypoint: number) => positions_m[(frame * keypoints.length + keypoint) * 3 + 2];
  const contacts: { frame: number; foot: number; speed: number; ankleSpeed: number }[] = [];
  for (let frame = 1; frame + 1 < frameCount; frame++) {
    if ((valid[frame - 1] & valid[frame] & valid[frame + 1]) === 0) continue;
    const lowest = feet.map(({ ankle, toe }) => Math.min(z(frame, ankle), toe < 0 ? Infinity : z(frame, toe)));
    const foot = lowest[0] <= lowest[1] ? 0 : 1;
    const { ankle, toe } = feet[foot];
    const speed = speedOf(input, frame, toe < 0 ? ankle : toe);
    contacts.push({ frame, foot, speed, ankleSpeed: speedOf(input, frame, ankle) });
  }
  let still = contacts.filter(({ speed }) => speed < STILL_MPS);
  if (still.length < FEWEST_STANDING * frameCount) {
    const most = quantile(
      contacts.map(({ speed }) => speed),
      0.1,
    );
    still = contacts.filter(({ speed }) => speed <= most);
  }

  const hasToes = feet.every(({ toe }) => toe >= 0);
  const drops = hasToes
    ? still
        .filter(({ ankleSpeed }) => ankleSpeed < STILL_MPS)
        .map(({ frame, foot }) => z(frame, feet[foot].ankle) - z(frame, feet[foot].toe))
    : [];
  // Heels rise while toes stand, and hardly ever the other way about: a flat foot has the lower ankles.
  const flat = drops.length > 0 ? quantile(drops, 0.2) / height_m : FRACTIONS.ankleHeight - BALL_HEIGHT;
  const drop = Math.min(0.08, Math.max(0, flat));
  const ankleSole = hasToes ? (drop + BALL_HEIGHT) * height_m : FRACTIONS.ankleHeight * height_m;
  const toeSole = BALL_HEIGHT * height_m;
  const standing = still.map(({ frame, foot }) => {
    const { ankle, toe } = feet[foot];
    const sole = Math.min(z(frame, ankle) - ankleSole, toe < 0 ? Infinity : z(frame, toe) - toeSole);
    return { frame, height_m: sole };
  });
  const heights = standing.map(({ height_m: sole }) => sole);
  const lowestEver = () => {
    const all = Float64Array.from({ length: frameCount }, (_, frame) =>
      Math.min(
        ...feet.map(({ ankle, toe }) =>
          Math.min(z(frame, ankle) - ankleSole, toe < 0 ? Infinity : z(frame, toe) - toeSole),
        ),
      ),
    );
    return quantile(all, 0.05);
  };
  const soles: Partial<Record<HumanKeypoint, number>> = { left_foot: ankleSole, right_foot: ankleSole };
  if (hasToes) Object.assign(soles, { left_toe: toeSole, right_toe: toeSole });
  return {
    height_m: heights.length > 0 ? median(heights) : lowestEver(),
    spread_m: heights.length > 1 ? quantile(heights, 0.9) - quantile(heights, 0.1) : 0,
    soles_m: soles,
    standing,
  };
}

/** Speed of a keypoint (m/s) by central difference. */
function speedOf({ rate_hz, keypoints, positions_m }: FloorInput, frame: number, keypoint: number): number {
  let sum = 0;
  for (let k = 0; k < 3; k++) {
    const of = (at: number) => positions_m[(at * keypoints.length + keypoint) * 3 + k];
    sum += (of(frame + 1) - of(frame - 1)) ** 2;
  }
  return (Math.sqrt(sum) * rate_hz) / 2;
}

/**
 * Height of a floor that follows the standing feet (m) [frame]: medians over windows of `window_s`, joined by lines.
 * For reconstructions from video, whose height drifts; stairs and hops are flattened with the drift.
 */
export function followFloor(floor: Floor, frameCount: number, rate_hz: number, window_s = 2): Float64Array {
  const window = Math.max(1, Math.round(window_s * rate_hz));
  const knots: { at: number; height: number }[] = [];
  for (let start = 0; start < frameCount; start += window) {
    const inside = floor.standing.filter(({ frame }) => frame >= start && frame < start + window);
    if (inside.length === 0) continue;
    knots.push({
      at: median(inside.map(({ frame }) => frame)),
      height: median(inside.map(({ height_m }) => height_m)),
    });
  }
  const heights = new Float64Array(frameCount).fill(floor.height_m);
  if (knots.length === 0) return heights;
  let knot = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    while (knot + 1 < knots.length && knots[knot + 1].at <= frame) knot++;
    const a = knots[knot];
    const b = knots[Math.min(knot + 1, knots.length - 1)];
    const share = b.at > a.at ? Math.min(1, Math.max(0, (frame - a.at) / (b.at - a.at))) : 0;
    heights[frame] = a.height + share * (b.height - a.height);
  }
  return heights;
}
