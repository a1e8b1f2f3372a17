// Reads YAML (and so JSON) configuration from disk, with `extends` resolved and `--set` applied, then validated.

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LineCounter, parse, parseDocument } from 'yaml';
import type { z } from 'zod';
import { applySettings, parseConfig } from './config.js';
import { DataError, FindingsError } from './errors.js';

/**
 * Reads a YAML file as a plain tree. A top-level `extends: other.yaml` is read first and overlaid, object by object.
 * @throws DataError with file:line for unreadable or malformed files
 */
export async function readYaml(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new DataError(
      { where: path, what: 'config file cannot be read', found: (error as NodeJS.ErrnoException).code },
      { cause: error },
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const line = lines.linePos(problem.pos[0]).line;
    throw new DataError({ where: `${path}:${line}`, what: `YAML: ${problem.message.split('\n')[0]}` });
  }
  const tree = document.toJS() as Record<string, unknown> | null;
  if (tree === null || typeof tree !== 'object' || typeof tree.extends !== 'string') return tree ?? {};
  const { extends: base, ...rest } = tree;
  return overlay(await readYaml(resolve(dirname(path), base as string)), rest);
}

/**
 * Reads, overlays `--set key=value` settings, validates and freezes.
 * @param parseValue what a setting's text stands for; YAML where absent
 */
export async function loadConfig<Schema extends z.ZodType>(
  schema: Schema,
  path: string,
  settings: readonly string[] = [],
  parseValue: (text: string) => unknown = (text) => parse(text),
): Promise<z.output<Schema>> {
  const tree = applySettings(await readYaml(path), settings, parseValue);
  try {
    return parseConfig(schema, tree, path);
  } catch (error) {
    if (!(error instanceof FindingsError)) throw error;
    throw new FindingsError(
      error.findings.map((finding) => ({ ...finding, where: blame(finding.where, path, settings) })),
    );
  }
}

/** A wrong key that a setting brought in is the setting's, not the file's. */
function blame(where: string, path: string, settings: readonly string[]): string {
  const setting = settings.findLast((one) => where === `${path}: ${one.slice(0, one.indexOf('='))}`);
  return setting === undefined ? where : `--set ${setting}`;
}

/** Objects merge key by key; anything else in `top` replaces what is in `base`. */
export function overlay(base: unknown, top: unknown): unknown {
  if (!isTree(base) || !isTree(top)) return top;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(top)) merged[key] = key in merged ? overlay(merged[key], value) : value;
  return merged;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
