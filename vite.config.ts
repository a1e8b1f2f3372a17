import { defineConfig } from 'vite';

// The browser app. Addresses are relative, so that the result works from any folder of any static host.
export default defineConfig({
  root: 'src/viewer',
  base: './',
  build: {
    outDir: '../../dist/viewer',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1000,
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
