// Finds what a user names as a controller and makes a Controller of it, on Node.
//
// A policy of ours is a bundle or run folder, or a name in data/pretrained. A foreign policy is a config file, or the
// name of one in configs/policies. Its network is often not in the package: it is looked for beside the config and in
// the folders of the environment variable NEXTGAIT_POLICIES. A model-based controller is a config file alone, or the name
// of one in configs/controllers.

import { readdir, readFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import * as onnx from 'onnxruntime-node';
import { loadConfig } from '../base/config-file.js';
import { DataError, listNames } from '../base/errors.js';
import { isPresent, isPresentFolder, packagePath, sha256OfFile } from '../base/files.js';
import { nearest } from '../base/nearest.js';
import type { Controller } from '../policy/controller.js';
import { type ForeignPolicyConfig, foreignPolicySchema } from '../policy/foreign-config.js';
import { ForeignController } from '../policy/foreign-controller.js';
import type { RobotModel } from '../robot/robot-model.js';
import { isModelBased, modelBasedSource } from './load-model-based.js';
import { controllerOf, requirePolicyRobot } from './load-policy.js';
import { loadRobot } from './load-robot.js';
import { type FoundBundle, findBundle, pretrainedNames, readBundle } from './read-bundle.js';

export interface LoadControllerOptions {
  /** Robots that one call of act() serves; 1 where absent. */
  readonly slots?: number;
  /** The robot to drive; the one that the policy names where absent. */
  readonly robot?: RobotModel;
  /** The network's file, or a folder to look in first, in place of what the config says. */
  readonly weights?: string;
}

/** What names a controller, found: everything about it that is read before its weights. */
export interface ControllerSource {
  readonly name: string;
  /** Robot config name or path. */
  readonly robot: string;
  /** SHA-256 of its weights. */
  readonly sha256: string;
  load(robot: RobotModel, slots: number): Promise<Controller>;
}

/**
 * Loads a controller.
 * @param reference a bundle or run folder, a policy or controller config file, or a name in data/pretrained,
 *   configs/policies or configs/controllers
 * @throws DataError or FindingsError where it is not found, or does not fit the robot
 */
export async function loadController(reference: string, options: LoadControllerOptions = {}): Promise<Controller> {
  const source = await findController(reference, options);
  const robot = options.robot ?? (await loadRobot(source.robot)).robot;
  return source.load(robot, options.slots ?? 1);
}

/** Finds a controller without loading it, so that its robot is known first. */
export async function findController(
  reference: string,
  options: Pick<LoadControllerOptions, 'weights'> = {},
): Promise<ControllerSource> {
  const { weights } = options;
  if ((await findBundle(reference)) !== undefined) {
    if (weights !== undefined) throw takesNoWeights(weights, `${reference} is a bundle or a run, which has its own`);
    return bundleSource(await readBundle(reference));
  }
  const path = await controllerConfig(reference);
  if (await isModelBased(path)) {
    if (weights !== undefined) throw takesNoWeights(weights, `${reference} is model-based, and has none`);
    return modelBasedSource(path);
  }
  const config = await loadConfig(foreignPolicySchema, path);
  const file = await networkPath(config, path, weights);
  const sha256 = await sha256OfFile(file);
  if (config.onnx.sha256 !== undefined && config.onnx.sha256 !== sha256) {
    throw new DataError({
      where: file,
      what: `SHA-256, which ${path} names as onnx.sha256`,
      expected: config.onnx.sha256,
      found: sha256,
      fix: 'For another network, copy the config, check its terms, and change or remove sha256.',
    });
  }
  return {
    name: config.name,
    robot: config.robot,
    sha256,
    load: async (robot, slotCount) =>
      ForeignController.load({ config, where: path, robot, network: await readFile(file), onnx, slotCount }),
  };
}

function takesNoWeights(weights: string, found: string): DataError {
  return new DataError({
    where: `--weights ${weights}`,
    what: 'the network of a policy config',
    found,
    fix: 'Leave the flag out, or name a policy config',
  });
}

function bundleSource(found: FoundBundle): ControllerSource {
  return {
    name: found.bundle.name,
    robot: found.bundle.robot.name,
    sha256: found.weightsSha256,
    load: async (robot, slotCount) => {
      requirePolicyRobot(found, robot);
      return controllerOf(found, { slotCount });
    },
  };
}

/**
 * The file of a policy or controller config: a path as it is, or a name in configs/policies or configs/controllers.
 * @throws DataError for a name that there is not
 */
export async function controllerConfig(reference: string): Promise<string> {
  if (/\.ya?ml$/.test(reference)) return resolve(reference);
  const names = await pretrainedNames();
  for (const folder of [packagePath('configs', 'policies'), packagePath('configs', 'controllers')]) {
    const configs = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).map((file) => file.slice(0, -5));
    if (configs.includes(reference)) return join(folder, `${reference}.yaml`);
    names.unshift(...configs);
  }
  const near = nearest(reference, names);
  throw new DataError({
    where: `controller ${reference}`,
    what: 'neither a policy bundle, a run folder, a policy config nor the name of one',
    expected: `a folder with policy.json, a .yaml file or one of ${listNames(names)}`,
    fix: near === undefined ? undefined : `Did you mean "${near}"?`,
  });
}

async function networkPath(config: ForeignPolicyConfig, configPath: string, weights?: string): Promise<string> {
  const { file, url } = config.onnx;
  const searched = (process.env.NEXTGAIT_POLICIES ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [resolve(dirname(configPath), file), ...searched.map((folder) => resolve(folder, file))];
  if (weights !== undefined) candidates.splice(0, candidates.length, ...(await weightsCandidates(weights, file)));
  for (const candidate of candidates) {
    if (await isPresent(candidate)) return candidate;
  }
  const source = url === undefined ? '' : ` It comes from ${url}.`;
  throw new DataError({
    where: `${configPath}: onnx.file`,
    what: 'the network is not there',
    found: `nothing at ${candidates.join(', ')}`,
    fix: `Name it with --weights, or set NEXTGAIT_POLICIES to the folder that holds ${file}.${source}`,
  });
}

async function weightsCandidates(weights: string, file: string): Promise<string[]> {
  return (await isPresentFolder(weights)) ? [resolve(weights, file)] : [resolve(weights)];
}
