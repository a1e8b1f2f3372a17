// A file of JSON lines as one recording.

import type { RobotModel } from '../src/robot/robot-model.js';
import { type FieldMap, type FieldRequest, fieldRequests } from './field-map.js';
import { type JsonlTable, readJsonl } from './readers/jsonl.js';
import {
  cutFinding,
  type RawField,
  type RawInput,
  requireWidth,
  robotJointNames,
  sliceField,
  uniformTimes,
} from './recording.js';
import { unitFactor } from './units.js';

/** @throws DataError or FindingsError naming file, line and path for what does not fit the map */
export async function readJsonlInput(path: string, map: FieldMap, robot: RobotModel): Promise<RawInput> {
  const requests = fieldRequests(map);
  const paths = requests.flatMap(({ field }) => field.columns ?? [field.path!]);
  const time = map.time.path === undefined ? [] : [map.time.path];
  const table = await readJsonl(path, [...new Set([...time, ...paths])]);
  const { names } = map.joints;
  const jointNames = names.list ?? robotJointNames(names.robot!, robot);
  const fields = new Map<FieldRequest['key'], RawField>();
  for (const request of requests) {
    const where = `${path}: ${request.key}`;
    const field = sliceField(
      joinColumns(table, request.field.columns ?? [request.field.path!]),
      request.field.slice,
      jointNames.length,
      where,
    );
    requireWidth(field, request, jointNames.length, where);
    fields.set(request.key, field);
  }
  const factor = unitFactor('time', map.time.unit, path);
  const time_s =
    map.time.path === undefined
      ? uniformTimes(table.rowCount, map.time.rate_hz!)
      : relativeTimes(joinColumns(table, [map.time.path]).data, factor);
  return { jointNames, recordings: [[{ where: path, time_s, fields, ...cutFinding(table) }]], files: [path] };
}

/** Seconds since the first stamp: nanoseconds since 1970 leave no room for a time step in float64 seconds. */
function relativeTimes(stamps: Float64Array, factor: number): Float64Array {
  return stamps.map((stamp) => (stamp - stamps[0]) * factor);
}

/** The values of several paths side by side. */
function joinColumns({ columns, rowCount }: JsonlTable, paths: readonly string[]): RawField {
  const parts = paths.map((path) => columns.get(path)!);
  if (parts.length === 1) return { width: parts[0].width, data: parts[0].values };
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  const data = new Float64Array(rowCount * width);
  let at = 0;
  for (const { width: partWidth, values } of parts) {
    for (let row = 0; row < rowCount; row++) {
      for (let k = 0; k < partWidth; k++) data[row * width + at + k] = values[row * partWidth + k];
    }
    at += partWidth;
  }
  return { width, data };
}
