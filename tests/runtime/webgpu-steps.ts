// Some training steps on one device, for a process of its own: a Vulkan driver is found by the environment that it began in.

import { Random } from '../../src/base/random.js';
import { modelConfigSchema } from '../../src/model/model-config.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import { onnxOn } from '../../src/runtime/onnx-device.js';
import { createTokenSpec, rowWidth, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { adamWScalars } from '../../src/train/adamw.js';
import { feedScalars } from '../../src/train/step-calls.js';
import { optimiserConfigSchema } from '../../src/train/train-config.js';
import {
  buildTrainingGraph,
  buildValidationGraph,
  initialState,
  type Recipe,
  stateOptions,
  validationState,
} from '../../src/train/training-program.js';
import { TINY_ROBOT } from '../fixtures.js';

export interface Steps {
  readonly engine: string;
  readonly losses: readonly number[];
  /** Of the state after the first half of the steps, written back before the second. */
  readonly held: number;
  /** All state at the end, in the order of its names. */
  readonly state: readonly number[];
}

export async function trainOn(device: 'cpu' | 'webgpu', count: number): Promise<Steps> {
  const tokens = createTokenSpec(tokenConfigSchema.parse({ context: 4 }), TINY_ROBOT, 50);
  const width = rowWidth(tokens);
  const recipe: Recipe = {
    model: modelConfigSchema.parse({ width: 8, heads: 2, blocks: 1 }),
    tokens,
    normaliser: { mean: new Array(width).fill(0.05), deviation: new Array(width).fill(0.7) },
  };
  const train = optimiserConfigSchema.parse({ batch: 16, averageDecay: 0.9 });
  const parameters = initialParameters(parameterSpecs(recipe.model, tokens), new Random(1));
  const start = initialState(recipe, train, parameters);
  const runtime = await onnxOn(device);
  const program = await runtime.compile(buildTrainingGraph(recipe, train), { state: stateOptions(start, true) });
  const validation = await runtime.compile(buildValidationGraph(recipe, train.batch), {
    state: stateOptions(validationState(recipe, start), false),
  });
  for (const { feeds } of [program, validation]) {
    const random = new Random(3);
    for (let at = 0; at < feeds.values.length; at++) {
      feeds.values[at] = random.normal();
      feeds.targets[at] = random.normal();
      feeds.present[at] = Number(random.uniform() < 0.8);
      feeds.weights[at] = 1;
    }
    feeds.inverseWeight[0] = 1 / feeds.values.length;
  }
  const losses: number[] = [];
  const steps = async (from: number, to: number) => {
    for (let step = from; step < to; step++) {
      feedScalars(program, adamWScalars(train, 1e-2, step));
      await program.run();
      losses.push(program.results.loss[0]);
    }
  };
  await steps(0, count / 2);
  const middle = await program.readState();
  await validation.writeState(validationState(recipe, middle));
  await validation.run();
  await steps(count / 2, count);
  await program.writeState(middle);
  losses.length = count / 2;
  await steps(count / 2, count);
  const state = Object.values(await program.readState()).flatMap((values) => [...values]);
  const held = validation.results.loss[0];
  await program.dispose();
  await validation.dispose();
  return { engine: runtime.description, losses, held, state };
}
