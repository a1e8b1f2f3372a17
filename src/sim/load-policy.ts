// A policy bundle or run as a Controller on Node: from policy.onnx where it serves, else from the weights.

import * as ort from 'onnxruntime-node';
import { DataError } from '../base/errors.js';
import { robotDifference } from '../dataset/robot-match.js';
import type { Controller } from '../policy/controller.js';
import { openOnnxPolicy, readOnnxPolicy, WEIGHTS_KEY } from '../policy/onnx-policy.js';
import { createPolicyController, policyController } from '../policy/policy-controller.js';
import type { RobotIdentity } from '../robot/robot-model.js';
import { onnxRuntime } from '../runtime/onnx.js';
import { type FoundBundle, type ReadBundleOptions, readBundle, readBundleOnnx } from './read-bundle.js';

export interface LoadPolicyOptions extends ReadBundleOptions {
  /** Robots that one call of act() serves; 1 where absent. */
  readonly slotCount?: number;
  /** Threads of one call; 1 where absent. */
  readonly threads?: number;
  /**
   * `weights`: the graph is built from the weights. `onnx`: policy.onnx is run, as often a step as its batch asks for.
   * Where absent: policy.onnx if its batch is slotCount, else the weights.
   */
  readonly from?: 'weights' | 'onnx';
}

/**
 * @param reference a bundle folder, a run folder, or a name in data/pretrained
 * @throws DataError where it is not found, is damaged, or cannot be run as asked
 */
export async function loadPolicyController(reference: string, options: LoadPolicyOptions = {}): Promise<Controller> {
  return controllerOf(await readBundle(reference, options), options);
}

/** The controller of a bundle that was read. */
export async function controllerOf(found: FoundBundle, options: LoadPolicyOptions = {}): Promise<Controller> {
  const { slotCount = 1, threads = 1, from } = options;
  const { bundle, onnx } = found;
  if (from === 'onnx' && onnx === undefined) {
    throw new DataError({
      where: found.folder,
      what: 'no policy.onnx here',
      fix: `Make one with nextgait export ${found.folder} --out <folder>`,
    });
  }
  if (onnx !== undefined && from !== 'weights') {
    const model = await readBundleOnnx(found);
    const { batch, metadata } = readOnnxPolicy(model, bundle, onnx);
    if (metadata[WEIGHTS_KEY] !== found.weightsSha256) {
      throw new DataError({
        where: onnx,
        what: `${WEIGHTS_KEY}, the weights that it was made with`,
        expected: found.weightsSha256,
        found: metadata[WEIGHTS_KEY] ?? 'none',
        fix: 'The files of this folder are of different policies; export again',
      });
    }
    if (from === 'onnx' || batch === slotCount) {
      const program = await openOnnxPolicy(ort, model, bundle, { where: onnx, threads });
      return policyController(bundle, program, slotCount);
    }
  }
  return createPolicyController(bundle, await onnxRuntime(), { slotCount, threads });
}

/**
 * A policy drives the robot that it was trained on: same joints, same tree, default pose and gains.
 * @throws DataError naming the difference
 */
export function requirePolicyRobot(found: FoundBundle, robot: RobotIdentity): void {
  const difference = robotDifference(robot, found.bundle.robot);
  if (difference === undefined) return;
  throw new DataError({
    where: `${found.folder}: policy ${found.bundle.name}`,
    what: `${difference.what} is not the robot it was trained on`,
    expected: difference.expected,
    found: difference.found,
    fix: 'Give the robot config of its data with --robot, or undo the changes to it',
  });
}
