// TensorFlow.js beside ONNX Runtime over a whole short training, and a program run ten thousand times.

import { expect, test } from 'vitest';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { loadTfjsCpu, tf } from '../runtime/engines.js';
import { compareTraining } from './engine-pair.js';

test('200 steps have the same losses on both', async () => {
  const { losses, largest, leaked } = await compareTraining(200);
  expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]);
  // float32 on both, summed in different orders: found apart by 5.2e-7 at most; ten times that is allowed.
  expect(largest).toBeLessThan(5e-6);
  expect(leaked).toEqual(leaked.map(() => 0));
});

test('10,000 runs of a program with state leave no tensor behind', async () => {
  const runtime = await loadTfjsCpu();
  const builder = new GraphBuilder();
  const weight = builder.input('weight', [3, 3]);
  const x = builder.input('x', [3, 3]);
  const y = builder.softmax(builder.matmul(x, weight));
  builder.output('y', y);
  builder.output('weight.next', builder.subtract(weight, builder.multiply(y, builder.scalar(1e-3))));
  const before = tf.memory().numTensors;
  const initial = new Float32Array(9).fill(0.1);
  const program = await runtime.compile(builder.build(), { state: { weight: { initial, next: 'weight.next' } } });
  const held = tf.memory().numTensors;
  for (let run = 0; run < 10_000; run++) {
    program.feeds.x.fill(Math.sin(run));
    await program.run();
  }
  expect(tf.memory().numTensors).toBe(held);
  await program.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
