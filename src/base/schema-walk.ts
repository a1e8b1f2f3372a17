// What a zod schema says of a place in a config: the keys that it knows there, and what may stand there, in words.
//
// It reads zod's own description of a schema (`_zod.def`), because a parse tells what was wrong, not what would be right.

import type { z } from 'zod';

/** The keys that an object schema knows at a path. */
export function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((inner) => Object.keys(defOf(inner)?.shape ?? {})))];
}

/** What may stand at a path, in words: `a number or "random"`; empty where there are none. */
export function expectedAt(schema: z.ZodType, path: readonly string[]): string {
  const words = schemasAt(schema, path).map(inWords);
  return words.includes(undefined) ? '' : [...new Set(words)].join(' or ');
}

function inWords(schema: unknown): string | undefined {
  const { description } = schema as z.ZodType;
  if (description !== undefined) return description;
  const { type = '', format, values, entries, items } = defOf(schema) ?? {};
  if (type === 'literal') return values?.map((value) => JSON.stringify(value)).join(' or ');
  if (type === 'enum') return `one of ${Object.values(entries ?? {}).join(', ')}`;
  if (type === 'tuple') return `a list of ${items?.length}`;
  if (type === 'number' && format !== undefined) return 'an integer';
  return WORDS[type];
}

const WORDS: Readonly<Record<string, string>> = {
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  null: 'null',
  array: 'a list',
  object: 'a table',
  record: 'a table by name',
};

/** The schemas of what may stand at a path, looking through defaults, optionals and unions. */
function schemasAt(schema: z.ZodType, path: readonly string[]): unknown[] {
  let level = unwrap(schema);
  for (const step of path) level = level.flatMap((inner) => child(inner, step)).flatMap(unwrap);
  return level;
}

interface SchemaInternals {
  readonly _zod?: {
    readonly def: {
      readonly type?: string;
      readonly format?: string;
      readonly values?: readonly unknown[];
      readonly entries?: Record<string, unknown>;
      readonly items?: readonly unknown[];
      readonly innerType?: unknown;
      readonly in?: unknown;
      readonly options?: readonly unknown[];
      readonly shape?: Record<string, unknown>;
      readonly element?: unknown;
      readonly valueType?: unknown;
    };
  };
}

function defOf(schema: unknown) {
  return (schema as SchemaInternals)?._zod?.def;
}

function unwrap(schema: unknown): unknown[] {
  const def = defOf(schema);
  if (def === undefined) return [];
  if (def.options !== undefined) return def.options.flatMap(unwrap);
  const inner = def.innerType ?? def.in;
  return inner === undefined ? [schema] : unwrap(inner);
}

function child(schema: unknown, step: string): unknown[] {
  const def = defOf(schema);
  const next = def?.shape?.[step] ?? def?.items?.[Number(step)] ?? def?.element ?? def?.valueType;
  return next === undefined ? [] : [next];
}
