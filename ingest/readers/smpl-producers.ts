// Files of the programs that reconstruct people from video, and of AMASS: each to BodyTracks.
//
// | producer | world | rotations | rate |
// |---|---|---|---|
// | AMASS (SMPL-H, SMPL-X) | motion capture, Z up | vectors (N, 156) or root_orient and pose_body (N, 63) | in the file |
// | WHAM | `_world` keys, Y up | vectors (N, 72) | not in the file |
// | GVHMR | smpl_params_global, Y up, feet anywhere | vectors, body (N, 63) | not in the file |
// | TRAM | the camera's, moved by camera.npy | matrices (N, 24, 3, 3) | not in the file |
// | 4D-Humans, PHALP | the camera's; no world motion | matrices, lists per frame and person | not in the file |
// | AIST++ | Y up, divided by smpl_scaling | vectors (N, 72) | 60 Hz by the dataset's definition |
//
// Recognised by their keys. What a file does not have is not made up here: see smpl-motion.ts.

import { DataError } from '../../src/base/errors.js';
import { multiplyQuaternions, rotate } from '../../src/math/quaternion.js';
import { fromMatrix } from '../../src/math/rotation.js';
import { isPickledArray, kindOf, type NumericArray, toNumbers } from './pickle-arrays.js';
import { BODY_JOINT_COUNT } from './smpl-body.js';
import { readPhalp } from './smpl-phalp.js';
import { type BodyFile, type BodyTrack, expectShape, fromMatrices, fromVectors, sortRows } from './smpl-tracks.js';

export type Dictionary = ReadonlyMap<unknown, unknown>;

export interface ProducerContext {
  /** File, for messages. */
  readonly where: string;
  /** TRAM's camera.npy, where there is one. */
  readonly camera?: Dictionary;
}

interface Producer {
  readonly name: string;
  /** Keys by which a file is known. */
  readonly about: string;
  recognises(file: Dictionary): boolean;
  read(file: Dictionary, context: ProducerContext): BodyFile;
}

const isDictionary = (value: unknown): value is Dictionary => value instanceof Map;
const hasKeys = (file: unknown, ...keys: readonly string[]) => isDictionary(file) && keys.every((key) => file.has(key));
const firstValue = (file: Dictionary): unknown => file.values().next().value;

/** An array of a dictionary, checked. */
function field(file: Dictionary, key: string, shape: readonly (number | undefined)[], where: string): NumericArray {
  if (!file.has(key)) {
    throw new DataError({
      where,
      what: `no "${key}"`,
      expected: 'one of the keys of this producer',
      found: [...file.keys()].join(', '),
    });
  }
  const place = `${where}: ${key}`;
  return expectShape(toNumbers(file.get(key), place), shape, place);
}

function optionalShape(file: Dictionary, key: string, rowCount: number, where: string): Float64Array | undefined {
  const value = file.get(key);
  if (value === undefined || value === null) return undefined;
  const { shape, values } = toNumbers(value, `${where}: ${key}`);
  // One shape for the whole clip tells nothing about exchanged people.
  return shape.length === 2 && shape[0] === rowCount ? values : undefined;
}

const counted = (rowCount: number) => Int32Array.from({ length: rowCount }, (_, row) => row);

const AMASS: Producer = {
  name: 'AMASS',
  about: 'poses or root_orient and pose_body, trans, mocap_framerate or mocap_frame_rate',
  recognises: (file) => hasKeys(file, 'trans') && (hasKeys(file, 'poses') || hasKeys(file, 'root_orient', 'pose_body')),
  read(file, { where }) {
    const trans = field(file, 'trans', [undefined, 3], where);
    const rowCount = trans.shape[0];
    let rotations: Float64Array;
    if (file.has('root_orient') && file.has('pose_body')) {
      const root = field(file, 'root_orient', [rowCount, 3], where);
      const body = field(file, 'pose_body', [rowCount, 63], where);
      rotations = fromVectors(rowCount, root.values, 3, 0, 1);
      fromVectors(rowCount, body.values, 63, 1, BODY_JOINT_COUNT, rotations);
    } else {
      const poses = field(file, 'poses', [rowCount, undefined], where);
      rotations = fromVectors(rowCount, poses.values, poseWidth(poses.shape[1], where));
    }
    const rateKey = ['mocap_framerate', 'mocap_frame_rate', 'fps', 'framerate'].find((key) => file.has(key));
    const rate = rateKey === undefined ? undefined : toNumbers(file.get(rateKey), `${where}: ${rateKey}`).values[0];
    const track: BodyTrack = { person: '0', shot: 0, frames: counted(rowCount), rotations, translation: trans.values };
    return {
      producer: 'AMASS',
      tracks: [track],
      ...(rate !== undefined && rate > 0 ? { rate_hz: rate, rateSource: rateKey } : {}),
      up: '+z',
      inCamera: false,
      isMocap: true,
      notes: [],
    };
  },
};

/** Widths of whole-body poses: SMPL 24 joints, SMPL-H 52, SMPL-X 55; the body's 22 come first in each. */
function poseWidth(width: number, where: string): number {
  if ([66, 72, 156, 165].includes(width)) return width;
  throw new DataError({
    where,
    what: 'pose width',
    expected: '66, 72 (SMPL), 156 (SMPL-H) or 165 (SMPL-X)',
    found: `${width}`,
  });
}

const WHAM: Producer = {
  name: 'WHAM',
  about: 'a dictionary of people with pose_world and trans_world',
  recognises: (file) => hasKeys(firstValue(file), 'pose_world', 'trans_world'),
  read(file, { where }) {
    const tracks = [...file].map(([id, person]): BodyTrack => {
      const place = `${where}: person ${String(id)}`;
      if (!isDictionary(person))
        throw new DataError({ where: place, what: 'person', expected: 'a dictionary', found: kindOf(person) });
      const pose = field(person, 'pose_world', [undefined, 72], place);
      const rowCount = pose.shape[0];
      const shape = optionalShape(person, 'betas', rowCount, place);
      const frames = person.has('frame_ids') ? field(person, 'frame_ids', [rowCount], place).values : counted(rowCount);
      const track: BodyTrack = {
        person: String(id),
        shot: 0,
        frames: Int32Array.from(frames),
        rotations: fromVectors(rowCount, pose.values, 72),
        translation: field(person, 'trans_world', [rowCount, 3], place).values,
        ...(shape === undefined ? {} : { shape }),
      };
      return sortRows(track, place);
    });
    return { producer: 'WHAM', tracks, up: '+y', inCamera: false, isMocap: false, notes: [] };
  },
};

const GVHMR: Producer = {
  name: 'GVHMR',
  about: 'smpl_params_global with body_pose, global_orient and transl',
  recognises: (file) => hasKeys(file, 'smpl_params_global'),
  read(file, { where }) {
    const place = `${where}: smpl_params_global`;
    const body = file.get('smpl_params_global');
    if (!isDictionary(body))
      throw new DataError({ where: place, what: 'parameters', expected: 'a dictionary', found: kindOf(body) });
    const pose = field(body, 'body_pose', [undefined, 63], place);
    const rowCount = pose.shape[0];
    const rotations = fromVectors(rowCount, field(body, 'global_orient', [rowCount, 3], place).values, 3, 0, 1);
    fromVectors(rowCount, pose.values, 63, 1, BODY_JOINT_COUNT, rotations);
    const shape = optionalShape(body, 'betas', rowCount, place);
    const track: BodyTrack = {
      person: '0',
      shot: 0,
      frames: counted(rowCount),
      rotations,
      translation: field(body, 'transl', [rowCount, 3], place).values,
      ...(shape === undefined ? {} : { shape }),
    };
    return { producer: 'GVHMR', tracks: [track], up: '+y', inCamera: false, isMocap: false, notes: [] };
  },
};

const TRAM: Producer = {
  name: 'TRAM',
  about: 'pred_rotmat and pred_trans',
  recognises: (file) => hasKeys(file, 'pred_rotmat', 'pred_trans'),
  read(file, { where, camera }) {
    const matrices = field(file, 'pred_rotmat', [undefined, 24, 3, 3], where);
    const rowCount = matrices.shape[0];
    const rotations = fromMatrices(rowCount, matrices.values, 24 * 9, `${where}: pred_rotmat`);
    const raw = toNumbers(file.get('pred_trans'), `${where}: pred_trans`);
    const expected = raw.shape.length === 3 ? [rowCount, 1, 3] : [rowCount, 3];
    const translation = expectShape(raw, expected, `${where}: pred_trans`).values.slice();
    const frames = file.has('frame') ? field(file, 'frame', [rowCount], where).values : counted(rowCount);
    const shape = optionalShape(file, 'pred_shape', rowCount, where);
    const notes: string[] = [];
    let modelTurns: Float64Array | undefined;
    if (camera === undefined) notes.push('no camera.npy beside the file: the camera is taken to stand still');
    else modelTurns = moveByCamera(camera, frames, rotations, translation, where);
    const track: BodyTrack = {
      person: '0',
      shot: 0,
      frames: Int32Array.from(frames),
      rotations,
      translation,
      ...(modelTurns === undefined ? {} : { modelTurns }),
      ...(shape === undefined ? {} : { shape }),
    };
    return {
      producer: 'TRAM',
      tracks: [sortRows(track, where)],
      up: camera === undefined ? '-y' : '+y',
      inCamera: camera === undefined,
      isMocap: false,
      notes,
    };
  },
};

/** From the camera of each frame to its gravity-aligned world: x_world = R x_camera + T. In place; returns each R. */
function moveByCamera(
  camera: Dictionary,
  frames: ArrayLike<number>,
  rotations: Float64Array,
  translation: Float64Array,
  where: string,
): Float64Array {
  const [turnKey, shiftKey] = camera.has('world_cam_R') ? ['world_cam_R', 'world_cam_T'] : ['pred_cam_R', 'pred_cam_T'];
  const place = `${where}: camera`;
  const cameras = field(camera, turnKey, [undefined, 3, 3], place);
  const shifts = field(camera, shiftKey, [cameras.shape[0], 3], place);
  const modelTurns = new Float64Array(frames.length * 4);
  for (let row = 0; row < frames.length; row++) {
    const frame = frames[row];
    if (!(frame >= 0 && frame < cameras.shape[0])) {
      throw new DataError({
        where: place,
        what: 'camera of a frame',
        expected: `frames 0 to ${cameras.shape[0] - 1}`,
        found: `${frame}`,
      });
    }
    fromMatrix(modelTurns, row * 4, cameras.values, frame * 9);
    multiplyQuaternions(
      rotations,
      row * BODY_JOINT_COUNT * 4,
      modelTurns,
      row * 4,
      rotations,
      row * BODY_JOINT_COUNT * 4,
    );
    rotate(translation, row * 3, modelTurns, row * 4, translation, row * 3);
    for (let k = 0; k < 3; k++) translation[row * 3 + k] += shifts.values[frame * 3 + k];
  }
  return modelTurns;
}

const AIST: Producer = {
  name: 'AIST++',
  about: 'smpl_poses, smpl_trans and smpl_scaling',
  recognises: (file) => hasKeys(file, 'smpl_poses', 'smpl_trans'),
  read(file, { where }) {
    const poses = field(file, 'smpl_poses', [undefined, undefined], where);
    const rowCount = poses.shape[0];
    const scaling = file.has('smpl_scaling')
      ? toNumbers(file.get('smpl_scaling'), `${where}: smpl_scaling`).values[0]
      : 1;
    if (!(scaling > 0))
      throw new DataError({ where, what: 'smpl_scaling', expected: 'a number above 0', found: `${scaling}` });
    const translation = field(file, 'smpl_trans', [rowCount, 3], where).values.map((value) => value / scaling);
    const rotations = fromVectors(rowCount, poses.values, poseWidth(poses.shape[1], where));
    const track: BodyTrack = { person: '0', shot: 0, frames: counted(rowCount), rotations, translation };
    return {
      producer: 'AIST++',
      tracks: [track],
      rate_hz: 60,
      rateSource: 'the dataset is recorded at 60 Hz',
      up: '+y',
      inCamera: false,
      isMocap: false,
      notes: [],
    };
  },
};

const PHALP: Producer = {
  name: '4D-Humans',
  about: 'frames with tid and smpl lists',
  recognises: (file) => hasKeys(firstValue(file), 'tid', 'smpl'),
  read: (file, { where }) => readPhalp(file, where),
};

const PRODUCERS: readonly Producer[] = [WHAM, GVHMR, TRAM, PHALP, AIST, AMASS];

/** True where some producer's keys are there. */
export function isBodyFile(value: unknown): boolean {
  return isDictionary(value) && PRODUCERS.some((producer) => producer.recognises(value));
}

/** @throws DataError where no producer is recognised, or its file is not as that producer writes it */
export function readBodyFile(value: unknown, context: ProducerContext): BodyFile {
  const producer = isDictionary(value) ? PRODUCERS.find((known) => known.recognises(value)) : undefined;
  if (producer === undefined) {
    const keys = isDictionary(value)
      ? `a dictionary of ${[...value.keys()].slice(0, 12).map(String).join(', ')}`
      : kindOf(value);
    throw new DataError({
      where: context.where,
      what: 'human motion',
      expected: `the keys of ${PRODUCERS.map(({ name, about }) => `${name} (${about})`).join('; ')}`,
      found: isPickledArray(value) ? `an array (${value.shape.join(', ')})` : keys,
      fix: 'Write joint positions as documented in docs/human-motion.md instead',
    });
  }
  const file = producer.read(value as Dictionary, context);
  if (file.tracks.every(({ frames }) => frames.length === 0)) {
    throw new DataError({ where: context.where, what: producer.name, expected: 'people', found: 'none' });
  }
  return file;
}
