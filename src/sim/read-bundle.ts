// Finds what a user names as a policy of ours: a bundle folder, a run folder, or a name in data/pretrained.
//
// Reading policy.json and the weights is src/policy/bundle.ts; here are the files of Node.

import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError, listNames } from '../base/errors.js';
import { isPresent, packagePath } from '../base/files.js';
import { nearest } from '../base/nearest.js';
import { BUNDLE_FILES, checkMadeFile, decodeBundle, encodeBundle, type PolicyBundle } from '../policy/bundle.js';
import { sha256 } from '../robot/sha256.js';
import { bundleOfRun, RUN_FILES, readRun } from '../train/run-folder.js';

export interface BundlePlace {
  readonly folder: string;
  readonly kind: 'bundle' | 'run';
}

export interface FoundBundle extends BundlePlace {
  readonly bundle: PolicyBundle;
  /** SHA-256 of weights.safetensors: of the file, or, for a run, of the one that an export would write. */
  readonly weightsSha256: string;
  /** Path of policy.onnx, where there is one; reading it checks it against policy.json. */
  readonly onnx?: string;
  /** Of a run: the folders that it was trained on, from the current folder. */
  readonly dataFolders?: readonly string[];
}

export interface ReadBundleOptions {
  /** A run's checkpoint, for instance `step-000500`; the newest where absent. */
  readonly checkpoint?: string;
}

/** Where a bundle or a run lies; undefined where the reference names neither. */
export async function findBundle(reference: string): Promise<BundlePlace | undefined> {
  const given = basename(reference) === BUNDLE_FILES.description ? dirname(reference) : reference;
  for (const folder of [given, ...(isName(reference) ? [join(pretrainedFolder(), reference)] : [])]) {
    if (await isPresent(join(folder, BUNDLE_FILES.description))) return { folder, kind: 'bundle' };
    if (await isPresent(join(folder, RUN_FILES.recipe))) return { folder, kind: 'run' };
  }
  return undefined;
}

/** Names of the policies that come with the package. */
export async function pretrainedNames(): Promise<string[]> {
  const names = await readdir(pretrainedFolder()).catch(() => []);
  const whole = await Promise.all(
    names.map((name) => isPresent(join(pretrainedFolder(), name, BUNDLE_FILES.description))),
  );
  return names.filter((_, at) => whole[at]).sort();
}

/**
 * Reads the policy that `reference` names.
 * @param reference a folder with policy.json, a run folder, or a name in data/pretrained
 * @throws DataError where there is none, or a file is missing or damaged
 */
export async function readBundle(reference: string, options: ReadBundleOptions = {}): Promise<FoundBundle> {
  const place = await findBundle(reference);
  if (place === undefined) throw await notFound(reference);
  const { folder, kind } = place;
  if (kind === 'run') {
    const bundle = await bundleOfRun(folder, options.checkpoint);
    const { dataFolders } = await readRun(folder);
    return { ...place, bundle, dataFolders, weightsSha256: sha256(encodeBundle(bundle)[BUNDLE_FILES.weights]) };
  }
  if (options.checkpoint !== undefined) {
    throw new DataError({
      where: `--checkpoint ${options.checkpoint}`,
      what: 'a bundle has one set of weights',
      found: folder,
      fix: 'Name the run folder, which has the checkpoints, or leave the flag out',
    });
  }
  const [description, weights] = await Promise.all(
    [BUNDLE_FILES.description, BUNDLE_FILES.weights].map((name) => readPart(folder, name)),
  );
  const onnx = join(folder, BUNDLE_FILES.onnx);
  return {
    ...place,
    bundle: decodeBundle(description, weights, folder),
    weightsSha256: sha256(weights),
    ...((await isPresent(onnx)) ? { onnx } : {}),
  };
}

/** The bytes of a bundle's policy.onnx. @throws DataError where it is damaged or of another bundle */
export async function readBundleOnnx({ folder }: BundlePlace): Promise<Uint8Array> {
  const [description, model] = await Promise.all(
    [BUNDLE_FILES.description, BUNDLE_FILES.onnx].map((name) => readPart(folder, name)),
  );
  checkMadeFile(description, BUNDLE_FILES.onnx, model, folder);
  return model;
}

async function readPart(folder: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(join(folder, name));
  } catch (error) {
    throw new DataError(
      {
        where: join(folder, name),
        what: 'file of the bundle that cannot be read',
        found: (error as NodeJS.ErrnoException).code,
        fix: `A bundle is ${BUNDLE_FILES.description} and ${BUNDLE_FILES.weights}; copy or export it again`,
      },
      { cause: error },
    );
  }
}

async function notFound(reference: string): Promise<DataError> {
  const held = await readdir(reference).catch(() => undefined);
  const names = await pretrainedNames();
  const near = nearest(reference, names);
  return new DataError({
    where: `policy ${reference}`,
    what: 'neither a policy bundle nor a run folder',
    expected:
      `a folder with ${BUNDLE_FILES.description} or ${RUN_FILES.recipe}` +
      (names.length === 0 ? '' : `, or one of ${listNames(names)}`),
    found: held === undefined ? 'no such folder' : listNames(held.sort(), 4) || 'an empty folder',
    fix: near === undefined ? undefined : `Did you mean "${near}"?`,
  });
}

function pretrainedFolder(): string {
  return packagePath('data', 'pretrained');
}

function isName(reference: string): boolean {
  return /^[\w.-]+$/.test(reference) && !/^\.+$/.test(reference);
}
