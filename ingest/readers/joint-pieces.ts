// Joint positions of one person to keypoints without holes: unseen joints, jumps and noise found and dealt with.
//
// A keypoint that jumps away for a frame counts as unseen; what is unseen is interpolated and marked. Where too little of
// the body is seen for too long, or the whole body jumps, the motion is cut. Pelvis and torso get orientations from hips
// and shoulders; other segments have none, because positions do not tell how they are turned about their length.

import { lowPass, measureNoise } from '../../src/math/low-pass.js';
import { fromAxes } from '../../src/math/rotation.js';
import type { Finding } from '../../src/motion/episode.js';
import { type HumanKeypoint, REQUIRED_KEYPOINTS } from '../../src/motion/human-motion.js';
import { quantile } from '../../src/retarget/measure.js';
import type { RigMatch } from '../../src/retarget/rig.js';
import type { KeypointTrack } from '../../src/retarget/skeleton.js';

export interface PieceOptions {
  readonly rate_hz: number;
  readonly maximumGap_s: number;
  readonly minimumPiece_s: number;
  readonly cutoff_hz: number;
}

export interface KeypointPiece {
  readonly track: KeypointTrack;
  readonly firstFrame: number;
  readonly findings: readonly Finding[];
}

/** Lengths are counted in hip-to-shoulder plus hip-to-ankle lengths of the person, about 1.35 m in an adult. */
const JUMP_PER_S = 9; // faster than any sprinter's pelvis
const SPIKE = 0.15; // a keypoint that jumps so far in one frame and back
const NOISE = 0.002;
const NOISY_CORRELATION = -1 / 3;
/** A frame counts where the pelvis and most required keypoints are seen. */
const ENOUGH_SEEN = 9;

/**
 * @param values positions [frame, jointCount, 3] in the file's unit, NaN where not seen
 * @returns pieces, and what concerns none of them
 */
export function keypointPieces(
  values: Float64Array,
  jointCount: number,
  match: RigMatch,
  options: PieceOptions,
): { pieces: readonly KeypointPiece[]; findings: readonly Finding[] } {
  const { keypoints } = match;
  const width = keypoints.length;
  const frameCount = values.length / (jointCount * 3);
  const points = new Float64Array(frameCount * width * 3);
  for (let frame = 0; frame < frameCount; frame++) {
    for (const [k, joints] of match.joints.entries()) {
      for (let axis = 0; axis < 3; axis++) {
        let sum = 0;
        for (const joint of joints) sum += values[(frame * jointCount + joint) * 3 + axis];
        points[(frame * width + k) * 3 + axis] = sum / joints.length;
      }
    }
  }
  const body = bodyLength(points, keypoints, frameCount);
  const spikes = dropSpikes(points, width, frameCount, SPIKE * body);
  const longestGap = Math.max(1, Math.round(options.maximumGap_s * options.rate_hz));
  const present = presentFrames(points, keypoints, frameCount);
  const pelvis = keypoints.indexOf('pelvis');
  const findings: Finding[] = [];
  const pieces: KeypointPiece[] = [];
  if (present.length === 0) {
    const message = `no frame has the pelvis and ${ENOUGH_SEEN} of ${REQUIRED_KEYPOINTS.length} required keypoints`;
    findings.push({ kind: 'gap', severity: 'warning', message });
  }
  let start = 0;
  for (let k = 1; k <= present.length; k++) {
    const [before, frame] = [present[k - 1], present[k]];
    const gap = k === present.length ? 0 : frame - before - 1;
    const jump =
      k < present.length &&
      stepOf(points, width, pelvis, before, frame) >
        (JUMP_PER_S * (frame - before) * body) / options.rate_hz + 0.1 * body;
    if (k < present.length && gap <= longestGap && !jump) continue;
    const first = present[start];
    if (before - first + 1 >= options.minimumPiece_s * options.rate_hz) {
      pieces.push(finishPiece(points, match, first, before + 1, present, spikes, body, options));
    } else {
      const message = `${before - first + 1} frames from frame ${first} on: too short, dropped`;
      findings.push({ kind: 'short-piece', severity: 'info', frames: [first, before + 1], message });
    }
    if (k < present.length) {
      const message = jump
        ? `the body jumps at frame ${frame}; cut there`
        : `not seen for ${gap} frames before ${frame}; cut`;
      findings.push({ kind: jump ? 'cut' : 'gap', severity: 'info', frames: [before, frame + 1], message });
    }
    start = k;
  }
  return { pieces, findings };
}

function finishPiece(
  points: Float64Array,
  match: RigMatch,
  first: number,
  end: number,
  present: readonly number[],
  spikes: number,
  body: number,
  options: PieceOptions,
): KeypointPiece {
  const width = match.keypoints.length;
  const frameCount = end - first;
  const positions = points.slice(first * width * 3, end * width * 3);
  const seen = new Uint8Array(frameCount * width);
  const valid = new Uint8Array(frameCount);
  for (const frame of present) if (frame >= first && frame < end) valid[frame - first] = 1;
  for (let at = 0; at < seen.length; at++) seen[at] = Number.isFinite(positions[at * 3]) ? 1 : 0;
  for (let k = 0; k < width; k++)
    fillKeypoint(positions, seen, width, k, frameCount, match.keypoints.indexOf('pelvis'));
  const findings: Finding[] = [];
  const unseen = seen.reduce((sum, value) => sum + (1 - value), 0);
  if (spikes > 0)
    findings.push({ kind: 'spike', severity: 'info', message: `${spikes} keypoint positions jump away and back` });
  if (unseen > 0) {
    const share = ((100 * unseen) / seen.length).toFixed(1);
    findings.push({
      kind: 'gap',
      severity: 'info',
      message: `${share} % of keypoint positions are unseen; interpolated and marked`,
    });
  }
  if (options.cutoff_hz > 0) filterNoise(positions, width * 3, frameCount, body, options, findings);
  const quaternions = new Float64Array(frameCount * width * 4);
  const oriented = orientTrunk(positions, quaternions, match.keypoints, frameCount);
  return {
    track: {
      rate_hz: options.rate_hz,
      frameCount,
      keypoints: match.keypoints,
      positions,
      quaternions,
      oriented,
      valid,
      ...(unseen > 0 ? { seen } : {}),
    },
    firstFrame: first,
    findings,
  };
}

/** Linear between frames in which the keypoint is seen, held at the ends; at the pelvis where it never is. */
function fillKeypoint(
  positions: Float64Array,
  seen: Uint8Array,
  width: number,
  k: number,
  frameCount: number,
  pelvis: number,
): void {
  let before = -1;
  for (let frame = 0; frame <= frameCount; frame++) {
    if (frame < frameCount && seen[frame * width + k] === 0) continue;
    for (let gap = before + 1; gap < frame; gap++) {
      const share = before < 0 ? 1 : frame === frameCount ? 0 : (gap - before) / (frame - before);
      for (let axis = 0; axis < 3; axis++) {
        const of = (f: number) => positions[(f * width + k) * 3 + axis];
        const known = before >= 0 || frame < frameCount;
        const a = before < 0 ? 0 : of(before);
        const b = frame === frameCount ? 0 : of(frame);
        positions[(gap * width + k) * 3 + axis] = known
          ? (1 - share) * a + share * b
          : positions[(gap * width + pelvis) * 3 + axis];
      }
    }
    before = frame;
  }
}

function filterNoise(
  positions: Float64Array,
  stride: number,
  frameCount: number,
  body: number,
  { rate_hz, cutoff_hz }: PieceOptions,
  findings: Finding[],
): void {
  let product = 0;
  let square = 0;
  for (let column = 0; column < stride; column++) {
    const { correlation, deviation } = measureNoise(positions, stride, column, frameCount);
    product += correlation * deviation ** 2;
    square += deviation ** 2;
  }
  const deviation = Math.sqrt(square / stride) / body;
  if (!(square > 0) || product / square > NOISY_CORRELATION || deviation < NOISE) return;
  for (let column = 0; column < stride; column++) lowPass(positions, stride, column, frameCount, rate_hz, cutoff_hz);
  const message = `keypoints shake by ${(deviation * 100).toFixed(2)} % of the body's length; filtered at ${cutoff_hz} Hz`;
  findings.push({ kind: 'jitter', severity: 'info', message });
}

/** Frames of pelvis and torso: left from hips or shoulders, up from hips to shoulders. */
function orientTrunk(
  positions: Float64Array,
  quaternions: Float64Array,
  keypoints: readonly HumanKeypoint[],
  frameCount: number,
): Uint8Array {
  const oriented = new Uint8Array(keypoints.length);
  const at = (name: HumanKeypoint) => keypoints.indexOf(name);
  const pairs = { pelvis: [at('left_hip'), at('right_hip')], torso: [at('left_shoulder'), at('right_shoulder')] };
  for (let row = 0; row < quaternions.length; row += 4) quaternions[row] = 1;
  for (const name of ['pelvis', 'torso'] as const) {
    const k = at(name);
    if (k < 0) continue;
    oriented[k] = 1;
    for (let frame = 0; frame < frameCount; frame++) {
      const point = (keypoint: number, axis: number) => positions[(frame * keypoints.length + keypoint) * 3 + axis];
      const across = [0, 1, 2].map((axis) => point(pairs[name][0], axis) - point(pairs[name][1], axis));
      const up = [0, 1, 2].map(
        (axis) =>
          point(pairs.torso[0], axis) +
          point(pairs.torso[1], axis) -
          point(pairs.pelvis[0], axis) -
          point(pairs.pelvis[1], axis),
      );
      const left = unit(across);
      const lean = left.reduce((sum, value, axis) => sum + value * up[axis], 0);
      const z = unit(up.map((value, axis) => value - lean * left[axis]));
      const x = [left[1] * z[2] - left[2] * z[1], left[2] * z[0] - left[0] * z[2], left[0] * z[1] - left[1] * z[0]];
      if (x.every(Number.isFinite)) fromAxes(quaternions, (frame * keypoints.length + k) * 4, x, left, z);
    }
  }
  return oriented;
}

const unit = (v: readonly number[]) => v.map((value) => value / Math.hypot(...v));

function presentFrames(points: Float64Array, keypoints: readonly HumanKeypoint[], frameCount: number): number[] {
  const required = REQUIRED_KEYPOINTS.map((name) => keypoints.indexOf(name));
  const isSeen = (frame: number, k: number) => Number.isFinite(points[(frame * keypoints.length + k) * 3]);
  return Array.from({ length: frameCount }, (_, frame) => frame).filter(
    (frame) => isSeen(frame, required[0]) && required.filter((k) => isSeen(frame, k)).length >= ENOUGH_SEEN,
  );
}

/** Median of hip to ankle plus hips to shoulders. */
function bodyLength(points: Float64Array, keypoints: readonly HumanKeypoint[], frameCount: number): number {
  const width = keypoints.length;
  const gap = (a: HumanKeypoint, b: HumanKeypoint) =>
    quantile(
      Float64Array.from({ length: frameCount }, (_, frame) => {
        let sum = 0;
        for (let axis = 0; axis < 3; axis++) {
          const of = (name: HumanKeypoint) => points[(frame * width + keypoints.indexOf(name)) * 3 + axis];
          sum += (of(a) - of(b)) ** 2;
        }
        return Math.sqrt(sum);
      }),
      0.5,
    );
  return gap('left_hip', 'left_knee') + gap('left_knee', 'left_foot') + gap('left_hip', 'left_shoulder');
}

function stepOf(points: Float64Array, width: number, k: number, a: number, b: number): number {
  let sum = 0;
  for (let axis = 0; axis < 3; axis++)
    sum += (points[(b * width + k) * 3 + axis] - points[(a * width + k) * 3 + axis]) ** 2;
  return Math.sqrt(sum);
}

/** Makes unseen what is off for one frame and back in the next. Returns how many. */
function dropSpikes(points: Float64Array, width: number, frameCount: number, limit: number): number {
  let count = 0;
  for (let frame = 1; frame + 1 < frameCount; frame++) {
    for (let k = 0; k < width; k++) {
      const away = stepOf(points, width, k, frame - 1, frame);
      const back = stepOf(points, width, k, frame, frame + 1);
      const across = stepOf(points, width, k, frame - 1, frame + 1);
      if (away > limit && back > limit && across < 0.5 * Math.min(away, back)) {
        points.fill(Number.NaN, (frame * width + k) * 3, (frame * width + k + 1) * 3);
        count++;
      }
    }
  }
  return count;
}
