// Collects the files of an MJCF or URDF model: the main file, what it includes, meshes, textures, height fields.
//
// MuJoCo reads them inside its own file system, so they are found here first, by the file attributes of the text, and
// kept by path relative to the main file. `package://` addresses of URDF are looked up in the folders above the model.

import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type DataErrorDetail, FindingsError } from '../base/errors.js';
import type { ModelFiles } from './mujoco.js';

/** Levels above the main file that a file may lie in, and that `package://` is looked for in. */
const LEVELS_UP = 6;
/** Total size that a model may have (bytes). */
const MOST_BYTES = 1 << 30;

/** @throws FindingsError naming every file that is missing */
export async function readModelFiles(mainPath: string): Promise<ModelFiles> {
  const folder = dirname(resolve(mainPath));
  const files: Record<string, Uint8Array> = {};
  const findings: DataErrorDetail[] = [];
  const main = relative(folder, resolve(mainPath));
  let byteCount = 0;

  const add = async (path: string, searched: readonly string[]): Promise<boolean> => {
    const key = relative(folder, path).split(sep).join('/');
    if (key in files) return true;
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined) return false;
    byteCount += bytes.length;
    if (byteCount > MOST_BYTES) {
      throw new FindingsError([{ where: mainPath, what: 'size of the model', expected: `under ${MOST_BYTES} bytes` }]);
    }
    files[key] = bytes;
    if (/\.(xml|mjcf|urdf)$/i.test(path)) files[key] = await addReferences(path, bytes, searched);
    return true;
  };

  const addReferences = async (path: string, bytes: Uint8Array, searched: readonly string[]): Promise<Uint8Array> => {
    let text = new TextDecoder().decode(bytes).replace(/<!--[\s\S]*?-->/g, '');
    const folders = [...searched, ...assetFolders(text, folder)];
    for (const reference of references(text)) {
      const candidates = reference.startsWith('package://')
        ? packageCandidates(reference, folder)
        : [folder, dirname(path), ...folders].map((from) => resolve(from, reference));
      const found = await firstThat(candidates, (candidate) => add(candidate, folders));
      if (found === undefined) {
        findings.push({ where: path, what: 'file that the model names', found: `no ${reference}` });
      } else if (reference.startsWith('package://')) {
        text = text.replaceAll(`"${reference}"`, `"${relative(folder, found).split(sep).join('/')}"`);
      }
    }
    return new TextEncoder().encode(text);
  };

  if (!(await add(resolve(mainPath), []))) {
    findings.push({ where: mainPath, what: 'model file cannot be read' });
  }
  if (findings.length > 0) throw new FindingsError(findings);
  return { main, files };
}

/** Values of file, filename and content attributes that name files. */
function references(text: string): string[] {
  const matches = text.matchAll(/\b(?:file|filename|file(?:right|left|up|down|front|back))\s*=\s*["']([^"']+)["']/g);
  return [...new Set(Array.from(matches, (match) => match[1]))];
}

/** Folders that a compiler element names: meshdir, texturedir, assetdir; relative to the main file. */
function assetFolders(text: string, folder: string): string[] {
  const matches = text.matchAll(/\b(?:meshdir|texturedir|assetdir)\s*=\s*["']([^"']+)["']/g);
  return Array.from(matches, (match) => resolve(folder, match[1]));
}

/** `package://name/path`: name/path or path, in the model's folder and those above it. */
function packageCandidates(reference: string, folder: string): string[] {
  const inside = reference.slice('package://'.length);
  const withoutName = inside.slice(inside.indexOf('/') + 1);
  return Array.from({ length: LEVELS_UP }, (_, level) => resolve(folder, '../'.repeat(level))).flatMap((from) => [
    join(from, inside),
    join(from, withoutName),
  ]);
}

async function firstThat(
  candidates: readonly string[],
  test: (candidate: string) => Promise<boolean>,
): Promise<string | undefined> {
  for (const candidate of candidates) if (await test(candidate)) return candidate;
  return undefined;
}
