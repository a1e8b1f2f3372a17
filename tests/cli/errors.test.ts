// What goes wrong, and how it is told: exit code 1 and one clear text for the user's data and flags, 2 for our fault.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { reportError } from '../../src/cli/common.js';
import { REPOSITORY, runCli, succeed, temporaryFolder, tinySettings, writeTinyDataset } from './run-cli.js';

let folder: string;
let remove: () => Promise<void>;

beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
  await writeTinyDataset(join(folder, 'tiny'));
  await mkdir(join(folder, 'photos'));
  await writeFile(join(folder, 'photos', 'holiday.jpg'), 'not ours');
  await writeFile(join(folder, 'broken.yaml'), 'name: [broken\n');
  await writeFile(join(folder, 'typo.yaml'), 'modle:\n  width: 16\n');
});
afterAll(() => remove());

const run = (...words: string[]) => runCli(words, { cwd: folder });
const train = (...words: string[]) => run('train', 'tiny', '--data', 'tiny', ...words);

describe.concurrent('exit code 1, nothing on stdout, and a text that says what to do', () => {
  it.each<[string, string[], RegExp]>([
    ['an unknown verb', ['trian'], /unknown command 'trian'\n\(Did you mean train\?\)\n\(nextgait --help/],
    ['an unknown source', ['ingest', 'rolout'], /unknown command 'rolout'.*rollout.*\(nextgait ingest --help/s],
    ['an unknown flag', ['train', '--dtaa', 'x'], /unknown option '--dtaa'.*--data.*\(nextgait train --help/s],
    [
      'a value that is no number',
      ['evaluate', 'x', '--duration', 'long'],
      /--duration.*expected a number, found "long"/,
    ],
    ['a length of zero', ['evaluate', 'x', '--duration', '0'], /--set duration_s=0: Too small/],
    [
      'a count of zero',
      ['record', '--controller', 'x', '--episodes', '0'],
      /expected an integer of 1 or more, found "0"/,
    ],
    ['a seed with a fraction', ['train', '--seed', '1.5'], /expected an integer of 0 or more, found "1.5"/],
    ['a choice that there is not', ['train', '--runtime', 'cuda'], /Allowed choices are auto, onnx, tfjs, reference/],
    [
      'flags that exclude each other',
      ['record', '--append', '--overwrite'],
      /--overwrite' cannot be used with option '--append/,
    ],
    [
      'a preset that there is not',
      ['train', 'tinny', '--data', 'tiny'],
      /tinny: no such config: expected .*base, .*tiny.* Did you mean "tiny"\?/,
    ],
    ['a config file that is no YAML', ['train', './broken.yaml', '--data', 'tiny'], /broken\.yaml:\d+: YAML/],
    [
      'a key in a config',
      ['train', 'typo.yaml', '--data', 'tiny'],
      /typo\.yaml: modle: unknown key\. Did you mean "model"\?/,
    ],
    [
      'a key in --set',
      ['train', 'tiny', '--set', 'train.step=3'],
      /--set train\.step=3: unknown key\. Did you mean "steps"\?/,
    ],
    ['a setting without a value', ['train', 'tiny', '--set', 'train.steps'], /--set train\.steps.*expected key=value/],
    [
      'a value of the wrong kind',
      ['train', 'tiny', '--set', 'train.steps=many'],
      /--set train\.steps=many: .*expected number/,
    ],
    ['no data', ['train', 'tiny'], /no dataset to train on\. Name dataset folders/],
    [
      'a place in a list that is named by a word',
      ['record', '--controller', 'x', '--out', 'x', '--set', 'disturbance.kicks.speed_mps.max=5'],
      /--set disturbance\.kicks\.speed_mps\.max=5: disturbance\.kicks\.speed_mps is a list: .*\.0 to \.1/,
    ],
    [
      'a value that fits none of several forms',
      ['record', '--controller', 'x', '--out', 'x', '--set', 'start.yaw_rad=foo'],
      /--set start\.yaw_rad=foo: value: expected a number or "random", found "foo"/,
    ],
    ['a dataset that is not there', ['inspect', 'nowhere'], /nowhere: not a dataset: .*found no such folder$/m],
    ['a mistyped dataset', ['inspect', './tinny'], /tinny: not a dataset: .* Did you mean "tiny"\?/],
    [
      'a shard in place of its folder',
      ['inspect', 'tiny/shard-00000.arrow'],
      /not a dataset: .*found a file\. Give its folder: tiny$/m,
    ],
    [
      'a robot for a policy that is not drawn',
      ['export', 'g1-walk', '--out', 'x', '--robot', 'nosuch'],
      /--robot nosuch: .*found no --web/,
    ],
    [
      'weights for a policy that has its own',
      ['record', '--controller', 'g1-walk', '--weights', 'nope', '--out', 'x'],
      /--weights nope: the network of a policy config: found g1-walk is a bundle/,
    ],
    [
      'weights for a controller that has none',
      ['record', '--controller', 'model-based', '--weights', 'nope', '--out', 'x'],
      /--weights nope: .*model-based, and has none/,
    ],
    ['weights that a teacher cannot have', ['evaluate', 'g1-walk', '--weights', 'nope', '--trials', '1'], /nope/],
    ['a robot to draw that there is not', ['view', 'tiny', '--robot', 'g11'], /robot g11: no such robot.*"g1"/],
    ['a port that there is not', ['view', 'tiny', '--port', '99999'], /--port.*a port from 0 to 65535, found "99999"/],
    [
      'a build on top of something else',
      ['view', 'tiny', '--build', 'photos'],
      /--build \S*photos: folder holds something else/,
    ],
    ['a folder that is no dataset', ['inspect', 'photos'], /photos: not a dataset/],
    ['a policy that is not there', ['evaluate', 'nowhere'], /nowhere: neither a policy bundle/],
    [
      'a robot that there is not',
      ['ingest', 'rollout', 'x', '--map', 'mujoco-npz', '--robot', 'g2', '--out', 'x'],
      /g2.*g1/s,
    ],
    [
      'a file that is not there',
      ['ingest', 'bvh', 'no.bvh', '--robot', 'g1', '--out', 'y'],
      /no\.bvh: input is not there/,
    ],
    [
      'a field map that there is not',
      ['ingest', 'rollout', 'x', '--map', 'no', '--robot', 'g1', '--out', 'x'],
      /no such field map: expected one of beyondmimic-npz, .* or a file/,
    ],
    ['a run that is not there', ['train', '--resume', 'nowhere'], /not a run folder/],
  ])('%s', async (_, words, text) => {
    const { code, stdout, stderr } = await run(...words);
    expect(stderr).toMatch(text);
    expect(stderr).toMatch(/^(error|warning): /m);
    expect(stderr, 'no stack of ours').not.toMatch(/^\s+at /m);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });
});

describe('--out', () => {
  it('refuses a folder that holds something else, whatever is asked, and leaves it alone', async () => {
    for (const flag of [[], ['--overwrite']]) {
      const { code, stderr } = await train('--out', 'photos', ...flag);
      expect(code).toBe(1);
      expect(stderr).toMatch(/--out photos: folder holds something else: .* found holiday\.jpg\. Give another folder/);
    }
    expect(await readdir(join(folder, 'photos'))).toEqual(['holiday.jpg']);
  });

  it('refuses a run of ours unless told to overwrite it, and then replaces it whole', async () => {
    const short = [...tinySettings({ 'train.steps': 2 }), '--out', 'run', '--quiet'];
    await succeed(['train', 'tiny', '--data', 'tiny', ...short], { cwd: folder });
    const again = await train(...short);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/--out run: folder is not empty: .*\. Use --overwrite to replace it/);
    await writeFile(join(folder, 'run', 'stale'), '');
    expect((await train(...short, '--overwrite')).code).toBe(0);
    expect(await readdir(join(folder, 'run'))).not.toContain('stale');
  });

  it('refuses a run of ours that holds the data it is to be trained on', async () => {
    await mkdir(join(folder, 'home'));
    await writeFile(join(folder, 'home', 'config.yaml'), '');
    await writeTinyDataset(join(folder, 'home', 'data'));
    const words = ['train', 'tiny', '--data', 'tiny', 'home/data', ...tinySettings({ 'train.steps': 2 })];
    const { code, stderr } = await run(...words, '--out', 'home', '--overwrite');
    expect(code).toBe(1);
    expect(stderr).toMatch(/--out home: folder holds what is to be read: found home\/data\. Give another folder/);
    await succeed(['inspect', 'home/data', '--verify', '--quiet'], { cwd: folder });
  });

  it('of a dataset takes --append, and skips what is there already', async () => {
    const sample = join(REPOSITORY, 'data/samples/rollouts/g1_walk_0.npz');
    const ingest = (...more: string[]) =>
      run('ingest', 'rollout', sample, '--map', 'mujoco-npz', '--robot', 'g1', '--out', 'samples', ...more);
    expect((await ingest()).code).toBe(0);
    expect((await ingest()).stderr).toMatch(/folder is not empty.*--append to add to it/);
    const again = await ingest('--append', '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ skipped: 1, ingested: 0 });
  });
});

describe('an input that is refused', () => {
  it('is named, the others are ingested, and the exit code is 1', async () => {
    const good = join(REPOSITORY, 'data/samples/rollouts/g1_walk_1.npz');
    await writeFile(join(folder, 'cut.npz'), (await readFile(good)).subarray(0, 1000));
    const { code, stderr, stdout } = await run(
      ...['ingest', 'rollout', 'cut.npz', 'missing.npz', good, '--map', 'mujoco-npz', '--robot', 'g1'],
      ...['--out', 'partly', '--json'],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/cut\.npz: refused/);
    expect(stderr).toMatch(/missing\.npz: refused/);
    expect(JSON.parse(stdout)).toMatchObject({ refused: 2, ingested: 1, episodes: 1 });
    await succeed(['inspect', 'partly', '--verify', '--quiet'], { cwd: folder });
  });
});

describe('a dataset that is damaged', () => {
  it('is refused with its file, exit code 1', async () => {
    await writeTinyDataset(join(folder, 'damaged'));
    const [shard] = (await readdir(join(folder, 'damaged'))).filter((name) => name.endsWith('.arrow'));
    const path = join(folder, 'damaged', shard);
    const bytes = await readFile(path);
    bytes[Math.floor(bytes.length / 2)] ^= 1;
    await writeFile(path, bytes);
    const { code, stderr } = await run('inspect', 'damaged', '--verify');
    expect(code).toBe(1);
    expect(stderr).toContain(shard);
  });
});

describe('reportError', () => {
  it("tells the user's errors (1) from ours (2): ours come with a stack and a request to report them", () => {
    const written: string[] = [];
    const write = process.stderr.write;
    process.stderr.write = ((text: string) => written.push(text) > 0) as typeof write;
    try {
      expect(reportError(new DataError({ where: 'walk.bvh:41', what: 'CHANNELS count' }))).toBe(1);
      expect(reportError(new RangeError('offset is out of bounds'))).toBe(2);
      expect(reportError('thrown text')).toBe(2);
    } finally {
      process.stderr.write = write;
    }
    expect(written[0]).toBe('error: walk.bvh:41: CHANNELS count\n');
    expect(written.slice(1).join('')).toMatch(/internal error.*report it.*RangeError: offset.*\n\s+at .*thrown text/s);
  });
});
