// Values by joint name, with patterns: `{ "*": 40, "*_knee_joint": 150, left_knee_joint: 160 }`.
//
// `*` stands for any run of characters. Later entries override earlier ones, so a table reads from the rule to its
// exceptions. An entry that matches no name is an error, because it is a misspelt one.

import { type DataErrorDetail, listNames } from '../base/errors.js';
import { nearest } from '../base/nearest.js';

/** One number for every name, or a table of patterns. */
export type ByName = number | Readonly<Record<string, number>>;

export interface NameValues {
  /** One value for each name; undefined where no entry matched. */
  readonly values: readonly (number | undefined)[];
  /** Entries that match no name. */
  readonly findings: readonly DataErrorDetail[];
}

/** Resolves a table over `names`. @param where config file and key, for messages */
export function valuesByName(table: ByName, names: readonly string[], where: string): NameValues {
  if (typeof table === 'number') return { values: names.map(() => table), findings: [] };
  const values = new Array<number | undefined>(names.length).fill(undefined);
  const findings: DataErrorDetail[] = [];
  for (const [pattern, value] of Object.entries(table)) {
    const matched = matchingIndices(pattern, names);
    for (const index of matched) values[index] = value;
    if (matched.length === 0) findings.push(noMatch(pattern, names, where));
  }
  return { values, findings };
}

/** Indices of the names that a pattern matches. */
export function matchingIndices(pattern: string, names: readonly string[]): number[] {
  const expression = new RegExp(`^${pattern.split('*').map(escapeExpression).join('.*')}$`);
  return names.flatMap((name, index) => (expression.test(name) ? [index] : []));
}

export function noMatch(pattern: string, names: readonly string[], where: string): DataErrorDetail {
  const near = nearest(pattern, names);
  return {
    where: `${where}.${pattern}`,
    what: 'name or pattern that matches nothing',
    fix: near === undefined ? `Names here: ${listNames(names)}` : `Did you mean "${near}"?`,
  };
}

function escapeExpression(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
