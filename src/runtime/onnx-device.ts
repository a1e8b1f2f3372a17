// ONNX Runtime on a device: the CPU, an NVIDIA GPU (CUDA) or any GPU (WebGPU), each tried before it is promised.
//
// onnxruntime-node brings its WebGPU provider with it; the CUDA provider's libraries are a download of its own, for Linux
// on x64, and want CUDA 12 and cuDNN 9. What CUDA lacks is found here before the engine is asked, because its own answer
// is a screen of native messages; so is that of WebGPU without any driver. Operators that a provider lacks run on the CPU,
// which the engine arranges by itself.

import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DataError } from '../base/errors.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { onnxRuntime } from './onnx.js';
import type { Runtime } from './runtime.js';
import { threadLimit, usableThreads } from './usable-threads.js';

export const DEVICES = ['auto', 'cuda', 'webgpu', 'cpu'] as const;
export type DeviceName = (typeof DEVICES)[number];
export type Device = Exclude<DeviceName, 'auto'>;

export const INSTALL_CUDA_PROVIDER =
  'node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12';

/** What is asked of the machine. */
export interface Machine {
  /** `linux-x64` */
  readonly platform: string;
  exists(path: string): boolean;
  /** Vulkan drivers that the environment names, of software for instance. */
  readonly drivers?: string;
  /** Folder of onnxruntime-node's native libraries. */
  readonly libraries: string;
  /** Providers that the engine was built with. */
  providers(): Promise<readonly string[]>;
  /** Runs a small program. @throws the engine's own error */
  run(device: Device): Promise<Runtime>;
}

/**
 * ONNX Runtime on `device`, after a small program has run there.
 * @throws DataError that says what is missing and which command brings it
 */
export async function onnxOn(device: Device, machine: Machine = thisMachine()): Promise<Runtime> {
  if (device === 'cpu') return machine.run(device);
  if (device === 'cuda') requireCuda(machine);
  else await requireWebgpu(machine);
  try {
    return await machine.run(device);
  } catch (error) {
    throw new DataError(
      {
        where: `device ${device}`,
        what: 'its provider does not start',
        found: shorten((error as Error).message),
        fix:
          device === 'cuda'
            ? 'Install CUDA 12 and cuDNN 9, and put their folders into LD_LIBRARY_PATH'
            : 'Install the Vulkan loader and the driver of the GPU (Debian: apt-get install libvulkan1 mesa-vulkan-drivers)',
      },
      { cause: error },
    );
  }
}

function requireCuda({ platform, exists, libraries }: Machine): void {
  const refuse = (what: string, fix: string) => {
    throw new DataError({ where: 'device cuda', what, fix });
  };
  if (platform !== 'linux-x64') {
    refuse(`onnxruntime-node has no CUDA provider for ${platform}`, 'Use --device webgpu or --device cpu');
  }
  if (!exists('/dev/nvidiactl') && !exists('/dev/dxg')) {
    refuse('no NVIDIA GPU, or no driver for it (no /dev/nvidiactl)', 'Install the NVIDIA driver: nvidia-smi must work');
  }
  if (!exists(join(libraries, 'libonnxruntime_providers_cuda.so'))) {
    refuse("onnxruntime-node's CUDA libraries are not installed", INSTALL_CUDA_PROVIDER);
  }
}

async function requireWebgpu({ platform, exists, drivers, providers }: Machine): Promise<void> {
  const refuse = (what: string, fix: string) => {
    throw new DataError({ where: 'device webgpu', what, fix });
  };
  if (!(await providers()).includes('webgpu')) {
    refuse('this build of onnxruntime-node has no WebGPU provider', 'npm install onnxruntime-node');
  }
  // A GPU has a device node; a driver in software has none, and is installed or named by the environment.
  const signs = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg', '/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'];
  if (platform.startsWith('linux') && drivers === undefined && !signs.some(exists)) {
    refuse('no GPU, or no driver for it (no /dev/dri)', 'Install the driver of the GPU');
  }
}

export function thisMachine(): Machine {
  const platform = `${process.platform}-${process.arch}`;
  return {
    platform,
    exists: existsSync,
    drivers: process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES,
    libraries: nativeFolder(),
    providers: async () => (await import('onnxruntime-node')).listSupportedBackends().map(({ name }) => name),
    run: async (device) => {
      const threads = threadLimit(await usableThreads());
      if (device === 'cpu') return onnxRuntime({ threads });
      const { env } = await import('onnxruntime-node');
      const runtime = await onnxRuntime({
        threads,
        description: `onnxruntime-node ${env.versions.node ?? env.versions.common} (${device})`,
        // Warnings that small nodes run on the CPU are the engine's own choice, and no news.
        session: { executionProviders: [device], ...(device === 'webgpu' ? { logSeverityLevel: 3 } : {}) },
      });
      await runOnce(runtime);
      return runtime;
    },
  };
}

/** One product: a provider that loads and cannot run shows it here, and not at the first training step. */
async function runOnce(runtime: Runtime): Promise<void> {
  const builder = new GraphBuilder();
  const x = builder.input('x', [2, 2]);
  builder.output('y', builder.matmul(x, x));
  const program = await runtime.compile(builder.build(), { state: {} });
  program.feeds.x.set([1, 1, 0, 1]);
  await program.run();
  const [, found] = program.results.y;
  await program.dispose();
  if (found !== 2) throw new Error(`a product of matrices came out as ${found} where it is 2`);
}

/** bin/napi-v<n>/<platform>/<arch> of the installed package; its root where that is not there. */
function nativeFolder(): string {
  const root = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')), '..');
  const bin = join(root, 'bin');
  const version = existsSync(bin) ? readdirSync(bin).find((name) => name.startsWith('napi-')) : undefined;
  return version === undefined ? root : join(bin, version, process.platform, process.arch);
}

/** The engine's messages carry paths of its build machine and are pages long. */
function shorten(message: string): string {
  const [line] = message.replace(/^\S*\/onnxruntime_src\/\S+ /, '').split('\n');
  return line.length <= 240 ? line : `${line.slice(0, 120)} ... ${line.slice(-120)}`;
}
