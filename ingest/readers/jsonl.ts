// Reads numbers by path from a file of JSON lines, streaming; every missing or wrong value is told by file and line.
//
// A path is names joined by dots; `[]` after a name goes over the array's items, `[2]` takes one: `motor_state[].q`,
// `imu.quaternion`, `pose[2]`. A path gives one number or a list, of the same length in every line.

import { type FileHandle, open } from 'node:fs/promises';
import { DataError, type DataErrorDetail, FindingsError } from '../../src/base/errors.js';
import { nearest } from '../../src/base/nearest.js';
import { GrowingRows } from './growing.js';

export interface JsonlTable {
  readonly rowCount: number;
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
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw new DataError(
      { where: path, what: 'file cannot be read', found: (error as NodeJS.ErrnoException).code },
      { cause: error },
    );
  }
  const findings: DataErrorDetail[] = [];
  let lineNumber = 0;
  let rowCount = 0;
  try {
    for await (const line of file.readLines()) {
      lineNumber++;
      if (line.trim() === '') continue;
      const where = `${path}:${lineNumber}`;
      const record = parseLine(line, where, findings);
      if (record !== undefined) {
        for (const reader of readers) readPath(reader, record, where, findings);
        rowCount++;
      }
      if (findings.length >= MOST_FINDINGS || rowCount === mostRows) break;
    }
  } finally {
    await file.close();
  }
  if (findings.length > 0) throw new FindingsError(findings);
  if (rowCount === 0) throw new DataError({ where: path, what: 'lines', expected: 'at least one', found: 'none' });
  return {
    rowCount,
    columns: new Map(readers.map(({ text, rows }) => [text, { width: rows!.width, values: rows!.finish() }])),
  };
}

function parseLine(line: string, where: string, findings: DataErrorDetail[]): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    findings.push({ where, what: 'line is not JSON', found: (error as Error).message });
    return undefined;
  }
}

interface PathReader {
  readonly text: string;
  readonly steps: readonly Step[];
  rows: GrowingRows | undefined;
}

function readPath(reader: PathReader, record: unknown, where: string, findings: DataErrorDetail[]): void {
  const values: number[] = [];
  const problem = collect(record, reader.steps, 0, values);
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

/** A name, an index, or every item. */
type Step = string | number | typeof EVERY;
const EVERY = Symbol('every item');

function parsePath(text: string, file: string): Step[] {
  return text.split('.').flatMap((part) => {
    const match = /^([^[\]]+)((?:\[\d*\])*)$/.exec(part);
    if (match === null) {
      throw new DataError({ where: file, what: `path "${text}"`, expected: 'names, [] and [number]', found: part });
    }
    const brackets = [...match[2].matchAll(/\[(\d*)\]/g)].map(([, digits]) => (digits === '' ? EVERY : Number(digits)));
    return [match[1], ...brackets];
  });
}

interface PathProblem {
  readonly what: string;
  readonly fix?: string;
}

/** Appends the numbers that a path leads to; null is a missing value (NaN). */
function collect(value: unknown, steps: readonly Step[], at: number, out: number[]): PathProblem | undefined {
  if (at === steps.length) return collectNumbers(value, out);
  const step = steps[at];
  if (step === EVERY) {
    if (!Array.isArray(value)) return { what: 'expected an array' };
    for (const item of value) {
      const problem = collect(item, steps, at + 1, out);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (typeof step === 'number') {
    if (Array.isArray(value) && step < value.length) return collect(value[step], steps, at + 1, out);
    return { what: `no item [${step}]` };
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step as string)) {
    const near = typeof value === 'object' && value !== null ? nearest(step as string, Object.keys(value)) : undefined;
    return { what: `no "${step as string}"`, fix: near === undefined ? undefined : `Did you mean "${near}"?` };
  }
  return collect((value as Record<string, unknown>)[step as string], steps, at + 1, out);
}

function collectNumbers(value: unknown, out: number[]): PathProblem | undefined {
  if (typeof value === 'number') {
    out.push(value);
  } else if (typeof value === 'boolean') {
    out.push(value ? 1 : 0);
  } else if (value === null) {
    out.push(Number.NaN);
  } else if (Array.isArray(value)) {
    for (const item of value) {
      const problem = collectNumbers(item, out);
      if (problem !== undefined) return problem;
    }
  } else {
    return { what: `expected numbers, found ${JSON.stringify(value).slice(0, 40)}` };
  }
  return undefined;
}
