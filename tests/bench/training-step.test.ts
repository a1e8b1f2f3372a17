// The step that the training bench times is the program that a preset trains.

import { expect, test } from 'vitest';
import { compileStep, stepOf } from '../../bench/training-step.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';

test('a preset with settings runs, and its loss falls', async () => {
  const step = await stepOf('tiny', ['train.batch=2', 'model.blocks=1', 'model.width=16']);
  const program = await compileStep(await onnxRuntime(), step, 1);
  try {
    await program.run();
    const [first] = program.results.loss;
    for (let run = 0; run < 5; run++) await program.run();
    expect(program.results.loss[0]).toBeLessThan(first);
  } finally {
    await program.dispose();
  }
});

test('an unknown preset, and settings that the peer does not know, are refused in words', async () => {
  await expect(stepOf('nope', [])).rejects.toThrow(/nope: no such config: expected .*paper-8m/);
  await expect(stepOf('base', ['tokens.layout=separate'])).rejects.toThrow(/tokens.layout: .*expected concat/);
});
