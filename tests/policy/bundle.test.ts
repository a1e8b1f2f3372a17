// A bundle is the policy, to the bit; what is damaged or mixed up is refused by file name.

import { describe, expect, it } from 'vitest';
import { isUserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/base/safetensors.js';
import { BUNDLE_FILES, decodeBundle, encodeBundle } from '../../src/policy/bundle.js';
import { sha256 } from '../../src/robot/sha256.js';
import { randomBundle, TOKEN_VARIANTS, type Tree } from './policy-fixtures.js';

const { description: DESCRIPTION, weights: WEIGHTS } = BUNDLE_FILES;
type Files = Record<string, Uint8Array>;

function refusal(files: Files): string {
  try {
    decodeBundle(files[DESCRIPTION], files[WEIGHTS], 'policies/walk');
  } catch (error) {
    if (isUserError(error)) return error.message;
    throw error;
  }
  return 'accepted';
}

/** The same files with the description changed. */
function described(files: Files, change: (description: Record<string, unknown>) => void): Files {
  const description = JSON.parse(new TextDecoder().decode(files[DESCRIPTION]));
  change(description);
  return { ...files, [DESCRIPTION]: new TextEncoder().encode(JSON.stringify(description)) };
}

/** The same files with other weights, and a description that knows their hash. */
function weighted(files: Files, weights: Uint8Array): Files {
  return {
    ...described(files, (d) => Object.assign(d.weights as object, { sha256: sha256(weights) })),
    [WEIGHTS]: weights,
  };
}

describe('a bundle', () => {
  it.each(TOKEN_VARIANTS)('comes back to the bit ($layout, $pairing, $alignment)', (tokens) => {
    for (const model of [{}, { inputNorm: 'batch', block: 'paper', activation: 'gelu' }] satisfies Tree[]) {
      const bundle = randomBundle(tokens, model);
      const files = encodeBundle(bundle);
      const read = decodeBundle(files[DESCRIPTION], files[WEIGHTS], 'here');
      expect(read).toEqual(bundle);
      expect(encodeBundle(read)).toEqual(files);
    }
  });

  it('keeps every float32, the odd ones too', () => {
    const bundle = randomBundle();
    const odd = [-0, Number.MIN_VALUE, 1e-45, 3.4028234663852886e38, Number.POSITIVE_INFINITY, Number.NaN];
    bundle.parameters['embed.weight'].set(odd);
    const files = encodeBundle(bundle);
    const read = decodeBundle(files[DESCRIPTION], files[WEIGHTS], 'here');
    const bits = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    expect(bits(read.parameters['embed.weight'])).toEqual(bits(bundle.parameters['embed.weight']));
  });
});

describe('what is refused', () => {
  const files = encodeBundle(randomBundle({}, { inputNorm: 'batch' }));

  it('weights with a flipped bit, cut short, or of another policy', () => {
    const flipped = files[WEIGHTS].slice();
    flipped[flipped.length - 3] ^= 1;
    const broken = [flipped, files[WEIGHTS].subarray(0, 1000), encodeBundle(randomBundle({}, {}, 2))[WEIGHTS]];
    for (const weights of broken) {
      expect(refusal({ ...files, [WEIGHTS]: weights })).toMatch(/^policies\/walk\/weights\.safetensors: SHA-256/);
    }
  });

  it('a description that is not one', () => {
    const text = (content: string) => refusal({ ...files, [DESCRIPTION]: new TextEncoder().encode(content) });
    expect(text('{"format"')).toMatch(/^policies\/walk\/policy\.json: JSON/);
    for (const foreign of ['null', '[]', '{}', '{"format": "nextgait-policy", "version": 99}']) {
      expect(text(foreign)).toMatch(/policy\.json: format: expected nextgait-policy version 1/);
    }
  });

  it('a description without one of its parts, naming the part', () => {
    for (const key of ['name', 'rate_hz', 'weights', 'tokens', 'model', 'normaliser', 'robot', 'provenance']) {
      const message = refusal(
        described(files, (description) => {
          delete description[key];
        }),
      );
      expect(message, key).toMatch(new RegExp(`^policies/walk/policy\\.json: ${key}`));
    }
  });

  it('a normaliser of another width or without spread', () => {
    const normaliser = (change: (n: { mean: number[]; deviation: number[] }) => void) =>
      refusal(described(files, (d) => change(d.normaliser as { mean: number[]; deviation: number[] })));
    expect(normaliser((n) => n.mean.pop())).toMatch(
      /policy\.json: normaliser\.mean: expected 15 finite numbers, found 14/,
    );
    expect(normaliser((n) => n.deviation.fill(0, 3, 4))).toMatch(/normaliser\.deviation.*found 0 at entry 3/);
  });

  it('weights that lack a parameter, or have one of another size', () => {
    const { tensors } = decodeSafetensors(files[WEIGHTS], 'here');
    const { 'head.bias': _, 'running.mean': __, ...rest } = tensors;
    const message = refusal(weighted(files, encodeSafetensors(rest)));
    expect(message).toMatch(/weights\.safetensors: parameters.*head\.bias, running\.mean/);
    const wider = { ...tensors, 'norm.gain': { shape: [17], data: new Float32Array(17) } };
    expect(refusal(weighted(files, encodeSafetensors(wider)))).toMatch(/norm\.gain/);
  });

  it("any damage to the file formats, as the user's error and never as ours", () => {
    const random = new Random(1);
    const headerLength = 8 + Number(new DataView(files[WEIGHTS].buffer).getBigUint64(0, true));
    for (let trial = 0; trial < 300; trial++) {
      const weights = files[WEIGHTS].slice();
      weights[random.integer(headerLength)] = random.integer(256);
      refusal(weighted(files, weights));
      const description = files[DESCRIPTION].slice();
      description[random.integer(description.length)] = 32 + random.integer(95);
      refusal({ ...files, [DESCRIPTION]: description });
    }
  });
});
