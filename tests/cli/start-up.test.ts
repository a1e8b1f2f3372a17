// What the command line loads before it knows what to do: the parser of its words, and no engine or format.
//
// Read from the built files, whose import statements are what Node follows at the start; import() comes later, where
// something is needed.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { VERBS } from '../../src/cli/program.js';

const CLI = join(import.meta.dirname, '../../dist/src/cli');
const IMPORT = /^(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]/gm;

/** The packages that are loaded with a built file. */
function packagesOf(file: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(file)) return packages;
  seen.add(file);
  for (const [, name] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    if (name.startsWith('.')) for (const one of packagesOf(join(dirname(file), name), seen)) packages.add(one);
    else if (!name.startsWith('node:')) packages.add(/^(@[^/]+\/)?[^/]+/.exec(name)![0]);
  }
  return packages;
}

test('nextgait --help loads the parser of its words alone', () => {
  expect([...packagesOf(join(CLI, 'main.js'))]).toEqual(['commander']);
});

test('every verb is a file that is found', () => {
  for (const { name } of VERBS) expect(existsSync(join(CLI, `${name}.js`)), name).toBe(true);
});

test.each([
  ['ingest', ['hyparquet', 'hyparquet-compressors', 'hyparquet-writer', 'h5wasm', '@mcap/core', '@foxglove/rosmsg']],
  ['ingest', ['@foxglove/rosmsg2-serialization', 'protobufjs', 'fzstd', 'onnxruntime-node', 'three']],
  ['inspect', ['@mujoco/mujoco', 'onnxruntime-node', 'protobufjs', 'hyparquet-writer', 'three']],
  ['train', ['@mujoco/mujoco', 'hyparquet-writer', 'three']],
  ['quickstart', ['@mujoco/mujoco', 'apache-arrow', 'onnxruntime-node']],
])('nextgait %s does not load %s before it is needed', (verb, packages) => {
  const loaded = packagesOf(join(CLI, `${verb}.js`));
  expect(packages.filter((name) => loaded.has(name))).toEqual([]);
});
