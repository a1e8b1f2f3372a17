// Field maps: what the columns, arrays or paths of a rollout or log mean, as a YAML file and never as code.
//
// A map says for every channel where its numbers are, in which unit, order and frame, how joints are named, what time
// is, and what an action of the file is. docs/ingest.md describes every key with examples; configs/ingest has ready maps.

import { access, readdir } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '../src/base/config.js';
import { loadConfig } from '../src/base/config-file.js';
import { DataError, type DataErrorDetail, FindingsError, listNames } from '../src/base/errors.js';
import { packagePath } from '../src/base/files.js';
import { nearest } from '../src/base/nearest.js';
import { type ChannelName, SOURCE_KINDS } from '../src/motion/episode.js';
import { unitFactor } from './units.js';

const SELECTORS = ['array', 'columns', 'perJoint', 'path'] as const;

/** What files may be read, and what a map of each may say: where numbers are, what time is, where joint names are.
 *  A format of one line here and one in formats.ts is there. */
export const FORMAT_KEYS = {
  npz: { selectors: ['array'], time: ['rateArray', 'array'], names: ['array'] },
  csv: { selectors: ['columns', 'perJoint'], time: ['column'], names: ['header'] },
  jsonl: { selectors: ['path', 'columns'], time: ['path'], names: [] },
  hdf5: { selectors: ['array'], time: ['rateArray', 'array'], names: ['array'] },
  lerobot: { selectors: ['array', 'columns', 'perJoint'], time: ['rateArray', 'array'], names: ['array', 'header'] },
  mcap: { selectors: ['path', 'columns'], time: ['path'], names: ['array'] },
} as const satisfies Record<string, FormatKeys>;

export type FormatName = keyof typeof FORMAT_KEYS;
export const FORMAT_NAMES = Object.keys(FORMAT_KEYS) as FormatName[];

interface FormatKeys {
  readonly selectors: readonly (typeof SELECTORS)[number][];
  /** Besides rate_hz, which every format may be given. */
  readonly time: readonly ('rateArray' | 'array' | 'column' | 'path')[];
  /** Besides list and robot. */
  readonly names: readonly ('array' | 'header')[];
}

/** A column's number, or one that depends on the number of the file's joints: `7+J`, `14+2J`. */
const column = z.union([z.int().nonnegative(), z.string().regex(/^\d+(\+\d*J)?$/, 'expected a number, 7+J or 14+2J')]);

/** Where numbers are: one of array, columns, perJoint and path; slice alone in a csv without header. */
const selector = {
  /** npz, hdf5: name of an array. */
  array: z.string().optional(),
  /** npz, hdf5, jsonl: only these entries of each row, [first, one past the last], or [first] for all from there on.
   *  csv without header: these columns. J stands for the number of the file's joints. */
  slice: z.union([z.tuple([column]), z.tuple([column, column])]).optional(),
  /** hdf5: an array whose last row stands before this one's first, whose last row then goes: what a recorder that
   *  stores states after the step calls the initial state. */
  initial: z.string().optional(),
  /** csv: column names. jsonl: paths of single numbers. */
  columns: z.array(z.string()).min(1).optional(),
  /** csv: one column per joint, `{joint}` standing for its name. */
  perJoint: z
    .string()
    .refine((text) => text.split('{joint}').length === 2, 'expected {joint} once, as in q_{joint}')
    .optional(),
  /** jsonl: a path that gives all numbers. */
  path: z.string().optional(),
  /** csv, mcap: which of the map's tables, where it has several. */
  table: z.string().optional(),
  /** mcap: how long a command or an action counts where no other follows (s); 0.2, or 1.5 of its periods. */
  hold_s: z.number().positive().optional(),
  unit: z.string().optional(),
};

/** What is checked against the data, and may be trusted instead. */
export const TRUSTED = [
  'action',
  'action-row',
  'orientation',
  'velocity-frame',
  'units',
  'rate',
  'joint-order',
] as const;
export type Trusted = (typeof TRUSTED)[number];

/** Orders of a robot's joints that files without names may have. */
export const JOINT_ORDERS = ['model', 'breadth-first'] as const;

const perJoint = z.union([
  z.number(),
  z.array(z.number()),
  z.record(z.string(), z.number()).describe('a table by joint'),
]);

const plainField = z.strictObject(selector);
const quaternionField = z.strictObject({
  ...selector,
  order: z.enum(['wxyz', 'xyzw']),
  /** True where it turns the world's coordinates into the base's. */
  inverse: z.boolean().default(false),
});
const velocityField = z.strictObject({ ...selector, frame: z.enum(['world', 'base']) });
const contactField = z.strictObject({
  ...selector,
  /** A foot touches where its value is above this; without it the values are 0 and 1 themselves. */
  threshold: z.number().optional(),
});

/** How an action of the file becomes a joint target:
 *  absolute: target = value; offset: target = default + value; scaled: target = default + scale · value. */
const actionField = z.strictObject({
  ...selector,
  meaning: z.enum(['absolute', 'offset', 'scaled']),
  scale: perJoint.nullish(),
  /** Quartiles of a scale that was estimated from the data: it is told in every episode. */
  scaleRange: z.tuple([z.number(), z.number()]).optional(),
  /** What offset and scaled actions are added to (rad); the robot's default pose where absent. */
  default: perJoint.optional(),
});

export const fieldMapSchema = z.strictObject({
  about: z.string().optional(),
  format: z.enum(FORMAT_NAMES),
  /** `rollout` of a policy, log of a model-based `controller`, or human motion that is on the robot already. */
  kind: z.enum(SOURCE_KINDS),
  /** Name of the source in datasets, weights and metrics. */
  source: z.string().regex(/^[\w.-]+$/, 'expected letters, digits, - _ and .'),
  /** csv: file name of each table in the input folder, joined on time. Without it each input is one table.
   *  mcap: topic of each table. */
  tables: z.record(z.string(), z.string()).optional(),
  /** csv */
  delimiter: z.string().length(1).default(','),
  /** csv: false where the first line is data; columns are then selected by slice. */
  header: z.boolean().default(true),
  /** npz, hdf5: what the leading axes of every array are. */
  axes: z.enum(['frame', 'episode-frame', 'frame-episode']).default('frame'),
  time: z.strictObject({
    /** Frames per second; or the name of an npz array that has it; or where the stamps are. */
    rate_hz: z.number().positive().optional(),
    rateArray: z.string().optional(),
    array: z.string().optional(),
    column: z.string().optional(),
    path: z.string().optional(),
    /** npz, hdf5: the column of the array that has the stamps. */
    slice: z.tuple([z.int().nonnegative(), z.int().positive()]).optional(),
    unit: z.string().default('s'),
  }),
  /** hdf5: the groups that are an episode each, `*` standing for any name: `data/demo_*`; arrays are named within. */
  episodes: z.string().optional(),
  /** npz, hdf5: arrays that are not zero in the last frame of an episode. */
  episodeEnds: z.array(z.string()).min(1).optional(),
  /** A column that changes its value where a new episode begins. */
  episode: plainField.optional(),
  joints: z.strictObject({
    /** The file's joint names, in its order: an npz or hdf5 array, a list, what {joint} is in the csv header, or, for
     *  files that have none, the robot's: in the order of its `model`, or `breadth-first` as PhysX (Isaac) counts. */
    names: z.strictObject({
      robot: z.enum(JOINT_ORDERS).optional(),
      array: z.string().optional(),
      list: z.array(z.string()).optional(),
      header: z.string().optional(),
      table: z.string().optional(),
    }),
    /** The file's name of a joint to the robot's. */
    rename: z.record(z.string(), z.string()).default({}),
    /** Joints of the file that the robot does not have, left out. */
    ignore: z.array(z.string()).default([]),
    /** Joints that were locked on the robot that made the file: position (rad), or `default`. Patterns may be used. */
    held: z.record(z.string(), z.union([z.number(), z.literal('default')])).default({}),
  }),
  channels: z.strictObject({
    basePosition: plainField.optional(),
    baseQuaternion: quaternionField.optional(),
    baseAngularVelocity: velocityField.optional(),
    baseLinearVelocity: velocityField.optional(),
    projectedGravity: plainField.optional(),
    jointPosition: plainField.optional(),
    jointVelocity: plainField.optional(),
    command: plainField.optional(),
    action: actionField.optional(),
    /** `same`: the action was executed as it is. */
    executedAction: z.union([z.literal('same'), actionField]).optional(),
    torque: plainField.optional(),
    footContact: contactField.optional(),
  }),
  /** `after-step`: the state in a row is the one that its action led to; it is then paired with the row before. */
  states: z.enum(['before-step', 'after-step']).default('before-step'),
  /** Contradictions between this map and the data that are told but do not refuse a file. */
  trust: z.array(z.enum(TRUSTED)).default([]),
  /** Files of which this map is chosen by itself: all of these fields and widths, and none of the lacking ones. */
  recognise: z
    .strictObject({
      /** Field to the width of its rows, or to several widths; a width may be `7+J`, and null is any. */
      fields: z.record(z.string(), z.union([column, z.array(column), z.null()])),
      lacks: z.array(z.string()).default([]),
    })
    .optional(),
  /** True where frame 0 of every episode is the first step after a reset. */
  startsAtReset: z.boolean().default(false),
});

export type FieldMap = z.output<typeof fieldMapSchema>;
export type Selector = z.output<typeof plainField>;
export type ActionField = z.output<typeof actionField>;

/** A field to be read: its key, its selector, and how wide it must be. */
export interface FieldRequest {
  readonly key: ChannelName | 'episode';
  readonly field: Selector;
  readonly width: number | 'joints' | 'feet';
}

const WIDTHS: Readonly<Record<ChannelName, FieldRequest['width']>> = {
  basePosition: 3,
  baseQuaternion: 4,
  baseAngularVelocity: 3,
  baseLinearVelocity: 3,
  projectedGravity: 3,
  jointPosition: 'joints',
  jointVelocity: 'joints',
  command: 3,
  action: 'joints',
  executedAction: 'joints',
  torque: 'joints',
  footContact: 'feet',
};

/** The fields of a map, in the order of its channels. */
export function fieldRequests(map: FieldMap): FieldRequest[] {
  const requests: FieldRequest[] = [];
  for (const [name, field] of Object.entries(map.channels)) {
    if (field === undefined || field === 'same') continue;
    requests.push({ key: name as ChannelName, field, width: WIDTHS[name as ChannelName] });
  }
  if (map.episode !== undefined) requests.push({ key: 'episode', field: map.episode, width: 1 });
  return requests;
}

/**
 * Loads a field map by name (configs/ingest) or file, with `--set` settings applied, and checks what a schema cannot.
 * @throws FindingsError naming every wrong key; DataError for an unknown name
 */
export async function loadFieldMap(nameOrPath: string, settings: readonly string[] = []): Promise<FieldMap> {
  const path = await fieldMapPath(nameOrPath);
  const map = await loadConfig(fieldMapSchema, path, settings, settingValue);
  const findings = mapFindings(map, path);
  if (findings.length > 0) throw new FindingsError(findings);
  return map;
}

/** What the text of a setting stands for: YAML, in which null takes a key away. */
export function settingValue(text: string): unknown {
  return parse(text) ?? undefined;
}

/** A field map from plain data. @throws FindingsError naming every wrong key */
export function parseFieldMap(tree: unknown, where: string): FieldMap {
  const map = parseConfig(fieldMapSchema, tree, where);
  const findings = mapFindings(map, where);
  if (findings.length > 0) throw new FindingsError(findings);
  return map;
}

export async function fieldMapNames(): Promise<string[]> {
  const files = await readdir(packagePath('configs', 'ingest'));
  return files.filter((file) => file.endsWith('.yaml')).map((file) => file.slice(0, -'.yaml'.length));
}

async function fieldMapPath(nameOrPath: string): Promise<string> {
  if (/\.ya?ml$/i.test(nameOrPath)) return nameOrPath;
  const path = packagePath('configs', 'ingest', `${nameOrPath}.yaml`);
  const found = await access(path).then(
    () => true,
    () => false,
  );
  if (found) return path;
  const known = await fieldMapNames();
  const near = nearest(nameOrPath, known);
  throw new DataError({
    where: `--map ${nameOrPath}`,
    what: 'no such field map',
    expected: `one of ${listNames(known)}, or a file (.yaml)`,
    fix: near === undefined ? undefined : `Did you mean "${near}"?`,
  });
}

/** Everything wrong with a map that is well-formed. */
function mapFindings(map: FieldMap, path: string): DataErrorDetail[] {
  const findings: DataErrorDetail[] = [];
  const tables = Object.keys(map.tables ?? {});
  for (const { key, field, width } of fieldRequests(map)) {
    const where = `${path}: ${key === 'episode' ? 'episode' : `channels.${key}`}`;
    const expected: FormatKeys['selectors'] = FORMAT_KEYS[map.format].selectors;
    const given = SELECTORS.filter((name) => field[name] !== undefined);
    if (map.format === 'csv' && (field.slice !== undefined || !map.header)) {
      // Without a header there is nothing but positions; with one, names say more.
      if (given.length > 0 || field.slice === undefined || map.header) {
        findings.push({ where, what: 'slice', expected: 'alone, in a csv file without header, and there always' });
      }
    } else if (given.length !== 1 || !expected.includes(given[0])) {
      const what = `where the numbers are in a ${map.format} file`;
      findings.push({ where, what, expected: `one of ${expected.join(', ')}`, found: given.join(', ') || 'none' });
    } else if (given[0] === 'perJoint' && width !== 'joints') {
      findings.push({ where, what: 'perJoint is for joint channels', fix: 'Use columns' });
    }
    if (field.table !== undefined && !tables.includes(field.table)) {
      findings.push({ where, what: 'table', expected: `one of ${listNames(tables) || 'none'}`, found: field.table });
    } else if (field.table === undefined && tables.length > 1) {
      findings.push({ where, what: 'table', expected: `one of ${listNames(tables)}`, found: 'none' });
    }
    try {
      unitFactor(key, field.unit, where);
    } catch (error) {
      findings.push((error as DataError).detail);
    }
  }
  findings.push(...timeFindings(map, path), ...jointFindings(map, path), ...actionFindings(map, path));
  if (map.tables !== undefined && map.format !== 'csv' && map.format !== 'mcap') {
    findings.push({ where: `${path}: tables`, what: 'tables are for csv and mcap files', found: map.format });
  }
  if (map.episode !== undefined && tables.length > 1) {
    findings.push({ where: `${path}: episode`, what: 'an episode column cannot cut several tables' });
  }
  if (Object.keys(map.channels).length === 0) {
    findings.push({ where: `${path}: channels`, what: 'channels', expected: 'at least one', found: 'none' });
  }
  return findings;
}

function timeFindings({ time, format, header }: FieldMap, path: string): DataErrorDetail[] {
  const where = `${path}: time`;
  // Without a header there is no column to name.
  const own: FormatKeys['time'] = format === 'csv' && !header ? [] : FORMAT_KEYS[format].time;
  const given = (['rate_hz', 'rateArray', 'array', 'column', 'path'] as const).filter((key) => time[key] !== undefined);
  const allowed: readonly string[] = ['rate_hz', ...own];
  if (given.length === 1 && allowed.includes(given[0])) {
    try {
      unitFactor('time', time.unit, where);
      return [];
    } catch (error) {
      return [(error as DataError).detail];
    }
  }
  return [{ where, what: 'time', expected: `one of ${allowed.join(', ')}`, found: given.join(', ') || 'none' }];
}

function jointFindings({ joints, format, header }: FieldMap, path: string): DataErrorDetail[] {
  const where = `${path}: joints.names`;
  const own = ['list', 'robot', ...(format === 'csv' && !header ? [] : FORMAT_KEYS[format].names)];
  const given = (['array', 'list', 'header', 'robot'] as const).filter((key) => joints.names[key] !== undefined);
  if (given.length !== 1 || !own.includes(given[0])) {
    return [{ where, what: 'joint names', expected: `one of ${own.join(', ')}`, found: given.join(', ') || 'none' }];
  }
  if (joints.names.header !== undefined && joints.names.header.split('{joint}').length !== 2) {
    return [{ where: `${where}.header`, what: 'pattern', expected: '{joint} once, as in q_{joint}' }];
  }
  return [];
}

function actionFindings({ channels, kind }: FieldMap, path: string): DataErrorDetail[] {
  const findings: DataErrorDetail[] = [];
  for (const name of ['action', 'executedAction'] as const) {
    const field = channels[name];
    const where = `${path}: channels.${name}`;
    if (field === undefined) continue;
    if (kind !== 'rollout') {
      findings.push({
        where,
        what: `data of kind ${kind} has no action`,
        expected: 'joint targets of a PD controller, which rollouts alone have',
        fix: 'Leave it out and keep torque; a log whose targets do drive a PD controller is of kind rollout',
      });
    } else if (field === 'same') {
      if (channels.action === undefined) findings.push({ where, what: '"same" without an action' });
    } else if ((field.meaning === 'scaled') !== (field.scale != null)) {
      findings.push({ where: `${where}.scale`, what: `scale of an action that is ${field.meaning}`, fix: SCALE_FIX });
    } else if (field.meaning === 'absolute' && field.default !== undefined) {
      findings.push({ where: `${where}.default`, what: 'an absolute action is not added to a default' });
    }
  }
  return findings;
}

const SCALE_FIX = 'Give scale with meaning: scaled, and with no other';
