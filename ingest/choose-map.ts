// The ready field map for a file, where its layout is unmistakable: maps whose `recognise` fits; of several that do, the
// one that the numbers do not contradict, and never a less particular one over a contradiction.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readYaml } from '../src/base/config-file.js';
import { DataError, isUserError, listNames } from '../src/base/errors.js';
import { packagePath } from '../src/base/files.js';
import { LEROBOT_FIELD_MAP } from '../src/dataset/lerobot-features.js';
import type { SourceKind } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { isTableFolder } from './describe-csv.js';
import { type FieldMap, fieldMapNames, loadFieldMap } from './field-map.js';
import { describeSource } from './formats.js';
import { firstProblem } from './mend-map.js';
import { columnNumber } from './recording.js';
import type { SourceDescription } from './source-description.js';

export interface ChosenMap {
  readonly name: string;
  readonly map: FieldMap;
  /** Why this one, for people. */
  readonly why: string;
}

export interface ChooseOptions {
  readonly robot: RobotModel;
  readonly rate_hz: number;
  /** Kinds of source that the verb reads. */
  readonly kinds: readonly SourceKind[];
  readonly settings?: readonly string[];
}

/** @throws DataError where no ready map fits, or several do */
export async function chooseMap(path: string, options: ChooseOptions): Promise<ChosenMap> {
  const own = join(path, LEROBOT_FIELD_MAP);
  if (existsSync(own)) {
    const map = await loadFieldMap(own, options.settings);
    if (options.kinds.includes(map.kind)) return { name: LEROBOT_FIELD_MAP, map, why: 'the dataset brings it along' };
  }
  const description = await describeSource(path);
  const fitting = await fittingMaps(description, options);
  const [only] = fitting;
  if (only === undefined) {
    throw new DataError({
      where: path,
      what: `no ready field map for this ${description.format} layout`,
      found: listNames(
        description.fields.map(({ name }) => name),
        10,
      ),
      fix: 'See what is in it and take the map that comes with that: --describe; then give it by --map',
    });
  }
  const layout = `recognised by ${listNames(Object.keys(only.map.recognise!.fields), 3)}`;
  if (fitting.length === 1) return { ...only, why: layout };
  const tried: { name: string; map: FieldMap; problem: Error | undefined }[] = [];
  for (const { name, map } of fitting) {
    tried.push({ name, map, problem: await firstProblem(path, map, options.robot, options.rate_hz) });
  }
  const good = tried.filter(({ map, problem }) => problem === undefined && !tried.some((one) => overrules(one, map)));
  if (good.length > 0) {
    // A map that asks for more of a file is the more particular one.
    const most = fieldCount(good[0].map);
    if (good.length === 1 || fieldCount(good[1].map) < most) {
      const [{ name, map }] = good;
      return { name, map, why: `${layout}; ${others(tried, name)}` };
    }
    throw new DataError({
      where: path,
      what: 'several ready field maps fit',
      found: listNames(good.map(({ name }) => name)),
      fix: 'Choose one by --map',
    });
  }
  // All are contradicted, or a more particular one is: that one says why.
  return { name: tried[0].name, map: tried[0].map, why: layout };
}

/**
 * True where a map that the data contradicts knows the layout in all that another asks for, and more: what the file is, is
 * then known, and its data is wrong. The other would take it for something else (offsets for positions, say).
 */
function overrules({ map, problem }: { map: FieldMap; problem: Error | undefined }, other: FieldMap): boolean {
  if (problem === undefined || fieldCount(map) <= fieldCount(other)) return false;
  return Object.keys(other.recognise!.fields).every((name) => name in map.recognise!.fields);
}

/** True for a folder of csv files that a ready map with tables recognises as one input. */
export async function isTableInput(folder: string): Promise<boolean> {
  if (!(await isTableFolder(folder))) return false;
  let description: SourceDescription;
  try {
    description = await describeSource(folder);
  } catch (error) {
    if (!isUserError(error)) throw error;
    // One of its files cannot be read: each is an input of its own, and that one is refused by itself.
    return false;
  }
  for (const name of await fieldMapNames()) {
    const map = await loadFieldMap(name);
    if (map.tables !== undefined && map.recognise !== undefined && hasLayout(description, map, [])) return true;
  }
  return false;
}

function others(tried: readonly { name: string; problem: Error | undefined }[], chosen: string): string {
  return tried
    .filter(({ name }) => name !== chosen)
    .map(({ name, problem }) =>
      problem === undefined ? `${name} asks for less` : `${name} does not agree with the data`,
    )
    .join(', ');
}

/** Ready maps whose layout a file has, the most particular one first. */
async function fittingMaps(
  description: SourceDescription,
  { robot, kinds, settings = [] }: ChooseOptions,
): Promise<{ name: string; map: FieldMap }[]> {
  const fitting: { name: string; map: FieldMap }[] = [];
  for (const name of (await fieldMapNames()).sort()) {
    // Settings may be meant for another map: they are applied to those that fit without them.
    const tree = (await readYaml(packagePath('configs', 'ingest', `${name}.yaml`))) as Partial<FieldMap>;
    if (tree.format !== description.format || tree.recognise === undefined) continue;
    const plain = await loadFieldMap(name);
    if (!kinds.includes(plain.kind) || !hasLayout(description, plain, robot.jointNames)) continue;
    fitting.push({ name, map: settings.length === 0 ? plain : await loadFieldMap(name, settings) });
  }
  return fitting.sort((a, b) => fieldCount(b.map) - fieldCount(a.map));
}

function fieldCount(map: FieldMap): number {
  return Object.keys(map.recognise!.fields).length;
}

function hasLayout(
  description: SourceDescription,
  { recognise, tables }: FieldMap,
  robotJoints: readonly string[],
): boolean {
  if ((tables !== undefined) !== (description.mapKeys.tables !== undefined)) return false;
  const widths = new Map<string, number>();
  for (const { name, sample, columns, text, value } of description.fields) {
    for (const column of columns ?? []) widths.set(column, 1);
    if (sample !== undefined) widths.set(name, sample.width);
    else if (text !== undefined || value !== undefined) widths.set(name, 0);
  }
  const jointCount = description.joints?.names.length ?? robotJoints.length;
  const { fields, lacks } = recognise!;
  if (lacks.some((name) => widths.has(name))) return false;
  return Object.entries(fields).every(([name, width]) => {
    const found = widths.get(name);
    if (found === undefined || width === null) return width === null && found !== undefined;
    return [width].flat().some((one) => columnNumber(one, jointCount) === found);
  });
}
