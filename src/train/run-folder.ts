// The run folder: config.yaml, recipe.json, metrics.jsonl, TensorBoard events, checkpoints/. Written once, then appended.
//
// recipe.json holds what the weights mean: model, tokens, normaliser, robot and where the data came from. A policy
// bundle is made from it and a checkpoint.

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { sizeOf } from '../base/arrays.js';
import { parseConfig } from '../base/config.js';
import { DataError, listNames } from '../base/errors.js';
import { parseJson, writeFileAtomic } from '../base/files.js';
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
  /** Folders, sources, episodes and tool. JSON. */
  readonly data: Readonly<Record<string, unknown>>;
}

export async function writeRun(run: Run): Promise<void> {
  await mkdir(run.folder, { recursive: true });
  const { model, tokens, normaliser } = run.recipe;
  const { channels: _, observationWidth: _m, actionWidth: _n, rate_hz, ...tokenConfig } = tokens;
  const recipe = { rate_hz, tokens: tokenConfig, model, normaliser, robot: run.robot, data: run.data };
  await writeFileAtomic(join(run.folder, RUN_FILES.recipe), `${JSON.stringify(recipe, null, 1)}\n`);
  await writeFileAtomic(join(run.folder, RUN_FILES.config), stringify(run.config));
}

/** @throws DataError where the folder is not a run */
export async function readRun(folder: string): Promise<Run> {
  const [configText, recipeText] = await Promise.all(
    [RUN_FILES.config, RUN_FILES.recipe].map((name) =>
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
  return {
    folder,
    config: parseConfig(trainConfigSchema, parse(configText), join(folder, RUN_FILES.config)),
    recipe: { model: parseConfig(modelConfigSchema, raw.model, where), tokens, normaliser },
    robot,
    data: raw.data as Record<string, unknown>,
  };
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
