// The command lines of quickstart, begun and gone on with; the verbs themselves are not run.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { quickstartCommand } from '../../src/cli/quickstart.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-quickstart-'));
});
afterEach(async () => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, 'qs', name);

/** Runs quickstart; `fail` is the verb that ends with exit code 1. */
async function quickstart(more: readonly string[], fail?: string): Promise<{ lines: string[]; text: string }> {
  const lines: string[] = [];
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  process.exitCode = undefined;
  const command = quickstartCommand(async (words) => {
    lines.push(words.join(' '));
    if (words[0] === fail) process.exitCode = 1;
  });
  await command.parseAsync(['--out', join(folder, 'qs'), '--workers', '2', ...more], { from: 'user' });
  vi.restoreAllMocks();
  return { lines, text };
}

describe('nextgait quickstart', () => {
  it('runs the verbs in order, and where one fails names the command that goes on', async () => {
    const { lines, text } = await quickstart([]);
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      ...['record', 'ingest', 'ingest', 'ingest', 'ingest', 'inspect', 'train', 'evaluate', 'export'],
    ]);
    expect(text).toMatch(/done in .* minutes/);
    const failed = await quickstart([], 'train');
    expect(failed.lines.at(-1)).toMatch(/^train /);
    expect(failed.text).toContain(
      `failed in step 7 of 9; go on with:\n$ npx nextgait quickstart --out ${join(folder, 'qs')} --append --seed 1 --workers 2`,
    );
    expect(process.exitCode).toBe(1);
  });

  it('--append keeps what is done, goes on with the run, and does the rest', async () => {
    for (const name of ['rollouts', 'run/checkpoints', 'evaluation']) await mkdir(at(name), { recursive: true });
    await writeFile(at('run/checkpoints/last'), 'step-000100\n');
    await writeFile(at('evaluation/evaluation.json'), '{"complete": false}');
    expect((await quickstart([])).text).toMatch(/folder is not empty.*--append to add to it, --overwrite/);
    const { lines } = await quickstart(['--append']);
    for (const line of lines.slice(0, 5)) expect(line).toMatch(/^(record|ingest) .*--append/);
    expect(lines[6]).toBe(`train --resume ${at('run')}`);
    expect(lines[7]).toMatch(/^evaluate .* --overwrite$/);
    expect(lines[8]).toMatch(/^export .* --overwrite$/);
    await rm(at('run'), { recursive: true });
    await writeFile(at('evaluation/evaluation.json'), '{"complete": true}');
    const again = await quickstart(['--append']);
    expect(again.lines[6]).toMatch(/^train tiny .* --overwrite$/);
    expect(again.lines.map((line) => line.split(' ')[0])).not.toContain('evaluate');
    expect(again.text).toContain('done already');
  });
});
