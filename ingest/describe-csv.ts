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
  const files = (await isFolder(path))
    ? (await readdir(path)).filter((name) => /\.csv$/i.test(name)).map((name) => join(path, name))
    : [path];
  files.sort();
  const isMany = files.length > 1;
  const tables: DescribedTable[] = [];
  for (const file of files) tables.push(await describeTable(file, isMany ? tableName(file) : undefined));
  // Names of joints are those of the table that has most columns of them.
  const named = tables.reduce((best, one) => (one.jointColumnCount > best.jointColumnCount ? one : best));
  return {
    format: 'csv',
    mapKeys: {
      ...tables[tables.length - 1].mapKeys,
      ...(isMany ? { tables: Object.fromEntries(files.map((file) => [tableName(file), basename(file)])) } : {}),
    },
    fields: tables.flatMap(({ fields }) => fields),
    time: tables.find(({ time }) => time !== undefined)?.time,
    joints: named.joints,
    recordingCount: 1,
    facts: tables.map(({ fact }) => fact),
  };
}

function tableName(file: string): string {
  return basename(file, extname(file));
}

/** What one file says of the source. */
interface DescribedTable extends Pick<SourceDescription, 'mapKeys' | 'fields' | 'time' | 'joints'> {
  readonly jointColumnCount: number;
  readonly fact: string;
}

/** @param table what a field map calls the file, where there are several */
async function describeTable(path: string, table: string | undefined): Promise<DescribedTable> {
  const { delimiter, header } = await dialectOf(path);
  const rows = await readCsv(path, (names) => names, { delimiter, header, mostRows: SAMPLE_ROWS });
  const { fields, joints } = groupColumns(rows, header);
  const inTable = table === undefined ? {} : { table };
  const clocks = header ? fields.filter((field) => clockOf(field) !== undefined) : [];
  const [clock] = clocks;
  return {
    mapKeys: { ...(delimiter === ',' ? {} : { delimiter }), ...(header ? {} : { header }) },
    fields: fields
      .filter((field) => !clocks.includes(field))
      .map((field) => {
        return table === undefined ? field : { ...field, clock: table, selector: { ...field.selector, table } };
      }),
    time: clock && { column: clock.columns![0], unit: clockOf(clock)! },
    joints: joints && { names: joints.names, selector: { header: joints.pattern, ...inTable } },
    jointColumnCount: joints?.columnCount ?? 0,
    fact: `${basename(path)}: ${rows.header.length} columns, ${header ? 'with header' : 'no header'}${endOf(rows)}`,
  };
}

/** The unit of a field that is a clock. */
function clockOf({ columns }: SourceField): string | undefined {
  return columns?.length === 1 ? clockUnit(columns[0]) : undefined;
}

/** A folder of csv files is one input where a field map has tables. */
export async function isTableFolder(path: string): Promise<boolean> {
  return (await readdir(path)).some((name) => /\.csv$/i.test(name));
}

function endOf({ rowCount }: CsvTable): string {
  return rowCount < SAMPLE_ROWS ? `, ${rowCount} rows` : '';
}

/**
 * Delimiter and header by the first line: the delimiter that cuts it most often, a space where no other does (others may
 * have spaces behind them); a header is what is no number.
 */
async function dialectOf(path: string): Promise<{ delimiter: string; header: boolean }> {
  const line = await firstLine(path);
  const cut = (delimiter: string) => ({ delimiter, parts: line.split(delimiter) });
  const counts = /[,;\t]/.test(line) ? [',', ';', '\t'].map(cut) : [cut(','), cut(' ')];
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
