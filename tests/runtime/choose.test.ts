import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { chooseRuntime, nodeCandidates, type RuntimeCandidate, surveyRuntimes } from '../../src/runtime/choose.js';
import { referenceRuntime } from '../../src/runtime/reference.js';

const works = (name: RuntimeCandidate['name'], engine: string, more: object = {}): RuntimeCandidate => ({
  name,
  device: 'cpu',
  engine,
  ...more,
  load: async () => referenceRuntime(),
});
const fails = (name: RuntimeCandidate['name'], engine: string, reason: string): RuntimeCandidate => ({
  name,
  device: 'cpu',
  engine,
  load: async () => {
    throw new Error(`${reason}\nmore`);
  },
});

describe('chooseRuntime', () => {
  test('takes the first that loads and keeps the reason of each refusal', async () => {
    const candidates = [
      fails('tfjs', 'gpu', 'no CUDA'),
      fails('onnx', 'cpu', 'no binary'),
      works('tfjs', 'slow'),
      works('reference', 'plain'),
    ];
    const { reason, refused } = await chooseRuntime('auto', { candidates });
    expect(reason).toBe('the best engine that runs here');
    expect(refused).toEqual([
      { name: 'tfjs', engine: 'gpu', reason: 'no CUDA' },
      { name: 'onnx', engine: 'cpu', reason: 'no binary' },
    ]);
  });

  test('by name tries only engines of that name', async () => {
    const candidates = [works('onnx', 'cpu'), fails('tfjs', 'gpu', 'no CUDA'), works('tfjs', 'slow')];
    const { reason, refused } = await chooseRuntime('tfjs', { candidates });
    expect(reason).toBe('asked for as "tfjs"');
    expect(refused.map(({ engine }) => engine)).toEqual(['gpu']);
  });

  test('where nothing loads every reason is in the error', async () => {
    const candidates = [fails('tfjs', 'gpu', 'no CUDA'), fails('tfjs', 'cpu', 'not installed')];
    await expect(chooseRuntime('tfjs', { candidates })).rejects.toThrow('gpu: no CUDA; cpu: not installed');
  });

  test('TensorFlow.js without a package names the one that runs anywhere', async () => {
    const missing = (engine: string): RuntimeCandidate => ({
      ...works('tfjs', engine),
      load: async () => {
        throw new DataError({ where: engine, what: 'is not installed', fix: `npm install ${engine}` });
      },
    });
    const candidates = [missing('tfjs-node'), missing('tfjs'), works('onnx', 'cpu')];
    for (const device of ['auto', 'cpu'] as const) {
      await expect(chooseRuntime('tfjs', { device, candidates })).rejects.toThrow(
        /tfjs-node: is not installed; tfjs: is not installed\. npm install tfjs, or leave --runtime out/,
      );
    }
    await expect(chooseRuntime('onnx', { candidates: [fails('onnx', 'cpu', 'no binary')] })).rejects.toThrow(
      /Install onnxruntime-node/,
    );
  });

  test('by device tries only engines of that device, and names what would bring one', async () => {
    const gpu = works('onnx', 'cuda', { device: 'cuda' });
    const candidates = [gpu, works('onnx', 'cpu')];
    expect((await chooseRuntime('auto', { device: 'cpu', candidates })).reason).toBe('asked for as "cpu"');
    expect((await chooseRuntime('onnx', { device: 'cuda', candidates })).reason).toBe('asked for as "onnx" on "cuda"');
    const missing = {
      ...gpu,
      load: async () => {
        throw new DataError({ where: 'device cuda', what: 'no libraries', fix: 'install them' });
      },
    };
    await expect(chooseRuntime('auto', { device: 'cuda', candidates: [missing] })).rejects.toThrow(
      'engine "cuda": no engine runs here: found cuda: no libraries. install them',
    );
    await expect(chooseRuntime('reference', { device: 'cuda', candidates })).rejects.toThrow(/none of that name/);
  });

  test('auto passes by what nobody has measured, unless its device is asked for', async () => {
    const candidates = [works('onnx', 'webgpu', { device: 'webgpu', passedBy: 'unmeasured' }), works('onnx', 'cpu')];
    const { refused } = await chooseRuntime('auto', { candidates });
    expect(refused).toEqual([{ name: 'onnx', engine: 'webgpu', reason: 'unmeasured' }]);
    expect((await chooseRuntime('auto', { device: 'webgpu', candidates })).refused).toEqual([]);
  });

  test('a survey tries everything', async () => {
    const survey = await surveyRuntimes([works('onnx', 'cpu'), fails('tfjs', 'gpu', 'no CUDA')]);
    expect(survey.map((one) => ('runtime' in one ? 'runs' : one.refusal.reason))).toEqual(['runs', 'no CUDA']);
  });

  test('on this machine chooses onnxruntime-node on the CPU, unless there is a GPU that works', async () => {
    const { runtime, refused } = await chooseRuntime('auto');
    // A developer may have a GPU with its packages.
    if (refused.length === 3)
      expect(runtime).toMatchObject({ name: 'onnx', description: expect.stringMatching(/cpu/) });
    expect((await chooseRuntime('auto', { device: 'cpu' })).runtime.name).toBe('onnx');
    const order = nodeCandidates().map(({ name, device }) => `${name} ${device}`);
    expect(order).toEqual([
      'onnx cuda',
      'tfjs cuda',
      'onnx webgpu',
      'onnx cpu',
      'tfjs cpu',
      'tfjs cpu',
      'reference cpu',
    ]);
  });
});
