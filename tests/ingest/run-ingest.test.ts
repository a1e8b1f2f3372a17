// Ingesting many inputs: refused ones are left out and told, the same inputs give the same bytes.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Assembled } from '../../ingest/assemble.js';
import { ingestInputs, REPORT_FILE } from '../../ingest/run-ingest.js';
import { DataError } from '../../src/base/errors.js';
import { packagePath } from '../../src/base/files.js';
import { ingestCommand } from '../../src/cli/ingest.js';
import { inspectCommand } from '../../src/cli/inspect.js';
import { openDataset } from '../../src/dataset/dataset.js';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import { randomEpisode, temporaryFolder } from '../dataset/helpers.js';
import { TINY_ROBOT } from '../fixtures.js';

function collectingLog() {
  const lines: string[] = [];
  return { lines, info: (text: string) => lines.push(text), warn: (text: string) => lines.push(`warning: ${text}`) };
}

function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

describe('ingesting', () => {
  const read = async (path: string) => {
    if (path.includes('bad'))
      throw new DataError({ where: `${path}:3`, what: 'CHANNELS count', expected: '3', found: '4' });
    return [randomEpisode(Number(path)), randomEpisode(Number(path) + 100)];
  };

  it('goes on after a refused input and tells one line an input', async () => {
    const folder = temporaryFolder();
    const log = collectingLog();
    const writer = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50 });
    const report = await ingestInputs({ inputs: ['1', 'bad.csv', '2'], read, writer, log });
    expect(report).toMatchObject({ ingested: 2, refused: 1, skipped: 0, episodes: 4, interrupted: false });
    expect(log.lines).toEqual([
      '1: 2 episodes, 1.5 s, findings: jump x2',
      'warning: bad.csv: refused: bad.csv:3: CHANNELS count: expected 3, found 4',
      '2: 2 episodes, 1.5 s, findings: jump x2',
    ]);
    expect(JSON.parse(readFileSync(join(folder, REPORT_FILE), 'utf8'))).toEqual(JSON.parse(JSON.stringify(report)));
    const dataset = await openDataset(folder);
    expect(dataset.episodes.length).toBe(4);
    dataset.close();
    const again = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50, append: true });
    const second = await ingestInputs({ inputs: ['1', '3'], read, writer: again, log });
    expect(second).toMatchObject({ ingested: 1, skipped: 1, episodes: 2 });
  });

  it('takes all of an input or nothing of it', async () => {
    const writer = await DatasetWriter.open(temporaryFolder(), { robot: TINY_ROBOT, rate_hz: 50 });
    const half = async () => [randomEpisode(0), { ...randomEpisode(1), rate_hz: 60 }];
    const report = await ingestInputs({ inputs: ['a'], read: half, writer, log: collectingLog() });
    expect(report).toMatchObject({ refused: 1, episodes: 0 });
    expect(writer.has('random/0')).toBe(false);
  });

  it('keeps what went in before a stream broke off, and tells of the rest', async () => {
    async function* stream(path: string): AsyncGenerator<Assembled> {
      yield { episode: randomEpisode(Number(path)) };
      yield { refused: new DataError({ where: `${path} episode 1`, what: 'it is empty' }) };
      yield { episode: randomEpisode(Number(path) + 100) };
      if (path === '2') throw new DataError({ where: path, what: 'file ends too early' });
      if (path === '3') throw new RangeError('Invalid typed array length');
    }
    const folder = temporaryFolder();
    const log = collectingLog();
    const writer = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50 });
    const run = ingestInputs({ inputs: ['1', '2', '3', '4'], read: stream, writer, log });
    // A fault of the program is passed on, after the inputs beside it went in.
    await expect(run).rejects.toThrow(RangeError);
    const report = JSON.parse(readFileSync(join(folder, REPORT_FILE), 'utf8'));
    expect(report).toMatchObject({ ingested: 4, refused: 0, episodes: 8, refusedEpisodes: 6 });
    expect(report.inputs[1]).toMatchObject({ refusedEpisodes: 2, errors: [{}, { what: 'file ends too early' }] });
    expect(report.inputs[2].errors[1]).toEqual({
      where: '3',
      what: 'internal error',
      found: 'RangeError: Invalid typed array length',
    });
    const dataset = await openDataset(folder);
    expect(dataset.episodes.length).toBe(8);
    dataset.close();
  });

  it('stops between inputs when interrupted, and passes on what is not the data’s fault', async () => {
    const abort = new AbortController();
    const writer = await DatasetWriter.open(temporaryFolder(), { robot: TINY_ROBOT, rate_hz: 50 });
    const reading = async (path: string) => {
      abort.abort();
      return read(path);
    };
    const report = await ingestInputs({
      inputs: ['1', '2'],
      read: reading,
      writer,
      log: collectingLog(),
      signal: abort.signal,
    });
    expect(report).toMatchObject({ ingested: 1, interrupted: true });
    const broken = await DatasetWriter.open(temporaryFolder(), { robot: TINY_ROBOT, rate_hz: 50 });
    const fault = () => Promise.reject(new TypeError('a fault of ours'));
    await expect(ingestInputs({ inputs: ['1'], read: fault, writer: broken, log: collectingLog() })).rejects.toThrow(
      TypeError,
    );
  });
});

describe('nextgait ingest and inspect', () => {
  const samples = packagePath('data', 'samples');

  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  /** Runs a verb in this process; returns its JSON result, stderr and exit code. */
  async function run(verb: 'ingest' | 'inspect', ...words: string[]) {
    let out = '';
    let text = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      out += chunk;
      return true;
    });
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      text += chunk;
      return true;
    });
    const command = verb === 'ingest' ? ingestCommand() : inspectCommand();
    await command.parseAsync([...words, '--json'], { from: 'user' });
    const { exitCode } = process;
    vi.restoreAllMocks();
    process.exitCode = undefined;
    return { result: out === '' ? undefined : JSON.parse(out), text, exitCode };
  }

  it('read the samples of the package on the bundled robot, the same bytes each time', async () => {
    const folders = [temporaryFolder(), temporaryFolder()];
    for (const folder of folders) {
      const rollouts = ['rollout', join(samples, 'rollouts'), '--map', 'mujoco-npz'];
      const first = await run('ingest', ...rollouts, '--robot', 'g1', '--out', folder);
      expect(first).toMatchObject({ exitCode: 0, result: { ingested: 2, refused: 0, episodes: 2 } });
      const log = ['controller', join(samples, 'logs', 'g1_squat'), '--map', 'sample-squat-csv'];
      const second = await run('ingest', ...log, '--robot', 'g1', '--out', folder, '--append');
      expect(second).toMatchObject({ exitCode: 0, result: { ingested: 1, episodes: 1 } });
      expect(second.result.inputs[0].episodes[0]).toMatchObject({ frames: 60, findings: [{ kind: 'held-joints' }] });
    }
    expect(filesOf(folders[0])).toEqual(filesOf(folders[1]));
    const { result, text, exitCode } = await run('inspect', folders[0], '--verify');
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      robot: { name: 'g1', joints: 29 },
      episodes: 3,
      findings: { 'held-joints': { count: 1 } },
    });
    expect(result.sources[1]).toMatchObject({ source: 'sample-squat', kinds: ['controller'], coverage: { torque: 1 } });
    expect(result.sources[1].coverage.action).toBeUndefined();
    // Standing on both feet, but for the touch-down.
    expect(result.statistics.bySource['sample-squat'].footContact.mean[0]).toBeGreaterThan(0.95);
    expect(text).toMatch(/every shard matches its checksums[\s\S]*mujoco-rollouts +rollout +2/);
  });

  it('exit with 1 where an input is refused, and keep the others', async () => {
    const folder = temporaryFolder();
    const bad = join(temporaryFolder(), 'bad.npz');
    writeFileSync(bad, 'this is not an archive, whatever its name says');
    const good = join(samples, 'rollouts', 'g1_walk_0.npz');
    const words = ['rollout', bad, good, '--map', 'mujoco-npz', '--robot', 'g1', '--out', folder];
    const { result, text, exitCode } = await run('ingest', ...words);
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ ingested: 1, refused: 1 });
    expect(text).toMatch(/bad.npz: refused: .*not a whole zip archive/);
    const missing = await run('ingest', 'rollout', good, '--map', 'mujoco-npz', '--robot', 'g1');
    expect(missing).toMatchObject({ exitCode: 1, text: 'error: --out: flag is missing\n' });
    const wrongKind = ['controller', good, '--map', 'mujoco-npz', '--robot', 'g1', '--out', temporaryFolder()];
    expect((await run('ingest', ...wrongKind)).text).toMatch(/map of rollouts.*Use nextgait ingest rollout/);
  });

  it('take the files of a folder one by one, whichever of them cannot be read', async () => {
    const columns = Array.from({ length: 36 }, (_, k) => (k === 2 ? 0.8 : k === 6 ? 1 : 0)).join(',');
    const inputs = temporaryFolder();
    writeFileSync(join(inputs, 'a.csv'), `${columns}\n`.repeat(10));
    writeFileSync(join(inputs, 'b.csv'), `${columns},1\n`.repeat(2) + columns);
    writeFileSync(join(inputs, 'c.csv'), '');
    const common = ['rollout', inputs, '--robot', 'g1'];
    for (const map of [['--map', 'g1-retargeted-csv'], []]) {
      const { result } = await run('ingest', ...common, ...map, '--out', temporaryFolder());
      expect(result).toMatchObject({ ingested: 1, refused: 2 });
    }
  });

  it('rebuild a manifest that is lost', async () => {
    const folder = temporaryFolder();
    const writer = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50 });
    await writer.append(randomEpisode(0));
    await writer.close();
    const manifest = readFileSync(join(folder, 'manifest.json'), 'utf8');
    writeFileSync(join(folder, 'manifest.json'), '{');
    expect((await run('inspect', folder)).text).toMatch(/manifest is not JSON.*--rebuild/);
    expect((await run('inspect', folder, '--rebuild', '--no-statistics')).exitCode).toBe(0);
    expect(readFileSync(join(folder, 'manifest.json'), 'utf8')).toBe(manifest);
    writeFileSync(join(folder, 'manifest.json'), manifest.replace('"random/0"', '"random/1"'));
    expect((await run('inspect', folder, '--verify')).text).toMatch(/manifest is not what the shards say/);
  });
});
