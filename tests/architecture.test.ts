// The house's order: imports point one way, and some rooms run in a browser.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** What each room may import besides itself and base. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  math: [],
  robot: ['math'],
  motion: ['math', 'robot'],
  retarget: ['math', 'robot', 'motion'],
  dataset: ['math', 'robot', 'motion'],
  tokens: ['math', 'robot', 'motion'],
  graph: [],
  runtime: ['graph'],
  model: ['math', 'robot', 'motion', 'tokens', 'graph'],
  policy: ['math', 'robot', 'motion', 'tokens', 'graph', 'runtime', 'model'],
  // Only the Controller type of policy.
  control: ['math', 'robot', 'motion', 'policy'],
  train: ['math', 'robot', 'motion', 'dataset', 'tokens', 'graph', 'runtime', 'model', 'policy'],
  sim: ['math', 'robot', 'motion', 'control', 'dataset', 'tokens', 'graph', 'runtime', 'model', 'policy', 'train'],
  evaluate: ['math', 'robot', 'motion', 'dataset', 'tokens', 'graph', 'runtime', 'model', 'policy', 'train', 'sim'],
  export: ['math', 'robot', 'motion', 'tokens', 'graph', 'runtime', 'model', 'policy', 'train', 'sim'],
};

/** Nobody imports these: ends of the house. */
const EDGES = ['ingest', 'cli', 'viewer'];

const BROWSER_ROOMS = ['math', 'robot', 'motion', 'tokens', 'graph', 'model', 'policy', 'control'];

function sourceFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** Module specifiers of a file; type-only imports count for the order, not for what a browser would load. */
function importsOf(file: string): { specifier: string; typeOnly: boolean }[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s)?[^;]*?\sfrom\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|\nimport '([^']+)'/g;
  return [...text.matchAll(pattern)].map((match) => ({
    specifier: match[3] ?? match[4] ?? match[5],
    typeOnly: match[2] !== undefined,
  }));
}

const roomOf = (file: string) => (file.startsWith('src/') ? file.split('/')[1] : file.split('/')[0]);
const resolveFrom = (file: string, specifier: string) =>
  relative(ROOT, join(ROOT, dirname(file), specifier)).replace(/\.js$/, '.ts');

const FILES = [...sourceFiles('src'), ...sourceFiles('ingest')];

describe('imports point one way', () => {
  it('finds the rooms', () => {
    expect(new Set(FILES.map(roomOf)).size).toBeGreaterThan(12);
  });

  it.each(FILES)('%s', (file) => {
    const room = roomOf(file);
    for (const { specifier } of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const target = roomOf(resolveFrom(file, specifier));
      if (target === room || target === 'base') continue;
      expect(EDGES.includes(target) && room !== 'cli', `${file} imports the edge ${target}`).toBe(false);
      const allowed = MAY_IMPORT[room];
      if (allowed !== undefined) expect(allowed, `${file} imports ${specifier}`).toContain(target);
    }
  });
});

describe('what runs in a browser loads nothing of Node', () => {
  const rooms = FILES.filter((file) => file.startsWith('src/') && BROWSER_ROOMS.includes(roomOf(file)));
  // Of training, what a page trains with: the loop, the preparation, the bundle.
  const training = ['trainer', 'prepare', 'bundle-of-state'].map((name) => `src/train/${name}.ts`);

  it.each([...rooms, ...training])('%s', (file) => {
    const seen = new Set<string>();
    const visit = (current: string, trail: string[]) => {
      if (seen.has(current)) return;
      seen.add(current);
      for (const { specifier, typeOnly } of importsOf(current)) {
        if (typeOnly) continue;
        expect(specifier.startsWith('node:'), `${[...trail, current].join(' → ')} imports ${specifier}`).toBe(false);
        if (specifier.startsWith('.')) visit(resolveFrom(current, specifier), [...trail, current]);
      }
    };
    visit(file, []);
  });
});

it('MuJoCo lives behind one file', () => {
  const users = FILES.filter((file) => importsOf(file).some(({ specifier }) => specifier.startsWith('@mujoco/')));
  expect(users).toEqual(['src/sim/mujoco.ts']);
});

it('no file is too long to read at once', () => {
  const long = FILES.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > 401);
  expect(long).toEqual([]);
});
