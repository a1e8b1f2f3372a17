// Benches that are run by themselves say what is wrong with their flags, as the command line does.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../cli/run-cli.js';

function bench(file: string, ...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(REPOSITORY, 'dist/bench', file), ...words], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

it.concurrent.each(['film-strip.js', 'model-based.js'])('%s has a help', async (file) => {
  const { code, stdout } = await bench(file, '--help');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: .*^Options:/ms);
});

it.concurrent.each<[string, string[], RegExp]>([
  [
    'model-based.js',
    ['--conditions', 'forwrd'],
    /expected a list of forward, .*found "forwrd"\. Did you mean "forward"\?/,
  ],
  ['model-based.js', ['--robot', 'g11'], /^error: robot g11: no such robot/],
  ['film-strip.js', [], /^error: film-strip: nothing to draw\. Name a motion file, or a --controller/],
  ['film-strip.js', ['--command', 'fast'], /expected a number, found "fast"/],
])('%s %j is refused', async (file, words, text) => {
  const { code, stdout, stderr } = await bench(file, ...words);
  expect(stderr).toMatch(text);
  expect(stderr, 'no stack of ours').not.toMatch(/^\s+at /m);
  expect(stdout).toBe('');
  expect(code).toBe(1);
});
