// Reads number columns of a CSV file, streaming; every bad number is told by file, line and column.
//
// An empty cell is a missing value (NaN), as is `nan`. Only the columns that are asked for are kept. A last row with fewer
// cells was cut off by the end of the file, and the rows before it are read.

import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { DataError, type DataErrorDetail, FindingsError, isUserError, listNames } from '../../src/base/errors.js';
import { nearest } from '../../src/base/nearest.js';
import { GrowingRows } from './growing.js';

export interface CsvOptions {
  readonly delimiter?: string;
  /** False where the first line is data: columns are then named by their position, "0", "1" and so on. */
  readonly header?: boolean;
  /** Stop after so many rows. */
  readonly mostRows?: number;
}

export interface CsvTable {
  readonly header: readonly string[];
  readonly rowCount: number;
  /** Where the last row is cut off. */
  readonly cut?: string;
  /** Values of the chosen columns [row, column], in the order in which they were chosen. */
  readonly values: Float64Array;
  readonly columns: readonly string[];
}

const MOST_FINDINGS = 10;

/**
 * @param choose given the header, names the columns to keep
 * @throws DataError or FindingsError with file:line for what is not a table of numbers
 */
export async function readCsv(
  path: string,
  choose: (header: readonly string[]) => readonly string[],
  options: CsvOptions = {},
): Promise<CsvTable> {
  const stream = createReadStream(path);
  const parser = stream.pipe(
    parse({
      bom: true,
      trim: true,
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
      delimiter: options.delimiter ?? ',',
    }),
  );
  // pipe() does not hand errors on.
  stream.on('error', (error) => parser.destroy(error));
  let header: string[] | undefined;
  let columns: readonly string[] = [];
  let indices: number[] = [];
  let rows: GrowingRows | undefined;
  let row = new Float64Array(0);
  const findings: DataErrorDetail[] = [];
  // A row of another length: an error once another row follows it.
  let ragged: { readonly line: number; readonly cells: number } | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (header === undefined) {
        // numpy.savetxt puts # before its header.
        const names = [record[0].replace(/^#\s*/, ''), ...record.slice(1)];
        header = options.header === false ? record.map((_, index) => String(index)) : names;
        requireDistinct(header, path);
        columns = choose(header);
        indices = indicesOf(columns, header, path);
        row = new Float64Array(columns.length);
        rows = new GrowingRows(columns.length);
        if (options.header !== false) continue;
      }
      if (ragged !== undefined || record.length > header.length) {
        throw otherLength(path, ragged ?? { line: info.lines, cells: record.length }, header.length);
      }
      if (record.length < header.length) {
        ragged = { line: info.lines, cells: record.length };
        continue;
      }
      for (let k = 0; k < indices.length; k++) {
        const value = toNumber(record[indices[k]]);
        if (value === undefined) {
          findings.push({
            where: `${path}:${info.lines}`,
            what: `value in column "${columns[k]}"`,
            expected: 'a number',
            found: JSON.stringify(record[indices[k]]),
          });
        }
        row[k] = value ?? Number.NaN;
      }
      if (findings.length >= MOST_FINDINGS) break;
      rows!.push(row);
      if (rows!.rowCount === options.mostRows) break;
    }
  } catch (error) {
    throw asDataError(error, path);
  } finally {
    stream.destroy();
  }
  if (findings.length > 0) throw new FindingsError(findings);
  if (ragged !== undefined && rows?.rowCount === 0) throw otherLength(path, ragged, header!.length);
  if (header === undefined || rows === undefined || rows.rowCount === 0) {
    throw new DataError({ where: path, what: 'table', expected: 'a header and at least one row', found: 'none' });
  }
  const cut = ragged === undefined ? {} : { cut: `line ${ragged.line}, the last one, is cut off and left out` };
  return { header, columns, rowCount: rows.rowCount, values: rows.finish(), ...cut };
}

function otherLength(
  path: string,
  { line, cells }: { readonly line: number; readonly cells: number },
  expected: number,
): DataError {
  return new DataError({
    where: `${path}:${line}`,
    what: 'number of columns',
    expected: String(expected),
    found: String(cells),
  });
}

/** Some of a table's columns, by name [row, width]. */
export function pickColumns(
  { columns, values, rowCount }: CsvTable,
  wanted: readonly string[],
): { readonly width: number; readonly data: Float64Array } {
  const indices = wanted.map((name) => columns.indexOf(name));
  const width = wanted.length;
  const data = new Float64Array(rowCount * width);
  for (let row = 0; row < rowCount; row++) {
    for (let k = 0; k < width; k++) data[row * width + k] = values[row * columns.length + indices[k]];
  }
  return { width, data };
}

/** A cell as a number; NaN where it is empty, undefined where it is something else. */
function toNumber(cell: string): number | undefined {
  if (cell === '') return Number.NaN;
  const value = Number(cell);
  if (!Number.isNaN(value)) return value;
  const special = /^([+-]?)(nan|inf|infinity)$/i.exec(cell);
  if (special === null) return undefined;
  return special[2].toLowerCase() === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
}

function requireDistinct(header: readonly string[], path: string): void {
  const repeated = header.filter((name, index) => header.indexOf(name) !== index);
  if (repeated.length === 0) return;
  throw new DataError({ where: `${path}:1`, what: 'column names appear more than once', found: listNames(repeated) });
}

function indicesOf(columns: readonly string[], header: readonly string[], path: string): number[] {
  const at = new Map(header.map((name, index) => [name, index]));
  const missing = columns.filter((name) => !at.has(name));
  if (missing.length > 0) {
    throw new FindingsError(
      missing.slice(0, MOST_FINDINGS).map((name) => {
        const near = nearest(name, header);
        return {
          where: `${path}:1`,
          what: `no column "${name}"`,
          expected: near === undefined ? `one of ${listNames(header, 12)}` : undefined,
          fix: near === undefined ? undefined : `Did you mean "${near}"?`,
        };
      }),
    );
  }
  return columns.map((name) => at.get(name)!);
}

function asDataError(error: unknown, path: string): unknown {
  if (isUserError(error)) return error;
  const { code, lines, message } = error as Error & { code?: string; lines?: number };
  if (code === undefined) return error;
  const what = code.startsWith('CSV_') ? message.split('\n')[0] : `file cannot be read (${code})`;
  return new DataError({ where: lines === undefined ? path : `${path}:${lines}`, what }, { cause: error as Error });
}
