// Training on onnxruntime-node's WebGPU provider, by the Vulkan driver in software that Chromium brings (SwiftShader).
//
// The driver is found by the environment in which a process begins, so that the steps run in one of their own. Slow where
// others use the machine: every operator is handed from thread to thread.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packagePath } from '../../src/base/files.js';
import { type Steps, trainOn } from './webgpu-steps.js';

const LOADER = '/usr/lib/chromium/libvulkan.so.1';
const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const STEPS = 4;

async function stepsInSoftware(): Promise<Steps> {
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-vulkan-'));
  try {
    // The loader alone: Chromium's folder has further libraries, which are not for us.
    await symlink(LOADER, join(folder, 'libvulkan.so.1'));
    // Node runs no TypeScript: vite loads it.
    const script = `
      import { createServer } from 'vite';
      const quiet = { configFile: false, appType: 'custom', logLevel: 'silent', optimizeDeps: { noDiscovery: true } };
      const server = await createServer({ ...quiet, server: { middlewareMode: true, ws: false, watch: null } });
      const module = await server.ssrLoadModule(${JSON.stringify(packagePath('tests', 'runtime', 'webgpu-steps.ts'))});
      process.stdout.write(JSON.stringify(await module.trainOn('webgpu', ${STEPS})));
      await server.close();`;
    const env = { ...process.env, LD_LIBRARY_PATH: folder, VK_ICD_FILENAMES: DRIVER };
    const words = ['--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, words, {
      env,
      cwd: packagePath(),
      timeout: 280_000,
    });
    return JSON.parse(stdout) as Steps;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test.skipIf(!existsSync(LOADER) || !existsSync(DRIVER))(
  'steps, held-out loss, state read and written back are those of the CPU',
  async () => {
    const [gpu, cpu] = [await stepsInSoftware(), await trainOn('cpu', STEPS)];
    expect(gpu.engine).toMatch(/^onnxruntime-node .* \(webgpu\)$/);
    expect(gpu.losses).toHaveLength(STEPS);
    // float32 on both, summed in other orders; Adam's first steps are signs of gradients, near 0 not even that.
    gpu.losses.forEach((loss, at) => {
      expect(Math.abs(loss / cpu.losses[at] - 1)).toBeLessThan(1e-4);
    });
    expect(Math.abs(gpu.held / cpu.held - 1)).toBeLessThan(1e-4);
    expect(gpu.state).toHaveLength(cpu.state.length);
    const differences = gpu.state.map((value, at) => Math.abs(value - cpu.state[at])).sort((a, b) => a - b);
    expect(differences[Math.floor(0.99 * differences.length)]).toBeLessThan(1e-4);
  },
  300_000,
);
