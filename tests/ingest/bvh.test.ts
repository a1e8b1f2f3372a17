// nextgait ingest bvh, from files to a dataset.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readBvh } from '../../ingest/bvh.js';
import { loadRetargetConfig, retargeterOf } from '../../ingest/human.js';
import * as bvhMotion from '../../ingest/readers/bvh-motion.js';
import { packagePath } from '../../src/base/files.js';
import { findHumanFiles } from '../../src/cli/human-inputs.js';
import { ingestCommand } from '../../src/cli/ingest.js';
import { RETARGET_REPORT_FILE } from '../../src/cli/ingest-human.js';
import { openDataset } from '../../src/dataset/dataset.js';
import type { Episode } from '../../src/motion/episode.js';
import type { Retargeter } from '../../src/retarget/retarget-problem.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { temporaryFolder } from '../dataset/helpers.js';

const WALK = packagePath('data', 'samples', 'motion', 'walk.bvh');
const OPTIONS = { rate_hz: 50, source: 'bvh', hindsight: true };

let robot: RobotModel;
let retargeter: Retargeter;
beforeAll(async () => {
  robot = (await loadRobot('g1')).robot;
  const { config, where } = await loadRetargetConfig(robot, undefined);
  retargeter = retargeterOf(robot, config, where);
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** The sample's first second, its lengths times a factor. */
function shortWalk(factor = 1): string {
  const [head, motion] = readFileSync(WALK, 'utf8').split('MOTION\n');
  const scaled = (text: string) => (Number(text) * factor).toFixed(6);
  const hierarchy = head.replace(
    /OFFSET (\S+) (\S+) (\S+)/g,
    (_, x, y, z) => `OFFSET ${[x, y, z].map(scaled).join(' ')}`,
  );
  const rows = motion.split('\n').slice(2, 62);
  const lines = rows.map((row) => {
    const values = row.split(' ');
    return [...values.slice(0, 3).map(scaled), ...values.slice(3)].join(' ');
  });
  return `${hierarchy}MOTION\nFrames: ${lines.length}\nFrame Time: 0.0166667\n${lines.join('\n')}\n`;
}

async function run(...words: string[]): Promise<void> {
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  await ingestCommand().parseAsync(['bvh', '--workers', '1', ...words], { from: 'user' });
}

/** The same on the G1, with what it said and the exit code; `--json` gives the result. */
async function runTold(...words: string[]) {
  const text: string[] = [];
  const json: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => text.push(String(chunk)) > 0);
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => json.push(String(chunk)) > 0);
  await ingestCommand().parseAsync(['bvh', '--workers', '1', '--robot', 'g1', ...words], { from: 'user' });
  const { exitCode } = process;
  process.exitCode = undefined;
  return { text: text.join(''), exitCode, result: json.length === 0 ? undefined : JSON.parse(json.join('')) };
}

describe('reading BVH', () => {
  it('gives an Episode without actions that walks as the person does', async () => {
    const { episodes, clips } = await readBvh(WALK, {}, retargeter, OPTIONS);
    expect(episodes.length).toBe(1);
    const [{ channels, kind, frameCount, provenance }] = episodes;
    expect(kind).toBe('bvh');
    expect(channels.action).toBeUndefined();
    expect(frameCount).toBe(221);
    const { quality, scale } = clips[0];
    // Hip to ankle of the G1, 0.624 m, over 0.491 of 1.72 m.
    expect(scale).toBeCloseTo(0.739, 2);
    // The sample walks at 1.07 m/s.
    const forward = channels.basePosition!.data[3 * 220] - channels.basePosition!.data[0];
    const sideways = channels.basePosition!.data[3 * 220 + 1] - channels.basePosition!.data[1];
    expect(Math.hypot(forward, sideways) / 4.4).toBeCloseTo(1.07 * scale, 1);
    expect(quality.keypoint_m).toBeLessThan(0.01);
    expect(quality.penetration_mm.max).toBeLessThan(5);
    expect(quality.skating_mps!.mean).toBeLessThan(0.5 * quality.targetSkating_mps!.mean);
    expect(quality.limitExcess_rad).toBeLessThanOrEqual(0);
    expect(quality.speedShare).toBeLessThan(1);
    // Both feet stand, in turns.
    const contact = channels.footContact!.data;
    for (const foot of [0, 1]) {
      const standing = contact.filter((_, at) => at % 2 === foot).reduce((sum, one) => sum + one, 0) / frameCount;
      expect(standing).toBeGreaterThan(0.3);
      expect(standing).toBeLessThan(0.9);
    }
    expect(provenance.options).toMatchObject({ rate_hz: 50, hindsight: true, measured: { unit: 'cm' } });
  });

  it('gives the same joints whatever the unit of length', async () => {
    const folder = temporaryFolder();
    const joints = await Promise.all(
      [1, 0.01, 1 / 2.54].map(async (factor, at) => {
        const path = join(folder, `walk-${at}.bvh`);
        writeFileSync(path, shortWalk(factor));
        return (await readBvh(path, {}, retargeter, OPTIONS)).episodes[0].channels.jointPosition!.data;
      }),
    );
    // The files have six decimals: a ten-thousandth of a centimetre, or of a metre.
    for (const other of joints.slice(1)) {
      other.forEach((value, at) => {
        expect(Math.abs(value - joints[0][at])).toBeLessThan(2e-3);
      });
    }
  });
});

describe('a body whose file does not travel', () => {
  const [head, motion] = readFileSync(WALK, 'utf8').split('MOTION\n');
  const [, frameTime, ...rows] = motion.trimEnd().split('\n');
  const write = (name: string, hierarchy: string, rewrite: (row: string[]) => string[]) => {
    const path = join(temporaryFolder(), name);
    const lines = rows.map((row) => rewrite(row.split(' ')).join(' '));
    writeFileSync(path, `${hierarchy}MOTION\nFrames: ${rows.length}\n${frameTime}\n${lines.join('\n')}\n`);
    return path;
  };
  const treadmill = () => write('treadmill.bvh', head, ([, height, , ...rest]) => ['0', height, '0', ...rest]);
  const rotations = () =>
    write('rotations.bvh', head.replace('CHANNELS 6 Xposition Yposition Zposition', 'CHANNELS 3'), (row) =>
      row.slice(3),
    );
  const travelled = ({ channels, frameCount }: Episode) => {
    const [start, end] = [0, 3 * (frameCount - 1)].map((at) => channels.basePosition!.data.subarray(at, at + 2));
    return Math.hypot(end[0] - start[0], end[1] - start[1]);
  };

  it.each([
    ['treadmill', treadmill],
    ['rotations only', rotations],
  ])('goes where its feet take it: %s', async (_, made) => {
    const path = made();
    const truth = await readBvh(WALK, {}, retargeter, OPTIONS);
    const { episodes, clips } = await readBvh(path, {}, retargeter, OPTIONS);
    expect(truth.episodes[0].findings.map(({ kind }) => kind)).not.toContain('no-world-motion');
    expect(episodes[0].findings.map(({ kind }) => kind)).toContain('no-world-motion');
    // Feet roll and slip a little in the original, too.
    expect(travelled(episodes[0]) / travelled(truth.episodes[0])).toBeGreaterThan(0.9);
    expect(travelled(episodes[0]) / travelled(truth.episodes[0])).toBeLessThan(1.1);
    expect(clips[0].quality.contactShare).toBeGreaterThan(0.8 * truth.clips[0].quality.contactShare);
    const forward = (episode: Episode) => {
      const { data } = episode.channels.command!;
      return data.reduce((sum, value, at) => sum + (at % 3 === 0 ? value : 0), 0) / episode.frameCount;
    };
    expect(forward(episodes[0])).toBeCloseTo(forward(truth.episodes[0]), 1);
  });

  it('stays where it is when that is asked for, and nothing is claimed of soles that never stand', async () => {
    const { episodes, clips } = await readBvh(treadmill(), { travel: 'file' }, retargeter, OPTIONS);
    expect(travelled(episodes[0])).toBeLessThan(0.1);
    expect(clips[0].quality.skating_mps).toBeNull();
    expect(episodes[0].findings.map(({ kind }) => kind)).toContain('no-contacts');
  });
});

describe('a motion that the robot cannot follow', () => {
  it('is refused with the jump that makes it so', async () => {
    const path = join(temporaryFolder(), 'spike.bvh');
    const lines = shortWalk().trimEnd().split('\n');
    const middle = lines.length - 30;
    lines[middle] = lines[middle].replace(/^\S+/, (x) => String(Number(x) + 500));
    writeFileSync(path, `${lines.join('\n')}\n`);
    await expect(readBvh(path, {}, retargeter, OPTIONS)).rejects.toThrow(
      /spike: retargeting cost.*In the file, the body jumps in 2 frames, first in frame 30.*The robot cannot follow/,
    );
  });
});

describe('nextgait ingest bvh', () => {
  it('ingests what it can, refuses the rest, and reports every clip', async () => {
    const folder = temporaryFolder();
    const clips = join(folder, 'clips');
    mkdirSync(clips);
    writeFileSync(join(clips, 'a-walk.bvh'), shortWalk());
    writeFileSync(join(clips, 'b-broken.bvh'), `${shortWalk().slice(0, -40)}\n`);
    writeFileSync(join(clips, 'notes.txt'), 'no motion');
    const out = join(folder, 'out');
    await run(clips, '--robot', 'g1', '--out', out, '--hindsight', '--quiet');
    expect(process.exitCode).toBe(1);
    const report = JSON.parse(readFileSync(join(out, 'ingest-report.json'), 'utf8'));
    expect(report).toMatchObject({ ingested: 1, refused: 1, episodes: 1 });
    expect(report.inputs[1].errors[0].where).toMatch(/b-broken\.bvh:\d+/);
    const { clips: judged } = JSON.parse(readFileSync(join(out, RETARGET_REPORT_FILE), 'utf8'));
    expect(judged).toHaveLength(1);
    expect(judged[0]).toMatchObject({ input: 'a-walk.bvh', quality: { frames: 50 } });
    const dataset = await openDataset(out);
    const [episode] = dataset.episodes;
    expect(episode.kind).toBe('bvh');
    expect(episode.frameCount).toBe(50);
    dataset.close();
  });

  it('keeps a dataset that --overwrite names where flags are wrong or nothing goes in', async () => {
    const folder = temporaryFolder();
    const [walk, broken, out] = ['walk.bvh', 'broken.bvh', 'out'].map((name) => join(folder, name));
    writeFileSync(walk, shortWalk());
    writeFileSync(broken, shortWalk().slice(0, 900));
    await run(walk, '--robot', 'g1', '--out', out, '--quiet');
    const contents = () => readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'latin1')]);
    const before = contents();
    const wrong = await runTold('nope.bvh', 'no.bvh', '--rig', 'mixmo', '--height', '9', '--out', out, '--overwrite');
    expect(wrong.exitCode).toBe(1);
    expect(wrong.text).toMatch(
      /error: nope\.bvh: input is not there\nno\.bvh: input .*\n--height: .*\n--rig mixmo: rig: expected one of/,
    );
    expect(contents()).toEqual(before);
    const refused = await runTold(broken, '--out', out, '--overwrite');
    expect(refused.exitCode).toBe(1);
    expect(refused.text).toMatch(/1 refused: nothing went in, and .*out is as it was/);
    expect(contents()).toEqual(before);
    expect((await runTold(walk, '--source', 'other', '--out', out, '--overwrite')).exitCode).toBe(0);
    const dataset = await openDataset(out);
    expect(dataset.episodes.map(({ source }) => source)).toEqual(['other']);
    dataset.close();
  });

  it('tells what it measured on every clip, in a line, in the report and in the result', async () => {
    const folder = temporaryFolder();
    const [walk, out] = ['walk.bvh', 'out'].map((name) => join(folder, name));
    writeFileSync(walk, shortWalk());
    const { text, result } = await runTold(walk, '--out', out, '--json');
    expect(text).toMatch(/bvh\/walk-\w+\/0: 1\.72 m tall, rig mixamo, unit cm, \+y up, floor at -?0\.0\d m/);
    const report = JSON.parse(readFileSync(join(out, RETARGET_REPORT_FILE), 'utf8'));
    const measured = { rig: 'mixamo', unit: 'cm', unit_m: 0.01, up: '+y', joints: { left_hip: 'LeftUpLeg' } };
    for (const { clips } of [report, result]) expect(clips).toMatchObject([{ input: 'walk.bvh', measured }]);
  });

  it('reaches every setting of the reader, and names the nearest of a wrong one', async () => {
    const folder = temporaryFolder();
    const [walk, out] = ['walk.bvh', 'out'].map((name) => join(folder, name));
    writeFileSync(walk, shortWalk().replace(/Frames: \d+/, 'Frames: 70'));
    const refused = await runTold(walk, '--out', out);
    expect(refused.text).toMatch(/walk\.bvh:133: Frames: .*--reader frameCount=rows/);
    const wrong = await runTold(walk, '--out', out, '--reader', 'frameCout=rows', '--reader', 'part_s', '--overwrite');
    expect(wrong.text).toMatch(/--reader part_s: setting: expected key=value/);
    const near = await runTold(walk, '--out', out, '--reader', 'frameCout=rows', '--height', '9', '--overwrite');
    expect(near.text).toMatch(/--reader: frameCout: unknown key\. Did you mean "frameCount"\?/);
    expect(near.text).toMatch(/--height: Too big/);
    const words = ['--reader', 'frameCount=rows', '--reader', 'part_s=0.5', '--overwrite', '--json'];
    expect((await runTold(walk, '--out', out, ...words)).result).toMatchObject({ ingested: 1, episodes: 2 });
  });

  it('adds to a dataset what is new, without reading the rest again, and to its reports', async () => {
    const folder = temporaryFolder();
    const people = ['ann', 'bob'].map((name) => join(folder, 'people', name));
    for (const [at, person] of people.entries()) {
      mkdirSync(person, { recursive: true });
      writeFileSync(join(person, 'walk.bvh'), shortWalk(at === 0 ? 1 : 0.01));
    }
    const out = join(folder, 'out');
    expect((await runTold(join(people[0], 'walk.bvh'), '--out', out)).exitCode).toBe(0);
    const reading = vi.spyOn(bvhMotion, 'readBvhMotions');
    const { text, result } = await runTold(join(folder, 'people'), '--out', out, '--append', '--json');
    expect(reading.mock.calls.map(([path]) => path)).toEqual([join(people[1], 'walk.bvh')]);
    expect(text).toMatch(/ann\/walk\.bvh: skipped: in the dataset already/);
    expect(result).toMatchObject({
      skipped: 1,
      ingested: 1,
      inputs: [
        { input: 'ann/walk.bvh', status: 'skipped', episodes: [{ frames: 50 }] },
        { input: 'bob/walk.bvh', status: 'ingested' },
      ],
    });
    const report = JSON.parse(readFileSync(join(out, 'ingest-report.json'), 'utf8'));
    expect(report).toMatchObject({
      ingested: 2,
      episodes: 2,
      inputs: [
        { input: 'walk.bvh', status: 'ingested' },
        { input: 'bob/walk.bvh', status: 'ingested' },
      ],
    });
    const { clips } = JSON.parse(readFileSync(join(out, RETARGET_REPORT_FILE), 'utf8'));
    expect(clips.map(({ input }: { input: string }) => input)).toEqual(['walk.bvh', 'bob/walk.bvh']);
    expect(new Set(clips.map(({ episode }: { episode: string }) => episode)).size).toBe(2);
  });

  it('finds motions in folders of folders, without their companions, and shows the template of a skeleton once', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    const strange = shortWalk().replace(/(ROOT|JOINT) (\w+)/g, '$1 q$2q');
    writeFileSync(join(folder, 'a', 'b', 'one.bvh'), strange);
    writeFileSync(join(folder, 'a', 'two.bvh'), strange);
    const { text } = await runTold(folder, '--out', join(folder, 'out'));
    expect(text.match(/name: my-rig/g)).toHaveLength(1);
    expect(text).toMatch(/a\/b\/one\.bvh: refused[\s\S]*my-rig[\s\S]*a\/two\.bvh: refused: .*\(see above\)/);
    for (const name of ['camera.npy', 'shape.npz', 'female_stagei.npz', 'slam_results.pth', 'wham_output.pkl']) {
      writeFileSync(join(folder, 'a', 'b', name), '');
    }
    const log: string[] = [];
    const files = await findHumanFiles([folder], ['.npz', '.pkl', '.pth', '.npy'], {
      info: (line) => log.push(line),
      warn: () => {},
    });
    expect(files.map(({ name }) => name)).toEqual(['a/b/wham_output.pkl']);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/left out.*camera\.npy, .*stagei\.npz, a\/b\/shape\.npz, a\/b\/slam_results\.pth/);
  });

  it('refuses a unit that is none as it refuses other flags', async () => {
    const command = ingestCommand();
    for (const one of [command, ...command.commands]) one.exitOverride();
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const words = ['bvh', WALK, '--unit', 'furlong'];
    await expect(command.parseAsync(words, { from: 'user' })).rejects.toThrow(/'--unit.*one of m, ft.*"furlong"/);
  });

  it('refuses a robot setting that is not there before it reads anything', async () => {
    const written: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    const words = ['bvh', WALK, '--robot', 'g1', '--out', join(temporaryFolder(), 'out'), '--workers', '1'];
    await ingestCommand().parseAsync([...words, '--set', 'contact.radius=1'], { from: 'user' });
    expect(process.exitCode).toBe(1);
    expect(written.join('')).toContain('Did you mean "radius_m"?');
  });
});
