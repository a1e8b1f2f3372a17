// Reads numbers by path from a file of JSON lines, streaming; every missing or wrong value is told by file and line.
// A path gives one number or a list, of the same length in every line. NaN and Infinity, which Python writes and JSON does
// not know, are missing values. A last line that is no JSON was cut off, and the lines before it are read.

import { DataError, type DataErrorDetail, FindingsError } from '../../src/base/errors.js';
import { openForReading } from '../../src/base/files.js';
import { GrowingRows } from './growing.js';
import { collectNumbers, type PathStep, parsePath } from './value-path.js';

export interface JsonlTable {
  readonly rowCount: number;
  /** Where the last line is cut off: a recorder that was stopped in the middle of one. */
  readonly cut?: string;
  /** Values of each path, and how many it gives a line. */
  readonly columns: ReadonlyMap<string, { readonly width: number; readonly values: Float64Array }>;
}

const MOST_FINDINGS = 10;

/** @throws FindingsError with file:line for lines that are not JSON or lack a path; DataError for an unreadable file */
export async function readJsonl(
  path: string,
  paths: readonly string[],
  mostRows = Number.POSITIVE_INFINITY,
): Promise<JsonlTable> {
  const readers = paths.map((text) => ({
    text,
    steps: parsePath(text, path),
    rows: undefined as GrowingRows | undefined,
  }));
  const file = await openForReading(path);
  const findings: DataErrorDetail[] = [];
  let lineNumber = 0;
  let rowCount = 0;
  // Told as a finding once another line follows it.
  let broken: DataErrorDetail | undefined;
  try {
    for await (const line of file.readLines()) {
      lineNumber++;
      if (line.trim() === '') continue;
      const where = `${path}:${lineNumber}`;
      if (broken !== undefined) findings.push(broken);
      broken = undefined;
      try {
        const record = parseJsonLine(line);
        for (const reader of readers) readPath(reader, record, where, findings);
        rowCount++;
      } catch (error) {
        broken = { where, what: 'line is not JSON', found: (error as Error).message };
      }
      if (findings.length >= MOST_FINDINGS || rowCount === mostRows) break;
    }
  } finally {
    await file.close();
  }
  if (broken !== undefined && (rowCount === 0 || findings.length > 0)) findings.push(broken);
  if (findings.length > 0) throw new FindingsError(findings);
  if (rowCount === 0) throw new DataError({ where: path, what: 'lines', expected: 'at least one', found: 'none' });
  return {
    rowCount,
    ...(broken === undefined ? {} : { cut: `line ${lineNumber}, the last one, is cut off and left out` }),
    columns: new Map(readers.map(({ text, rows }) => [text, { width: rows!.width, values: rows!.finish() }])),
  };
}

/** A line as JSON, with null for what Python writes besides: NaN, Infinity, -Infinity. @throws SyntaxError */
export function parseJsonLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    // Text is stepped over, whatever is in it.
    const plain = line.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (found) => (found[0] === '"' ? found : 'null'));
    if (plain === line) throw error;
    return JSON.parse(plain);
  }
}

interface PathReader {
  readonly text: string;
  readonly steps: readonly PathStep[];
  rows: GrowingRows | undefined;
}

function readPath(reader: PathReader, record: unknown, where: string, findings: DataErrorDetail[]): void {
  const values: number[] = [];
  const problem = collectNumbers(record, reader.steps, values);
  if (problem !== undefined) {
    findings.push({ where, what: `path "${reader.text}": ${problem.what}`, fix: problem.fix });
    return;
  }
  reader.rows ??= new GrowingRows(values.length);
  if (values.length === reader.rows.width && values.length > 0) {
    reader.rows.push(values);
    return;
  }
  findings.push({
    where,
    what: `path "${reader.text}": number of values`,
    expected: `${Math.max(1, reader.rows.width)}, as in the lines before`,
    found: String(values.length),
  });
}
