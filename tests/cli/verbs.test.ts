// Every verb once, small, on the bundled robot, from files to an exported policy; and what each one prints where:
// --json is one document on stdout and nothing else, people's text is on stderr, --quiet prints nothing.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, REPOSITORY, runCli, temporaryFolder, tinySettings } from './run-cli.js';

let folder: string;
let remove: () => Promise<void>;

beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
});
afterAll(() => remove());

const samples = (...parts: string[]) => join(REPOSITORY, 'data/samples', ...parts);
const run = (words: readonly string[]) => runCli(words, { cwd: folder });

/** The only thing on stdout is one JSON object in one line, and stderr has text for people. */
async function json(words: readonly string[]): Promise<Record<string, unknown>> {
  const result = await run([...words, '--json']);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toMatch(/^\{[^\n]*\}\n$/);
  expect(result.stderr).not.toBe('');
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

function expectSilence({ code, stdout, stderr }: CliResult): void {
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
}

describe('from files to a policy', () => {
  it('ingest', async () => {
    const flags = ['--robot', 'g1', '--out', 'data'];
    const rollouts = await json(['ingest', 'rollout', samples('rollouts'), '--map', 'mujoco-npz', ...flags]);
    expect(rollouts).toMatchObject({ ingested: 2, episodes: 2, refused: 0 });
    const words = ['ingest', 'controller', samples('logs/g1_squat'), '--map', 'sample-squat-csv', ...flags];
    expectSilence(await run([...words, '--append', '--quiet']));
  });

  it('inspect', async () => {
    const summary = await json(['inspect', 'data', '--verify']);
    expect(summary).toMatchObject({ robot: { name: 'g1', joints: 29 }, rate_hz: 50, episodes: 3 });
    const sources = summary.sources as { source: string; coverage: Record<string, number> }[];
    const [rollouts, squat] = ['mujoco-rollouts', 'sample-squat'].map(
      (name) => sources.find(({ source }) => source === name)!.coverage,
    );
    expect(rollouts.action).toBe(1);
    expect(squat.action ?? 0).toBe(0);
    expect(squat.torque).toBe(1);
    const table = await run(['inspect', 'data', '--no-statistics']);
    expect(table.stdout).toBe('');
    expect(table.stderr).toMatch(/^ +action +100\.0 % +- *$/m);
    expectSilence(await run(['inspect', 'data', '--quiet']));
  });

  it('train', async () => {
    const settings = tinySettings({ 'train.steps': 2, 'data.validationShare': 0 });
    const outcome = await json(['train', 'tiny', '--data', 'data', '--out', 'run', ...settings]);
    expect(outcome).toMatchObject({ run: 'run', step: 2, steps: 2, finished: true });
  });

  it('export', async () => {
    const report = await json(['export', 'run', '--out', 'policy', '--format', 'onnx,tfjs', '--name', 'beginner']);
    expect(report).toMatchObject({ policy: 'beginner' });
    expect((await readdir(join(folder, 'policy'))).sort()).toEqual(
      expect.arrayContaining(['policy.json', 'policy.onnx', 'weights.safetensors']),
    );
    expectSilence(await run(['export', 'run', '--out', 'policy', '--overwrite', '--format', 'safetensors', '--quiet']));
  });

  it('view, of a policy that is named as the other verbs take it', async () => {
    const { files } = await json(['view', 'g1-walk', '--build', 'site']);
    expect(files).toBeGreaterThan(0);
    const { stderr } = await run(['view', 'g1-walk', '--build', 'site', '--overwrite']);
    expect(stderr).toMatch(/python3 -m http\.server --directory site$/m);
  });

  it('evaluate, of the bundle alone', async () => {
    const words = ['evaluate', 'policy', '--trials', '1', '--duration', '1.5', '--no-kicks', '--workers', '1'];
    const result = await json([...words, '--out', 'evaluation', '--set', 'commands.set=paper']);
    const contenders = result.contenders as { key: string }[];
    expect(contenders.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['policy', 'copy-last-action', 'predict-mean', 'random-weights']),
    );
    expect((await readdir(join(folder, 'evaluation'))).sort()).toEqual(['evaluation.json', 'report.html', 'trials']);
    expect(await readFile(join(folder, 'evaluation/report.html'), 'utf8')).toMatch(/^<!doctype html>/);
    // What is refused before the first trial replaces nothing.
    const before = await readFile(join(folder, 'evaluation/evaluation.json'), 'utf8');
    const refused = await run([...words, '--out', 'evaluation', '--overwrite', '--teacher', 'nowhere']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/nowhere: neither a policy bundle/) });
    expect((await readdir(join(folder, 'evaluation'))).sort()).toEqual(['evaluation.json', 'report.html', 'trials']);
    expect(await readFile(join(folder, 'evaluation/evaluation.json'), 'utf8')).toBe(before);
  });

  it('record, of a policy of our own', async () => {
    const words = ['record', '--policy', 'run', '--episodes', '2', '--duration', '0.4', '--workers', '1'];
    const settings = ['--keep-falls', '--set', 'falls.minimum_s=0.1', '--set', 'commands.resample_s=[1,1]'];
    const result = await json([...words, ...settings, '--drop-actions', '0.5', '--source', 'own', '--out', 'recorded']);
    expect(result).toMatchObject({ written: 2, actionFree: 1, robot: 'g1', source: 'own', out: 'recorded' });
    expectSilence(await run(['inspect', 'recorded', '--verify', '--quiet']));
    // Where all fall too soon there is nothing to record, and nothing that would block the command again.
    const fallen = await run([...words, '--duration', '9', '--set', 'falls.minimum_s=8', '--out', 'fallen']);
    expect(fallen.code).toBe(1);
    expect(fallen.stderr).toMatch(/error: fallen: no rollout of run is long enough.*found 2 falls of 2.*--keep-falls/);
    expect((await run([...words, ...settings, '--out', 'fallen', '--quiet'])).code).toBe(0);
  });
});

it('doctor names the engine, and why each better one was refused', async () => {
  const result = await json(['doctor']);
  expect(result).toMatchObject({ node: process.version, engine: expect.stringMatching(/\w/) });
  for (const { reason } of result.refused as { reason: string }[]) expect(reason).not.toBe('');
  expectSilence(await run(['doctor', '--quiet']));
});
