// The ready field map for a file, where its layout is unmistakable: maps whose `recognise` fits; of several that do, the
// one that the numbers do not contradict, and never a less particular one over a contradiction.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readYaml } from '../src/base/config-file.js';
import { DataError, isUserError, listNames } from '../src/base/errors.js';
import { packagePath } from '../src/base/files.js';
import { LEROBOT_FIELD_MAP } from '../src/dataset/lerobot-features.js';
import { SOURCE_KINDS, type SourceKind } from '../src/motion/episode.js';
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
  if (only === undefined) throw await noMap(path, description, options);
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

/** Why no map was found: the file cannot be read, or a map of another verb, or for another robot, would fit. */
async function noMap(path: string, description: SourceDescription, options: ChooseOptions): Promise<DataError> {
  const { format, fields, problems = [] } = description;
  const refused = fields.find(({ problem }) => problem !== undefined)?.problem;
  if (refused !== undefined) return new DataError(refused);
  const what = `no ready field map for this ${format} layout`;
  const names = fields.map(({ name }) => name);
  const found = [listNames(names, 10) || 'nothing that can be read', ...problems].join('; ');
  const [other] = await fittingMaps(description, { ...options, kinds: SOURCE_KINDS, settings: [] });
  if (other !== undefined) {
    const verb = other.map.kind === 'controller' ? 'controller' : 'rollout';
    return new DataError({ where: path, what, found, fix: `${other.name} is for it: nextgait ingest ${verb}` });
  }
  const { robot } = options;
  const maps = await readyMaps(description, options.kinds);
  for (let jointCount = FEWEST_JOINTS; jointCount <= MOST_JOINTS && description.joints === undefined; jointCount++) {
    const [ready] = maps.filter(({ map }) => hasLayout(description, map, jointCount));
    if (ready === undefined) continue;
    const fix = `${ready.name} is for such files of a robot with ${jointCount} joints; ${robot.name} has ${robot.jointNames.length}: give the other by --robot`;
    return new DataError({ where: path, what, found, fix });
  }
  const fix =
    problems.length > 0
      ? 'The file is damaged: record or copy it anew, or look at what is left of it: --describe'
      : 'See what is in it and take the map that comes with that: --describe; then give it by --map';
  return new DataError({ where: path, what, found, fix });
}

/** Joints that a robot with legs may have. */
const FEWEST_JOINTS = 6;
const MOST_JOINTS = 70;

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
    if (
      map.tables !== undefined &&
      map.recognise !== undefined &&
      hasLayout(description, map, description.joints?.names.length ?? 0)
    )
      return true;
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
  const jointCount = description.joints?.names.length ?? robot.jointNames.length;
  const fitting: { name: string; map: FieldMap }[] = [];
  for (const { name, map: plain } of await readyMaps(description, kinds)) {
    if (!hasLayout(description, plain, jointCount)) continue;
    // Settings may be meant for another map: they are applied to those that fit without them.
    const map = settings.length === 0 ? plain : await loadFieldMap(name, settings);
    fitting.push({ name, map: withDelimiter(map, description) });
  }
  return fitting;
}

/** Ready maps that recognise layouts of a file's format, the most particular one first. */
async function readyMaps(
  { format }: SourceDescription,
  kinds: readonly SourceKind[],
): Promise<{ name: string; map: FieldMap }[]> {
  const ready: { name: string; map: FieldMap }[] = [];
  for (const name of (await fieldMapNames()).sort()) {
    const tree = (await readYaml(packagePath('configs', 'ingest', `${name}.yaml`))) as Partial<FieldMap>;
    if (tree.format !== format || tree.recognise === undefined) continue;
    const map = await loadFieldMap(name);
    if (kinds.includes(map.kind)) ready.push({ name, map });
  }
  return ready.sort((a, b) => fieldCount(b.map) - fieldCount(a.map));
}

/** What separates the columns of a csv file is the file's to say, where no setting does. */
function withDelimiter(map: FieldMap, { mapKeys }: SourceDescription): FieldMap {
  const { delimiter } = mapKeys;
  return map.format === 'csv' && map.delimiter === ',' && typeof delimiter === 'string' ? { ...map, delimiter } : map;
}

function fieldCount(map: FieldMap): number {
  return Object.keys(map.recognise!.fields).length;
}

function hasLayout(description: SourceDescription, { recognise, tables }: FieldMap, jointCount: number): boolean {
  if ((tables !== undefined) !== (description.mapKeys.tables !== undefined)) return false;
  const widths = new Map<string, number>();
  for (const { name, sample, columns, text, value } of description.fields) {
    for (const column of columns ?? []) widths.set(column, 1);
    if (sample !== undefined) widths.set(name, sample.width);
    else if (text !== undefined || value !== undefined) widths.set(name, 0);
  }
  const { fields, lacks } = recognise!;
  if (lacks.some((name) => widths.has(name))) return false;
  return Object.entries(fields).every(([name, width]) => {
    const found = widths.get(name);
    if (found === undefined || width === null) return width === null && found !== undefined;
    return [width].flat().some((one) => columnNumber(one, jointCount) === found);
  });
}
