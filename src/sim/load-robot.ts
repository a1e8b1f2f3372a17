// Loads a robot by name or config file: YAML config, model files, MuJoCo's compiler, and out comes plain data.
//
// The result can be posted to a worker thread, and simulations are made from it there (see Environment.create).

import { readdir } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, resolve } from 'node:path';
import { loadConfig } from '../base/config-file.js';
import { DataError, listNames } from '../base/errors.js';
import { isPresent, packagePath } from '../base/files.js';
import { nearest } from '../base/nearest.js';
import { type RobotConfig, robotConfigSchema } from '../robot/robot-config.js';
import type { RobotModel } from '../robot/robot-model.js';
import { buildModel } from './build-model.js';
import { readModelFiles } from './model-source.js';
import { Engine, type ModelFiles } from './mujoco.js';
import { readRobot } from './read-robot.js';

export interface LoadedRobot {
  readonly robot: RobotModel;
  readonly config: RobotConfig;
  readonly source: ModelFiles;
}

export interface LoadRobotOptions {
  /** Model file in place of the config's. */
  readonly model?: string;
  /** Folders in which a config's model is looked for; those of the environment variable NEXTGAIT_ROBOTS by default. */
  readonly folders?: readonly string[];
  /** Engine to compile with; a new one where absent. */
  readonly engine?: Engine;
}

/**
 * @param nameOrConfigPath a name in configs/robots, or a config file (.yaml)
 * @throws DataError or FindingsError naming file, key and what to do
 */
export async function loadRobot(nameOrConfigPath: string, options: LoadRobotOptions = {}): Promise<LoadedRobot> {
  const path = await robotConfigPath(nameOrConfigPath);
  const config = await loadConfig(robotConfigSchema, path);
  const modelPath = await findModel(config, path, options);
  const source = await readModelFiles(modelPath);
  const engine = options.engine ?? (await Engine.load());
  const robot = readRobot(engine, buildModel(engine, source, config), config, path);
  checkRates(robot, path);
  // The robot as it will be simulated compiles too: what is wrong with it shows here.
  buildModel(engine, source, config, robot).model.delete();
  return { robot, config, source };
}

/** Names of the robots that have a config in the package. */
export async function robotNames(): Promise<string[]> {
  const files = await readdir(packagePath('configs', 'robots'));
  return files.filter((file) => file.endsWith('.yaml')).map((file) => file.slice(0, -'.yaml'.length));
}

/** Whether the model that a named robot's config asks for is here. */
export async function hasModel(name: string): Promise<boolean> {
  const path = packagePath('configs', 'robots', `${name}.yaml`);
  const candidates = modelCandidates(await loadConfig(robotConfigSchema, path), path, {});
  return (await firstThere(candidates)) !== undefined;
}

async function robotConfigPath(nameOrPath: string): Promise<string> {
  if (/\.ya?ml$/i.test(nameOrPath)) return nameOrPath;
  const known = await robotNames();
  if (known.includes(nameOrPath)) return packagePath('configs', 'robots', `${nameOrPath}.yaml`);
  const near = nearest(nameOrPath, known);
  throw new DataError({
    where: `robot ${nameOrPath}`,
    what: 'no such robot',
    expected: `one of ${listNames(known)}, or a config file (.yaml)`,
    fix: near === undefined ? undefined : `Did you mean "${near}"?`,
  });
}

async function findModel(config: RobotConfig, configPath: string, options: LoadRobotOptions): Promise<string> {
  if (options.model !== undefined) return options.model;
  if (isAbsolute(config.model)) return config.model;
  const candidates = modelCandidates(config, configPath, options);
  const found = await firstThere(candidates);
  if (found !== undefined) return found;
  throw new DataError({
    where: `${configPath}: model`,
    what: 'model file that is not there',
    found: candidates.join(', '),
    fix: howToMendModel(config.model, configPath),
  });
}

/** The package's configs are right: what they lack is the model. In a config of the user's own the path may be wrong. */
function howToMendModel(model: string, configPath: string): string {
  const set = `et the environment variable NEXTGAIT_ROBOTS to the folder that holds ${model}.`;
  if (dirname(resolve(configPath)) === packagePath('configs', 'robots')) return `S${set}`;
  const correct = `Correct "model:" in ${configPath} (relative to that file)`;
  return model.startsWith('..') ? `${correct}.` : `${correct}, or s${set}`;
}

function modelCandidates(config: RobotConfig, configPath: string, options: LoadRobotOptions): string[] {
  const folders = options.folders ?? (process.env.NEXTGAIT_ROBOTS ?? '').split(delimiter).filter((one) => one !== '');
  return [dirname(configPath), ...folders].map((folder) => resolve(folder, config.model));
}

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await isPresent(path);
    if (found) return path;
  }
  return undefined;
}

/** A control step must be a whole number of physics steps. */
function checkRates(robot: RobotModel, where: string): void {
  const { rate_hz, physicsTimestep_s } = robot.control;
  const count = 1 / (rate_hz * physicsTimestep_s);
  if (Math.abs(count - Math.round(count)) < 1e-6 && count >= 1) return;
  throw new DataError({
    where: `${where}: control`,
    what: 'physics steps in a control step',
    expected: 'a whole number',
    found: `${count} (${rate_hz} Hz, ${physicsTimestep_s} s)`,
  });
}
