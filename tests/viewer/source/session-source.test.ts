// Things that were made in the page stand beside those that were given, and are read in the same ways.

import { expect, it } from 'vitest';
import type { SourceDescription, ViewerSource } from '../../../src/viewer/page.js';
import { createSessionSource } from '../../../src/viewer/source/session-source.js';

const GIVEN: SourceDescription = {
  version: '1',
  live: true,
  items: [{ kind: 'dataset', name: 'walks', path: 'data/0', files: [] }],
};
const base: ViewerSource = {
  describe: async () => GIVEN,
  readJson: async <T>(path: string) => ({ path }) as T,
  readBytes: async (path) => new TextEncoder().encode(path),
};
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

it('adds to what there is, and reads whole files, ranges and JSON of it', async () => {
  const source = createSessionSource(base);
  expect(await source.describe()).toEqual(GIVEN);
  const files = { 'policy.json': new TextEncoder().encode('{"a":1}') };
  const item = source.add({ kind: 'bundle', name: 'tuned', files });
  expect((await source.describe()).items.map(({ name }) => name)).toEqual(['walks', 'tuned']);
  expect(item.files).toEqual([{ path: 'policy.json', bytes: 7 }]);
  expect(await source.readJson(`${item.path}/policy.json`)).toEqual({ a: 1 });
  expect(text(await source.readBytes(`${item.path}/policy.json`, { start: 1, end: 4 }))).toBe('"a"');
  // Who reads may give the bytes away.
  (await source.readBytes(`${item.path}/policy.json`)).fill(0);
  expect(text(await source.readBytes(`${item.path}/policy.json`))).toBe('{"a":1}');
  await expect(source.readBytes(`${item.path}/gone`)).rejects.toThrow(/is not there/);
  expect(text(await source.readBytes('data/0/x'))).toBe('data/0/x');
  expect(await source.readJson('data/0/x')).toEqual({ path: 'data/0/x' });
});
