// Validation of configuration: a zod schema in, a frozen value out; every mistake named with its key.
//
// Unknown keys are errors that name the nearest known key, because a typo that does nothing is the most expensive
// kind of mistake in a training run. Schemas therefore use z.strictObject throughout.

import type { z } from 'zod';
import { type DataErrorDetail, FindingsError, isUserError } from './errors.js';
import { nearest } from './nearest.js';
import { expectedAt, keysAt } from './schema-walk.js';

/**
 * Validates `value` and returns it deeply frozen, with the schema's defaults filled in.
 * @param source name of the file or flag the value came from, for messages
 * @throws FindingsError naming every wrong key
 */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  source: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return deepFreeze(result.data);
  throw new FindingsError(result.error.issues.flatMap((issue) => issueDetails(schema, value, issue, source)));
}

function issueDetails(schema: z.ZodType, value: unknown, issue: z.core.$ZodIssue, source: string): DataErrorDetail[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const known = keysAt(schema, path);
      const near = nearest(key, known);
      return {
        where: `${source}: ${[...path, key].join('.')}`,
        what: 'unknown key',
        fix: near === undefined ? `Known keys here: ${known.join(', ')}` : `Did you mean "${near}"?`,
      };
    });
  }
  const inner = issuesWithin(issue);
  if (inner.length > 0) return inner.flatMap((one) => issueDetails(schema, value, one, source));
  const where = `${source}: ${path.join('.') || '(top level)'}`;
  const expected = expectedAt(schema, path);
  const found = valueAt(value, path);
  // A message of the schema's own says more than the kind of value.
  if (expected !== '' && /^Invalid (input|option)/.test(issue.message)) {
    if (found === undefined) return [{ where, what: 'is missing', expected }];
    if (issue.code === 'invalid_union') return [{ where, what: 'value', expected, found: shortText(found) }];
  }
  return [{ where, what: issue.message }];
}

/** Of a union, the mistakes inside a value that has the form of one of its options. */
function issuesWithin(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [];
  const option = issue.errors.find((issues) =>
    issues.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  return (option ?? []).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((node, key) => (node as Record<string, unknown> | null | undefined)?.[key], value);
}

function shortText(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/**
 * Applies `a.b.c=value` settings to a plain object tree and returns a new tree. Values are read as YAML scalars.
 * @param flag that the settings came from, for messages
 */
export function applySettings(
  tree: unknown,
  settings: readonly string[],
  parseValue: (text: string) => unknown,
  flag = '--set',
): unknown {
  const root = structuredClone(tree ?? {}) as Record<string, unknown>;
  for (const setting of settings) {
    const at = setting.indexOf('=');
    if (at < 1) {
      throw new FindingsError([
        { where: `${flag} ${setting}`, what: 'setting', expected: 'key=value', found: setting },
      ]);
    }
    const path = setting.slice(0, at).split('.');
    let node = root;
    for (const [depth, key] of path.entries()) {
      if (Array.isArray(node)) requireIndex(node, key, `${flag} ${setting}`, path.slice(0, depth).join('.'));
      if (depth === path.length - 1) break;
      if (typeof node[key] !== 'object' || node[key] === null) node[key] = {};
      node = node[key] as Record<string, unknown>;
    }
    try {
      node[path[path.length - 1]] = parseValue(setting.slice(at + 1));
    } catch (error) {
      if (isUserError(error)) throw error;
      const found = (error as Error).message.split('\n')[0];
      throw new FindingsError([{ where: `${flag} ${setting}`, what: 'value cannot be read', found }]);
    }
  }
  return root;
}

/** JavaScript would keep a named key of a list beside its elements, where nobody reads it. */
function requireIndex(list: readonly unknown[], key: string, where: string, path: string): void {
  if (/^\d+$/.test(key) && Number(key) <= list.length) return;
  const last = list.length === 0 ? '' : ` to .${list.length - 1}`;
  throw new FindingsError([
    {
      where,
      what: `${path} is a list`,
      found: `.${key}`,
      fix: `Use .0${last} for one value, or ${path}=[a,b] for all`,
    },
  ]);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
