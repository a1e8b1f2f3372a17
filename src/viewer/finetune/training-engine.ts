// The engine of a training in the browser: ONNX Runtime on WebAssembly, or on the GPU where the browser has WebGPU.
//
// WebGPU's build of the engine is a file of its own, several times as large, loaded only where it is asked for.

import * as ortWasm from 'onnxruntime-web/wasm';
import { type OrtModule, onnxRuntime } from '../../runtime/onnx.js';
import type { Runtime } from '../../runtime/runtime.js';
import { ProblemError } from '../page.js';
import type { EngineName } from './protocol.js';
import { hasWebgpu } from './webgpu.js';

/** @throws ProblemError where the GPU cannot be used */
export async function trainingEngine(name: EngineName): Promise<Runtime> {
  if (name === 'wasm') {
    configure(ortWasm.env);
    return onnxRuntime({ ort: ortWasm as unknown as OrtModule });
  }
  if (!(await hasWebgpu())) throw new ProblemError(NO_GPU);
  const ort = await import('onnxruntime-web/webgpu');
  configure(ort.env);
  return onnxRuntime({
    ort: ort as unknown as OrtModule,
    description: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common} (webgpu)`,
    // Small nodes on the processor are the engine's own choice, and no news for the console.
    session: { executionProviders: ['webgpu'], logSeverityLevel: 3 },
  });
}

const NO_GPU = {
  what: 'This browser gives no GPU to pages (WebGPU)',
  fix: 'Train on WebAssembly, or use a browser with WebGPU and a graphics card.',
} as const;

function configure(env: typeof ortWasm.env): void {
  // One thread: more need cross-origin isolation, which static hosts do not give.
  env.wasm.numThreads = 1;
  env.logLevel = 'error';
}
