// The tracks of 4D-Humans and PHALP: a dictionary of frames, each with lists of the people in it.
//
// People come and go and change their place in the lists; `tid` says who is who. Rotations are matrices in the camera's
// frame; there is no motion through the world. Frames in which a person is only predicted (`tracked_time` above 0) are
// taken as not seen. A shot begins where `shot` grows, be it a flag or a number.

import { DataError } from '../../src/base/errors.js';
import { type NumericArray, toNumbers } from './pickle-arrays.js';
import { BODY_JOINT_COUNT } from './smpl-body.js';
import { type BodyFile, type BodyTrack, expectShape, fromMatrices, sortRows } from './smpl-tracks.js';

interface Sighting {
  readonly frame: number;
  readonly root: NumericArray; // [1, 3, 3]
  readonly body: NumericArray; // [23, 3, 3] or [21, 3, 3]
  readonly shape: Float64Array | undefined;
  readonly where: string;
}

export function readPhalp(file: ReadonlyMap<unknown, unknown>, where: string): BodyFile {
  const people = new Map<string, { person: string; shot: number; sightings: Sighting[] }>();
  let shot = 0;
  let lastMark = 0;
  let predicted = 0;
  for (const { name, frame, content } of orderFrames(file, where)) {
    const place = `${where}: ${name}`;
    const mark = Number(content.get('shot') ?? 0);
    if (frame > 0 && mark > lastMark) shot++;
    lastMark = mark;
    const ids = list(content, 'tid', place);
    const bodies = list(content, 'smpl', place);
    if (ids.length !== bodies.length) {
      throw new DataError({
        where: place,
        what: 'people',
        expected: `${ids.length} bodies for as many ids`,
        found: `${bodies.length}`,
      });
    }
    const times = content.has('tracked_time') ? list(content, 'tracked_time', place) : [];
    const tracked = content.has('tracked_ids') ? list(content, 'tracked_ids', place) : ids;
    for (const [k, id] of ids.entries()) {
      const at = tracked.indexOf(id);
      if (at >= 0 && Number(times[at] ?? 0) > 0) {
        predicted++;
        continue;
      }
      const key = `${shot}/${String(id)}`;
      const person = people.get(key) ?? { person: String(id), shot, sightings: [] };
      people.set(key, person);
      person.sightings.push(readSighting(bodies[k], frame, `${place}: person ${String(id)}`));
    }
  }
  const notes = predicted > 0 ? [`${predicted} sightings are predictions of the tracker and were left out`] : [];
  return {
    producer: '4D-Humans',
    tracks: [...people.values()].map((sighted) => toTrack(sighted, where)),
    up: '-y',
    inCamera: true,
    isMocap: false,
    notes,
  };
}

function orderFrames(file: ReadonlyMap<unknown, unknown>, where: string) {
  const frames = [...file].map(([name, content], index) => {
    if (!(content instanceof Map)) {
      throw new DataError({
        where: `${where}: ${String(name)}`,
        what: 'frame',
        expected: 'a dictionary',
        found: typeof content,
      });
    }
    const time = content.get('time');
    return { name: String(name), frame: Number.isInteger(time) ? (time as number) : index, content };
  });
  return frames.sort((a, b) => a.frame - b.frame);
}

function list(content: ReadonlyMap<unknown, unknown>, key: string, where: string): readonly unknown[] {
  const value = content.get(key);
  if (Array.isArray(value)) return value;
  throw new DataError({
    where,
    what: `"${key}"`,
    expected: 'a list',
    found: value === undefined ? 'nothing' : typeof value,
  });
}

function readSighting(body: unknown, frame: number, where: string): Sighting {
  if (!(body instanceof Map))
    throw new DataError({ where, what: 'body', expected: 'a dictionary', found: typeof body });
  const root = toNumbers(body.get('global_orient'), `${where}: global_orient`);
  const joints = toNumbers(body.get('body_pose'), `${where}: body_pose`);
  if (joints.shape[0] < BODY_JOINT_COUNT - 1) {
    throw new DataError({ where, what: 'body_pose', expected: '21 or 23 joints', found: `${joints.shape[0]}` });
  }
  const betas = body.get('betas');
  return {
    frame,
    root: expectShape(root, root.shape.length === 2 ? [3, 3] : [1, 3, 3], `${where}: global_orient`),
    body: expectShape(joints, [undefined, 3, 3], `${where}: body_pose`),
    shape: betas === undefined ? undefined : toNumbers(betas, `${where}: betas`).values,
    where,
  };
}

function toTrack(
  { person, shot, sightings }: { person: string; shot: number; sightings: Sighting[] },
  where: string,
): BodyTrack {
  const rowCount = sightings.length;
  const rotations = new Float64Array(rowCount * BODY_JOINT_COUNT * 4);
  const shapeWidth = sightings[0].shape?.length ?? 0;
  const hasShape = shapeWidth > 0 && sightings.every(({ shape }) => shape?.length === shapeWidth);
  const shape = new Float64Array(hasShape ? rowCount * shapeWidth : 0);
  for (const [row, sighting] of sightings.entries()) {
    const into = rotations.subarray(row * BODY_JOINT_COUNT * 4, (row + 1) * BODY_JOINT_COUNT * 4);
    fromMatrices(1, sighting.root.values, 9, sighting.where, 0, 1, into);
    fromMatrices(1, sighting.body.values, 0, sighting.where, 1, BODY_JOINT_COUNT, into);
    if (hasShape) shape.set(sighting.shape!, row * shapeWidth);
  }
  const track: BodyTrack = {
    person,
    shot,
    frames: Int32Array.from(sightings, ({ frame }) => frame),
    rotations,
    ...(hasShape ? { shape } : {}),
  };
  return sortRows(track, `${where}: person ${person}`);
}
