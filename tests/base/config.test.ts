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

  it('says what may stand where a key is missing, or fits none of several forms', () => {
    const schema = z.strictObject({
      limit: z.union([z.number(), z.record(z.string(), z.number()).describe('a table by joint')]),
      yaw: z.union([z.literal('random'), z.number()]).default('random'),
      mode: z.enum(['implicit', 'explicit']),
      pair: z.tuple([z.int(), z.int()]).default([0, 0]),
      pd: z.strictObject({ stiffness: z.number() }),
    });
    const messageOf = (value: unknown) => {
      try {
        parseConfig(schema, value, 'a.yaml');
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(messageOf({ yaw: 'foo', pd: {} }).split('\n')).toEqual([
      'a.yaml: limit: is missing: expected a number or a table by joint',
      'a.yaml: yaw: value: expected "random" or a number, found "foo"',
      'a.yaml: mode: is missing: expected one of implicit, explicit',
      'a.yaml: pd.stiffness: is missing: expected a number',
    ]);
    expect(messageOf({ limit: { knee: 'x' }, mode: 'implicit' }).split('\n')).toEqual([
      'a.yaml: limit.knee: Invalid input: expected number, received string',
      'a.yaml: pd: is missing: expected a table',
    ]);
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

  it('of a list name one value by its index, or the whole list', () => {
    const file = { kicks: { speed_mps: [0.2, 0.7] } };
    expect(applySettings(file, ['kicks.speed_mps.1=5'], Number)).toEqual({ kicks: { speed_mps: [0.2, 5] } });
    expect(() => applySettings(file, ['kicks.speed_mps.max=5'], Number)).toThrow(
      '--set kicks.speed_mps.max=5: kicks.speed_mps is a list: found .max. Use .0 to .1 for one value, or kicks.speed_mps=[a,b] for all',
    );
    const soles = { soles: [{ halfWidth_m: 0.02 }] };
    expect(() => applySettings(soles, ['soles.left_foot.halfWidth_m=0.03'], Number)).toThrow(/soles is a list/);
    expect(() => applySettings(soles, ['soles.9.halfWidth_m=0.03'], Number)).toThrow(/soles is a list: found \.9/);
  });

  it('overlay merges objects and replaces everything else', () => {
    expect(overlay({ a: { b: 1, c: [1, 2] } }, { a: { c: [3] } })).toEqual({ a: { b: 1, c: [3] } });
  });
});
