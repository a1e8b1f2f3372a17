// What is in an HDF5 file: the groups that are episodes, the datasets of the first of them, and those of the whole file.

import { DataError } from '../src/base/errors.js';
import { fieldOfArray } from './describe-npz.js';
import { episodeGroups } from './read-hdf5.js';
import { Hdf5File } from './readers/hdf5.js';
import { SAMPLE_ROWS, type SourceDescription, type SourceField } from './source-description.js';

const JOINT_NAMES = /joint_?names|dof_?names/i;
const RATE_NAMES = /^(fps|rate|rate_hz|frequency)$/i;

/** @throws DataError where it is no HDF5 file */
export async function describeHdf5(path: string): Promise<SourceDescription> {
  const file = await Hdf5File.open(path);
  try {
    const pattern = episodePattern(file);
    const groups = pattern === undefined ? [''] : episodeGroups(file, pattern);
    // An episode that was broken off at its first step is an empty group: the first that has something is described.
    const shown = groups.find((group) => file.keys(group).length > 0) ?? groups[0];
    const prefix = pattern === undefined ? '' : `${shown}/`;
    const fields: SourceField[] = [];
    const facts: string[] = [];
    let joints: SourceDescription['joints'];
    let rate: { name: string; value: number } | undefined;
    for (const group of attributeGroups(shown)) {
      for (const name of file.attributeNames(group)) {
        facts.push(`${group || '/'}@${name}: ${file.attributeText(group, name).slice(0, 120)}`);
        if (JOINT_NAMES.test(name)) {
          const { text } = readQuietly(file, `${group}@${name}`);
          if (text !== undefined) joints = { names: text, selector: { array: `${group}@${name}` } };
        }
      }
    }
    const shared = pattern === undefined ? [] : topDatasets(file, groups);
    for (const name of [...shared, ...datasetsIn(file, shown)]) {
      const inEpisode = name.startsWith(prefix);
      const field = fieldOf(file, name, inEpisode ? name.slice(prefix.length) : name);
      fields.push(field);
      if (field.text !== undefined && field.text.length > 1 && JOINT_NAMES.test(name)) {
        joints = { names: field.text, selector: { array: field.name } };
      }
      if (field.value !== undefined && RATE_NAMES.test(name.split('/').at(-1)!)) {
        rate = { name: field.name, value: Number(field.value) };
      }
    }
    const ends = ['terminals', 'timeouts', 'dones', 'terminations', 'truncations'].filter(
      (name) => pattern === undefined && file.has(name),
    );
    return {
      format: 'hdf5',
      mapKeys: {
        ...(pattern === undefined ? {} : { episodes: pattern }),
        ...(ends.length > 0 ? { episodeEnds: ends } : {}),
      },
      fields,
      ...(rate === undefined ? {} : { time: { rateArray: rate.name }, rate_hz: rate.value }),
      joints,
      recordingCount: groups.length,
      facts,
    };
  } finally {
    file.close();
  }
}

/** Groups of one name and a number each, at the top or one level below: `data/demo_*`, `episode_*`. */
function episodePattern(file: Hdf5File): string | undefined {
  for (const parent of ['', ...file.keys('').filter((key) => file.isGroup(key))]) {
    const keys = file.keys(parent);
    const first = keys.find(
      (key) => /^[A-Za-z]*_?\d+$/.test(key) && file.isGroup(parent === '' ? key : `${parent}/${key}`),
    );
    if (first === undefined) continue;
    const pattern = `${first.replace(/\d+$/, '')}*`;
    return parent === '' ? pattern : `${parent}/${pattern}`;
  }
  return undefined;
}

function attributeGroups(episode: string): string[] {
  const parts = episode.split('/');
  return ['', ...parts.map((_, at) => parts.slice(0, at + 1).join('/'))].filter((g, at, all) => all.indexOf(g) === at);
}

/** Datasets beside the episodes: masks, names, what all episodes share. */
function topDatasets(file: Hdf5File, groups: readonly string[]): string[] {
  const top = groups[0].split('/')[0];
  return file
    .keys('')
    .filter((key) => key !== top && !groups.includes(key))
    .flatMap((key) => datasetsIn(file, key));
}

/** Paths of all datasets in a group, or the path itself. */
function datasetsIn(file: Hdf5File, path: string): string[] {
  if (path !== '' && !file.isGroup(path)) return file.has(path) ? [path] : [];
  return file.keys(path).flatMap((key) => datasetsIn(file, path === '' ? key : `${path}/${key}`));
}

function fieldOf(file: Hdf5File, path: string, name: string): SourceField {
  const { shape, type } = file.describe(path);
  try {
    const rows = Math.min(shape[0] ?? 0, SAMPLE_ROWS);
    const array = file.read(path, shape.length === 0 ? undefined : [[0, rows]]);
    return fieldOfArray(name, { ...array, dtype: type }, SAMPLE_ROWS, shape[0]);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const value = error.message.slice(file.path.length + 2);
    return { name, shape: shape.join(' x '), type, value, problem: error.detail };
  }
}

function readQuietly(file: Hdf5File, path: string): { readonly text?: readonly string[] } {
  try {
    return file.read(path);
  } catch (error) {
    if (error instanceof DataError) return {};
    throw error;
  }
}
