// Joining two joint orders by name. The only way in which columns of one source become columns of another.

import { DataError, listNames } from '../base/errors.js';

/**
 * Returns `map` with `from[map[k]] === to[k]`: column k of the target order is column map[k] of the source.
 * @throws DataError listing missing, extra and repeated names
 */
export function indexByName(from: readonly string[], to: readonly string[], where: string): Int32Array {
  const indices = new Map(from.map((name, index) => [name, index]));
  const missing = to.filter((name) => !indices.has(name));
  const wanted = new Set(to);
  const extra = from.filter((name) => !wanted.has(name));
  const repeated = from.filter((name, index) => indices.get(name) !== index);
  if (missing.length + extra.length + repeated.length > 0) {
    const parts = [
      missing.length > 0 ? `missing ${listNames(missing)}` : '',
      extra.length > 0 ? `extra ${listNames(extra)}` : '',
      repeated.length > 0 ? `repeated ${listNames(repeated)}` : '',
    ].filter((part) => part !== '');
    throw new DataError({
      where,
      what: 'joint names',
      expected: `the ${to.length} joints ${listNames(to)}`,
      found: parts.join('; '),
    });
  }
  return Int32Array.from(to, (name) => indices.get(name)!);
}
