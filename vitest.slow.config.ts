import { defineConfig } from 'vitest/config';

// The end-to-end checks: they train, record and evaluate for minutes, one file at a time.
export default defineConfig({
  test: {
    include: ['tests/**/*.slow.test.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    pool: 'forks',
    fileParallelism: false,
  },
});
