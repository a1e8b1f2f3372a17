// What is in a file of JSON lines: every path that leads to numbers, with how many it gives a line.

import { DataError } from '../src/base/errors.js';
import { openForReading } from '../src/base/files.js';
import { clockUnit } from './describe-csv.js';
import { parseJsonLine, readJsonl } from './readers/jsonl.js';
import type { SourceDescription, SourceField } from './source-description.js';
import { SAMPLE_ROWS } from './source-description.js';

/** @throws DataError or FindingsError where its lines are no JSON */
export async function describeJsonl(path: string): Promise<SourceDescription> {
  const paths = numberPaths(await firstRecord(path), '');
  const table = await readJsonl(path, paths, SAMPLE_ROWS);
  let time: SourceDescription['time'];
  const fields: SourceField[] = [];
  for (const name of paths) {
    const { width, values } = table.columns.get(name)!;
    const unit = width === 1 ? clockUnit(name.split('.').at(-1)!) : undefined;
    if (unit !== undefined && time === undefined) time = { path: name, unit };
    const sample = { width, data: values };
    fields.push({ name, selector: { path: name }, shape: `${table.rowCount} x ${width}`, type: 'number', sample });
  }
  return { format: 'jsonl', mapKeys: {}, fields, time, recordingCount: 1, facts: [] };
}

async function firstRecord(path: string): Promise<unknown> {
  const file = await openForReading(path);
  let lineNumber = 0;
  try {
    for await (const line of file.readLines()) {
      lineNumber++;
      if (line.trim() !== '') return parseJsonLine(line);
    }
  } catch (error) {
    throw new DataError(
      { where: `${path}:${lineNumber}`, what: 'line is not JSON', found: (error as Error).message },
      { cause: error },
    );
  } finally {
    await file.close();
  }
  throw new DataError({ where: path, what: 'lines', expected: 'at least one', found: 'none' });
}

/** Paths to numbers and lists of numbers; a list of objects is gone over with []. */
function numberPaths(value: unknown, path: string): string[] {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return path === '' ? [] : [path];
  if (Array.isArray(value)) {
    if (value.length === 0 || path === '') return [];
    if (value.every((item) => typeof item === 'number' || item === null)) return [path];
    return typeof value[0] === 'object' && !Array.isArray(value[0]) ? numberPaths(value[0], `${path}[]`) : [];
  }
  if (typeof value !== 'object') return [];
  // A name with a dot or bracket could not be told from a path.
  const entries = Object.entries(value).filter(([key]) => !/[.[\]]/.test(key));
  return entries.flatMap(([key, inner]) => numberPaths(inner, path === '' ? key : `${path}.${key}`));
}
