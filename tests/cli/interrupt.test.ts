// Ctrl-C before a verb has begun its work: no error of ours, and still one JSON result.

import { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { verbAction } from '../../src/cli/common.js';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

async function interrupted(error?: Error): Promise<{ out: string; said: string; code: unknown }> {
  const written: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((text) => written[stream].push(String(text)) > 0);
  }
  const action = verbAction(async ({ signal }, _: { json: boolean; quiet: boolean }) => {
    process.emit('SIGINT');
    if (error !== undefined) throw error;
    signal.throwIfAborted();
    return {};
  });
  // As in quickstart: then one answer to Ctrl-C is enough, and the tests' own is not asked.
  const nothing = () => {};
  process.on('SIGINT', nothing);
  await new Command('verb').option('--json').option('--quiet').action(action).parseAsync(['--json'], { from: 'user' });
  process.off('SIGINT', nothing);
  return { out: written.stdout.join(''), said: written.stderr.join(''), code: process.exitCode };
}

it('is told as such, with exit code 0 and a result', async () => {
  const { out, said, code } = await interrupted();
  expect(said).toMatch(/stopped before there was anything to save/);
  expect(JSON.parse(out)).toEqual({ finished: false });
  expect(code).toBe(0);
});

it('hides no error of another kind', async () => {
  const { said, code } = await interrupted(new Error('something else'));
  expect(said).toMatch(/internal error.*something else/s);
  expect(code).toBe(2);
});
