// A person of a reconstruction to HumanMotion: which way is up, how tall, where in the world; then joints and keypoints.

import { multiplyQuaternions, rotate } from '../../src/math/quaternion.js';
import { fromTo } from '../../src/math/rotation.js';
import type { Finding, Provenance } from '../../src/motion/episode.js';
import type { HumanMotion } from '../../src/motion/human-motion.js';
import { canonicalMotion } from '../../src/retarget/canonical-motion.js';
import type { MeasureOptions } from '../../src/retarget/measure.js';
import { type Axis, matchRig, type Rig } from '../../src/retarget/rig.js';
import { axisVector, type KeypointTrack, segmentFrames, writeKeypoints } from '../../src/retarget/skeleton.js';
import { MEAN_STATURE_M } from '../../src/retarget/skeleton-fractions.js';
import { BODY_JOINT_COUNT, BODY_JOINTS, genericRest, poseBody, statureOfRest } from './smpl-body.js';
import type { BodyPiece } from './smpl-repair.js';
import { measureStature, pathFromFeet, pelvisOffsets } from './smpl-stature.js';
import type { BodyFile, BodyTrack } from './smpl-tracks.js';

export interface BodyMotionOptions {
  readonly rate_hz: number;
  readonly up?: Axis;
  readonly height_m?: number;
  readonly floor_m?: number;
  readonly floor?: MeasureOptions['floor'];
  /** Rest joints of a body model that the user has [joint, 3]. */
  readonly rest?: Float64Array;
}

export interface BodyMotionSource {
  readonly id: string;
  readonly where: string;
  readonly provenance: Provenance;
  readonly rig: Rig;
}

/** Below this the body does not stand enough to tell the camera's tilt. */
const UPRIGHT_ENOUGH = 0.85;
/** Below this it tells nothing about which way is up. */
const STANDS_AT_ALL = 0.5;

export function bodyMotion(
  piece: BodyPiece,
  file: BodyFile,
  options: BodyMotionOptions,
  source: BodyMotionSource,
): HumanMotion {
  const findings: Finding[] = [...piece.findings];
  const mean = meanUp(piece.track);
  const axis = options.up ?? chooseUp(mean, file, findings);
  const up = axisVector(axis);
  const track = file.inCamera ? straighten(piece.track, mean, up, findings) : piece.track;
  const { rest, stature_m } = chooseBody(track, options, findings);
  const path = bodyPath(track, rest, up, findings);

  const match = matchRig(source.rig, BODY_JOINTS);
  const frames = segmentFrames(match, rest);
  const frameCount = track.frames.length;
  const width = match.keypoints.length;
  const keypoints: KeypointTrack = {
    rate_hz: options.rate_hz,
    frameCount,
    keypoints: match.keypoints,
    positions: new Float64Array(frameCount * width * 3),
    quaternions: new Float64Array(frameCount * width * 4),
    oriented: frames.oriented,
    valid: piece.valid,
  };
  const pose = {
    position: new Float64Array(BODY_JOINT_COUNT * 3),
    quaternion: new Float64Array(BODY_JOINT_COUNT * 4),
  };
  for (let frame = 0; frame < frameCount; frame++) {
    poseBody(rest, track.rotations, frame * BODY_JOINT_COUNT * 4, pose);
    for (let at = 0; at < pose.position.length; at++) pose.position[at] += path[frame * 3 + (at % 3)];
    writeKeypoints(keypoints, frame, match, frames.quaternions, pose.position, pose.quaternion);
  }
  return canonicalMotion(
    keypoints,
    match,
    {
      id: source.id,
      kind: 'video',
      where: source.where,
      jointNames: BODY_JOINTS,
      provenance: source.provenance,
      stature_m,
      findings,
    },
    { unit: 'm', up: axis, floor_m: options.floor_m, floor: options.floor ?? (file.isMocap ? 'level' : 'follow') },
  );
}

/** Mean direction of the bodies' up axis, from feet to shoulders, over frames; its length says how upright they are. */
function meanUp(track: BodyTrack): Float64Array {
  const rest = genericRest(1);
  const pose = { position: new Float64Array(BODY_JOINT_COUNT * 3), quaternion: new Float64Array(BODY_JOINT_COUNT * 4) };
  const mean = new Float64Array(3);
  const joint = (name: (typeof BODY_JOINTS)[number]) => BODY_JOINTS.indexOf(name) * 3;
  const high = [joint('left_shoulder'), joint('right_shoulder')];
  const low = [joint('left_ankle'), joint('right_ankle')];
  const rowCount = track.frames.length;
  const step = Math.max(1, Math.floor(rowCount / 2000));
  let count = 0;
  for (let row = 0; row < rowCount; row += step, count++) {
    poseBody(rest, track.rotations, row * BODY_JOINT_COUNT * 4, pose);
    const direction = [0, 1, 2].map(
      (k) =>
        pose.position[high[0] + k] + pose.position[high[1] + k] - pose.position[low[0] + k] - pose.position[low[1] + k],
    );
    const length = Math.hypot(...direction);
    for (let k = 0; k < 3; k++) mean[k] += direction[k] / length;
  }
  return mean.map((value) => value / count);
}

/** The axis along which the body stands; the documented one where it does not stand. */
function chooseUp(mean: Float64Array, file: BodyFile, findings: Finding[]): Axis {
  if (Math.hypot(...mean) < STANDS_AT_ALL) return file.up;
  const measured = nearestAxis(mean);
  if (measured !== file.up) {
    findings.push({
      kind: 'up-axis',
      severity: 'warning',
      message: `${file.producer} documents ${file.up} as up, but the body stands along ${measured}, which is taken`,
    });
  }
  return measured;
}

function nearestAxis(direction: Float64Array): Axis {
  const largest = [0, 1, 2].reduce((best, k) => (Math.abs(direction[k]) > Math.abs(direction[best]) ? k : best), 0);
  return `${direction[largest] < 0 ? '-' : '+'}${'xyz'[largest]}` as Axis;
}

/** Turns a camera's world so that the mean upright body stands along an axis: cameras look up and down, people do not. */
function straighten(track: BodyTrack, mean: Float64Array, up: readonly number[], findings: Finding[]): BodyTrack {
  const length = Math.hypot(...mean);
  const cosine = (mean[0] * up[0] + mean[1] * up[1] + mean[2] * up[2]) / length;
  if (length < UPRIGHT_ENOUGH || cosine < 0.5) {
    const message = 'the body does not stand enough to tell how the camera is tilted: its axes are taken as level';
    findings.push({ kind: 'camera-tilt', severity: 'warning', message });
    return track;
  }
  const turn = new Float64Array(4);
  fromTo(
    turn,
    0,
    mean.map((value) => value / length),
    up,
  );
  const rotations = track.rotations.slice();
  const translation = track.translation?.slice();
  const modelTurns = new Float64Array(track.frames.length * 4);
  for (let row = 0; row < track.frames.length; row++) {
    if (track.modelTurns === undefined) modelTurns.set(turn, row * 4);
    else multiplyQuaternions(modelTurns, row * 4, turn, 0, track.modelTurns, row * 4);
    const at = row * BODY_JOINT_COUNT * 4;
    multiplyQuaternions(rotations, at, turn, 0, rotations, at);
    if (translation !== undefined) rotate(translation, row * 3, turn, 0, translation, row * 3);
  }
  const degrees = (Math.acos(Math.min(1, cosine)) * 180) / Math.PI;
  const message = `the camera is tilted by ${degrees.toFixed(1)} degrees against the mean standing body; levelled`;
  findings.push({ kind: 'camera-tilt', severity: 'info', message });
  return { ...track, rotations, translation, modelTurns };
}

/** Rest joints and stature: the user's, or measured on standing feet, or the mean of adults. */
function chooseBody(track: BodyTrack, options: BodyMotionOptions, findings: Finding[]) {
  const say = (severity: Finding['severity'], message: string) => findings.push({ kind: 'stature', severity, message });
  if (options.rest !== undefined) {
    const own = statureOfRest(options.rest);
    const stature_m = options.height_m ?? own;
    say('info', `${stature_m.toFixed(2)} m, from the rest joints given`);
    return { rest: options.rest.map((value) => (value * stature_m) / own), stature_m };
  }
  const measured = options.height_m === undefined ? measureStature(track, options.rate_hz) : undefined;
  const stature_m = options.height_m ?? measured?.stature_m ?? MEAN_STATURE_M;
  if (options.height_m !== undefined) say('info', `${stature_m.toFixed(2)} m, as given`);
  else if (measured !== undefined) {
    say(
      'info',
      `${stature_m.toFixed(2)} m, for which feet stand best (they slip by ${measured.slip_mps.toFixed(2)} m/s)`,
    );
  } else say('warning', `${stature_m.toFixed(2)} m is assumed, the mean of adults: the motion does not tell it`);
  return { rest: genericRest(stature_m), stature_m };
}

/** Position of the pelvis [row, 3]: the file's, or one on which the supporting foot stands. */
function bodyPath(track: BodyTrack, rest: Float64Array, up: readonly number[], findings: Finding[]): Float64Array {
  if (track.translation === undefined) {
    const message = 'the file has no motion through the world: it was computed from feet that stand';
    findings.push({ kind: 'no-world-motion', severity: 'warning', message });
    return pathFromFeet(track, rest, up);
  }
  const offsets = pelvisOffsets(track, rest);
  return track.translation.map((value, at) => value + offsets[at]);
}
