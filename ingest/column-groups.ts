// Columns of a csv file, put together by what their names share: `q_left_knee`, `q_right_knee` are one field over
// joints, `root_x`, `root_y`, `root_z` one vector. Without a header every column is its own and the numbers must speak.

import { type CsvTable, pickColumns } from './readers/csv.js';
import type { SourceField } from './source-description.js';

export interface ColumnGroups {
  readonly fields: readonly SourceField[];
  /** The pattern over joints, and what {joint} is in it. */
  readonly joints?: { readonly pattern: string; readonly names: readonly string[]; readonly columnCount: number };
}

/** Endings that make one vector or quaternion of columns; tried in this order. */
const VECTOR_ENDINGS: readonly (readonly string[])[] = [
  ['qw', 'qx', 'qy', 'qz'],
  ['qx', 'qy', 'qz', 'qw'],
  ['w', 'x', 'y', 'z'],
  ['x', 'y', 'z', 'w'],
  ['x', 'y', 'z'],
  ['vx', 'vy', 'wz'],
  ['vx', 'vy', 'vz'],
  ['wx', 'wy', 'wz'],
  ['0', '1', '2'],
  ['3', '4', '5'],
];

export function groupColumns(table: CsvTable, header: boolean): ColumnGroups {
  if (!header) {
    const width = table.columns.length;
    const sample = { width, data: table.values };
    const shape = `${table.rowCount} x ${width}`;
    return { fields: [{ name: 'all columns', selector: { slice: [0, width] }, shape, type: 'number', sample }] };
  }
  const left = new Set(table.columns);
  const joints = jointPatterns(table.columns);
  const fields: SourceField[] = [];
  for (const pattern of joints?.patterns ?? []) {
    const columns = joints!.names.map((name) => pattern.replace('{joint}', name));
    for (const column of columns) left.delete(column);
    fields.push(fieldOf(table, pattern, columns, { perJoint: pattern }));
  }
  for (const columns of vectorsOf([...left])) {
    for (const column of columns) left.delete(column);
    fields.push(fieldOf(table, commonName(columns), columns, { columns: [...columns] }));
  }
  for (const column of left) fields.push(fieldOf(table, column, [column], { columns: [column] }));
  const at = (field: SourceField) => table.columns.indexOf(field.columns![0]);
  fields.sort((a, b) => at(a) - at(b));
  return {
    fields,
    ...(joints === undefined
      ? {}
      : { joints: { pattern: joints.patterns[0], names: joints.names, columnCount: covered(joints) } }),
  };
}

function fieldOf(
  table: CsvTable,
  name: string,
  columns: readonly string[],
  selector: SourceField['selector'],
): SourceField {
  return {
    name,
    selector,
    columns,
    shape: `${table.rowCount} x ${columns.length}`,
    type: 'number',
    sample: pickColumns(table, columns),
  };
}

/** Fewest names that a pattern over joints must have: more than the axes of a quaternion. */
const FEWEST_JOINTS = 5;

interface JointColumns {
  readonly patterns: readonly string[];
  readonly names: readonly string[];
}

/** The list of names, and the patterns `before{joint}after` that have all of them, which together cover most columns. */
function jointPatterns(columns: readonly string[]): JointColumns | undefined {
  const groups = [...prefixGroups(columns)].filter(([, names]) => {
    return names.length >= FEWEST_JOINTS && !names.every((name) => /^\d+$/.test(name));
  });
  let best: JointColumns | undefined;
  for (const [, names] of groups) {
    const patterns = groups
      .filter(([, others]) => others.length >= names.length && isSubset(names, others))
      .map(([pattern]) => pattern);
    if (best === undefined || covered({ patterns, names }) > covered(best)) best = { patterns, names };
  }
  return best;
}

function isSubset(names: readonly string[], of: readonly string[]): boolean {
  const known = new Set(of);
  return names.every((name) => known.has(name));
}

/** Columns that are covered; of lists that cover equally many the longer one counts. One pattern may be chance. */
function covered({ patterns, names }: JointColumns): number {
  return (patterns.length > 1 ? 1 : 0.5) * patterns.length * names.length + names.length / 1000;
}

/** For every beginning or ending up to a separator: the rest of the names that have it. */
function prefixGroups(columns: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  const add = (pattern: string, name: string) => groups.set(pattern, [...(groups.get(pattern) ?? []), name]);
  for (const column of columns) {
    for (const { index } of column.matchAll(/[_./:\-[ ]/g)) {
      if (index > 0 && index < column.length - 1) add(`${column.slice(0, index + 1)}{joint}`, column.slice(index + 1));
    }
    for (const { index } of column.matchAll(/[_./:\- ]/g)) {
      if (index > 0 && index < column.length - 1) add(`{joint}${column.slice(index)}`, column.slice(0, index));
    }
  }
  return groups;
}

/** Columns that only their last letters tell apart. */
export function vectorsOf(columns: readonly string[]): string[][] {
  const left = new Set(columns);
  const found: string[][] = [];
  for (const endings of VECTOR_ENDINGS) {
    const [first, ...rest] = endings;
    for (const column of [...left]) {
      if (!column.toLowerCase().endsWith(first)) continue;
      const stem = column.slice(0, column.length - first.length);
      const upper = column.endsWith(first) ? (text: string) => text : capitalised(column.slice(-first.length));
      const group = [column, ...rest.map((ending) => stem + upper(ending))];
      // Digits must stand alone: joint10 is not the zeroth of joint1.
      if (/\d$/.test(first) && !/[_./:\-[ ]$/.test(stem)) continue;
      if (!group.every((name) => left.has(name))) continue;
      for (const name of group) left.delete(name);
      found.push(group);
    }
  }
  return found;
}

/** Writes an ending as its first one is written: `X`, `Qx`. */
function capitalised(like: string): (text: string) => string {
  if (like === like.toUpperCase()) return (text) => text.toUpperCase();
  return (text) => text[0].toUpperCase() + text.slice(1);
}

function commonName(columns: readonly string[]): string {
  return columns.length === 1 ? columns[0] : columns.join(', ');
}
