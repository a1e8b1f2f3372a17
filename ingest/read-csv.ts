// A csv file, or a folder of several that belong together, as one recording.

import { join } from 'node:path';
import { DataError } from '../src/base/errors.js';
import { isPresentFolder } from '../src/base/files.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { type FieldMap, type FieldRequest, fieldRequests } from './field-map.js';
import { type CsvTable, pickColumns, readCsv } from './readers/csv.js';
import {
  columnNumber,
  cutFinding,
  type RawField,
  type RawInput,
  type RawTable,
  requireWidth,
  robotJointNames,
  type Slice,
  uniformTimes,
} from './recording.js';
import { unitFactor } from './units.js';

/** @throws DataError or FindingsError naming file, line and column for what does not fit the map */
export async function readCsvInput(path: string, map: FieldMap, robot: RobotModel): Promise<RawInput> {
  const files = await tableFiles(path, map);
  const requests = fieldRequests(map);
  // Names may come from the header of one table and be needed for another: that table is read first.
  const namesTable = map.joints.names.table ?? files.keys().next().value!;
  const order = [...files.keys()].sort((a, b) => Number(b === namesTable) - Number(a === namesTable));
  const { names } = map.joints;
  let jointNames = names.list ?? (names.robot === undefined ? undefined : robotJointNames(names.robot, robot));
  const tables: RawTable[] = [];
  for (const name of order) {
    const file = files.get(name)!;
    const wanted = requests.filter(({ field }) => files.size === 1 || field.table === name);
    let width = 0;
    const columnsOf = ({ field }: FieldRequest) =>
      field.columns ??
      positions(field.slice, width, jointNames!.length) ??
      jointNames!.map((joint) => field.perJoint!.replace('{joint}', joint));
    const table = await readCsv(
      file,
      (header) => {
        width = header.length;
        jointNames ??= namesInHeader(header, map.joints.names.header!, file);
        const time = map.time.column === undefined ? [] : [map.time.column];
        return [...new Set([...time, ...wanted.flatMap(columnsOf)])];
      },
      { delimiter: map.delimiter, header: map.header },
    );
    const fields = new Map<FieldRequest['key'], RawField>();
    for (const request of wanted) {
      const field = pickColumns(table, columnsOf(request));
      requireWidth(field, request, jointNames!.length, `${file}: ${request.key}`);
      fields.set(request.key, field);
    }
    tables.push({ where: file, time_s: timesOf(table, map, file), fields, ...cutFinding(table) });
  }
  return { jointNames: jointNames!, recordings: [tables], files: [...files.values()] };
}

/** The files of an input by table name; a map without tables has one, named ''. */
async function tableFiles(path: string, map: FieldMap): Promise<Map<string, string>> {
  if (map.tables === undefined) return new Map([['', path]]);
  if (!(await isPresentFolder(path))) {
    throw new DataError({
      where: path,
      what: 'input of a field map with tables',
      expected: `a folder with ${Object.values(map.tables).join(', ')}`,
      found: 'no folder',
    });
  }
  return new Map(Object.entries(map.tables).map(([name, file]) => [name, join(path, file)]));
}

/** Names of a slice's columns in a file without header of `width` columns. */
function positions(slice: Slice | undefined, width: number, jointCount: number): string[] | undefined {
  if (slice === undefined) return undefined;
  const first = columnNumber(slice[0], jointCount);
  const end = slice[1] === undefined ? width : columnNumber(slice[1], jointCount);
  return Array.from({ length: Math.max(0, end - first) }, (_, k) => String(first + k));
}

function namesInHeader(header: readonly string[], pattern: string, file: string): string[] {
  const [before, after] = pattern.split('{joint}');
  const names = header
    .filter((name) => name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after))
    .map((name) => name.slice(before.length, name.length - after.length));
  if (names.length > 0) return names;
  throw new DataError({ where: `${file}:1`, what: 'joint names', expected: `columns like ${pattern}`, found: 'none' });
}

function timesOf(table: CsvTable, { time }: FieldMap, file: string): Float64Array {
  if (time.column === undefined) return uniformTimes(table.rowCount, time.rate_hz!);
  const factor = unitFactor('time', time.unit, file);
  return pickColumns(table, [time.column]).data.map((stamp) => stamp * factor);
}
