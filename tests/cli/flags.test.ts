// Common flags: which verbs add to what a folder holds, and how many workers there are without the flag.

import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { withCommonFlags } from '../../src/cli/common.js';
import { createProgram, VERBS } from '../../src/cli/program.js';

it('--append stands in the help of the verbs that take it alone', async () => {
  const program = await createProgram(VERBS.map(({ name }) => name));
  const takes = (name: string) => program.commands.find((one) => one.name() === name)!.helpInformation();
  for (const verb of ['train', 'evaluate', 'export', 'export-dataset']) {
    expect(takes(verb)).toContain('--overwrite');
    expect(takes(verb)).not.toContain('--append');
  }
  for (const verb of ['record', 'dagger', 'quickstart']) expect(takes(verb)).toContain('--append');
});

it('there is a worker for each processor that may be used', () => {
  const command = withCommonFlags(new Command('x'), ['workers']);
  expect(command.opts()).toMatchObject({ workers: availableParallelism() });
  expect(command.helpInformation()).toContain('one for each processor');
});
