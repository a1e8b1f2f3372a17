// Collects the files of an MJCF or URDF model: the main file, what it includes, meshes, textures, height fields.
//
// MuJoCo reads them inside its own file system, so they are found here first, by the file attributes of the text, and
// kept by path relative to the main file. In a URDF, mesh names are rewritten to where the meshes were found
// (`package://` addresses are looked up in the folders above the model), and shapes for display alone are left out,
// because they often come in formats that MuJoCo does not read.

import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { type DataErrorDetail, FindingsError } from '../base/errors.js';
import type { ModelFiles } from './mujoco.js';

/** Folders that `package://` is looked for in: the model's, and those above it. */
const LEVELS_UP = 6;
/** Total size that a model may have (bytes). */
const MOST_BYTES = 2 ** 30;

/** @throws FindingsError naming every file that is missing */
export async function readModelFiles(mainPath: string): Promise<ModelFiles> {
  const main = resolve(mainPath);
  const collection: Collection = { main, folder: dirname(main), files: {}, findings: [], byteCount: 0 };
  if (!(await addFile(collection, main, []))) {
    collection.findings.push({ where: mainPath, what: 'model file cannot be read' });
  }
  if (collection.findings.length > 0) throw new FindingsError(collection.findings);
  return { main: basename(main), files: collection.files };
}

interface Collection {
  readonly main: string;
  readonly folder: string;
  /** By path relative to `folder`. */
  readonly files: Record<string, Uint8Array>;
  readonly findings: DataErrorDetail[];
  byteCount: number;
}

/**
 * Adds a file and what it names.
 * @param searched folders that the files which include this one name for assets
 * @returns false where it cannot be read
 */
async function addFile(collection: Collection, path: string, searched: readonly string[]): Promise<boolean> {
  const key = relativePath(collection.folder, path);
  if (key in collection.files) return true;
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return false;
  collection.byteCount += bytes.length;
  if (collection.byteCount > MOST_BYTES) {
    const found = `over ${MOST_BYTES} bytes`;
    throw new FindingsError([{ where: collection.main, what: 'size of the model and its files', found }]);
  }
  collection.files[key] = bytes;
  if (/\.(xml|mjcf|urdf)$/i.test(path)) collection.files[key] = await addReferences(collection, path, bytes, searched);
  return true;
}

/** Adds the files that a text names. Returns the text as MuJoCo shall read it. */
async function addReferences(
  collection: Collection,
  path: string,
  bytes: Uint8Array,
  searched: readonly string[],
): Promise<Uint8Array> {
  const isUrdf = /\.urdf$/i.test(path);
  let text = blank(new TextDecoder().decode(bytes), /<!--[\s\S]*?-->/g);
  if (isUrdf && !/discardvisual\s*=\s*["']false["']/.test(text)) text = blank(text, /<visual\b[\s\S]*?<\/visual>/g);
  const folders = [...searched, ...assetFolders(text, collection.folder)];
  for (const reference of references(text)) {
    const candidates = isUrdf
      ? urdfCandidates(reference, collection.folder, folders)
      : [...folders, collection.folder, dirname(path)].map((from) => resolve(from, reference));
    const found = await firstThat(candidates, (candidate) => addFile(collection, candidate, folders));
    if (found === undefined) {
      collection.findings.push({ where: path, what: 'file that the model names', found: `no ${reference}` });
    } else if (isUrdf) {
      const place = `"${relativePath(collection.folder, found)}"`;
      text = text.replaceAll(`"${reference}"`, place).replaceAll(`'${reference}'`, place);
    }
  }
  return new TextEncoder().encode(text);
}

/** Blanks out what matches, line breaks kept, so that line numbers in messages stay right. */
function blank(text: string, pattern: RegExp): string {
  return text.replace(pattern, (match) => match.replace(/[^\n]+/g, ' '));
}

/** Values of the attributes that name files. */
function references(text: string): string[] {
  const matches = text.matchAll(/\b(?:filename|file(?:right|left|up|down|front|back)?)\s*=\s*["']([^"']+)["']/g);
  return [...new Set(Array.from(matches, (match) => match[1]))];
}

/** Folders that a compiler element names: meshdir, texturedir, assetdir; relative to the main file. */
function assetFolders(text: string, folder: string): string[] {
  const matches = text.matchAll(/\b(?:meshdir|texturedir|assetdir)\s*=\s*["']([^"']+)["']/g);
  return Array.from(matches, (match) => resolve(folder, match[1]));
}

/** `package://name/path` is name/path or path in a folder above; else a path, or a name in an asset folder. */
function urdfCandidates(reference: string, folder: string, assets: readonly string[]): string[] {
  if (!reference.startsWith('package://')) {
    return [folder, ...assets].flatMap((from) => [resolve(from, reference), join(from, basename(reference))]);
  }
  const inside = reference.slice('package://'.length);
  const withoutName = inside.slice(inside.indexOf('/') + 1);
  return Array.from({ length: LEVELS_UP }, (_, level) => resolve(folder, '../'.repeat(level))).flatMap((from) => [
    join(from, inside),
    join(from, withoutName),
  ]);
}

function relativePath(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}

async function firstThat(
  candidates: readonly string[],
  test: (candidate: string) => Promise<boolean>,
): Promise<string | undefined> {
  for (const candidate of candidates) if (await test(candidate)) return candidate;
  return undefined;
}
