// TensorFlow.js trains as ONNX Runtime does, and leaves no tensor behind: a few steps. The slow test does many.

import { expect, test } from 'vitest';
import { compareTraining } from './engine-pair.js';

test('eight steps have the same losses on both, and no tensor more after each', async () => {
  const { losses, largest, leaked, left } = await compareTraining(8);
  expect(losses.at(-1)).toBeLessThan(losses[0]);
  // float32 on both, summed in different orders: 200 steps were found apart by 5.2e-7 at most.
  expect(largest).toBeLessThan(5e-6);
  expect(leaked).toEqual(leaked.map(() => 0));
  expect(left).toBe(0);
}, 120_000);
