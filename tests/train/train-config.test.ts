// configs/train: base.yaml is where the settings are documented, so it must be what the schema says.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { z } from 'zod';
import { loadConfig } from '../../src/base/config-file.js';
import { packagePath } from '../../src/base/files.js';
import { trainConfigSchema } from '../../src/train/train-config.js';

const FOLDER = packagePath('configs', 'train');
const BASE = `${FOLDER}/base.yaml`;

it('base.yaml is the schema’s defaults, written out', async () => {
  expect(await loadConfig(trainConfigSchema, BASE)).toEqual({ ...trainConfigSchema.parse({}), name: 'base' });
});

it('base.yaml names every setting, in its section', () => {
  const text = readFileSync(BASE, 'utf8');
  for (const [section, schema] of Object.entries(trainConfigSchema.shape)) {
    const [, inside] = text.split(new RegExp(`^${section}:`, 'm'));
    expect(inside, section).toBeDefined();
    const { shape = {} } = (schema as z.ZodPrefault<z.ZodObject>).def.innerType;
    for (const key of Object.keys(shape)) {
      expect(inside.split(/^\w/m)[0], `${section}.${key}`).toMatch(new RegExp(`^  (# )?${key}:`, 'm'));
    }
  }
});

it('every other preset is valid', async () => {
  for (const file of readdirSync(FOLDER)) {
    expect((await loadConfig(trainConfigSchema, `${FOLDER}/${file}`)).name).toBe(file.replace('.yaml', ''));
  }
});
