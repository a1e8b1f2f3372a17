// What is in a csv file, or in a folder of csv files that belong together: columns, grouped by what their names share.

import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DataError } from '../src/base/errors.js';
import { unreadableFile } from '../src/base/files.js';
import { groupColumns } from './column-groups.js';
import { isFolder } from './input-path.js';
import { type CsvTable, readCsv } from './readers/csv.js';
import { SAMPLE_ROWS, type SourceDescription, type SourceField } from './source-description.js';

/** Columns that are a clock, and their unit. */
const TIME_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(t|time|times?tamp|stamp|sec|secs|seconds|time[_ ]?s|t[_ ]?s|timestamp[_ ]?s|t ?\[s\]|time ?\[s\])$/i, 's'],
  [/^(ms|t[_ ]?ms|time[_ ]?ms|timestamp[_ ]?ms|t ?\[ms\]|time ?\[ms\])$/i, 'ms'],
  [/^(us|t[_ ]?us|time[_ ]?us|timestamp[_ ]?us)$/i, 'us'],
  [/^(ns|t[_ ]?ns|time[_ ]?ns|stamp[_ ]?ns|timestamp[_ ]?ns|nanoseconds)$/i, 'ns'],
];

/** The unit that a clock's name says. */
export function clockUnit(name: string): string | undefined {
  return TIME_NAMES.find(([pattern]) => pattern.test(name))?.[1];
}

/** @throws DataError or FindingsError where it is no table of numbers */
export async function describeCsv(path: string): Promise<SourceDescription> {
  const folder = await isFolder(path);
  const files = folder ? (await readdir(path)).filter((name) => /\.csv$/i.test(name)).sort() : [basename(path)];
  const fields: SourceField[] = [];
  const tables: Record<string, string> = {};
  const facts: string[] = [];
  let time: SourceDescription['time'];
  let joints: SourceDescription['joints'];
  let jointColumns = 0;
  let mapKeys: Readonly<Record<string, unknown>> = {};
  for (const file of files) {
    const table = files.length > 1 ? basename(file, extname(file)) : undefined;
    if (table !== undefined) tables[table] = file;
    const at = folder ? join(path, file) : path;
    const { delimiter, header } = await dialectOf(at);
    mapKeys = { ...(delimiter === ',' ? {} : { delimiter }), ...(header ? {} : { header }) };
    const rows = await readCsv(at, (names) => names, { delimiter, header, mostRows: SAMPLE_ROWS });
    facts.push(`${file}: ${rows.header.length} columns, ${header ? 'with header' : 'no header'}${endOf(rows)}`);
    const groups = groupColumns(rows, header);
    for (const field of groups.fields) {
      const clock = field.columns?.length === 1 ? clockUnit(field.columns[0]) : undefined;
      if (header && clock !== undefined) time ??= { column: field.columns![0], unit: clock };
      else
        fields.push(table === undefined ? field : { ...field, clock: table, selector: { ...field.selector, table } });
    }
    if (groups.joints !== undefined && groups.joints.columnCount > jointColumns) {
      const { pattern, names, columnCount } = groups.joints;
      jointColumns = columnCount;
      joints = { names, selector: { header: pattern, ...(table === undefined ? {} : { table }) } };
    }
  }
  if (files.length > 1) mapKeys = { ...mapKeys, tables };
  return { format: 'csv', mapKeys, fields, time, joints, recordingCount: 1, facts };
}

/** A folder of csv files is one input where a field map has tables. */
export async function isTableFolder(path: string): Promise<boolean> {
  return (await readdir(path)).some((name) => /\.csv$/i.test(name));
}

function endOf({ rowCount }: CsvTable): string {
  return rowCount < SAMPLE_ROWS ? `, ${rowCount} rows` : '';
}

/** Delimiter and header by the first line: the delimiter that cuts it most often; a header is what is no number. */
async function dialectOf(path: string): Promise<{ delimiter: string; header: boolean }> {
  const line = await firstLine(path);
  const counts = [',', ';', '\t', ' '].map((delimiter) => ({ delimiter, parts: line.split(delimiter) }));
  const { delimiter, parts } = counts.reduce((best, one) => (one.parts.length > best.parts.length ? one : best));
  const isNumber = (cell: string) =>
    cell.trim() === '' || /^[+-]?(nan|inf)$/i.test(cell.trim()) || !Number.isNaN(Number(cell));
  return { delimiter, header: !parts.every(isNumber) };
}

async function firstLine(path: string): Promise<string> {
  const stream = createReadStream(path, { encoding: 'utf8' });
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      if (line.trim() !== '') return line.replace(/^\ufeff/, '');
    }
  } catch (error) {
    throw unreadableFile(path, error);
  } finally {
    stream.destroy();
  }
  throw new DataError({ where: path, what: 'table', expected: 'at least one row', found: 'none' });
}
