// BVH files to HumanMotion: the rig is recognised from joint names, unit, up axis, stature and floor are measured.
//
// Long files come in parts of `part_s` seconds, so that reading takes no more memory for a longer file; the first part's
// measures hold for all. A first frame in another pose (many databases store the zero pose there) is dropped and reported.

import { basename } from 'node:path';
import { z } from 'zod';
import type { FloatArray } from '../../src/base/arrays.js';
import { parseConfig } from '../../src/base/config.js';
import { DataError, listNames } from '../../src/base/errors.js';
import { sha256OfFile } from '../../src/base/files.js';
import { TOOL } from '../../src/base/version.js';
import type { Finding } from '../../src/motion/episode.js';
import { type HumanMotion, REQUIRED_KEYPOINTS } from '../../src/motion/human-motion.js';
import { canonicalMotion, type MotionScale, scaleOf } from '../../src/retarget/canonical-motion.js';
import { type MeasureOptions, measureBody, measureSchema, median } from '../../src/retarget/measure.js';
import { findRig, matchRig, type Rig, type RigMatch } from '../../src/retarget/rig.js';
import { chooseRigs } from '../../src/retarget/rig-files.js';
import { type KeypointTrack, restAxes, segmentFrames, writeKeypoints } from '../../src/retarget/skeleton.js';
import { type BvhTranslation, computeBvhPose } from './bvh-kinematics.js';
import { type BvhHeader, type BvhJoint, createBvhPose, openBvhFile } from './bvh-parser.js';
import { measureTravel, travelFromFeet } from './bvh-travel.js';
import { overriddenRate } from './frame-rate.js';

export const bvhMotionSchema = measureSchema.extend({
  /** Name of a rig, or a rig file; default: recognised from joint names. */
  rig: z.string().min(1).optional(),
  /** Frame rate (Hz) to use instead of the file's frame time. */
  rate_hz: z.number().positive().optional(),
  /** Whether `Frames:` must agree with the rows. */
  frameCount: z.enum(['must-match', 'rows']).default('must-match'),
  /** Whether position channels of joints below the root are added to their OFFSET, or stand in its place. */
  translation: z.enum(['measured', 'add', 'replace']).default('measured'),
  /** The body's way through the world: as the file has it, from the feet that stand, or the second where it has none. */
  travel: z.enum(['measured', 'file', 'feet']).default('measured'),
  /** Longest part (s): longer files give several motions. */
  part_s: z.number().positive().default(600),
});
export type BvhMotionOptions = z.input<typeof bvhMotionSchema>;
type Settings = z.output<typeof bvhMotionSchema>;

/** The whole file as one motion. @throws DataError or FindingsError */
export async function readBvhMotion(path: string, options: BvhMotionOptions = {}): Promise<HumanMotion> {
  for await (const motion of readBvhMotions(path, { ...options, part_s: Number.MAX_VALUE })) return motion;
  throw new DataError({ where: path, what: 'motion', expected: 'frames', found: 'none' });
}

/** The file in parts of at most `part_s` seconds. @throws DataError or FindingsError */
export async function* readBvhMotions(path: string, options: BvhMotionOptions = {}): AsyncGenerator<HumanMotion> {
  const settings = parseConfig(bvhMotionSchema, options, path);
  const rigs = await chooseRigs(settings.rig);
  const sha256 = await sha256OfFile(path);
  const stream = await openBvhFile(path, { frameCount: settings.frameCount });
  const { joints, channelCount } = stream;
  const findings: Finding[] = [];
  const rest = restPositions(joints);
  const names = joints.map(({ name }) => name);
  let match: RigMatch;
  let rate_hz: number;
  try {
    rate_hz = chooseRate(stream, settings.rate_hz, path, findings);
    match = findRig(rigs, names, (fitting) => restAxes(fitting, rest) !== undefined, path);
  } catch (error) {
    await stream.close();
    throw error;
  }
  const frames = segmentFrames(match, rest);
  if (!frames.oriented.includes(1)) findings.push(noOrientation(match));
  findings.push(...otherSkeletons(joints, match, rigs));
  const partFrames = Math.max(2, Math.min(Number.MAX_SAFE_INTEGER, Math.round(settings.part_s * rate_hz)));
  const track = createGrowingTrack(match, frames.oriented, rate_hz);
  const pose = createBvhPose(joints);
  const stem = basename(path).replace(/\.bvh$/i, '');
  let translation: BvhTranslation | undefined = settings.translation === 'measured' ? undefined : settings.translation;
  let scale: MotionScale | undefined;
  let part = 0;

  const finish = (isLast: boolean): HumanMotion => {
    const whole = track.take();
    const first = part === 0 ? dropFirstFrame(whole, findings) : whole;
    const id = part === 0 && isLast ? stem : `${stem}-part-${String(part).padStart(3, '0')}`;
    const measures = measurePart(settings);
    const found = [...(part === 0 ? findings : []), ...completeTravel(first, settings, measures, scale, path)];
    const motion = canonicalMotion(
      first,
      match,
      {
        id,
        kind: 'bvh',
        where: path,
        jointNames: names,
        provenance: {
          input: basename(path),
          sha256,
          tool: TOOL,
          options: { ...options, part, translation: translation ?? 'add' },
        },
        findings: found,
      },
      measures,
      scale,
    );
    scale ??= scaleOf(motion);
    part++;
    return motion;
  };

  for await (const { count, values } of stream.frames()) {
    translation ??= measureTranslation(joints, values, count, channelCount, findings);
    for (let frame = 0; frame < count; frame++) {
      if (track.frameCount === partFrames) yield finish(false);
      computeBvhPose(joints, values, frame * channelCount, pose, translation);
      writeKeypoints(track.next(), track.frameCount - 1, match, frames.quaternions, pose.position, pose.quaternion);
    }
  }
  if (track.frameCount > 0) yield finish(true);
}

function measurePart({ unit, up, height_m, floor_m, floor }: Settings) {
  return { unit, up, height_m, floor_m, floor };
}

/** Gives a body its way through the world where the file has none. */
function completeTravel(
  track: KeypointTrack,
  { travel }: Settings,
  measures: MeasureOptions,
  scale: MotionScale | undefined,
  where: string,
): Finding[] {
  if (travel === 'file') return [];
  const { up, unit_m } = scale?.body ?? measureBody(track, measures, where);
  const measured = measureTravel(track, up, unit_m);
  if (travel === 'measured' && !measured.isMissing) return [];
  travelFromFeet(track, up, unit_m, measured);
  const why =
    travel === 'feet'
      ? 'as asked'
      : `the body stays in place while the ground under its feet goes at ${Math.hypot(...measured.ground_mps).toFixed(2)} m/s (--reader travel=file leaves it there)`;
  const message = `the way through the world was computed from feet that stand: ${why}`;
  return [{ kind: 'no-world-motion', severity: 'warning', message }];
}

/** Joint positions of the zero pose [joint, 3]. */
export function restPositions(joints: BvhHeader['joints']): Float64Array {
  const rest = new Float64Array(joints.length * 3);
  for (const [index, { parent, offset }] of joints.entries()) {
    for (let k = 0; k < 3; k++) rest[index * 3 + k] = offset[k] + (parent < 0 ? 0 : rest[parent * 3 + k]);
  }
  return rest;
}

/** Rates that motion capture has (Hz); beyond them a frame time is in milliseconds, or a rate. */
const PLAUSIBLE_HZ = { least: 5, most: 1000 } as const;

/**
 * The rate given, or the file's.
 * @throws DataError where that is implausible
 */
function chooseRate(header: BvhHeader, given: number | undefined, path: string, findings: Finding[]): number {
  const own_hz = roundRate(1 / header.frameTime_s);
  if (given !== undefined) {
    findings.push(...overriddenRate(given, own_hz));
    return given;
  }
  if (own_hz >= PLAUSIBLE_HZ.least && own_hz <= PLAUSIBLE_HZ.most) return own_hz;
  throw new DataError({
    where: `${path}:${header.firstRowLine - 1}`,
    what: 'Frame Time (s)',
    expected: `from ${1 / PLAUSIBLE_HZ.most} to ${1 / PLAUSIBLE_HZ.least} s`,
    found: `${header.frameTime_s} s, ${own_hz.toPrecision(3)} Hz`,
    fix: 'Is it in milliseconds, or a rate? Give the rate with --fps, for instance --fps 30',
  });
}

/** Tells of people in the file besides the one who is read: roots under which a rig finds most of a body. */
function otherSkeletons(joints: readonly BvhJoint[], match: RigMatch, rigs: readonly Rig[]): Finding[] {
  const roots: number[] = [];
  for (const [index, { parent }] of joints.entries()) roots.push(parent < 0 ? index : roots[parent]);
  const read = new Set(match.joints.flat().map((joint) => roots[joint]));
  const others = [...new Set(roots)].filter((root) => {
    const names = joints.filter((_, joint) => roots[joint] === root).map(({ name }) => name);
    return !read.has(root) && rigs.some((rig) => matchRig(rig, names).missing.length < REQUIRED_KEYPOINTS.length / 2);
  });
  if (others.length === 0) return [];
  const message = `only the skeleton ${listNames([...read].map((root) => joints[root].name))} is read, not ${listNames(others.map((root) => joints[root].name))}: write each into a file of its own`;
  return [{ kind: 'several-skeletons', severity: 'warning', message }];
}

/** Frame times are written with few digits: a rate within a thousandth of a whole number is that number. */
function roundRate(rate_hz: number): number {
  const whole = Math.round(rate_hz);
  return whole > 0 && Math.abs(rate_hz - whole) < 1e-3 * whole ? whole : rate_hz;
}

function noOrientation({ rig }: RigMatch): Finding {
  const message = `the zero pose of this file is no standing person, and rig ${rig.name} names no axes: positions only`;
  return { kind: 'no-orientation', severity: 'warning', message };
}

/** Exporters that write a joint's whole translation into its channels repeat its OFFSET there on average. */
function measureTranslation(
  joints: readonly BvhJoint[],
  values: FloatArray,
  count: number,
  channelCount: number,
  findings: Finding[],
): BvhTranslation {
  let repeating = 0;
  let moving = 0;
  for (const { parent, channels, offset, firstChannel } of joints) {
    const columns = ['Xposition', 'Yposition', 'Zposition'].map((name) => (channels as string[]).indexOf(name));
    const length = Math.hypot(...offset);
    if (parent < 0 || columns.every((column) => column < 0) || length === 0) continue;
    let distance = 0;
    for (let frame = 0; frame < count; frame++) {
      const at = frame * channelCount + firstChannel;
      distance += Math.hypot(...columns.map((column, k) => (column < 0 ? 0 : values[at + column] - offset[k])));
    }
    moving++;
    if (distance / count < 0.2 * length) repeating++;
  }
  if (repeating * 2 <= moving) return 'add';
  findings.push({
    kind: 'translation-channels',
    severity: 'info',
    message: `position channels of ${repeating} joints repeat their OFFSET: they are read as the whole translation`,
  });
  return 'replace';
}

/** Drops a first frame from which the body jumps into the second as it never does again. */
function dropFirstFrame(track: KeypointTrack, findings: Finding[]): KeypointTrack {
  const { frameCount, keypoints } = track;
  if (frameCount < 4) return track;
  const pelvis = keypoints.indexOf('pelvis');
  const steps = Array.from({ length: Math.min(frameCount - 1, 240) }, (_, frame) => {
    let most = 0;
    for (let k = 0; k < keypoints.length; k++) {
      let sum = 0;
      for (let axis = 0; axis < 3; axis++) {
        const relative = (f: number) =>
          track.positions[(f * keypoints.length + k) * 3 + axis] -
          track.positions[(f * keypoints.length + pelvis) * 3 + axis];
        sum += (relative(frame + 1) - relative(frame)) ** 2;
      }
      most = Math.max(most, Math.sqrt(sum));
    }
    return most;
  });
  if (steps[0] < 5 * Math.max(median(steps.slice(1)), Math.max(...steps.slice(1)) / 2)) return track;
  findings.push({
    kind: 'first-frame',
    severity: 'info',
    frames: [0, 1],
    message: 'the first frame is another pose (often the zero pose) and was dropped',
  });
  const width = keypoints.length;
  return {
    ...track,
    frameCount: frameCount - 1,
    positions: track.positions.subarray(width * 3),
    quaternions: track.quaternions.subarray(width * 4),
    valid: track.valid.subarray(1),
  };
}

/** A track that grows frame by frame. */
function createGrowingTrack({ keypoints }: RigMatch, oriented: Uint8Array, rate_hz: number) {
  const width = keypoints.length;
  let capacity = 1024;
  let frameCount = 0;
  let positions = new Float64Array(capacity * width * 3);
  let quaternions = new Float64Array(capacity * width * 4);
  const grow = () => {
    capacity *= 2;
    const [morePositions, moreQuaternions] = [
      new Float64Array(capacity * width * 3),
      new Float64Array(capacity * width * 4),
    ];
    morePositions.set(positions);
    moreQuaternions.set(quaternions);
    [positions, quaternions] = [morePositions, moreQuaternions];
  };
  return {
    get frameCount() {
      return frameCount;
    },
    /** Makes room for one more frame. */
    next() {
      if (frameCount === capacity) grow();
      frameCount++;
      return { positions, quaternions, oriented };
    },
    /** The frames so far, valid until `next`; the track begins anew. */
    take(): KeypointTrack {
      const track = {
        rate_hz,
        frameCount,
        keypoints,
        positions: positions.subarray(0, frameCount * width * 3),
        quaternions: quaternions.subarray(0, frameCount * width * 4),
        oriented,
        valid: new Uint8Array(frameCount).fill(1),
      };
      frameCount = 0;
      return track;
    },
  };
}
