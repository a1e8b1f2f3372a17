// Reads YAML (and so JSON) configuration from disk, with `extends` resolved and `--set` applied, then validated.

import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { LineCounter, parse, parseDocument } from 'yaml';
import type { z } from 'zod';
import { applySettings, parseConfig } from './config.js';
import { DataError, FindingsError } from './errors.js';
import { isPresent, packagePath } from './files.js';

/** Whether a tree is a config of the kind that is read. */
type IsKind = (tree: unknown) => boolean;

/**
 * Reads a YAML file as a plain tree. A top-level `extends: other.yaml` is read first and overlaid, object by object. It
 * lies beside the file; where there is none, the package's config of that name is meant, so that a copied preset works.
 * @param isKind tells apart the package's configs of one name: `default` of `record` from that of `evaluate`
 * @throws DataError with file:line for unreadable or malformed files, and files that extend themselves
 */
export async function readYaml(path: string, isKind: IsKind = () => true): Promise<unknown> {
  return readExtended(path, [], isKind);
}

/** @param extending the files on the way to this one, resolved */
async function readExtended(path: string, extending: readonly string[], isKind: IsKind): Promise<unknown> {
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
  const chain = [...extending, resolve(path)];
  const next = await findExtended(path, base as string, isKind);
  if (chain.includes(next)) {
    throw new DataError({
      where: `${path}: extends`,
      what: 'the file extends itself',
      found: [...chain.slice(chain.indexOf(next)), next].map((file) => basename(file)).join(' extends '),
      fix: 'Name another file, or leave extends out',
    });
  }
  return overlay(await readExtended(next, chain, isKind), rest);
}

async function findExtended(path: string, base: string, isKind: IsKind): Promise<string> {
  const beside = resolve(dirname(path), base);
  if (await isPresent(beside)) return beside;
  const configs = packagePath('configs');
  const named: string[] = [];
  if (base === basename(base)) {
    for (const folder of (await readdir(configs)).sort()) {
      const candidate = resolve(configs, folder, base);
      if ((await isPresent(candidate)) && isKind(await readYaml(candidate))) named.push(candidate);
    }
  }
  if (named.length === 1) return named[0];
  throw new DataError({
    where: `${path}: extends`,
    what: 'config file that is not there',
    found: `no ${beside}`,
    fix: 'Copy it there, give its path from this file, or leave extends out',
  });
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
  const isKind = (other: unknown) => schema.safeParse(other).success;
  const tree = applySettings(await readYaml(path, isKind), settings, parseValue);
  return blaming(settings, () => parseConfig(schema, tree, path), path);
}

/**
 * What settings brought in is blamed on them, and not on the file that they went over.
 * @param parse throws findings of `path`
 * @param flag that the settings came from
 */
export function blaming<T>(settings: readonly string[], parse: () => T, path: string, flag = '--set'): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof FindingsError)) throw error;
    throw new FindingsError(
      error.findings.map((finding) => {
        const key = finding.where.startsWith(`${path}: `) ? finding.where.slice(path.length + 2) : undefined;
        const setting = key === undefined ? undefined : settings.findLast((one) => isWithin(key, keyOf(one)));
        if (setting === undefined) return finding;
        const place = key === keyOf(setting) ? '' : `: ${key}`;
        return { ...finding, where: `${flag} ${setting}${place}` };
      }),
    );
  }
}

/** `commands.ranges` and `commands.ranges.vx_mps`, either way round: a finding may be of a part, or of the whole. */
function isWithin(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}

function keyOf(setting: string): string {
  return setting.slice(0, setting.indexOf('='));
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
