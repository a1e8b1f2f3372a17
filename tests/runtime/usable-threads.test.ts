import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { GraphBuilder } from '../../src/graph/graph-builder.js';
import { type OrtModule, onnxRuntime, type SessionOptions } from '../../src/runtime/onnx.js';
import { threadLimit, threadsOfQuota, usableThreads } from '../../src/runtime/usable-threads.js';

test("a container's share is whole threads, at least one", () => {
  expect(threadsOfQuota('250000 100000\n')).toBe(2);
  expect(threadsOfQuota('50000 100000\n')).toBe(1);
  expect(threadsOfQuota('max 100000\n')).toBe(Number.POSITIVE_INFINITY);
  expect(threadsOfQuota('')).toBe(Number.POSITIVE_INFINITY);
});

test('an engine is told how many where they are fewer than the machine has', async () => {
  expect(threadLimit(2, 8)).toBe(2);
  expect(threadLimit(8, 8)).toBeUndefined();
  expect(await usableThreads()).toBeLessThanOrEqual(availableParallelism());
});

test.skipIf(!existsSync('/usr/bin/taskset'))('what the system confines a process to is seen', () => {
  const words = ['-c', '0', process.execPath, '-p', "require('node:os').availableParallelism()"];
  expect(execFileSync('/usr/bin/taskset', words, { encoding: 'utf8' }).trim()).toBe('1');
});

test("a session has the program's threads, else the engine's, else none of ours; and sleeps where it is told to", async () => {
  const asked: unknown[] = [];
  const ort = await import('onnxruntime-node');
  const spy = {
    Tensor: ort.Tensor,
    InferenceSession: {
      create: (model: Uint8Array, options: SessionOptions) => {
        asked.push([options.intraOpNumThreads, options.extra]);
        return ort.InferenceSession.create(model, options);
      },
    },
  } as unknown as OrtModule;
  const g = new GraphBuilder();
  g.output('y', g.square(g.input('x', [2])));
  for (const [own, programs, spin] of [
    [3, 1, undefined],
    [3, undefined, undefined],
    [undefined, undefined, false],
  ] as const) {
    const program = await (await onnxRuntime({ ort: spy, threads: own })).compile(g.build(), {
      state: {},
      threads: programs,
      spin,
    });
    await program.dispose();
  }
  const still = { session: { intra_op: { allow_spinning: '0' } } };
  expect(asked).toEqual([
    [1, undefined],
    [3, undefined],
    [undefined, still],
  ]);
});
