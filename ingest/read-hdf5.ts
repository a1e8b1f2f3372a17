// An HDF5 file as recordings, one episode in memory at a time: groups that are an episode each (Isaac Lab, robomimic,
// Minari), arrays that all episodes share and that flags cut (D4RL), or an axis of episodes.

import { DataError, listNames } from '../src/base/errors.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { type ArraySource, arrayJointNames, type EpisodePlace, episodePlaces, readPlace } from './array-source.js';
import type { FieldMap } from './field-map.js';
import { Hdf5File } from './readers/hdf5.js';
import { type RawInput, type RawRecording, readOrRefuse, type UnreadableRecording } from './recording.js';

/** @throws DataError naming file and dataset for what does not fit the map */
export async function readHdf5Input(path: string, map: FieldMap, robot: RobotModel): Promise<RawInput> {
  const file = await Hdf5File.open(path);
  try {
    const source = hdf5Source(file);
    const places = map.episodes === undefined ? await episodePlaces(source, map) : groupPlaces(file, map.episodes);
    const [first] = places.filter(({ prefix }) => prefix === '' || file.keys(prefix.slice(0, -1)).length > 0);
    const jointNames = await arrayJointNames(source, map, robot, (first ?? places[0]).prefix);
    return { jointNames, recordings: readPlaces(file, source, map, places, jointNames), files: [path] };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function* readPlaces(
  file: Hdf5File,
  source: ArraySource,
  map: FieldMap,
  places: readonly EpisodePlace[],
  jointNames: readonly string[],
): AsyncGenerator<RawRecording | UnreadableRecording> {
  try {
    for (const place of places) yield await readOrRefuse(() => readPlace(source, map, place, jointNames));
  } finally {
    file.close();
  }
}

function groupPlaces(file: Hdf5File, pattern: string): EpisodePlace[] {
  const groups = episodeGroups(file, pattern);
  if (groups.length === 0) {
    throw new DataError({
      where: file.path,
      what: 'episodes',
      expected: `groups like ${pattern}`,
      found: listNames(file.keys('')) || 'none',
    });
  }
  return groups.map((group) => ({ prefix: `${group}/`, axes: 'frame' }));
}

/** The groups that a pattern names, each `*` standing for one name; numbers in names count as numbers. */
export function episodeGroups(file: Hdf5File, pattern: string): string[] {
  let groups = [''];
  for (const part of pattern.split('/')) {
    const expression = new RegExp(`^${part.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
    groups = groups.flatMap((group) =>
      file
        .keys(group)
        .filter((key) => expression.test(key))
        .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
        .map((key) => (group === '' ? key : `${group}/${key}`)),
    );
  }
  return groups.filter((group) => file.isGroup(group));
}

export function hdf5Source(file: Hdf5File): ArraySource {
  return {
    path: file.path,
    has: (name) => file.has(name),
    shapeOf: async (name) => file.describe(name).shape,
    read: async (name, ranges) => file.read(name, ranges),
  };
}
