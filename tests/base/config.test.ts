import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { applySettings, parseConfig } from '../../src/base/config.js';
import { overlay } from '../../src/base/config-file.js';
import { FindingsError } from '../../src/base/errors.js';
import { trainConfigSchema } from '../../src/train/train-config.js';

describe('parseConfig', () => {
  it('names an unknown key and the nearest known one, at any depth', () => {
    const wrong = { train: { setps: 5 }, modle: {} };
    expect(() => parseConfig(trainConfigSchema, wrong, 'run.yaml')).toThrow(
      /run\.yaml: modle: unknown key\. Did you mean "model"\?/,
    );
    expect(() => parseConfig(trainConfigSchema, wrong, 'run.yaml')).toThrow(
      /run\.yaml: train\.setps: unknown key\. Did you mean "steps"\?/,
    );
  });

  it('reports every finding together', () => {
    const schema = z.strictObject({ rate: z.number(), name: z.string() });
    try {
      parseConfig(schema, { rate: 'fast', nmae: 'x' }, 'a.yaml');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(FindingsError);
      expect((error as FindingsError).findings.map(({ where }) => where).sort()).toEqual([
        'a.yaml: name',
        'a.yaml: nmae',
        'a.yaml: rate',
      ]);
    }
  });

  it('fills in defaults and freezes', () => {
    const config = parseConfig(trainConfigSchema, { model: { width: 64 } }, 'x');
    expect(config.model).toMatchObject({ width: 64, heads: 4, blocks: 4 });
    expect(() => {
      (config.model as { width: number }).width = 1;
    }).toThrow(TypeError);
  });
});

describe('settings', () => {
  it('go over the file, key by key, without touching it', () => {
    const file = { train: { steps: 5, batch: 2 } };
    expect(applySettings(file, ['train.steps=7', 'model.width=32'], Number)).toEqual({
      train: { steps: 7, batch: 2 },
      model: { width: 32 },
    });
    expect(file.train.steps).toBe(5);
  });

  it('without "=" are refused', () => {
    expect(() => applySettings({}, ['train.steps'], Number)).toThrow(/expected key=value/);
  });

  it('overlay merges objects and replaces everything else', () => {
    expect(overlay({ a: { b: 1, c: [1, 2] } }, { a: { c: [3] } })).toEqual({ a: { b: 1, c: [3] } });
  });
});
