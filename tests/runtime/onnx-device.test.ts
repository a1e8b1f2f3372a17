// Devices of ONNX Runtime: what is refused before the engine is asked, in the order in which a user mends it.

import { describe, expect, test } from 'vitest';
import {
  type Device,
  INSTALL_CUDA_PROVIDER,
  type Machine,
  onnxOn,
  thisMachine,
} from '../../src/runtime/onnx-device.js';
import { referenceRuntime } from '../../src/runtime/reference.js';
import { explainTfjsFailure, loadTfjs } from '../../src/runtime/tfjs.js';

const PROVIDER = '/libraries/libonnxruntime_providers_cuda.so';

/** A machine that has the named files; `failure` is what its engine answers. */
function machine(files: readonly string[], change: Partial<Machine> = {}, failure?: string): Machine {
  return {
    platform: 'linux-x64',
    libraries: '/libraries',
    exists: (path) => files.includes(path),
    providers: async () => ['cpu', 'webgpu'],
    run: async () => {
      if (failure !== undefined) throw new Error(failure);
      return referenceRuntime();
    },
    ...change,
  };
}

const refusal = (device: Device, on: Machine) =>
  onnxOn(device, on).then(
    () => 'runs',
    (error: Error) => error.message,
  );

describe('a device is refused with what it lacks', () => {
  test('cuda: another system, the driver, the libraries, and what the engine says', async () => {
    expect(await refusal('cuda', machine([], { platform: 'darwin-arm64' }))).toMatch(
      /no CUDA provider for darwin-arm64/,
    );
    expect(await refusal('cuda', machine([]))).toMatch(/no NVIDIA GPU.*Install the NVIDIA driver/);
    expect(await refusal('cuda', machine(['/dev/nvidiactl']))).toContain(INSTALL_CUDA_PROVIDER);
    const whole = ['/dev/nvidiactl', PROVIDER];
    expect(await refusal('cuda', machine(whole))).toBe('runs');
    const message = '/onnxruntime_src/onnxruntime/core/session.cc:1 libcudnn.so.9: cannot open\nmore';
    expect(await refusal('cuda', machine(whole, {}, message))).toBe(
      'device cuda: its provider does not start: found libcudnn.so.9: cannot open. ' +
        'Install CUDA 12 and cuDNN 9, and put their folders into LD_LIBRARY_PATH',
    );
  });

  test('webgpu: a build without it, no GPU, and what the engine says', async () => {
    expect(await refusal('webgpu', machine([], { providers: async () => ['cpu'] }))).toMatch(/no WebGPU provider/);
    const failure = 'No supported adapters';
    expect(await refusal('webgpu', machine([], {}, failure))).toMatch(/no GPU.*Install the driver/);
    expect(await refusal('webgpu', machine([], { platform: 'darwin-arm64' }, failure))).toMatch(/adapters/);
    expect(await refusal('webgpu', machine(['/dev/dri'], {}, failure))).toMatch(/adapters.*libvulkan1/);
    // A driver in software has no device node: it is installed, or named by the environment.
    expect(await refusal('webgpu', machine(['/usr/share/vulkan/icd.d']))).toBe('runs');
    expect(await refusal('webgpu', machine([], { drivers: '/opt/driver.json' }))).toBe('runs');
  });

  test('the CPU of this machine runs, and its native folder is where the engine lies', async () => {
    expect((await onnxOn('cpu')).description).toMatch(/^onnxruntime-node [\d.]+ \(cpu\)$/);
    const { libraries, exists, providers } = thisMachine();
    expect(exists(libraries)).toBe(true);
    expect(await providers()).toContain('cpu');
  });
});

describe('TensorFlow.js packages fail in known ways', () => {
  const explain = (packageName: string, message: string, node = 'v20.1.0') =>
    explainTfjsFailure(packageName, new Error(message), node).message;

  test('each with what would mend it', () => {
    const name = '@tensorflow/tfjs-node';
    const absent = `Cannot find package '${name}' imported from /somewhere`;
    expect(explain(name, absent)).toBe(`${name}: is not installed. npm install ${name}`);
    expect(explain(name, absent, 'v24.0.0')).toMatch(/on Node 22 or older/);
    expect(explain('@tensorflow/tfjs', "Cannot find package '@tensorflow/tfjs'", 'v24.0.0')).not.toMatch(/older/);
    const binding = "Cannot find module '/x/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node'";
    expect(explain(name, binding)).toMatch(/without its native library. npm rebuild .* --ignore-scripts=false/);
    expect(explain(name, '(0 , util_1.isNullOrUndefined) is not a function', 'v23.1.0')).toMatch(/not run on Node 23/);
    expect(explain(name, "/lib/libc.so.6: version `GLIBC_2.38' not found (required by tfjs_binding.node)")).toMatch(
      /needs a newer system/,
    );
    expect(explain(`${name}-gpu`, 'libcudart.so.11.0: cannot open')).toMatch(/CUDA 11.2/);
    expect(explain(name, 'something else')).toBe(`${name}: something else. npm install ${name}`);
  });

  test('one that loads and fails at its first operation, as on a Node that is too new, is refused at once', async () => {
    const broken = `export const ready = async () => {};
      export const tidy = (run) => run();
      export const tensor2d = (rows) => rows;
      export const matMul = () => { throw new TypeError('(0 , util_1.isNullOrUndefined) is not a function'); };`;
    const address = `data:text/javascript,${encodeURIComponent(broken)}`;
    await expect(loadTfjs(address)).rejects.toThrow(/util_1.isNullOrUndefined/);
  });
});
