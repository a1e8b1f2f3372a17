// Configuration files: what extends what, and who is to blame for a mistake.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, readYaml } from '../../src/base/config-file.js';
import { evaluateConfigSchema } from '../../src/evaluate/evaluate-config.js';
import { recordSchema } from '../../src/sim/record-settings.js';
import { trainConfigSchema } from '../../src/train/train-config.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-config-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);

describe('extends', () => {
  it('overlays the named file, which may itself extend another', async () => {
    await write('a.yaml', 'x: 1\ny: {p: 1, q: 1}\n');
    await write('b.yaml', 'extends: a.yaml\ny: {q: 2}\n');
    await write('c.yaml', 'extends: ./b.yaml\nz: 3\n');
    expect(await readYaml(join(folder, 'c.yaml'))).toEqual({ x: 1, y: { p: 1, q: 2 }, z: 3 });
  });

  it('is the package’s config of that name and kind where there is none beside the file', async () => {
    await write('own.yaml', 'extends: default.yaml\nepisodes: 7\n');
    const { episodes, disturbance } = await loadConfig(recordSchema, join(folder, 'own.yaml'));
    expect(episodes).toBe(7);
    expect(disturbance.kicks.share).toBe(0.5);
    await write('judge.yaml', 'extends: default.yaml\ntrials: 3\n');
    expect((await loadConfig(evaluateConfigSchema, join(folder, 'judge.yaml'))).trials).toBe(3);
    await write('chain.yaml', 'extends: relabel-walking.yaml\n');
    expect((await loadConfig(recordSchema, join(folder, 'chain.yaml'))).duration_s).toBeGreaterThan(0);
    await write('default.yaml', 'episodes: 9\n');
    expect(await readYaml(join(folder, 'own.yaml'))).toEqual({ episodes: 7 });
  });

  it('names the file that says so where there is none at all', async () => {
    await write('own.yaml', 'extends: nope.yaml\n');
    await expect(loadConfig(recordSchema, join(folder, 'own.yaml'))).rejects.toThrow(
      /own\.yaml: extends: config file that is not there: found no .*nope\.yaml\. Copy it there/,
    );
  });

  it('is refused where it comes back to the file, and the way round is named', async () => {
    await write('self.yaml', 'extends: ./self.yaml\n');
    await expect(readYaml(join(folder, 'self.yaml'))).rejects.toThrow(/extends itself.*self\.yaml extends self\.yaml/);
    await write('a.yaml', 'extends: b.yaml\n');
    await write('b.yaml', 'extends: c.yaml\n');
    await write('c.yaml', 'extends: b.yaml\n');
    await expect(readYaml(join(folder, 'a.yaml'))).rejects.toThrow(/b\.yaml extends c\.yaml extends b\.yaml/);
  });
});

describe('a mistake that a setting brought in', () => {
  beforeEach(() => write('own.yaml', '{}'));
  const file = () => join(folder, 'own.yaml');

  it('is blamed on the setting, whether it is in what was named, above it or below it', async () => {
    const record = (setting: string) => loadConfig(recordSchema, file(), [setting]);
    await expect(record('disturbance.kicks.shar=0')).rejects.toThrow(
      /^--set disturbance\.kicks\.shar=0: unknown key\. Did you mean "share"\?/,
    );
    await expect(record('disturbance.kick.share=0')).rejects.toThrow(
      /^--set disturbance\.kick\.share=0: disturbance\.kick: unknown key\. Did you mean "kicks"\?/,
    );
    await expect(loadConfig(trainConfigSchema, file(), ['tokens.observation=[nope]'])).rejects.toThrow(
      /^--set tokens\.observation=\[nope\]: tokens\.observation\.0: /,
    );
    await expect(loadConfig(evaluateConfigSchema, file(), ['duration_s=1'])).rejects.toThrow(
      /^--set duration_s=1: not above settle_s/,
    );
  });

  it('is not blamed on a setting of another key, and the last of two settings is meant', async () => {
    await write('own.yaml', 'train: {stepss: 3}\n');
    const settings = ['train.steps=5', 'model.width=0', 'model.width=-1'];
    await expect(loadConfig(trainConfigSchema, file(), settings)).rejects.toThrow(
      /^(?=.*^--set model\.width=-1: )(?=.*own\.yaml: train\.stepss: unknown key)(?!.*width=0)/ms,
    );
  });

  it('is the user’s where the value is no YAML', async () => {
    await expect(loadConfig(trainConfigSchema, file(), ['data.folders=[a'])).rejects.toThrow(
      /^--set data\.folders=\[a: value cannot be read/,
    );
  });
});
