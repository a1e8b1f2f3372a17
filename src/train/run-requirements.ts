// What must hold before a training begins or goes on: its memory, its checkpoint, the network whose weights it takes.

import { totalmem } from 'node:os';
import { join } from 'node:path';
import { DataError, listNames } from '../base/errors.js';
import { Random } from '../base/random.js';
import { initialParameters, parameterSpecs } from '../model/parameters.js';
import type { Runtime } from '../runtime/runtime.js';
import { usableThreads } from '../runtime/usable-threads.js';
import { rowWidth, type TokenSpec } from '../tokens/token-spec.js';
import { RUN_FILES, type Run } from './run-folder.js';
import { stepsPerCallOf } from './step-calls.js';
import type { TrainConfig } from './train-config.js';
import { initialState, type StateValues } from './training-program.js';

/** values, present, targets and weights (tokens/batch.ts). */
const BATCH_ARRAYS = 4;

/** Threads of the step, as far as they can be known: an engine that is told none may leave hyper-threads out. */
export async function threadsOf({ runtime }: TrainConfig): Promise<number> {
  return runtime.threads ?? (await usableThreads());
}

/** @throws DataError where the batches of one call are larger than the machine's memory */
export function requireMemory(config: TrainConfig, tokens: TokenSpec, runtime: Runtime): void {
  const { batch, accumulate } = config.train;
  const passes = accumulate * stepsPerCallOf(config, runtime);
  const bytes = passes * batch * tokens.context * rowWidth(tokens) * BATCH_ARRAYS * Float32Array.BYTES_PER_ELEMENT;
  if (bytes <= totalmem()) return;
  const gibibytes = (count: number) => `${(count / 2 ** 30).toFixed(1)} GiB`;
  throw new DataError({
    where: 'train.batch',
    what: `batches of ${batch} windows of ${tokens.context} steps, for ${passes} passes in one call`,
    expected: `less than the ${gibibytes(totalmem())} of memory of this machine`,
    found: gibibytes(bytes),
    fix: 'Lower train.batch or tokens.context (train.accumulate makes a step of several batches), or set runtime.stepsPerCall=1',
  });
}

/**
 * A checkpoint must have the state of the run's own settings.
 * @throws DataError where config.yaml was changed since, or the checkpoint is of another run
 */
export function requireState(checkpoint: string, { folder, recipe, config }: Run, state: StateValues): void {
  const parameters = initialParameters(parameterSpecs(recipe.model, recipe.tokens), new Random(config.train.seed));
  const expected: StateValues = initialState(recipe, config.train, parameters);
  const wrong = [...new Set([...Object.keys(expected), ...Object.keys(state)])].filter(
    (name) => expected[name]?.length !== state[name]?.length,
  );
  if (wrong.length === 0) return;
  throw new DataError({
    where: checkpoint,
    what: `state that is not that of ${join(folder, RUN_FILES.config)}`,
    found: `missing, too many or of another size: ${listNames(wrong)}`,
    fix: 'Was config.yaml changed (train.accumulate, train.averageDecay)? A resumed run keeps its settings: undo that, or start a new run',
  });
}

/** @throws DataError where settings are asked for that the weights of the run `from` do not have */
export function requireSameNetwork(from: string, own: TrainConfig, asked: TrainConfig): void {
  for (const part of ['model', 'tokens'] as const) {
    const [had, wanted] = [own[part], asked[part]] as Readonly<Record<string, unknown>>[];
    const other = Object.keys(wanted).find((key) => JSON.stringify(wanted[key]) !== JSON.stringify(had[key]));
    if (other === undefined) continue;
    throw new DataError({
      where: `${part}.${other}`,
      what: `the weights of ${from} have another`,
      expected: JSON.stringify(had[other]),
      found: JSON.stringify(wanted[other]),
      fix: 'Leave it as it is, or train from fresh weights (dagger --anew)',
    });
  }
}
