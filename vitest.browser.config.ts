import { defineConfig } from 'vitest/config';

// The built app in Debian's Chromium, driven from plain node tests, one file at a time.
export default defineConfig({
  test: {
    include: ['tests/**/*.browser.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A browser that draws in software beside another suite is slow to answer.
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    fileParallelism: false,
  },
});
