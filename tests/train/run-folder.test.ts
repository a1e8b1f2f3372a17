// A run's folder: who may train in it, what a start that is refused leaves, and where its data is found.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isUserError } from '../../src/base/errors.js';
import { SILENT } from '../../src/base/logger.js';
import { claimOutput, prepareOutput } from '../../src/base/output-folder.js';
import { readTrainingFacts } from '../../src/evaluate/training-facts.js';
import { onnxRuntime } from '../../src/runtime/onnx.js';
import { readBundle } from '../../src/sim/read-bundle.js';
import { readRun } from '../../src/train/run-folder.js';
import { LOCK_FILE, lockRun } from '../../src/train/run-lock.js';
import { resumeTraining, startTraining } from '../../src/train/run-training.js';
import { trainConfigSchema } from '../../src/train/train-config.js';
import { writeTinyDataset } from '../cli/run-cli.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextgait-run-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const hooks = async () => ({ runtime: await onnxRuntime(), log: SILENT });

const configWith = (data: object) =>
  trainConfigSchema.parse({
    data: { command: 'recorded', validationShare: 0, ...data },
    tokens: { context: 4 },
    model: { width: 16, heads: 2, blocks: 1 },
    train: { steps: 4, batch: 4, warmupSteps: 2 },
    log: { metricsEvery: 1, checkpointEvery: 2 },
  });

/** A process that does nothing until it is killed. */
async function idleProcess(): Promise<{ pid: number; kill: () => Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  return { pid: child.pid!, kill };
}

const lockOf = (pid: number, host = hostname()) => writeFile(at(`run/${LOCK_FILE}`), JSON.stringify({ pid, host }));

describe('a lock', () => {
  beforeEach(() => mkdir(at('run')));

  it('is there while it is held, and gone afterwards', async () => {
    const unlock = await lockRun(at('run'));
    expect(JSON.parse(await readFile(at(`run/${LOCK_FILE}`), 'utf8'))).toEqual({ pid: process.pid, host: hostname() });
    await unlock();
    expect(await readdir(at('run'))).toEqual([]);
  });

  it('of a process that lives is respected, of one that was killed it is nobody’s', async () => {
    const { pid, kill } = await idleProcess();
    await lockOf(pid);
    await expect(lockRun(at('run'))).rejects.toThrow(
      new RegExp(
        `run/training\\.lock: another process trains in this folder: found process ${pid} on .*delete the file`,
      ),
    );
    await kill();
    await (await lockRun(at('run')))();
    expect(await readdir(at('run'))).toEqual([]);
  });

  it('of another machine is respected; one that was cut short is nobody’s', async () => {
    await lockOf(1, 'elsewhere.example');
    await expect(lockRun(at('run'))).rejects.toThrow(/process 1 on elsewhere\.example/);
    await writeFile(at(`run/${LOCK_FILE}`), '{"pid": 1');
    await (await lockRun(at('run')))();
  });
});

describe('a run', () => {
  beforeEach(() => writeTinyDataset(at('tiny')));

  it('is neither resumed nor replaced while another process trains in it', async () => {
    const config = configWith({ folders: [at('tiny')] });
    await startTraining(at('run'), config, await hooks());
    expect(await readdir(at('run'))).not.toContain(LOCK_FILE);
    const before = await readFile(at('run/metrics.jsonl'), 'utf8');
    const { pid, kill } = await idleProcess();
    await lockOf(pid);
    await expect(resumeTraining(at('run'), await hooks())).rejects.toThrow(/another process trains/);
    const claim = () => prepareOutput(at('run'), { overwrite: true, marker: 'config.yaml' });
    await expect(startTraining(at('run'), config, await hooks(), { claim })).rejects.toThrow(/another process trains/);
    expect(await readFile(at('run/metrics.jsonl'), 'utf8')).toBe(before);
    await kill();
    expect(await resumeTraining(at('run'), await hooks())).toMatchObject({ step: 4, finished: true });
    expect(await startTraining(at('run'), config, await hooks(), { claim })).toMatchObject({ finished: true });
    expect(await readdir(at('run'))).not.toContain(LOCK_FILE);
  });

  it('is warned of an engine that did not start it, whatever chose it; older runs do not know theirs', async () => {
    const warnings: string[] = [];
    const log = { info: () => {}, warn: (text: string) => warnings.push(text) };
    const runtime = await onnxRuntime();
    await startTraining(at('run'), configWith({ folders: [at('tiny')] }), await hooks());
    expect((await readRun(at('run'))).data.engine).toBe(runtime.description);
    await resumeTraining(at('run'), { runtime, log });
    expect(warnings.filter((text) => /not to the bit/.test(text))).toEqual([]);
    const other = { ...runtime, description: 'onnxruntime-node on another device' };
    await resumeTraining(at('run'), { runtime: other, log });
    expect(warnings.join()).toMatch(
      /started on onnxruntime-node .* \(cpu\): on onnxruntime-node on another device.*not to the bit/,
    );
    const file = at('run/recipe.json');
    const { data, ...recipe } = JSON.parse(await readFile(file, 'utf8'));
    const { engine: _, ...older } = data;
    await writeFile(file, JSON.stringify({ ...recipe, data: older }));
    warnings.length = 0;
    await resumeTraining(at('run'), { runtime: other, log });
    expect(warnings.filter((text) => /not to the bit/.test(text))).toEqual([]);
  });

  it('whose start is refused leaves the folder as it was, so that the mended command is taken', async () => {
    const output = { marker: 'config.yaml' };
    const claim = () => prepareOutput(at('run'), output);
    const unknown = configWith({ folders: [at('tiny')], sources: { nope: 1 } });
    await claimOutput(at('run'), output);
    await expect(startTraining(at('run'), unknown, await hooks(), { claim })).rejects.toThrow(/data\.sources\.nope/);
    expect(await readdir(at('run'))).toEqual([]);
    const config = configWith({ folders: [at('tiny')] });
    expect(await startTraining(at('run'), config, await hooks(), { claim })).toMatchObject({ finished: true });
    // What --overwrite would replace is there as long as nothing takes its place.
    const over = () => prepareOutput(at('run'), { ...output, overwrite: true });
    await expect(startTraining(at('run'), unknown, await hooks(), { claim: over })).rejects.toThrow(/nope/);
    expect((await readRun(at('run'))).config).toEqual(config);
  });

  it('finds its data from any folder, and after the project is moved; a bundle of it names no folder of the machine', async () => {
    const here = process.cwd();
    await mkdir(at('project'));
    await rename(at('tiny'), at('project/tiny'));
    try {
      process.chdir(at('project'));
      await startTraining('runs/one', configWith({ folders: ['tiny'] }), await hooks());
      expect((await readRun('runs/one')).dataFolders).toEqual(['tiny']);
      process.chdir(tmpdir());
      const run = at('project/runs/one');
      expect((await readRun(run)).dataFolders.map((data) => resolve(data))).toEqual([at('project/tiny')]);
      expect(await resumeTraining(run, await hooks())).toMatchObject({ finished: true });
      const { bundle, dataFolders } = await readBundle(run);
      const { folders } = await readTrainingFacts(bundle.provenance, dataFolders);
      expect(folders.map((data) => resolve(data))).toEqual([at('project/tiny')]);
      expect(JSON.stringify(bundle.provenance)).not.toContain(folder);
      expect(bundle.provenance).toMatchObject({ config: { data: { folders: ['tiny'] } }, data: { folders: ['tiny'] } });
      await rename(at('project'), at('moved'));
      const moved = (await readRun(at('moved/runs/one'))).dataFolders;
      expect(moved.map((data) => resolve(data))).toEqual([at('moved/tiny')]);
      // As older versions wrote it: relative to the current folder.
      const file = at('moved/runs/one/recipe.json');
      const { startedIn: _, ...older } = JSON.parse(await readFile(file, 'utf8'));
      await writeFile(file, JSON.stringify(older));
      expect((await readRun(at('moved/runs/one'))).dataFolders).toEqual(['tiny']);
    } finally {
      process.chdir(here);
    }
  });

  it('with a mistake in its config.yaml names the file and line', async () => {
    await startTraining(at('run'), configWith({ folders: [at('tiny')] }), await hooks());
    await writeFile(at('run/config.yaml'), 'name: a\ntrain: [1, 2\n');
    const error = await readRun(at('run')).catch((caught: unknown) => caught);
    expect(isUserError(error)).toBe(true);
    expect((error as Error).message).toMatch(/run\/config\.yaml:\d+: YAML: /);
  });
});
