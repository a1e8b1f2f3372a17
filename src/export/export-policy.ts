// Writes a policy for use elsewhere: the bundle, policy.onnx, TensorFlow.js. Nothing is written that failed its check.

import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import { prepareOutput } from '../base/output-folder.js';
import { BUNDLE_FILES, encodeBundle, type PolicyBundle } from '../policy/bundle.js';
import type { OrtModule } from '../runtime/onnx.js';
import { encodePolicyOnnx } from './onnx.js';
import { checkParity, type ParityReport } from './parity.js';
import { encodeTfjs } from './tfjs.js';

/** `safetensors` is the bundle itself and always written. */
export const EXPORT_FORMATS = ['onnx', 'safetensors', 'tfjs'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_DEFAULTS = {
  formats: ['onnx', 'safetensors'] as readonly ExportFormat[],
  /** Robots that one run of policy.onnx or of the TensorFlow.js model serves. */
  batch: 1,
} as const;

export interface ExportOptions {
  readonly formats?: readonly ExportFormat[];
  readonly batch?: number;
  readonly overwrite?: boolean;
  /** ONNX Runtime for the check; onnxruntime-node where absent. */
  readonly ort?: OrtModule;
}

export interface ExportReport {
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  /** Of policy.onnx, where it was made. */
  readonly parity?: ParityReport;
}

/**
 * Exports a policy into an empty folder, or over an older bundle.
 * @throws DataError where policy.onnx differs from the training program, or the folder holds something else
 */
export async function exportPolicy(
  bundle: PolicyBundle,
  folder: string,
  options: ExportOptions = {},
): Promise<ExportReport> {
  const { formats = EXPORT_DEFAULTS.formats, batch = EXPORT_DEFAULTS.batch } = options;
  const files: Record<string, Uint8Array> = {};
  let parity: ParityReport | undefined;
  if (formats.includes('onnx')) {
    const model = encodePolicyOnnx(bundle, { batch });
    const ort = options.ort ?? (await import('onnxruntime-node'));
    parity = await checkParity(ort, model, bundle, { where: join(folder, BUNDLE_FILES.onnx) });
    files[BUNDLE_FILES.onnx] = model;
  }
  if (formats.includes('tfjs')) {
    for (const [name, bytes] of Object.entries(encodeTfjs(bundle, batch))) files[`tfjs/${name}`] = bytes;
  }
  // The description comes last: a folder without it is not a bundle, whatever interrupted the writing.
  const { [BUNDLE_FILES.description]: description, ...weights } = encodeBundle(bundle, files);
  Object.assign(files, weights, { [BUNDLE_FILES.description]: description });
  await prepareOutput(folder, {
    overwrite: options.overwrite,
    marker: BUNDLE_FILES.description,
    what: 'a policy bundle',
  });
  for (const [name, bytes] of Object.entries(files)) await writeFileAtomic(join(folder, name), bytes);
  const sizes = Object.entries(files).map(([name, bytes]) => ({ name, bytes: bytes.length }));
  return { folder, files: sizes, parity };
}
