// What a browser needs to drive an item's policy: the robot's model, and for a run the bundle of its newest checkpoint.
// A dataset has the model too, for the policies that are trained on it in the browser.
//
// Made when they are asked for. A bundle is read from its own files; a run's is made anew whenever its policy.json is
// asked for, because a training run goes on, and kept until then: weights and robot are of that policy.json.

import { isUserError } from '../../base/errors.js';
import { BUNDLE_FILES } from '../../policy/bundle.js';
import { driveFiles } from '../../sim/drive-files.js';
import { loadRobot } from '../../sim/load-robot.js';
import { packRobot, ROBOT_PACK_FILE } from '../../sim/robot-pack.js';
import { type GivenItem, robotNameOf } from './items.js';

/**
 * Adds the made files of policies to bundles and runs.
 * @param robot name or config file in place of the one that the policy names
 * @param onMissing told why a policy cannot be driven
 */
export function addDriveFiles(
  items: readonly GivenItem[],
  robot: string | undefined,
  onMissing: (text: string) => void,
): void {
  for (const item of items) {
    const { kind, name, folder, made } = item;
    if (kind === 'dataset') made.set(ROBOT_PACK_FILE, () => packOfDataset(item, robot, onMissing));
    if (kind !== 'bundle' && kind !== 'run') continue;
    const make = async () => {
      try {
        return await filesToDrive(folder, name, robot, onMissing);
      } catch (error) {
        if (!isUserError(error)) throw error;
        onMissing(`${name} cannot be driven: ${error.message}`);
        return undefined;
      }
    };
    if (kind === 'bundle') {
      made.set(ROBOT_PACK_FILE, async () => (await make())?.[ROBOT_PACK_FILE]);
      continue;
    }
    let kept: Awaited<ReturnType<typeof make>>;
    for (const file of [BUNDLE_FILES.description, BUNDLE_FILES.weights, ROBOT_PACK_FILE]) {
      made.set(file, async () => {
        if (file === BUNDLE_FILES.description || kept === undefined) kept = await make();
        return kept?.[file];
      });
    }
  }
}

/** A model that was given to be drawn may be another robot to physics: the policy then walks on its own. */
async function filesToDrive(
  folder: string,
  name: string,
  robot: string | undefined,
  onMissing: (text: string) => void,
): Promise<Record<string, Uint8Array>> {
  if (robot === undefined) return driveFiles(folder);
  try {
    return await driveFiles(folder, { robot });
  } catch (error) {
    const own = isUserError(error) ? await driveFiles(folder).catch(() => undefined) : undefined;
    if (own === undefined || !isUserError(error)) throw error;
    onMissing(`${name} is driven with the package's own model of its robot: ${error.message}`);
    return own;
  }
}

async function packOfDataset(
  item: GivenItem,
  robot: string | undefined,
  onMissing: (text: string) => void,
): Promise<Uint8Array | undefined> {
  const name = robot ?? (await robotNameOf(item));
  if (name === undefined) return undefined;
  try {
    return packRobot(await loadRobot(name));
  } catch (error) {
    if (!isUserError(error)) throw error;
    onMissing(`a policy that is trained on ${item.name} in the browser cannot be driven there: ${error.message}`);
    return undefined;
  }
}
