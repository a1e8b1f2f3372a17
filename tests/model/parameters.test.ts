import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { modelConfigSchema } from '../../src/model/model-config.js';
import { initialParameters, parameterCount, parameterSpecs } from '../../src/model/parameters.js';
import { createTokenSpec, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { TINY_ROBOT } from '../fixtures.js';

const spec = createTokenSpec(tokenConfigSchema.parse({}), TINY_ROBOT, 50);

describe('parameters', () => {
  it('counts as the formula does: 4 blocks of width 192, MLP x4', () => {
    const model = modelConfigSchema.parse({ mlpRatio: 4 });
    const d = 192;
    const w = spec.observationWidth + spec.actionWidth;
    const block = 2 * 2 * d + (3 * d * d + 3 * d) + (d * d + d) + (4 * d * d + 4 * d) + (4 * d * d + d);
    const ends = w + (w * d + d) + 16 * d + 2 * d + (d * w + w);
    expect(parameterCount(parameterSpecs(model, spec))).toBe(4 * block + ends);
  });

  it('are the same for the same seed, whatever else the model has', () => {
    const one = initialParameters(parameterSpecs(modelConfigSchema.parse({}), spec), new Random(5));
    const other = initialParameters(parameterSpecs(modelConfigSchema.parse({ blocks: 1 }), spec), new Random(5));
    expect(other['embed.weight']).toEqual(one['embed.weight']);
    expect(one['blocks.0.mlp.up.weight']).not.toEqual(one['blocks.1.mlp.up.weight']);
  });

  it('decay applies to matrices of linear layers alone', () => {
    for (const { name, decay } of parameterSpecs(modelConfigSchema.parse({}), spec)) {
      expect(decay).toBe(name.endsWith('.weight'));
    }
  });

  it('refuses heads that do not divide the width', () => {
    expect(() => parameterSpecs(modelConfigSchema.parse({ width: 100, heads: 3 }), spec)).toThrow(/divisor of .* 100/);
  });
});
