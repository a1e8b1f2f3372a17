// Validation of configuration: a zod schema in, a frozen value out; every mistake named with its key.
//
// Unknown keys are errors that name the nearest known key, because a typo that does nothing is the most expensive
// kind of mistake in a training run. Schemas therefore use z.strictObject throughout.

import type { z } from 'zod';
import { type DataErrorDetail, FindingsError, isUserError } from './errors.js';
import { nearest } from './nearest.js';

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
  throw new FindingsError(result.error.issues.flatMap((issue) => issueDetails(schema, issue, source)));
}

function issueDetails(schema: z.ZodType, issue: z.core.$ZodIssue, source: string): DataErrorDetail[] {
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
  return [{ where: `${source}: ${path.join('.') || '(top level)'}`, what: issue.message }];
}

/** The keys that an object schema knows at a path, looking through defaults, optionals and unions. */
function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let level: unknown[] = [schema];
  for (const step of path) level = level.flatMap(unwrap).flatMap((inner) => child(inner, step));
  return [...new Set(level.flatMap(unwrap).flatMap((inner) => Object.keys(shapeOf(inner) ?? {})))];
}

interface SchemaInternals {
  readonly _zod?: {
    readonly def: {
      readonly innerType?: unknown;
      readonly in?: unknown;
      readonly options?: readonly unknown[];
      readonly shape?: Record<string, unknown>;
      readonly element?: unknown;
      readonly valueType?: unknown;
    };
  };
}

function unwrap(schema: unknown): unknown[] {
  const def = (schema as SchemaInternals)?._zod?.def;
  if (def === undefined) return [];
  if (def.options !== undefined) return def.options.flatMap(unwrap);
  const inner = def.innerType ?? def.in;
  return inner === undefined ? [schema] : unwrap(inner);
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  return (schema as SchemaInternals)._zod?.def.shape;
}

function child(schema: unknown, step: string): unknown[] {
  const def = (schema as SchemaInternals)._zod?.def;
  const next = def?.shape?.[step] ?? def?.element ?? def?.valueType;
  return next === undefined ? [] : [next];
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
    for (const key of path.slice(0, -1)) {
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

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
