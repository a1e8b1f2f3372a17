// From keypoints in a file's own frame and unit to a HumanMotion: metres, Z up, floor at zero, everything measured said.

import { multiplyQuaternions, rotate } from '../math/quaternion.js';
import { fromAxes } from '../math/rotation.js';
import type { Finding, Provenance } from '../motion/episode.js';
import { HUMAN_SEGMENTS, type HumanKeypoint, type HumanMotion, type HumanSegment } from '../motion/human-motion.js';
import { type BodyMeasure, type MeasureOptions, measureBody, measureSchema, median, sampleFrames } from './measure.js';
import { type Floor, followFloor, measureFloor } from './measure-floor.js';
import type { Axis, RigMatch } from './rig.js';
import { axisVector, type KeypointTrack } from './skeleton.js';

export interface MotionSource {
  readonly id: string;
  readonly kind: HumanMotion['kind'];
  /** File, for messages. */
  readonly where: string;
  /** Names of the file's joints, for the table of what was matched. */
  readonly jointNames: readonly string[];
  readonly provenance: Provenance;
  /** The person's stature where it is known without measuring (m). */
  readonly stature_m?: number;
  /** What was found before. */
  readonly findings: readonly Finding[];
}

/** Unit, up axis, stature and floor of an earlier part of the same clip, so that its parts agree. */
export interface MotionScale {
  readonly body: BodyMeasure;
  readonly floor: Pick<Floor, 'height_m' | 'spread_m' | 'soles_m'>;
}

/** A spread of standing feet beyond which the floor is no plane (m). */
const UNEVEN_M = 0.1;
/** A sprinter's speed (m/s), and what a single frame may be off by besides (m). */
const FASTEST_MPS = 12;
const JUMP_M = 0.1;
const UPRIGHT_AT_LEAST = 0.6;
/** A floor that moves less than this is one plane (m). */
const DRIFT_M = 0.02;

/**
 * Brings a track into the canonical form. The track's arrays are not kept.
 * @throws DataError where no unit gives a human stature
 */
export function canonicalMotion(
  track: KeypointTrack,
  match: RigMatch,
  source: MotionSource,
  options: MeasureOptions = {},
  scale?: MotionScale,
): HumanMotion {
  const settings = measureSchema.parse(options);
  const measured = scale?.body ?? measureBody(track, settings, source.where);
  const body = source.stature_m === undefined ? measured : { ...measured, height_m: source.stature_m };
  const { keypoints, frameCount, rate_hz } = track;
  const positions_m = new Float64Array(track.positions.length);
  const quaternions = new Float64Array(track.quaternions.length);
  const turn = fileToWorld(body.up);
  for (let at = 0; at < positions_m.length; at += 3) {
    rotate(positions_m, at, turn, 0, track.positions, at);
    for (let k = 0; k < 3; k++) positions_m[at + k] *= body.unit_m;
  }
  for (let at = 0, row = 0; at < quaternions.length; at += 4, row++) {
    if (track.oriented[row % keypoints.length] === 0) quaternions[at] = 1;
    else multiplyQuaternions(quaternions, at, turn, 0, track.quaternions, at);
  }
  const findings: Finding[] = [...source.findings];
  const measuredFloor = scale?.floor ?? measureFloor({ ...track, positions_m }, body.height_m);
  const floor_m = settings.floor_m ?? measuredFloor.height_m;
  const followed =
    settings.floor === 'follow' && settings.floor_m === undefined && 'standing' in measuredFloor
      ? followFloor(measuredFloor as Floor, frameCount, rate_hz)
      : undefined;
  const drift_m = followed === undefined ? 0 : rangeOf(followed);
  const levels = drift_m > DRIFT_M ? followed : undefined;
  for (let frame = 0, at = 2; frame < frameCount; frame++) {
    const level = levels?.[frame] ?? floor_m;
    for (let k = 0; k < keypoints.length; k++, at += 3) positions_m[at] -= level;
  }
  if (levels !== undefined) {
    const message = `the floor drifts by ${(drift_m * 100).toFixed(1)} cm and was levelled`;
    findings.push({ kind: 'floor-drift', severity: 'info', message });
  }
  if (match.rig.zeroPose === 'other') levelFeet(track, positions_m, quaternions);
  findings.push(...jumpFinding(keypoints, positions_m, frameCount, rate_hz));
  findings.push(
    ...bodyFindings(body, measuredFloor, levels !== undefined),
    ...mirrorFinding(keypoints, positions_m, track),
  );

  const segments: Partial<Record<HumanSegment, number>> = {};
  for (const name of HUMAN_SEGMENTS) if (Number.isFinite(body.segments_m[name])) segments[name] = body.segments_m[name];
  const joints: Partial<Record<HumanKeypoint, string>> = {};
  for (const [k, name] of keypoints.entries()) {
    joints[name] = match.joints[k].map((joint) => source.jointNames[joint]).join(' + ');
  }
  return {
    id: source.id,
    kind: source.kind,
    rate_hz,
    frameCount,
    keypoints,
    positions_m,
    quaternions,
    oriented: track.oriented,
    valid: track.valid,
    ...(track.seen === undefined ? {} : { seen: track.seen }),
    height_m: body.height_m,
    segments_m: segments,
    soles_m: measuredFloor.soles_m,
    measured: {
      rig: match.rig.name,
      joints,
      unit_m: body.unit_m,
      unit: body.unit,
      up: body.up,
      upright: body.upright,
      heights_m: body.heights_m,
      floor_m,
      floorSpread_m: measuredFloor.spread_m,
    },
    findings,
    provenance: source.provenance,
  };
}

/** What `canonicalMotion` measured, for the next part of the same clip. */
export function scaleOf(motion: HumanMotion): MotionScale {
  const { unit_m, unit, up, upright, heights_m, floor_m, floorSpread_m } = motion.measured;
  const { height_m, segments_m, soles_m } = motion;
  return {
    body: { unit_m, unit, up: up as Axis, upright, height_m, heights_m, segments_m },
    floor: { height_m: floor_m, spread_m: floorSpread_m, soles_m },
  };
}

/** Rotation (w x y z) that carries the file's up axis to +z, its horizontal axes to x and y in their cyclic order. */
function fileToWorld(up: Axis): Float64Array {
  const turn = new Float64Array(4);
  const axes = ['x', 'y', 'z'];
  const first = axes.indexOf(up[1]);
  const z = axisVector(up);
  // The file's axes in the world: `up` becomes z; the one after it becomes x, turned over where up is negative.
  const x = axisVector(`+${axes[(first + 1) % 3]}` as Axis);
  const y = [z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]];
  // Rows of the matrix are x, y, z: the inverse of the one whose columns they are.
  fromAxes(turn, 0, x, y, z);
  for (let k = 1; k < 4; k++) turn[k] = -turn[k];
  return turn;
}

/** Turns feet about their own lateral axis so that they are level while they stand: axes along a bone slope with it. */
function levelFeet(track: KeypointTrack, positions_m: Float64Array, quaternions: Float64Array): void {
  const { keypoints, frameCount, rate_hz } = track;
  const axis = new Float64Array(3);
  const turned = new Float64Array(4);
  const frames = sampleFrames(track).filter((frame) => frame > 0 && frame + 1 < frameCount);
  for (const side of ['left', 'right'] as const) {
    const foot = keypoints.indexOf(`${side}_foot`);
    const toe = keypoints.indexOf(`${side}_toe`);
    if (foot < 0 || toe < 0 || track.oriented[foot] === 0) continue;
    const speed = (frame: number, keypoint: number) =>
      Math.hypot(
        ...[0, 1, 2].map((k) => {
          const at = (f: number) => positions_m[(f * keypoints.length + keypoint) * 3 + k];
          return ((at(frame + 1) - at(frame - 1)) * rate_hz) / 2;
        }),
      );
    const slopes = Array.from(frames)
      .filter((frame) => speed(frame, foot) < 0.3 && speed(frame, toe) < 0.3)
      .map((frame) => {
        rotate(axis, 0, quaternions, (frame * keypoints.length + foot) * 4, [1, 0, 0], 0);
        return Math.asin(Math.max(-1, Math.min(1, axis[2])));
      });
    const slope = slopes.length > 0 ? median(slopes) : 0;
    // About y, a positive turn lowers the toes: turning by the slope brings the axis back to level.
    const half = [Math.cos(slope / 2), 0, Math.sin(slope / 2), 0];
    for (let frame = 0; frame < frameCount; frame++) {
      const at = (frame * keypoints.length + foot) * 4;
      multiplyQuaternions(turned, 0, quaternions, at, half, 0);
      quaternions.set(turned, at);
    }
  }
}

function bodyFindings(body: BodyMeasure, floor: Pick<Floor, 'spread_m'>, follows: boolean): Finding[] {
  const findings: Finding[] = [];
  if (body.upright < UPRIGHT_AT_LEAST) {
    findings.push({
      kind: 'up-axis',
      severity: 'warning',
      message: `the body lies along ${body.up} by ${body.upright.toFixed(2)} only: give the up axis if it is another (--up +z)`,
    });
  }
  if (floor.spread_m > UNEVEN_M && !follows) {
    findings.push({
      kind: 'uneven-floor',
      severity: 'warning',
      message: `standing feet differ by ${(floor.spread_m * 100).toFixed(0)} cm in height: steps, or a drifting reconstruction`,
    });
  }
  return findings;
}

function rangeOf(levels: Float64Array): number {
  let [low, high] = [Infinity, -Infinity];
  for (const level of levels) [low, high] = [Math.min(low, level), Math.max(high, level)];
  return high - low;
}

/** Steps of the pelvis that nobody can make. */
function jumpFinding(
  keypoints: readonly HumanKeypoint[],
  positions_m: Float64Array,
  frameCount: number,
  rate_hz: number,
): Finding[] {
  const pelvis = keypoints.indexOf('pelvis');
  const jumps: number[] = [];
  for (let frame = 1; frame < frameCount; frame++) {
    const [a, b] = [((frame - 1) * keypoints.length + pelvis) * 3, (frame * keypoints.length + pelvis) * 3];
    let sum = 0;
    for (let k = 0; k < 3; k++) sum += (positions_m[b + k] - positions_m[a + k]) ** 2;
    if (Math.sqrt(sum) > FASTEST_MPS / rate_hz + JUMP_M) jumps.push(frame);
  }
  if (jumps.length === 0) return [];
  const message = `the body jumps in ${jumps.length} frames, first in frame ${jumps[0]}: a cut, or two clips in one file`;
  return [{ kind: 'jump', severity: 'warning', frames: [jumps[0], jumps[jumps.length - 1] + 1], message }];
}

/** Toes that point backwards: left and right are exchanged, or the file's axes are left-handed. */
function mirrorFinding(
  keypoints: readonly HumanKeypoint[],
  positions_m: Float64Array,
  track: KeypointTrack,
): Finding[] {
  const [leftHip, rightHip] = [keypoints.indexOf('left_hip'), keypoints.indexOf('right_hip')];
  const feet = (['left', 'right'] as const).map((side) => [
    keypoints.indexOf(`${side}_foot`),
    keypoints.indexOf(`${side}_toe`),
  ]);
  if (feet.flat().some((index) => index < 0)) return [];
  let forwardToes = 0;
  let count = 0;
  for (const frame of sampleFrames(track)) {
    const at = (keypoint: number, k: number) => positions_m[(frame * keypoints.length + keypoint) * 3 + k];
    // Forward is left turned a quarter to the right, seen from above.
    const forward = [at(leftHip, 1) - at(rightHip, 1), at(rightHip, 0) - at(leftHip, 0)];
    for (const [foot, toe] of feet) {
      const along = forward[0] * (at(toe, 0) - at(foot, 0)) + forward[1] * (at(toe, 1) - at(foot, 1));
      forwardToes += Math.sign(along);
      count++;
    }
  }
  if (forwardToes > -0.5 * count) return [];
  const message = 'toes point backwards: left and right are exchanged, or the axes of the file are left-handed';
  return [{ kind: 'mirrored', severity: 'error', message }];
}
