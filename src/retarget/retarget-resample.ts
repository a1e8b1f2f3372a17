// A human motion at another rate: cubic curves through positions, great arcs through orientations.
//
// The last frame is the last instant that the motion covers. A frame between two of which one was filled in, or was not
// seen, counts as filled in, or not seen.

import { slerp } from '../math/quaternion.js';
import type { HumanMotion } from '../motion/human-motion.js';

/** The motion itself where it has the rate already; else a new one. */
export function resampleHuman(human: HumanMotion, rate_hz: number): HumanMotion {
  if (Math.abs(human.rate_hz - rate_hz) < 1e-3 * rate_hz) return human;
  const width = human.keypoints.length;
  const ratio = human.rate_hz / rate_hz;
  const last = human.frameCount - 1;
  const frameCount = Math.floor(last / ratio + 1e-6) + 1;
  const positions_m = new Float64Array(frameCount * width * 3);
  const quaternions = new Float64Array(frameCount * width * 4);
  const valid = new Uint8Array(frameCount);
  const seen = human.seen === undefined ? undefined : new Uint8Array(frameCount * width);
  for (let frame = 0; frame < frameCount; frame++) {
    const time = Math.min(last, frame * ratio);
    const left = Math.min(Math.max(0, last - 1), Math.floor(time));
    const right = Math.min(last, left + 1);
    const share = time - left;
    writeCubic(positions_m, frame, human.positions_m, left, share, 3 * width, last);
    for (let column = 0; column < width; column++) {
      const at = 4 * column;
      const { quaternions: from } = human;
      slerp(quaternions, 4 * frame * width + at, from, 4 * left * width + at, from, 4 * right * width + at, share);
    }
    const onLeft = share < 1e-6;
    const onRight = share > 1 - 1e-6;
    valid[frame] = (onRight ? 1 : human.valid[left]) & (onLeft ? 1 : human.valid[right]);
    if (seen === undefined || human.seen === undefined) continue;
    for (let column = 0; column < width; column++) {
      const one = onRight ? 1 : human.seen[left * width + column];
      seen[frame * width + column] = one & (onLeft ? 1 : human.seen[right * width + column]);
    }
  }
  return { ...human, rate_hz, frameCount, positions_m, quaternions, valid, ...(seen === undefined ? {} : { seen }) };
}

/** Catmull-Rom through four rows; the ends are their own neighbours. */
function writeCubic(
  out: Float64Array,
  frame: number,
  from: Float64Array,
  left: number,
  t: number,
  width: number,
  last: number,
): void {
  const before = Math.max(0, left - 1) * width;
  const a = left * width;
  const b = Math.min(last, left + 1) * width;
  const after = Math.min(last, left + 2) * width;
  const w0 = t * (-0.5 + t * (1 - 0.5 * t));
  const w1 = 1 + t * t * (-2.5 + 1.5 * t);
  const w2 = t * (0.5 + t * (2 - 1.5 * t));
  const w3 = t * t * (-0.5 + 0.5 * t);
  const o = frame * width;
  for (let k = 0; k < width; k++) {
    out[o + k] = w0 * from[before + k] + w1 * from[a + k] + w2 * from[b + k] + w3 * from[after + k];
  }
}
