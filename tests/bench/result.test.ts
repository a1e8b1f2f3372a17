// How benches turn rounds into ratios and a page.

import { expect, test } from 'vitest';
import { sharesOf } from '../../bench/operator-shares.js';
import { renderPerformance, writePerformance } from '../../bench/performance.js';
import {
  type BenchResult,
  commandOf,
  describeResult,
  interleave,
  ratiosOf,
  shortNumber,
  spreadOf,
} from '../../bench/result.js';

const RESULT: BenchResult = {
  bench: 'sums',
  about: 'Adding numbers.',
  command: 'npm run bench -- sums',
  machine: { processor: 'an abacus', cores: 1, node: 'v20.0.0', load: '0.1 0.2 0.3' },
  tables: [
    {
      title: 'engine',
      unit: 'ms',
      better: 'less',
      rows: [
        { name: 'ours', rounds: [2, 4, 3] },
        { name: 'theirs | fast', peer: true, rounds: [4, 4, 12] },
      ],
    },
    { title: 'speed', unit: 'MB/s', better: 'more', rows: [{ name: 'ours', rounds: [1234.5] }] },
  ],
  facts: [{ title: 'Size', header: ['', 'MB'], rows: [['file', '3']] }],
  notes: ['A note.'],
};

test('ratios are taken within a round, and above 1 ours is better in either direction', () => {
  const [less] = RESULT.tables;
  expect(ratiosOf(less, less.rows[1])).toEqual([2, 1, 4]);
  expect(ratiosOf({ ...less, better: 'more' }, less.rows[1])).toEqual([0.5, 1, 0.25]);
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, greatest: 3 });
  expect(spreadOf([4, 1, 2, 3]).median).toBe(2.5);
  expect([1234.5, 12.345, 0.012345].map(shortNumber)).toEqual(['1235', '12.3', '0.0123']);
});

test('contenders take turns', async () => {
  const calls: string[] = [];
  const contender = (name: string, peer?: boolean) => ({ name, peer, run: () => calls.push(name) });
  const rows = await interleave([contender('a'), contender('b', true)], 2);
  expect(calls).toEqual(['a', 'b', 'a', 'b']);
  expect(rows).toEqual([
    { name: 'a', rounds: [1, 3] },
    { name: 'b', peer: true, rounds: [2, 4] },
  ]);
});

test('the text and the page show median, spread, ratio, facts and the command', () => {
  expect(describeResult(RESULT)).toContain('ours is 2 (1 to 4) times as good');
  const page = renderPerformance([{ ...RESULT, bench: 'zzz' }, RESULT]);
  expect(page.indexOf('## sums')).toBeLessThan(page.indexOf('## zzz'));
  expect(page).toContain('| theirs \\| fast | 4 (4 to 12) | 2 (1 to 4)x |');
  expect(page).toContain('```sh\nnpm run bench -- sums\n```');
  expect(page).toContain('| file | 3 |');
  expect(page).toContain('- A note.');
});

test('a command names every option that changes the measurement', () => {
  const options = { preset: 'tiny', data: ['a b', "c'd"], set: [], memory: undefined, rounds: 3 };
  expect(commandOf('loader', options)).toBe(`npm run bench -- loader --preset tiny --data 'a b' 'c'\\''d' --rounds 3`);
});

test('a folder of records that is not there is refused by name', async () => {
  await expect(writePerformance('/nowhere/records', '/nowhere/page.md')).rejects.toThrow(
    '/nowhere/records: folder of records cannot be read: found ENOENT',
  );
});

test('shares are of the median time of each node, and products with a row of ones are sums', () => {
  const event = (name: string, operator: string, dur: number, shape: number[]) => ({
    ...{ cat: 'Node', name: `${name}_kernel_time`, dur },
    args: { op_name: operator, input_type_shape: [{ float: shape }] },
  });
  const profile = sharesOf([
    ...[6, 5, 90].map((dur) => event('a', 'Gemm', dur, [8, 4])),
    event('b', 'Gemm', 1, [1, 8]),
    event('c', 'FusedMatMul', 2, [2, 4, 4]),
    event('d', 'Mul', 1, [8]),
    { cat: 'Session', name: 'model_run', dur: 1000 },
  ]);
  expect(profile.nodes).toBe(4);
  expect(profile.productShare).toBeCloseTo(0.8, 12);
  expect(profile.operators[0]).toEqual({ operator: 'Gemm', nodes: 1, share: 0.6 });
  expect(profile.operators.map(({ operator }) => operator)).toContain('Gemm of ones');
});
