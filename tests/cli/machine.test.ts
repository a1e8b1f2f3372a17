import { expect, test } from 'vitest';
import { featuresIn, readMachine } from '../../src/cli/machine.js';

test('vector features are read from either architecture, widest first', () => {
  expect(featuresIn('processor\t: 0\nflags\t\t: fpu fma avx2 avx512f avx512_vnni\nflags\t\t: none')).toEqual([
    'avx512_vnni',
    'avx512f',
    'avx2',
    'fma',
  ]);
  expect(featuresIn('Features\t: fp asimd asimdhp bf16')).toEqual(['bf16', 'asimdhp', 'asimd']);
  expect(featuresIn('')).toEqual([]);
});

test('this machine has threads and memory', async () => {
  const { threads, processors, memory_GiB } = await readMachine();
  expect(threads).toBeGreaterThan(0);
  expect(threads).toBeLessThanOrEqual(processors);
  expect(memory_GiB).toBeGreaterThan(0);
});
