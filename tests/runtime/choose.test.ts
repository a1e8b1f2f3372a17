import { describe, expect, test } from 'vitest';
import { chooseRuntime, nodeCandidates, type RuntimeCandidate } from '../../src/runtime/choose.js';
import { referenceRuntime } from '../../src/runtime/reference.js';

const works = (name: RuntimeCandidate['name'], engine: string): RuntimeCandidate => ({
  name,
  engine,
  load: async () => referenceRuntime(),
});
const fails = (name: RuntimeCandidate['name'], engine: string, reason: string): RuntimeCandidate => ({
  name,
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
    const { reason, refused } = await chooseRuntime('auto', candidates);
    expect(reason).toBe('the best engine that runs here');
    expect(refused).toEqual([
      { name: 'tfjs', engine: 'gpu', reason: 'no CUDA' },
      { name: 'onnx', engine: 'cpu', reason: 'no binary' },
    ]);
  });

  test('by name tries only engines of that name', async () => {
    const candidates = [works('onnx', 'cpu'), fails('tfjs', 'gpu', 'no CUDA'), works('tfjs', 'slow')];
    const { reason, refused } = await chooseRuntime('tfjs', candidates);
    expect(reason).toBe('asked for as "tfjs"');
    expect(refused.map(({ engine }) => engine)).toEqual(['gpu']);
  });

  test('where nothing loads every reason is in the error', async () => {
    const candidates = [fails('tfjs', 'gpu', 'no CUDA'), fails('tfjs', 'cpu', 'not installed')];
    await expect(chooseRuntime('tfjs', candidates)).rejects.toThrow('gpu: no CUDA; cpu: not installed');
  });

  test('on this machine chooses onnxruntime-node, after the GPU package that is not installed', async () => {
    const { runtime, refused } = await chooseRuntime('auto');
    const expected = refused.length === 0 ? 'tfjs' : 'onnx'; // a developer may have the GPU package
    expect(runtime.name).toBe(expected);
    expect(nodeCandidates().map(({ name }) => name)).toEqual(['tfjs', 'onnx', 'tfjs', 'tfjs', 'reference']);
  });
});
