// AdamW against PyTorch: numbers printed by torch 2.13, torch.optim.AdamW(lr=0.1, weight_decay=0.01), float64.

import { expect, it } from 'vitest';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import { adamW, adamWScalars } from '../../src/train/adamw.js';
import { learningRate } from '../../src/train/schedule.js';
import { feedScalars } from '../../src/train/step-calls.js';
import { optimiserConfigSchema } from '../../src/train/train-config.js';

const GRADIENTS = [
  [0.5, -1.0, 2.0],
  [0.1, 0.3, -0.2],
  [-4.0, 0.0, 1.0],
];
const TORCH_PARAMETERS = [
  [0.899000002, -1.898000001, 0.3995000005],
  [0.8177969063826518, -1.8533171424282264, 0.3398356494911843],
  [0.8725066848779501, -1.8183910057075732, 0.27001014961982983],
];

it('is the AdamW of PyTorch over three steps', async () => {
  const config = optimiserConfigSchema.parse({});
  const g = new GraphBuilder();
  const state = { parameter: g.input('p', [3]), moment1: g.input('m', [3]), moment2: g.input('v', [3]) };
  const scalars = { keep: g.input('keep', []), stepSize: g.input('stepSize', []), epsilon: g.input('epsilon', []) };
  const next = adamW(g, config, scalars, state, g.input('gradient', [3]), true);
  g.output('p.next', next.parameter);
  g.output('m.next', next.moment1);
  g.output('v.next', next.moment2);
  const program = await referenceRuntime().compile(g.build(), {
    state: {
      p: { initial: Float64Array.from([1, -2, 0.5]), next: 'p.next' },
      m: { initial: new Float64Array(3), next: 'm.next' },
      v: { initial: new Float64Array(3), next: 'v.next' },
    },
  });
  for (let step = 0; step < 3; step++) {
    program.feeds.gradient.set(GRADIENTS[step]);
    feedScalars(program, adamWScalars(config, 0.1, step));
    await program.run();
    const { p } = await program.readState();
    // readState gives float32: its rounding is 6e-8 of the value.
    for (let entry = 0; entry < 3; entry++) expect(p[entry]).toBeCloseTo(TORCH_PARAMETERS[step][entry], 6);
  }
});

it('the rate warms up linearly and ends in a cosine', () => {
  const config = optimiserConfigSchema.parse({
    steps: 200,
    warmupSteps: 100,
    learningRate: 1,
    finalLearningRateShare: 0.1,
  });
  expect(learningRate(config, 0)).toBeCloseTo(0.01, 12);
  expect(learningRate(config, 99)).toBe(1);
  expect(learningRate(config, 150)).toBeCloseTo(0.55, 12);
  expect(learningRate(config, 200)).toBeCloseTo(0.1, 12);
});
