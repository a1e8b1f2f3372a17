// policy.onnx: standard operators, what it says of itself, and the check against the training program.

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodePolicyOnnx } from '../../src/export/onnx.js';
import { checkParity, PARITY_DEFAULTS } from '../../src/export/parity.js';
import { BUNDLE_FILES, encodeBundle, type PolicyBundle } from '../../src/policy/bundle.js';
import { openOnnxPolicy, readOnnxPolicy } from '../../src/policy/onnx-policy.js';
import { sha256 } from '../../src/robot/sha256.js';
import { modelType } from '../../src/runtime/onnx-schema.js';
import { randomBundle, TOKEN_VARIANTS } from '../policy/policy-fixtures.js';

const MODELS = [
  { block: 'preln', inputNorm: 'fixed', activation: 'relu' },
  { block: 'paper', inputNorm: 'batch', activation: 'gelu' },
] as const;

describe.each(TOKEN_VARIANTS)('policy.onnx, $layout tokens, $pairing action, $alignment', (tokens) => {
  it.each(MODELS)('equals the training program ($block, $inputNorm, $activation)', async (model) => {
    const bundle = randomBundle(tokens, model);
    for (const batch of [1, 3]) {
      const report = await checkParity(ort, encodePolicyOnnx(bundle, { batch }), bundle);
      expect(report.comparisons).toBe(PARITY_DEFAULTS.windows * bundle.tokens.context * batch);
      // Not equal to the bit: the oracle computes in float64. All zero would mean that nothing was compared.
      expect(report.action_rad).toBeGreaterThan(0);
      expect(report.nextObservationNormalised).toBeGreaterThan(0);
    }
  });
});

describe('policy.onnx', () => {
  const bundle = randomBundle();
  const model = encodePolicyOnnx(bundle, { batch: 2 });

  it('has standard operators only, and its weights as initializers under their names', () => {
    const decoded = modelType().toObject(modelType().decode(model), { longs: Number });
    expect(decoded.opsetImport).toEqual([{ version: 20 }]); // no domain: the standard operators
    for (const node of decoded.graph.node) expect(node.domain ?? '').toBe('');
    const names = new Set(decoded.graph.initializer.map((tensor: { name: string }) => tensor.name));
    for (const name of Object.keys(bundle.parameters)) expect(names.has(name), name).toBe(name !== 'mask');
  });

  it('says what it is', () => {
    const { batch, metadata } = readOnnxPolicy(model, bundle, 'policy.onnx');
    expect(batch).toBe(2);
    expect(metadata).toMatchObject({
      joint_names: 'left_joint,right_joint',
      default_joint_pos: '0.1,-0.2',
      joint_stiffness: '100,100',
      joint_damping: '2,2',
      joint_armature: '0.01,0.01',
      pd_mode: 'implicit',
      rate_hz: '50',
      context: '4',
      pairing: 'previous',
      observation_widths: '3,3,3,2,2',
      weights_sha256: sha256(encodeBundle(bundle)[BUNDLE_FILES.weights]),
    });
    expect(metadata.observation_entries.split(',').at(-1)).toBe('jointVelocity.right_joint');
    expect(metadata.normaliser_mean.split(',').map(Number)).toEqual(bundle.normaliser.mean);
    expect(JSON.parse(metadata.provenance)).toEqual(bundle.provenance);
    expect(metadata).not.toHaveProperty('command_upper');
    const commandRange = { vx_mps: [-0.5, 1], vy_mps: [-0.3, 0.3], wz_radps: [-0.2, 0.2] };
    const walks = { ...bundle, provenance: { commandRange } };
    expect(readOnnxPolicy(encodePolicyOnnx(walks, { batch: 2 }), walks, 'policy.onnx').metadata).toMatchObject({
      command_names: 'vx_mps,vy_mps,wz_radps',
      command_lower: '-0.5,-0.3,-0.2',
      command_upper: '1,0.3,0.2',
    });
  });

  it('is refused where it is not the policy of its bundle', async () => {
    const other = randomBundle({ context: 5 });
    await expect(openOnnxPolicy(ort, model, other, { where: 'a/policy.onnx' })).rejects.toThrow(
      /^a\/policy\.onnx: inputs and outputs: expected .*observation \[2, 5, 13\].*found .*observation \[2, 4, 13\]/,
    );
    const open = (bytes: Uint8Array) => openOnnxPolicy(ort, bytes, bundle, { where: 'a/policy.onnx' });
    await expect(open(model.subarray(0, 5000))).rejects.toThrow(/^a\/policy\.onnx: not an ONNX model/);
    await expect(open(new Uint8Array())).rejects.toThrow(/^a\/policy\.onnx: inputs and outputs/);
  });
});

describe('checkParity', () => {
  const bundle = randomBundle();
  const changed = (name: string, by: number): PolicyBundle => {
    const values = bundle.parameters[name].slice();
    values[1] += by;
    return { ...bundle, parameters: { ...bundle.parameters, [name]: values } };
  };

  it.each(['embed.weight', 'blocks.1.norm2.bias', 'position', 'head.bias'])(
    'refuses a model whose %s is off by 1e-3',
    async (name) => {
      const model = encodePolicyOnnx(changed(name, 1e-3), { batch: 1 });
      await expect(checkParity(ort, model, bundle)).rejects.toThrow(/differ from the training program/);
    },
  );

  it('refuses what is no number', async () => {
    const model = encodePolicyOnnx(changed('head.bias', Number.NaN), { batch: 1 });
    await expect(checkParity(ort, model, bundle)).rejects.toThrow(/policy\.onnx: outputs differ.*Infinity/);
  });
});
