// The files that a browser needs to drive a policy: the bundle's two, and the robot that it drives.

import { BUNDLE_FILES, encodeBundle } from '../policy/bundle.js';
import { requirePolicyRobot } from './load-policy.js';
import { loadRobot } from './load-robot.js';
import { type FoundBundle, type ReadBundleOptions, readBundle } from './read-bundle.js';
import { packRobot, ROBOT_PACK_FILE } from './robot-pack.js';

export interface DriveFilesOptions extends ReadBundleOptions {
  /** Robot name or config file; the one that the policy names where absent. */
  readonly robot?: string;
}

/**
 * @param reference a bundle folder, a run folder, or a name in data/pretrained
 * @returns files by name: policy.json, weights.safetensors, robot.zip
 * @throws DataError where the policy is not found, or its robot is not, or is another than it was trained on
 */
export async function driveFiles(
  reference: string | FoundBundle,
  options: DriveFilesOptions = {},
): Promise<Record<string, Uint8Array>> {
  const found = typeof reference === 'string' ? await readBundle(reference, options) : reference;
  const loaded = await loadRobot(options.robot ?? found.bundle.robot.name);
  requirePolicyRobot(found, loaded.robot);
  const { [BUNDLE_FILES.description]: description, [BUNDLE_FILES.weights]: weights } = encodeBundle(found.bundle);
  return {
    [BUNDLE_FILES.description]: description,
    [BUNDLE_FILES.weights]: weights,
    [ROBOT_PACK_FILE]: packRobot(loaded),
  };
}
