import { defineConfig } from 'vite';

// The browser app. Addresses are relative, so that the result works from any folder of any static host.
export default defineConfig({
  root: 'src/viewer',
  base: './',
  // The runtime's engine of Node has its twin in the browser, on WebAssembly alone.
  resolve: { alias: { 'onnxruntime-node': 'onnxruntime-web/wasm' } },
  worker: { format: 'es' },
  build: {
    outDir: '../../dist/viewer',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1000,
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
