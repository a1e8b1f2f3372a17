// The files that the server makes for driving: those of a run belong together while the run goes on.

import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { GivenItem } from '../../../src/viewer/server/items.js';
import { addDriveFiles } from '../../../src/viewer/server/made-drive.js';

const POLICY = join(import.meta.dirname, '..', '..', '..', 'data', 'pretrained', 'g1-walk');
const root = mkdtempSync(join(tmpdir(), 'nextgait-made-drive-'));
afterAll(() => rmSync(root, { recursive: true }));

it('weights and robot of a run are those of the policy.json that was given last', async () => {
  // A folder with a bundle stands for a run with a checkpoint: both are read alike.
  const folder = join(root, 'run');
  cpSync(POLICY, folder, { recursive: true });
  const item: GivenItem = { kind: 'run', name: 'run', folder, made: new Map() };
  const missing: string[] = [];
  addDriveFiles([item], undefined, (text) => missing.push(text));
  const ask = (file: string) => item.made.get(file)!();

  const description = JSON.parse(new TextDecoder().decode(await ask('policy.json')));
  // The run tidies its checkpoints.
  rmSync(folder, { recursive: true });
  const weights = (await ask('weights.safetensors'))!;
  expect(createHash('sha256').update(weights).digest('hex')).toBe(description.weights.sha256);
  expect((await ask('robot.zip'))!.byteLength).toBeGreaterThan(0);
  expect(missing).toEqual([]);

  expect(await ask('policy.json')).toBeUndefined();
  expect(missing).toHaveLength(1);
  expect(await ask('weights.safetensors')).toBeUndefined();
  cpSync(POLICY, folder, { recursive: true });
  expect(await ask('robot.zip')).toBeDefined();
});
