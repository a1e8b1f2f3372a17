import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { gradients } from '../../src/graph/gradient.js';
import type { Value } from '../../src/graph/graph.js';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { referenceRuntime } from '../../src/runtime/reference.js';

interface Golden {
  readonly size: { readonly batch: number; readonly time: number; readonly heads: number };
  readonly inputs: Readonly<Record<string, { readonly shape: number[]; readonly data: number[] }>>;
  readonly output: readonly number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

test("a block's output, loss and gradients are PyTorch's, in float64", async () => {
  const golden = JSON.parse(await readFile(new URL('torch-block.golden.json', import.meta.url), 'utf8')) as Golden;
  const builder = new GraphBuilder();
  const inputs = Object.fromEntries(
    Object.entries(golden.inputs).map(([name, { shape }]) => [name, builder.input(name, shape)]),
  ) as Record<string, Value>;
  const { x, gain, bias, qkvWeight, qkvBias, outWeight, outBias, upWeight, upBias, target } = inputs;
  const qkv = builder.linear(builder.layerNorm(x, gain, bias, 1e-5), qkvWeight, qkvBias);
  const attended = builder.linear(builder.causalAttention(qkv, golden.size), outWeight, outBias);
  const output = builder.gelu(builder.linear(builder.add(x, attended), upWeight, upBias));
  const loss = builder.mean(builder.square(builder.subtract(output, target)));
  builder.output('output', output);
  builder.output('loss', loss);
  const names = Object.keys(inputs);
  for (const [at, gradient] of gradients(builder, loss, Object.values(inputs)).entries()) {
    builder.output(`gradient ${names[at]}`, gradient);
  }
  const program = await referenceRuntime().compile(builder.build(), { state: {} });
  for (const [name, { data }] of Object.entries(golden.inputs)) program.feeds[name].set(data);
  await program.run();

  // The expected numbers have 12 digits in the file; summation order differs.
  const expectClose = (actual: ArrayLike<number>, expected: readonly number[]) => {
    for (const [at, value] of expected.entries()) {
      expect(Math.abs(actual[at] - value)).toBeLessThan(1e-10 * Math.max(1, Math.abs(value)));
    }
  };
  expectClose(program.results.output, golden.output);
  expectClose(program.results.loss, [golden.loss]);
  for (const [name, expected] of Object.entries(golden.gradients)) {
    expectClose(program.results[`gradient ${name}`], expected);
  }
});
