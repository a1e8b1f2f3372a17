// What is wrong with people reconstructed from video, and what can be done about it before anything is made of it.
//
// In this order: people whose tracks exchange their bodies get them back; frames that jump away and return are filled in;
// tracks are cut where the body jumps for good (another shot, or another person under the same name) and at long gaps;
// short gaps are filled in; noise from frame to frame is filtered. Everything is reported, pieces too short are dropped.

import { lowPass, measureNoise } from '../../src/math/low-pass.js';
import { normalizeQuaternion, slerp } from '../../src/math/quaternion.js';
import type { Finding } from '../../src/motion/episode.js';
import { BODY_JOINT_COUNT } from './smpl-body.js';
import { type BodyTrack, takeRows } from './smpl-tracks.js';

export interface RepairOptions {
  readonly rate_hz: number;
  /** Longest gap that is filled in (s). */
  readonly maximumGap_s: number;
  /** Shortest piece that is kept (s). */
  readonly minimumPiece_s: number;
  /** Cutoff of the filter for noisy tracks (Hz); 0 leaves the noise in. */
  readonly cutoff_hz: number;
}

/** A person in consecutive frames. */
export interface BodyPiece {
  readonly track: BodyTrack;
  /** 1 measured, 0 filled in [row]. */
  readonly valid: Uint8Array;
  readonly findings: readonly Finding[];
}

export interface Repaired {
  readonly pieces: readonly BodyPiece[];
  /** What concerns no single piece. */
  readonly findings: readonly Finding[];
}

const POSE_WIDTH = BODY_JOINT_COUNT * 4;
/** Steps beyond which nobody moves: a fixed part for the noise of reconstructions and a speed. */
const ROOT_STEP = { fixed: 0.35, rate: 12 }; // rad, rad/s: turns of a figure skater reach 12 rad/s
const JOINT_STEP = { fixed: 0.35, rate: 6 }; // rad, rad/s, mean over joints
const SHIFT_STEP = { fixed: 0.15, rate: 9 }; // m, m/s: a sprinter
/** A change of body shape coefficients that makes it another person. */
const SHAPE_STEP = 1;
const LONGEST_SPIKE = 3; // frames

/** How far two rows are apart, each part as a multiple of what a person could do in `time_s`. */
function stepBetween(a: BodyTrack, i: number, b: BodyTrack, j: number, time_s: number) {
  const angle = (joint: number) => {
    let dot = 0;
    for (let k = 0; k < 4; k++) {
      dot += a.rotations[i * POSE_WIDTH + joint * 4 + k] * b.rotations[j * POSE_WIDTH + joint * 4 + k];
    }
    return 2 * Math.acos(Math.min(1, Math.abs(dot)));
  };
  let joints = 0;
  for (let joint = 1; joint < BODY_JOINT_COUNT; joint++) joints += angle(joint) / (BODY_JOINT_COUNT - 1);
  const shift =
    a.translation === undefined || b.translation === undefined ? 0 : distance(a.translation, i, b.translation, j, 3);
  const shape = a.shape === undefined || b.shape === undefined ? 0 : shapeDistance(a, i, b, j);
  const limit = ({ fixed, rate }: { fixed: number; rate: number }) => fixed + rate * time_s;
  return {
    motion: Math.max(
      angle(0) / Math.min(Math.PI, limit(ROOT_STEP)),
      joints / limit(JOINT_STEP),
      shift / limit(SHIFT_STEP),
    ),
    shape: shape / SHAPE_STEP,
  };
}

function shapeDistance(a: BodyTrack, i: number, b: BodyTrack, j: number): number {
  const width = Math.min(a.shape!.length / a.frames.length, b.shape!.length / b.frames.length);
  let sum = 0;
  for (let k = 0; k < width; k++) {
    sum +=
      (a.shape![(i * a.shape!.length) / a.frames.length + k] - b.shape![(j * b.shape!.length) / b.frames.length + k]) **
      2;
  }
  return Math.sqrt(sum);
}

function distance(a: Float64Array, i: number, b: Float64Array, j: number, width: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += (a[i * width + k] - b[j * width + k]) ** 2;
  return Math.sqrt(sum);
}

/** Repairs all tracks of a file. Inputs are not written into. */
export function repairTracks(tracks: readonly BodyTrack[], options: RepairOptions): Repaired {
  const findings: Finding[] = [];
  const pieces: BodyPiece[] = [];
  for (const track of untangle(tracks, options.rate_hz, findings)) {
    for (const piece of cutTrack(track, options, findings)) pieces.push(smooth(piece, options));
  }
  return { pieces, findings };
}

/** Gives back exchanged bodies: from a frame on in which both people fit better crosswise, and did jump. */
function untangle(tracks: readonly BodyTrack[], rate_hz: number, findings: Finding[]): BodyTrack[] {
  const current = [...tracks];
  for (let p = 0; p < current.length; p++) {
    for (let q = p + 1; q < current.length; q++) {
      if (current[p].shot !== current[q].shot) continue;
      untanglePair(current, p, q, rate_hz, findings);
    }
  }
  return current;
}

/** Walks through the frames that two tracks share, and exchanges what follows where that fits better. */
function untanglePair(tracks: BodyTrack[], p: number, q: number, rate_hz: number, findings: Finding[]): void {
  const cost = (x: BodyTrack, r: number, y: BodyTrack, s: number) => {
    const { motion, shape } = stepBetween(x, r, y, s, 1 / rate_hz);
    return motion + shape;
  };
  for (let i = 0, j = 0; i < tracks[p].frames.length && j < tracks[q].frames.length; ) {
    const [a, b] = [tracks[p], tracks[q]];
    const frame = a.frames[i];
    if (frame !== b.frames[j]) {
      if (frame < b.frames[j]) i++;
      else j++;
      continue;
    }
    if (i > 0 && j > 0 && a.frames[i - 1] === frame - 1 && b.frames[j - 1] === frame - 1) {
      const stay = cost(a, i - 1, a, i) + cost(b, j - 1, b, j);
      const cross = cost(a, i - 1, b, j) + cost(b, j - 1, a, i);
      if (stay > 1.5 && cross < 0.5 * stay) {
        [tracks[p], tracks[q]] = [joinRows(a, i, b, j), joinRows(b, j, a, i)];
        findings.push({
          kind: 'identity-switch',
          severity: 'warning',
          frames: [frame, frame + 1],
          message: `persons ${a.person} and ${b.person} exchange bodies in frame ${frame}; they were given back`,
        });
      }
    }
    i++;
    j++;
  }
}

/** Rows of `a` before i, then those of `b` from j on. */
function joinRows(a: BodyTrack, i: number, b: BodyTrack, j: number): BodyTrack {
  const start = takeRows(a, range(0, i));
  const end = takeRows(b, range(j, b.frames.length));
  const join = (x: Float64Array | undefined, y: Float64Array | undefined) => {
    if (x === undefined || y === undefined) return undefined;
    const out = new Float64Array(x.length + y.length);
    out.set(x);
    out.set(y, x.length);
    return out;
  };
  return {
    person: a.person,
    shot: a.shot,
    frames: Int32Array.of(...start.frames, ...end.frames),
    rotations: join(start.rotations, end.rotations)!,
    translation: join(start.translation, end.translation),
    modelTurns: join(start.modelTurns, end.modelTurns),
    shape: join(start.shape, end.shape),
  };
}

/** One track to pieces of consecutive frames. */
function cutTrack(track: BodyTrack, options: RepairOptions, fileFindings: Finding[]): BodyPiece[] {
  const { rate_hz } = options;
  const longestGap = Math.max(1, Math.round(options.maximumGap_s * rate_hz));
  const step = (i: number, j: number) => stepBetween(track, i, track, j, (track.frames[j] - track.frames[i]) / rate_hz);
  const jumps = (i: number, j: number) => step(i, j).motion > 1 || step(i, j).shape > 1;
  const kept: number[] = [];
  const spikes: number[] = [];
  for (let row = 0; row < track.frames.length; row++) {
    const before = kept[kept.length - 1];
    if (before !== undefined && jumps(before, row)) {
      const back = range(row + 1, Math.min(track.frames.length, row + 1 + LONGEST_SPIKE)).find(
        (later) => track.frames[later] - track.frames[before] <= longestGap + 1 && !jumps(before, later),
      );
      if (back !== undefined && before === row - 1) {
        for (let spike = row; spike < back; spike++) spikes.push(track.frames[spike]);
        kept.push(back);
        row = back;
        continue;
      }
    }
    kept.push(row);
  }

  const pieces: BodyPiece[] = [];
  let start = 0;
  for (let k = 1; k <= kept.length; k++) {
    const [before, row] = [kept[k - 1], kept[k]];
    const isEnd = k === kept.length;
    const gap = isEnd ? 0 : track.frames[row] - track.frames[before] - 1;
    const cut = isEnd ? undefined : cutReason(step(before, row), gap, longestGap);
    if (!isEnd && cut === undefined) continue;
    const rows = kept.slice(start, k);
    const frameCount = track.frames[before] - track.frames[rows[0]] + 1;
    if (frameCount >= options.minimumPiece_s * rate_hz) pieces.push(fillGaps(takeRows(track, rows), spikes));
    else {
      fileFindings.push({
        kind: 'short-piece',
        severity: 'info',
        frames: [track.frames[rows[0]], track.frames[before] + 1],
        message: `person ${track.person} is there for ${frameCount} frames only, from ${track.frames[rows[0]]}: dropped`,
      });
    }
    if (cut !== undefined) {
      fileFindings.push({
        kind: cut,
        severity: 'info',
        frames: [track.frames[before], track.frames[row] + 1],
        message: `person ${track.person}: ${CUT_MESSAGES[cut]} at frame ${track.frames[row]}; the motion is cut there`,
      });
    }
    start = k;
  }
  return pieces;
}

const CUT_MESSAGES = {
  gap: 'not seen for too long to fill in, seen again',
  'identity-switch': 'another body under the same name',
  cut: 'the body jumps',
} as const;

function cutReason(
  { motion, shape }: { motion: number; shape: number },
  gap: number,
  longestGap: number,
): keyof typeof CUT_MESSAGES | undefined {
  if (gap > longestGap) return 'gap';
  if (shape > 1) return 'identity-switch';
  return motion > 1 ? 'cut' : undefined;
}

/** Every frame between the first and the last, missing ones interpolated. */
function fillGaps(track: BodyTrack, spikes: readonly number[]): BodyPiece {
  const first = track.frames[0];
  const frameCount = track.frames[track.frames.length - 1] - first + 1;
  const spread = (values: Float64Array | undefined, isRotation: boolean) => {
    if (values === undefined) return undefined;
    const width = values.length / track.frames.length;
    const out = new Float64Array(frameCount * width);
    for (let row = 0; row < track.frames.length; row++) {
      const at = track.frames[row] - first;
      out.set(values.subarray(row * width, (row + 1) * width), at * width);
      const gap = row === 0 ? 1 : track.frames[row] - track.frames[row - 1];
      for (let k = 1; k < gap; k++) {
        const to = (at - gap + k) * width;
        const [i, j] = [(row - 1) * width, row * width];
        for (let column = 0; column < width; column += isRotation ? 4 : 1) {
          if (isRotation) slerp(out, to + column, values, i + column, values, j + column, k / gap);
          else out[to + column] = values[i + column] + (k / gap) * (values[j + column] - values[i + column]);
        }
      }
    }
    return out;
  };
  const valid = new Uint8Array(frameCount);
  for (const frame of track.frames) valid[frame - first] = 1;
  const missing = frameCount - track.frames.length;
  const spiked = spikes.filter((frame) => frame > first && frame < first + frameCount).length;
  const findings: Finding[] = [];
  if (spiked > 0) {
    findings.push({ kind: 'spike', severity: 'info', message: `${spiked} frames jump away and back; filled in` });
  }
  if (missing > spiked) {
    findings.push({
      kind: 'gap',
      severity: 'info',
      message: `${missing - spiked} missing frames in short gaps were filled in`,
    });
  }
  const filled: BodyTrack = {
    person: track.person,
    shot: track.shot,
    frames: Int32Array.from({ length: frameCount }, (_, k) => first + k),
    rotations: spread(track.rotations, true)!,
    translation: spread(track.translation, false),
    modelTurns: spread(track.modelTurns, true),
    shape: spread(track.shape, false),
  };
  return { track: filled, valid, findings };
}

/** Correlation of second differences below which they are mostly noise: halfway from none to that of white noise. */
const NOISY_CORRELATION = -1 / 3;
/** Noise that is worth filtering: a third of a degree, 3 mm. */
const NOISY_ROTATION = 0.006;
const NOISY_SHIFT_M = 0.003;

/** Filters rotations and translation where they are noisy. */
function smooth(piece: BodyPiece, { rate_hz, cutoff_hz }: RepairOptions): BodyPiece {
  if (cutoff_hz <= 0) return piece;
  const rowCount = piece.track.frames.length;
  const findings = [...piece.findings];
  const rotations = piece.track.rotations.slice();
  for (let column = 0; column < POSE_WIDTH; column += 4) alignSigns(rotations, column, rowCount);
  // A quaternion's components move by half the angle.
  const rotationNoise = noiseOf(rotations, POSE_WIDTH, rowCount);
  const jitters = rotationNoise.correlation < NOISY_CORRELATION && 2 * rotationNoise.deviation > NOISY_ROTATION;
  if (jitters) {
    for (let column = 0; column < POSE_WIDTH; column++)
      lowPass(rotations, POSE_WIDTH, column, rowCount, rate_hz, cutoff_hz);
    for (let at = 0; at < rotations.length; at += 4) normalizeQuaternion(rotations, at);
    const degrees = (2 * rotationNoise.deviation * 180) / Math.PI;
    findings.push(jitterFinding(`joints shake by ${degrees.toFixed(2)} degrees from frame to frame`, cutoff_hz));
  }
  const translation = piece.track.translation?.slice();
  if (translation !== undefined) {
    const { correlation, deviation } = noiseOf(translation, 3, rowCount);
    if (correlation < NOISY_CORRELATION && deviation > NOISY_SHIFT_M) {
      for (let column = 0; column < 3; column++) lowPass(translation, 3, column, rowCount, rate_hz, cutoff_hz);
      findings.push(
        jitterFinding(`the body shakes by ${(deviation * 1000).toFixed(1)} mm from frame to frame`, cutoff_hz),
      );
    }
  }
  return {
    ...piece,
    track: { ...piece.track, rotations: jitters ? rotations : piece.track.rotations, translation },
    findings,
  };
}

function jitterFinding(what: string, cutoff_hz: number): Finding {
  return { kind: 'jitter', severity: 'info', message: `${what}; filtered at ${cutoff_hz} Hz` };
}

/** Root mean square over columns, weighted as they move. */
function noiseOf(values: Float64Array, width: number, rowCount: number) {
  let product = 0;
  let square = 0;
  for (let column = 0; column < width; column++) {
    const { correlation, deviation } = measureNoise(values, width, column, rowCount);
    product += correlation * deviation ** 2;
    square += deviation ** 2;
  }
  // Rotations have four columns for three angles, translations one for one: an estimate for a threshold, no more.
  return { correlation: square > 0 ? product / square : 0, deviation: Math.sqrt(square / width) };
}

/** q and -q are one rotation: each row takes the sign that continues the one before. */
function alignSigns(rotations: Float64Array, column: number, rowCount: number): void {
  for (let row = 1; row < rowCount; row++) {
    const [a, b] = [(row - 1) * POSE_WIDTH + column, row * POSE_WIDTH + column];
    let dot = 0;
    for (let k = 0; k < 4; k++) dot += rotations[a + k] * rotations[b + k];
    if (dot < 0) for (let k = 0; k < 4; k++) rotations[b + k] = -rotations[b + k];
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);
}
