// nextgait export: from a run to files, and from the files alone to the same actions.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256OfFile } from '../../src/base/files.js';
import { Random } from '../../src/base/random.js';
import { encodeSafetensors } from '../../src/base/safetensors.js';
import { exportCommand } from '../../src/cli/export.js';
import { exportPolicy } from '../../src/export/export-policy.js';
import { identityOf } from '../../src/robot/robot-model.js';
import { findController } from '../../src/sim/load-controller.js';
import { controllerOf, loadPolicyController, requirePolicyRobot } from '../../src/sim/load-policy.js';
import { findBundle, readBundle } from '../../src/sim/read-bundle.js';
import { writeCheckpoint } from '../../src/train/checkpoint.js';
import { writeRun } from '../../src/train/run-folder.js';
import { trainConfigSchema } from '../../src/train/train-config.js';
import { initialState } from '../../src/train/training-program.js';
import { TINY_ROBOT } from '../fixtures.js';
import { randomBundle, randomState } from '../policy/policy-fixtures.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-export-'));
});
afterEach(async () => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const BUNDLE = randomBundle({}, { inputNorm: 'batch' });

/** A run folder with checkpoints of two different policies, as training leaves it. */
async function writeTestRun(run: string): Promise<void> {
  const config = trainConfigSchema.parse({ name: 'walk', train: { averageDecay: 0.9 } });
  const { model, tokens, normaliser, robot } = BUNDLE;
  await writeRun({ folder: run, config, recipe: { model, tokens, normaliser }, robot, data: { tool: 'test' } });
  for (const [step, seed] of [
    [500, 2],
    [1000, 1],
  ]) {
    const { parameters, running } = randomBundle({}, { inputNorm: 'batch' }, seed);
    const state = initialState(BUNDLE, config.train, parameters);
    state['running.mean'] = running!.mean;
    state['running.variance'] = running!.variance;
    // What was trained is not what is exported where there is a moving average.
    state['parameter.head.bias'] = state['parameter.head.bias'].map(() => 9);
    await writeCheckpoint(run, { step, tool: 'test', pending: {} }, state);
  }
}

/** Runs the command as the command line would; returns its JSON result, or undefined where it failed. */
async function runExport(...args: string[]): Promise<{ result?: Record<string, unknown>; errors: string }> {
  const out: string[] = [];
  const errors: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => errors.push(String(text)) > 0);
  await exportCommand().parseAsync([...args, '--json'], { from: 'user' });
  vi.restoreAllMocks();
  return { result: out.length === 0 ? undefined : JSON.parse(out.join('')), errors: errors.join('') };
}

/** Twelve actions of one robot. */
async function actions(reference: string, from?: 'weights' | 'onnx', slotCount = 1): Promise<number[]> {
  const controller = await loadPolicyController(reference, { from, slotCount });
  const random = new Random(3);
  const found: number[] = [];
  controller.reset(0);
  for (let step = 0; step < 6; step++) {
    const out = new Float64Array(2 * slotCount);
    await controller.act([0], [randomState(random)], new Float64Array(3 * slotCount), out);
    found.push(out[0], out[1]);
  }
  await controller.dispose();
  return found;
}

describe('nextgait export', () => {
  it('writes a run as a bundle that acts like it, from its weights and from policy.onnx', async () => {
    const run = join(folder, 'run');
    const out = join(folder, 'policy');
    await writeTestRun(run);
    const { result, errors } = await runExport(run, '--out', out, '--format', 'onnx,tfjs', '--name', 'g1-walk');
    expect(result).toMatchObject({ policy: 'g1-walk', folder: out, exitCode: 0, parity: { tolerance: 1e-5 } });
    expect(errors).toMatch(/policy\.onnx equals the training program: action \d\.\de-\d+ rad/);
    expect((await readdir(out)).sort()).toEqual(['policy.json', 'policy.onnx', 'tfjs', 'weights.safetensors']);

    const { bundle } = await readBundle(out);
    expect(bundle.parameters).toEqual(BUNDLE.parameters);
    expect(bundle.running).toEqual(BUNDLE.running);
    expect(bundle.provenance).toMatchObject({ step: 1000, data: { tool: 'test' } });

    const expected = await actions(run);
    expect(await actions(out, 'weights')).toEqual(expected);
    for (const found of [await actions(out), await actions(out, 'onnx', 3)]) {
      expected.forEach((value, at) => {
        expect(found[at]).toBeCloseTo(value, 5);
      });
    }
  });

  it('takes the checkpoint that is asked for', async () => {
    const run = join(folder, 'run');
    await writeTestRun(run);
    const out = join(folder, 'policy');
    const { result } = await runExport(run, '--out', out, '--checkpoint', 'step-000500', '--format', 'safetensors');
    expect(result).not.toHaveProperty('parity');
    expect((await readdir(out)).sort()).toEqual(['policy.json', 'weights.safetensors']);
    expect((await readBundle(out)).bundle.parameters).toEqual(randomBundle({}, { inputNorm: 'batch' }, 2).parameters);
    const { errors } = await runExport(run, '--out', out, '--checkpoint', 'step-000007');
    expect(errors).toMatch(/step-000007.*no checkpoint here/);
    expect(process.exitCode).toBe(1);
  });

  it('keeps to the rules of --out', async () => {
    const bundle = join(folder, 'bundle');
    await exportPolicy(BUNDLE, bundle, { formats: ['safetensors'] });
    const again = await runExport(bundle, '--out', bundle);
    expect(again.errors).toMatch(/folder is not empty.*--overwrite/);
    expect((await runExport(bundle, '--out', bundle, '--overwrite', '--format', 'onnx')).result).toBeDefined();
    expect(await readdir(bundle)).toContain('policy.onnx');
    const home = join(folder, 'home');
    await exportPolicy(BUNDLE, home, { formats: ['safetensors'] });
    await rm(join(home, 'policy.json'));
    await writeFile(join(home, 'thesis.txt'), 'years');
    expect((await runExport(bundle, '--out', home, '--overwrite')).errors).toMatch(/holds something else/);
    expect(await readFile(join(home, 'thesis.txt'), 'utf8')).toBe('years');
    expect((await runExport(bundle)).errors).toMatch(/no folder to write/);
  });
});

describe('loading a policy', () => {
  it('names what is missing', async () => {
    await expect(readBundle(join(folder, 'nowhere'))).rejects.toThrow(
      /neither a policy bundle nor a run.*no such folder/,
    );
    await writeFile(join(folder, 'notes.txt'), '');
    await expect(readBundle(folder)).rejects.toThrow(/expected a folder with policy\.json or recipe\.json.*notes\.txt/);
    const bundle = join(folder, 'bundle');
    await exportPolicy(BUNDLE, bundle, { formats: ['safetensors'] });
    await expect(actions(bundle, 'onnx')).rejects.toThrow(/no policy\.onnx here.*nextgait export/);
    await expect(readBundle(bundle, { checkpoint: 'last' })).rejects.toThrow(/one set of weights/);
    await rm(join(bundle, 'weights.safetensors'));
    await expect(readBundle(bundle)).rejects.toThrow(/weights\.safetensors: file of the bundle that cannot be read/);
  });

  it('refuses a damaged run by file', async () => {
    const run = join(folder, 'run');
    await writeTestRun(run);
    const damaged = async (file: string, change: (bytes: Buffer) => Uint8Array, message: RegExp) => {
      const whole = await readFile(join(run, file));
      await writeFile(join(run, file), change(Buffer.from(whole)));
      await expect(readBundle(run), file).rejects.toThrow(message);
      await writeFile(join(run, file), whole);
    };
    const checkpoint = 'checkpoints/step-001000';
    await damaged('recipe.json', (bytes) => bytes.subarray(0, 500), /run\/recipe\.json: not JSON/);
    await damaged('recipe.json', (bytes) => Buffer.from(bytes.toString().replace('"mean"', '"men"')), /normaliser/);
    await damaged(`${checkpoint}/state.json`, () => Buffer.from('[]'), /state\.json: content: expected a JSON object/);
    await damaged(`${checkpoint}/state.safetensors`, (bytes) => bytes.subarray(0, -1), /state\.safetensors: damaged/);
    // As in a checkpoint that has no SHA-256: what is in the file must be the network's.
    const info = join(run, checkpoint, 'state.json');
    const { sha256: _, ...older } = JSON.parse(await readFile(info, 'utf8'));
    await writeFile(info, JSON.stringify(older));
    const fewer = encodeSafetensors({ 'average.mask': { shape: [15], data: new Float32Array(15) } });
    await damaged(`${checkpoint}/state.safetensors`, () => fewer, /step-001000: parameters.*embed\.weight/);
    await expect(readBundle(run)).resolves.toMatchObject({ kind: 'run' });
  });

  it('refuses a policy.onnx of other weights', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    await exportPolicy(BUNDLE, one);
    await exportPolicy(randomBundle({}, { inputNorm: 'batch' }, 5), two);
    await writeFile(join(one, 'policy.onnx'), await readFile(join(two, 'policy.onnx')));
    await expect(actions(one)).rejects.toThrow(/one\/policy\.onnx: SHA-256.*of another policy/);
    // As in a bundle without its SHA-256: the file itself says what it was made from.
    const { made: _, ...older } = JSON.parse(await readFile(join(one, 'policy.json'), 'utf8'));
    await writeFile(join(one, 'policy.json'), JSON.stringify(older));
    await expect(actions(one)).rejects.toThrow(/one\/policy\.onnx: weights_sha256.*different policies/);
    await expect(actions(one, 'weights')).resolves.toHaveLength(12);
  });

  it('refuses a policy.onnx of which one byte is damaged, and takes one of a bundle that says nothing of it', async () => {
    const bundle = join(folder, 'bundle');
    await exportPolicy(BUNDLE, bundle, { formats: ['onnx', 'tfjs'] });
    const description = JSON.parse(await readFile(join(bundle, 'policy.json'), 'utf8'));
    expect(Object.keys(description.made).sort()).toEqual(
      expect.arrayContaining(['policy.onnx', 'tfjs/model.json', 'tfjs/group1-shard1of1.bin']),
    );
    for (const [name, { sha256 }] of Object.entries<{ sha256: string }>(description.made)) {
      expect(sha256).toBe(await sha256OfFile(join(bundle, name)));
    }
    const file = join(bundle, 'policy.onnx');
    const model = await readFile(file);
    // A weight's byte: the file stays an ONNX model with the same inputs, outputs and metadata.
    const weight = new Uint8Array(BUNDLE.parameters['head.bias'].slice().buffer);
    const at = model.indexOf(weight);
    expect(at).toBeGreaterThan(0);
    model[at] ^= 1;
    await writeFile(file, model);
    await expect(actions(bundle)).rejects.toThrow(/bundle\/policy\.onnx: SHA-256.*as policy\.json has it.*damaged/);
    await expect(actions(bundle, 'onnx')).rejects.toThrow(/policy\.onnx: SHA-256/);
    await expect(actions(bundle, 'weights')).resolves.toHaveLength(12);
    const { made: _, ...older } = description;
    await writeFile(join(bundle, 'policy.json'), JSON.stringify(older));
    await expect(actions(bundle)).resolves.toHaveLength(12);
  });

  it('is found as a controller by folder, and drives its own robot only', async () => {
    const bundle = join(folder, 'bundle');
    await exportPolicy(BUNDLE, bundle);
    expect(await findBundle(join(bundle, 'policy.json'))).toEqual({ folder: bundle, kind: 'bundle' });
    const source = await findController(bundle);
    expect(source).toMatchObject({ name: 'random', robot: 'tiny' });
    const controller = await source.load(TINY_ROBOT, 2);
    expect(controller).toMatchObject({ rate_hz: 50, slotCount: 2, robot: identityOf(TINY_ROBOT) });
    await controller.dispose();
    await expect(source.load({ ...TINY_ROBOT, hash: 'another' }, 1)).rejects.toThrow(
      /policy random: robot is not the robot it was trained on: expected tiny \(tiny-0\), found tiny \(another\)/,
    );
    const found = await readBundle(bundle);
    expect(() => requirePolicyRobot(found, { ...TINY_ROBOT, jointNames: ['left_joint', 'knee'] })).toThrow(/joint 1/);
    await (await controllerOf(found)).dispose();
    await expect(findController('no-such-policy')).rejects.toThrow(/neither a policy bundle, a run folder/);
  });
});
