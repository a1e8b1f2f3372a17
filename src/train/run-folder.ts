// The run folder: config.yaml, recipe.json, metrics.jsonl, TensorBoard events, checkpoints/. Written once, then appended.
//
// recipe.json holds what the weights mean: model, tokens, normaliser, robot and where the data came from. A policy
// bundle is made from it and a checkpoint.

import { mkdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import { sizeOf } from '../base/arrays.js';
import { parseConfig } from '../base/config.js';
import { readYaml } from '../base/config-file.js';
import { DataError, listNames } from '../base/errors.js';
import { isPresentFolder, parseJson, writeFileAtomic } from '../base/files.js';
import { modelConfigSchema } from '../model/model-config.js';
import { parameterSpecs } from '../model/parameters.js';
import type { PolicyBundle } from '../policy/bundle.js';
import { robotFromJson } from '../robot/robot-json.js';
import type { RobotModel } from '../robot/robot-model.js';
import { checkNormaliser, normaliserSchema } from '../tokens/normaliser.js';
import { createTokenSpec, tokenConfigSchema } from '../tokens/token-spec.js';
import { bundleOfState } from './bundle-of-state.js';
import { readCheckpoint } from './checkpoint.js';
import type { DataReport } from './prepare.js';
import { type TrainConfig, trainConfigSchema } from './train-config.js';
import { type Recipe, STATE } from './training-program.js';

export const RUN_FILES = { config: 'config.yaml', recipe: 'recipe.json', metrics: 'metrics.jsonl' } as const;

export interface Run {
  readonly folder: string;
  readonly config: TrainConfig;
  readonly recipe: Recipe;
  readonly robot: RobotModel;
  /** Folders, sources, episodes, tool and the engine that started the run, which older runs do not name. JSON. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface StoredRun extends Run {
  /** The folders of config.data as they are reached from the current folder, which need not be where the run was started. */
  readonly dataFolders: readonly string[];
}

export async function writeRun(run: Run): Promise<void> {
  await mkdir(run.folder, { recursive: true });
  const { model, tokens, normaliser } = run.recipe;
  const { channels: _, observationWidth: _m, actionWidth: _n, rate_hz, ...tokenConfig } = tokens;
  // Relative to the run: a project that is moved as a whole, runs and data, still finds its data.
  const startedIn = relative(resolve(run.folder), process.cwd()) || '.';
  const recipe = { rate_hz, startedIn, tokens: tokenConfig, model, normaliser, robot: run.robot, data: run.data };
  await writeFileAtomic(join(run.folder, RUN_FILES.recipe), `${JSON.stringify(recipe, null, 1)}\n`);
  await writeFileAtomic(join(run.folder, RUN_FILES.config), stringify(run.config));
}

/** @throws DataError where the folder is not a run */
export async function readRun(folder: string): Promise<StoredRun> {
  const [recipeText] = await Promise.all(
    [RUN_FILES.recipe, RUN_FILES.config].map((name) =>
      readFile(join(folder, name), 'utf8').catch((error: Error) => {
        throw new DataError(
          { where: join(folder, name), what: 'not a run folder', fix: 'Give the folder that nextgait train wrote' },
          { cause: error },
        );
      }),
    ),
  );
  const where = join(folder, RUN_FILES.recipe);
  const raw = parseJson(recipeText, where);
  const robot = robotFromJson(raw.robot, where);
  const tokens = createTokenSpec(parseConfig(tokenConfigSchema, raw.tokens, where), robot, raw.rate_hz as number);
  const normaliser = parseConfig(normaliserSchema, raw.normaliser, `${where}: normaliser`);
  checkNormaliser(normaliser, tokens, where);
  const configFile = join(folder, RUN_FILES.config);
  const config = parseConfig(trainConfigSchema, await readYaml(configFile), configFile);
  return {
    folder,
    config,
    dataFolders: await Promise.all(config.data.folders.map((data) => reachedFromHere(data, folder, raw.startedIn))),
    recipe: { model: parseConfig(modelConfigSchema, raw.model, where), tokens, normaliser },
    robot,
    data: raw.data as Record<string, unknown>,
  };
}

/** Runs of older versions do not say where they were started, and one that was moved alone says what no longer holds. */
async function reachedFromHere(data: string, run: string, startedIn: unknown): Promise<string> {
  if (typeof startedIn !== 'string') return data;
  const there = resolve(run, startedIn, data);
  if (there === resolve(data) || !(await isPresentFolder(there))) return data;
  return relative(process.cwd(), there);
}

/** The policy of a run: the newest checkpoint, or a named one; the moving average of the weights where there is one. */
export async function bundleOfRun(folder: string, checkpoint?: string): Promise<PolicyBundle> {
  const { config, recipe, robot, data } = await readRun(folder);
  const { info, state, folder: checkpointFolder } = await readCheckpoint(folder, checkpoint);
  const wrong = parameterSpecs(recipe.model, recipe.tokens).filter(
    ({ name, shape }) => state[STATE.parameter + name]?.length !== sizeOf(shape),
  );
  if (wrong.length > 0) {
    throw new DataError({
      where: checkpointFolder,
      what: 'parameters',
      expected: `those of ${join(folder, RUN_FILES.recipe)}`,
      found: `missing or of another size: ${listNames(wrong.map(({ name }) => name))}`,
      fix: 'The checkpoint is of another run; name another one with --checkpoint',
    });
  }
  return bundleOfState(config.name, recipe, robot, state, {
    tool: info.tool,
    step: info.step,
    commandRange: (data.report as DataReport | undefined)?.commandRange,
    config,
    data,
  });
}
