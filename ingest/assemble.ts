// From recordings to episodes: mended, resampled to the dataset's rate, in the base frame, with derived channels and
// findings. The one way in for every format of rollouts and logs.

import { DataError, type DataErrorDetail, FindingsError, isUserError } from '../src/base/errors.js';
import { TOOL } from '../src/base/version.js';
import { rotateInverse } from '../src/math/quaternion.js';
import { checkMotion } from '../src/motion/checks.js';
import { buildColumn, type Column, type Columns, isValidAt, type Motion, toChannels } from '../src/motion/columns.js';
import { deriveChannels } from '../src/motion/derive.js';
import type { ChannelName, Episode, Finding, SourceKind } from '../src/motion/episode.js';
import { repairTrack } from '../src/motion/repair.js';
import { gapsIn, resampleTracks } from '../src/motion/resample.js';
import { identityOf, type RobotModel } from '../src/robot/robot-model.js';
import { columnsOf } from './columns-of.js';
import type { FieldMap } from './field-map.js';
import { type JointMap, joinJoints } from './joint-map.js';
import type { RawField, RawInput, RawRecording, RawTable } from './recording.js';
import { checkSemantics } from './semantics.js';
import { checkStamps, timeFindings } from './semantics-time.js';

export interface AssembleOptions {
  /** Name of the input without folders, and SHA-256 of its contents. */
  readonly input: string;
  readonly sha256: string;
  readonly rate_hz: number;
  readonly source: string;
  /** True where the source stands whatever the file says of itself. */
  readonly isSourceGiven?: boolean;
  readonly kind: SourceKind;
}

/** Fewest frames of an episode: a difference needs two. */
const FEWEST_FRAMES = 2;
/** Relative difference of two rates up to which resampling keeps the file's rows. */
const SAME_RATE = 0.01;
/** Gravity's z in the base frame above which the robot has fallen: a tilt of 60°. */
const FALLEN_GRAVITY = -0.5;

/** One recording of an input, or why it cannot be an episode. */
export type Assembled = { readonly episode: Episode } | { readonly refused: DataError | FindingsError };

/**
 * The episodes of an input, one at a time. Where a recording cannot be mended the others still go in.
 * @throws DataError or FindingsError where the input does not fit the map or the robot
 */
export async function* assembleEpisodes(
  input: RawInput,
  map: FieldMap,
  robot: RobotModel,
  options: AssembleOptions,
): AsyncGenerator<Assembled> {
  const joints = joinJoints(input.jointNames, map.joints, robot, options.input);
  let number = 0;
  for await (const whole of input.recordings) {
    if ('refused' in whole) {
      number++;
      yield whole;
      continue;
    }
    const cut = splitRecording(whole);
    const parts = map.states === 'after-step' ? cut.map(pairWithRowBefore) : cut;
    const isOnly = parts.length === 1 && Array.isArray(input.recordings) && input.recordings.length === 1;
    for (const recording of parts) {
      const where = isOnly ? options.input : `${options.input} episode ${number}`;
      yield assembleOne(recording, number++, where, map, joints, robot, options);
    }
  }
}

function assembleOne(...parts: Parameters<typeof assembleEpisode>): Assembled {
  try {
    return { episode: assembleEpisode(...parts) };
  } catch (error) {
    if (!isUserError(error)) throw error;
    return { refused: error };
  }
}

function assembleEpisode(
  recording: RawRecording,
  number: number,
  where: string,
  map: FieldMap,
  joints: JointMap,
  robot: RobotModel,
  options: AssembleOptions,
): Episode {
  const findings: Finding[] = heldFindings(joints);
  const tracks = recording.map((table) => {
    const columns = columnsOf(table, map, joints, robot);
    const repaired = repairTrack({ time_s: table.time_s, columns }, where);
    findings.push(...(table.findings ?? []), ...repaired.findings, ...gapFindings(repaired.track.time_s));
    return repaired.track;
  });
  refuseErrors(findings, where);
  const fileRate_hz = checkStamps(tracks[0].time_s, map, where);
  const resampled = resampleTracks(tracks, { rate_hz: options.rate_hz }, where);
  if (resampled.frameCount < FEWEST_FRAMES) {
    throw new DataError({ where, what: 'episode is too short', expected: `${FEWEST_FRAMES} frames`, found: '1' });
  }
  const isSameRate = Math.abs(fileRate_hz / options.rate_hz - 1) < SAME_RATE;
  const isAsked = map.channels.action !== undefined && !isSameRate;
  const ownRows = isAsked ? resampleTracks(tracks, { rate_hz: fileRate_hz }, where) : undefined;
  const read = { motion: resampled, map, joints, robot, fileRate_hz, ownRows };
  findings.push(...checkSemantics(read, where), ...timeFindings(read));
  if (resampled.columns.jointPosition === undefined) findings.push(NO_JOINTS);
  const inBase: Motion = { ...resampled, columns: toBaseFrame(resampled, map, where) };
  const { columns, derived } = deriveChannels(inBase);
  const executed: Columns = map.channels.executedAction === 'same' ? { executedAction: columns.action } : {};
  const channels = toChannels({ ...columns, ...executed }, resampled.frameCount);
  findings.push(...checkMotion({ ...resampled, columns: channels }, robot));
  refuseErrors(findings, where);
  const { origin } = recording[0];
  const source = options.isSourceGiven ? options.source : (origin?.source ?? options.source);
  const fell = endsFallen(channels.projectedGravity, resampled.frameCount);
  return {
    id: episodeId({ ...options, source }, number),
    robot: identityOf(robot),
    rate_hz: options.rate_hz,
    frameCount: resampled.frameCount,
    kind: origin?.kind ?? options.kind,
    source,
    channels,
    derived: [...derived, ...(executed.executedAction ? (['executedAction'] as const) : [])],
    startsAtReset: origin?.startsAtReset ?? map.startsAtReset,
    ...(fell === undefined ? {} : { fell }),
    provenance: {
      input: options.input,
      sha256: options.sha256,
      tool: TOOL,
      options: { map, rate_hz: options.rate_hz, ...(joints.heldNames.length > 0 ? { held: joints.heldNames } : {}) },
    },
    findings,
  };
}

/** Source, input, the first digits of its hash (two folders may hold files of one name), and number. */
function episodeId({ source, input, sha256 }: AssembleOptions, number: number): string {
  return `${source}/${input.replace(/\.[^.]+$/, '')}-${sha256.slice(0, 8)}/${number}`;
}

/** Cuts a recording where its episode column changes. */
function splitRecording(recording: RawRecording): RawRecording[] {
  const [table] = recording;
  const marker = table.fields.get('episode');
  if (marker === undefined) return [recording];
  const parts: RawRecording[] = [];
  const frameCount = table.time_s.length;
  let first = 0;
  for (let frame = 1; frame <= frameCount; frame++) {
    if (frame < frameCount && marker.data[frame] === marker.data[first]) continue;
    const part = cutTable(table, first, frame);
    // What a reader noticed is told once: with the last part, where a file is cut off.
    parts.push([frame === frameCount ? { ...part, findings: table.findings } : part]);
    first = frame;
  }
  return parts;
}

/** What a controller decided; the rest of a row is what the robot did. */
const DECIDED: readonly string[] = ['action', 'executedAction', 'command'];

/** Rows whose state came after their action, paired anew: each state with the action that was chosen in it. */
function pairWithRowBefore(recording: RawRecording): RawRecording {
  return recording.map((table) => {
    if (![...table.fields.keys()].some((key) => DECIDED.includes(key)) || table.time_s.length < 2) return table;
    const end = table.time_s.length - 1;
    const rows = ({ width, data }: RawField, first: number): RawField => {
      return { width, data: data.slice(first * width, (first + end) * width) };
    };
    const fields = [...table.fields].map(([key, field]) => [key, rows(field, DECIDED.includes(key) ? 1 : 0)] as const);
    return { ...table, time_s: table.time_s.slice(0, end), fields: new Map(fields) };
  });
}

function cutTable(table: RawTable, first: number, end: number): RawTable {
  const fields = new Map(
    [...table.fields].map(([key, { width, data }]) => [key, { width, data: data.slice(first * width, end * width) }]),
  );
  return { where: table.where, time_s: table.time_s.slice(first, end), fields };
}

/** Velocities that the file has in the world, in the base frame. */
function toBaseFrame({ columns, frameCount }: Motion, map: FieldMap, where: string): Columns {
  const changed: Partial<Record<ChannelName, Column>> = {};
  for (const name of ['baseLinearVelocity', 'baseAngularVelocity'] as const) {
    const world = columns[name];
    if (world === undefined || map.channels[name]?.frame !== 'world') continue;
    const orientation = columns.baseQuaternion;
    if (orientation === undefined) {
      throw new DataError({
        where,
        what: `${name} in the world frame`,
        expected: 'baseQuaternion beside it, to turn it into the base frame',
        found: 'none',
      });
    }
    changed[name] = buildColumn(frameCount, 3, (frame, out, offset) => {
      if (!isValidAt(world, frame) || !isValidAt(orientation, frame)) return false;
      rotateInverse(out, offset, orientation.data, frame * 4, world.data, frame * 3);
      return true;
    });
  }
  return { ...columns, ...changed };
}

function heldFindings({ heldNames }: JointMap): Finding[] {
  if (heldNames.length === 0) return [];
  const message = `${heldNames.length} joints are not in the file and were held at a constant position, without torque`;
  return [{ kind: 'held-joints', severity: 'info', message }];
}

function gapFindings(time_s: Float64Array): Finding[] {
  const gaps = gapsIn(time_s);
  if (gaps.count === 0) return [];
  const message = `${gaps.count} gaps in the time stamps, the longest ${gaps.longest_s.toFixed(3)} s: nothing is interpolated there`;
  return [{ kind: 'gap', severity: 'warning', message }];
}

/** Joints are what a policy is trained on: a channel of them was left out of the map, or is not in the file. */
const NO_JOINTS: Finding = {
  kind: 'no-joints',
  severity: 'warning',
  channel: 'jointPosition',
  message: 'the episode has no joint positions: a policy cannot be trained on it',
};

/** @throws FindingsError with every finding that makes the input unusable */
function refuseErrors(findings: readonly Finding[], where: string): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  throw new FindingsError(errors.map(({ message }): DataErrorDetail => ({ where, what: message })));
}

/** True where the last frame with a known orientation lies over 60° off upright; undefined where none is known. */
function endsFallen(gravity: Column | undefined, frameCount: number): boolean | undefined {
  if (gravity === undefined) return undefined;
  for (let frame = frameCount - 1; frame >= 0; frame--) {
    if (isValidAt(gravity, frame)) return gravity.data[frame * 3 + 2] > FALLEN_GRAVITY;
  }
  return undefined;
}
