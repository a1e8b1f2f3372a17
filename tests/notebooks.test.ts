// The committed notebook is executed, without errors, by a TypeScript kernel, and shows no machine's paths.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Output {
  readonly output_type: string;
  readonly name?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Notebook {
  readonly metadata: { readonly kernelspec: { readonly name: string; readonly language: string } };
  readonly cells: readonly {
    readonly cell_type: 'code' | 'markdown';
    readonly outputs?: readonly Output[];
  }[];
}

const text = readFileSync(join(import.meta.dirname, '../notebooks/quickstart.ipynb'), 'utf8');
const notebook = JSON.parse(text) as Notebook;

describe('notebooks/quickstart.ipynb', () => {
  const code = notebook.cells.filter(({ cell_type }) => cell_type === 'code');

  it('was executed to its last cell by a TypeScript kernel, without an error', () => {
    expect(notebook.metadata.kernelspec).toMatchObject({ name: 'tslab', language: 'typescript' });
    expect(code.at(-1)?.outputs).not.toHaveLength(0);
    const outputs = code.flatMap((cell) => cell.outputs ?? []);
    expect(outputs.filter(({ output_type, name }) => output_type === 'error' || name === 'stderr')).toEqual([]);
  });

  it('shows its plots: episodes, training, velocities, falls, paths', () => {
    const plots = code
      .flatMap((cell) => cell.outputs ?? [])
      .filter(({ data }) => data?.['image/svg+xml'] !== undefined);
    expect(plots.length).toBeGreaterThanOrEqual(5);
  });

  it('names no folder of the machine that executed it', () => {
    expect(text.match(/(?<![\w.])\/(home|root|tmp|work|Users|usr|mnt|private)\b[^"\\ ]*/g)).toBeNull();
  });
});
