// The engine that runs the networks of an evaluation: the one that is asked for by name, else ONNX Runtime.

import { chooseRuntime, type RuntimeChoice, type RuntimeName } from '../runtime/choose.js';

export type EngineName = Exclude<RuntimeName, 'auto'>;
export const ENGINES: readonly EngineName[] = ['onnx', 'tfjs', 'reference'];

/**
 * A control step is less than a millisecond's work: ONNX Runtime stays on the CPU, where a policy will run. Of the
 * TensorFlow.js packages the best that loads is taken.
 * @throws DataError where the engine cannot be loaded
 */
export async function chooseEngine(name?: EngineName): Promise<RuntimeChoice> {
  const engine = name ?? 'onnx';
  const choice = await chooseRuntime(engine, engine === 'onnx' ? { device: 'cpu' } : {});
  return { ...choice, reason: name === undefined ? 'the default' : `asked for as "${name}"` };
}
