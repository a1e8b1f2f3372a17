// Finds what can be driven among the things that the viewer was given, and reads its files.

import { BUNDLE_FILES } from '../../policy/bundle.js';
import { ROBOT_PACK_FILE } from '../../sim/robot-pack.js';
import { ProblemError, type SourceItem, type ViewerSource } from '../page.js';

export interface DriveFiles {
  readonly description: Uint8Array;
  readonly weights: Uint8Array;
  readonly robot: Uint8Array;
}

/** Policies and runs, policies first. */
export function drivable(items: readonly SourceItem[]): SourceItem[] {
  return ['bundle', 'run'].flatMap((kind) => items.filter((item) => item.kind === kind));
}

/**
 * The two files of a policy's bundle. The description first: the server gives the weights of the one that it gave last,
 * while a training run goes on.
 * @throws ProblemError where one is not there
 */
export async function readPolicyFiles(
  source: ViewerSource,
  item: SourceItem,
): Promise<Pick<DriveFiles, 'description' | 'weights'>> {
  const read = (file: string) => source.readBytes(`${item.path}/${file}`);
  try {
    const description = await read(BUNDLE_FILES.description);
    return { description, weights: await read(BUNDLE_FILES.weights) };
  } catch (error) {
    if (item.kind !== 'run' || !(error instanceof ProblemError)) throw error;
    throw new ProblemError(
      {
        what: `The run ${item.name} has no policy yet`,
        fix: 'Wait for its first checkpoint, then reload. The page "Training" shows how far it is.',
        detail: error.problem.detail,
      },
      { cause: error },
    );
  }
}

/** @throws ProblemError where a file is not there */
export async function readDriveFiles(source: ViewerSource, item: SourceItem): Promise<DriveFiles> {
  const policy = await readPolicyFiles(source, item);
  try {
    return { ...policy, robot: await source.readBytes(`${item.path}/${ROBOT_PACK_FILE}`) };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    throw new ProblemError(
      {
        what: `The robot of ${item.name} is not here, so its policy has nothing to walk with`,
        fix: 'Start the viewer with the robot config that the policy was trained with: nextgait view <bundle> --robot <config.yaml>. In the terminal it says what it could not find.',
        detail: error.problem.detail,
      },
      { cause: error },
    );
  }
}
