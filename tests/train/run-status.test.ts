// status.json: signs of life no oftener than needed, and how a training ended.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStatus, type RunStatus, STATUS_FILE } from '../../src/train/run-status.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-status-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('says that a training goes on, and how it ended', async () => {
  let now_s = 1000;
  const read = async () => JSON.parse(await readFile(join(folder, STATUS_FILE), 'utf8')) as RunStatus;
  const status = openStatus(folder, 5, 100, () => now_s);
  expect(await read()).toMatchObject({ state: 'going', step: 5, steps: 100, started: '1970-01-01T00:16:40.000Z' });
  now_s = 1001;
  status.alive(6);
  expect((await read()).step).toBe(5);
  now_s = 1010;
  status.alive(7);
  expect(await read()).toMatchObject({ state: 'going', step: 7, updated: '1970-01-01T00:16:50.000Z' });
  now_s = 1010.5;
  status.alive(8);
  status.end('failed', 'the loss is not finite');
  expect(await read()).toMatchObject({ state: 'failed', step: 8, message: 'the loss is not finite' });
});
