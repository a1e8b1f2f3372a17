// Values per joint as a policy config writes them: one number, a list in the policy's order, or a table of names.

import { DataError, FindingsError, listNames } from '../base/errors.js';
import { valuesByName } from '../robot/name-patterns.js';
import type { PerJoint } from './foreign-config.js';

/**
 * Returns one value for each of `jointNames`.
 * @param missing value of joints that a table does not name; without it every joint must be named
 * @throws DataError or FindingsError where a list has another length, or a table misses a joint or names none
 */
export function resolvePerJoint(
  value: PerJoint,
  jointNames: readonly string[],
  where: string,
  missing?: number,
): Float64Array {
  if (Array.isArray(value)) {
    if (value.length === jointNames.length) return Float64Array.from(value);
    throw new DataError({
      where,
      what: 'number of values',
      expected: `${jointNames.length}, one for each joint`,
      found: String(value.length),
    });
  }
  const { values, findings } = valuesByName(value, jointNames, where);
  if (findings.length > 0) throw new FindingsError(findings);
  const unnamed = jointNames.filter((_, joint) => values[joint] === undefined);
  if (missing === undefined && unnamed.length > 0) {
    throw new DataError({ where, what: 'joints without a value', found: listNames(unnamed) });
  }
  return Float64Array.from(values, (entry) => entry ?? missing ?? Number.NaN);
}
