// What becomes of a trained policy: a bundle to download, or a thing of the viewer's to drive.

import { strToU8, zipSync } from 'fflate';
import { robotDifference } from '../../dataset/robot-match.js';
import { BUNDLE_FILES, decodeBundle } from '../../policy/bundle.js';
import type { RobotModel } from '../../robot/robot-model.js';
import { ROBOT_PACK_FILE, unpackRobot } from '../../sim/robot-pack.js';
import { ProblemError, type SessionSource, type SourceItem } from '../page.js';
import type { TrainedPolicy } from './finetune-job.js';

/** A zip with the bundle as a folder of its name. */
export function zipBundle(name: string, { files }: TrainedPolicy): Uint8Array {
  const about = `A policy bundle of NextGait. Run it with: nextgait evaluate ${name}\n`;
  const entries = Object.entries(files).map(([file, bytes]) => [`${name}/${file}`, bytes] as const);
  // Weights are noise to a compressor.
  return zipSync({ ...Object.fromEntries(entries), [`${name}/about.txt`]: strToU8(about) }, { level: 0 });
}

/**
 * Puts the policy among the viewer's things, with the model of its robot from one of them.
 * @throws ProblemError where no model of its robot is here
 */
export async function addTrainedPolicy(
  source: SessionSource,
  name: string,
  policy: TrainedPolicy,
): Promise<SourceItem> {
  const { robot } = decodeBundle(policy.files[BUNDLE_FILES.description], policy.files[BUNDLE_FILES.weights], name);
  const pack = await findRobotPack(source, robot);
  if (pack === undefined) {
    throw new ProblemError({
      what: `The model of the robot ${robot.name} is not here, so the policy has nothing to walk with`,
      fix: 'Download the policy and drive it with: nextgait view <its folder> --robot <config.yaml>. Or start the viewer with a policy or a dataset of this robot.',
    });
  }
  return source.add({ kind: 'bundle', name, files: { ...policy.files, [ROBOT_PACK_FILE]: pack } });
}

/** The robot's model among those of the viewer's things: the same robot, joint by joint and to its hash. */
async function findRobotPack(source: SessionSource, robot: RobotModel): Promise<Uint8Array | undefined> {
  const { items } = await source.describe();
  for (const { path, files } of items) {
    if (!files.some((file) => file.path === ROBOT_PACK_FILE)) continue;
    const pack = await source.readBytes(`${path}/${ROBOT_PACK_FILE}`).catch((error: unknown) => {
      // The robot of that thing is not known here; another's may be.
      if (error instanceof ProblemError) return undefined;
      throw error;
    });
    if (pack === undefined) continue;
    if (robotDifference(unpackRobot(pack, path).robot, robot) === undefined) return pack;
  }
  return undefined;
}
