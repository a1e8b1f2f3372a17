// nextgait evaluate that is interrupted before it has anything to write.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { evaluateCommand } from '../../src/cli/evaluate.js';
import { temporaryFolder } from './run-cli.js';

let folder: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await remove();
});

/** Runs it, with Ctrl-C when it has named its engine; gives what it said. */
async function interrupted(...more: string[]): Promise<string> {
  let said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    if (/^engine: /.test(String(text))) process.emit('SIGINT');
    return true;
  });
  const words = ['g1-walk', '--trials', '1', '--duration', '2', '--no-kicks', '--workers', '1', '--out', folder];
  await evaluateCommand().parseAsync([...words, ...more], { from: 'user' });
  return said;
}

it('Ctrl-C before any trial is done leaves the evaluation that --overwrite names', async () => {
  await writeFile(join(folder, 'evaluation.json'), '{"complete":true}');
  expect(await interrupted('--overwrite')).toContain(`interrupted before any trial was done: ${folder} is as it was`);
  expect(process.exitCode).toBe(0);
  expect(await readdir(folder)).toEqual(['evaluation.json']);
  expect(await readFile(join(folder, 'evaluation.json'), 'utf8')).toBe('{"complete":true}');
});

it('and an empty folder stays one, for the same command again', async () => {
  expect(await interrupted()).toMatch(/interrupted before any trial was done/);
  expect(await readdir(folder)).toEqual([]);
});
