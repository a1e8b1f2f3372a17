// The BVH parser against three's BVHLoader, against Number(), and on every defect it must name.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Bone } from 'three';
import { BVHLoader } from 'three/examples/jsm/loaders/BVHLoader.js';
import { describe, expect, it } from 'vitest';
import {
  type BvhClip,
  computeBvhPose,
  createBvhPose,
  openBvh,
  openBvhFile,
  parseBvh,
  readBvh,
} from '../../../ingest/readers/bvh-parser.js';
import { Random } from '../../../src/base/random.js';

const FIXTURES = join(import.meta.dirname, '../../fixtures/bvh');
const SHARED = join(import.meta.dirname, '../../../../shared/data/bvh');
const fixture = (name: string) => readFileSync(join(FIXTURES, name));
const filesIn = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.bvh'))
        .map((name) => join(folder, name))
    : [];

/** three reads neither wrapped rows nor braces on the line of the name; the rest of ours it does. */
const THREE_READS = filesIn(FIXTURES).filter((path) => !/wrapped|namespaces/.test(path));
const REFUSED = [
  'nan_row',
  'short_row',
  'no_motion',
  'truncated_hierarchy',
  'frame_time_zero',
  'frames_more_than_rows',
];

/** World positions and orientations of every joint and frame, as three's loader and scene graph give them. */
function expectSameAsThree(clip: BvhClip, text: string) {
  const { skeleton, clip: animation } = new BVHLoader().parse(text);
  const bones = skeleton.bones as Bone[];
  expect(bones.length).toBe(clip.joints.length);
  const moving = clip.joints.flatMap((joint, index) => (joint.isEndSite ? [] : [index]));
  const pose = createBvhPose(clip.joints);
  for (let frame = 0; frame < clip.frameCount; frame++) {
    for (const [track, joint] of moving.entries()) {
      bones[joint].position.fromArray(animation.tracks[2 * track].values, frame * 3);
      bones[joint].quaternion.fromArray(animation.tracks[2 * track + 1].values, frame * 4);
    }
    bones[0].updateMatrixWorld(true);
    computeBvhPose(clip.joints, clip.values, frame * clip.channelCount, pose);
    for (const [joint, bone] of bones.entries()) {
      const e = bone.matrixWorld.elements;
      // three keeps tracks in float32 (6e-8 relative): a chain of 10 joints at 500 units may differ by 500 * 10 * 6e-8.
      for (let k = 0; k < 3; k++) expect(Math.abs(pose.position[joint * 3 + k] - e[12 + k])).toBeLessThan(3e-4);
      const [w, x, y, z] = pose.quaternion.subarray(joint * 4, joint * 4 + 4);
      const columnX = [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)];
      const columnY = [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)];
      for (let k = 0; k < 3; k++) {
        expect(Math.abs(columnX[k] - e[k])).toBeLessThan(5e-6);
        expect(Math.abs(columnY[k] - e[4 + k])).toBeLessThan(5e-6);
      }
    }
  }
}

describe('gives the transforms of three', () => {
  it.each(THREE_READS.map((path) => [basename(path), path]))('%s', (_, path) => {
    const bytes = readFileSync(path);
    expectSameAsThree(parseBvh(bytes, path), bytes.toString('latin1'));
  });

  const shared = [...filesIn(SHARED), ...filesIn(join(SHARED, 'edge'))].filter(
    (path) => !REFUSED.includes(basename(path, '.bvh')) && !path.includes('bom'),
  );
  it.skipIf(shared.length === 0)('on the development files', () => {
    for (const path of shared) {
      const bytes = readFileSync(path);
      const clip = parseBvh(bytes, path);
      const few = { ...clip, frameCount: Math.min(clip.frameCount, 30) };
      expectSameAsThree(few, bytes.toString('latin1'));
    }
  });
});

describe('reads dialects', () => {
  const plain = parseBvh(fixture('plain.bvh'), 'plain.bvh');

  it.each(['carriage_return.bvh', 'crlf_tabs_blank_lines.bvh', 'wrapped_rows.bvh'])('%s equals plain.bvh', (name) => {
    const clip = parseBvh(fixture(name), name);
    expect(clip.values).toEqual(plain.values);
    expect(clip.joints.map(({ line: _, ...rest }) => rest)).toEqual(plain.joints.map(({ line: _, ...rest }) => rest));
  });

  it('keeps names with spaces and namespaces, and reads braces and entries on one line', () => {
    const clip = parseBvh(fixture('namespaces_braces.bvh'), 'n.bvh');
    expect(clip.joints.map(({ name }) => name)).toEqual([
      'mixamorig:Hips',
      'Character 1:Left Up Leg',
      'Character 1:Left Up Leg/end',
    ]);
    expect([...clip.values]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, -4, 0.5, 60, 7, 8, 9]);
  });

  it('skips a byte order mark and refuses UTF-16', () => {
    const bytes = fixture('plain.bvh');
    expect(parseBvh(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]), 'b').values).toEqual(plain.values);
    expect(() => parseBvh(Buffer.from(`\ufeff${bytes.toString()}`, 'utf16le'), 'u.bvh')).toThrow(/u\.bvh:1.*UTF-16/);
  });

  it('several roots', () => {
    const root = (name: string) => `ROOT ${name}\n{\nOFFSET 0 0 0\nCHANNELS 3 Xrotation Yrotation Zrotation\n}\n`;
    const clip = parseBvh(`HIERARCHY\n${root('A')}${root('B')}MOTION\nFrames: 1\nFrame Time: 1\n1 2 3 4 5 6\n`, 'r');
    expect(clip.joints.map(({ parent }) => parent)).toEqual([-1, -1]);
  });

  it('counts rows instead of Frames when asked to', () => {
    const text = fixture('plain.bvh').toString().replace('Frames: 3', 'Frames: 9');
    expect(parseBvh(text, 'p', { frameCount: 'rows' }).frameCount).toBe(3);
    expect(parseBvh(text.replace('Frames: 9', 'Frames: 1'), 'p', { frameCount: 'rows' }).values).toEqual(plain.values);
  });
});

describe('numbers', () => {
  const withRow = (row: readonly string[]) =>
    `HIERARCHY\nROOT A\n{\nOFFSET 0 0 0\nCHANNELS 1 Yrotation\n}\nMOTION\nFrames: ${row.length}\nFrame Time: 1\n${row.join('\n')}`;

  it('are the doubles that Number() gives, bit for bit', () => {
    const random = new Random(3);
    const digits = (most: number) =>
      Array.from({ length: random.integer(most) + 1 }, () => random.integer(10)).join('');
    const texts = Array.from({ length: 20_000 }, () => {
      const sign = ['', '-', '+'][random.integer(3)];
      const body = [digits(12), `${digits(5)}.${digits(9)}`, `.${digits(18)}`, `${digits(20)}.`][random.integer(4)];
      return `${sign}${body}${random.integer(4) === 0 ? `e${random.integer(60) - 30}` : ''}`;
    });
    const { values } = parseBvh(withRow(texts), 'numbers.bvh');
    for (const [index, text] of texts.entries()) {
      if (!Object.is(values[index], Number(text))) expect.fail(`${text}: ${values[index]}`);
    }
  });

  it.each(['nan', 'inf', '1e999', '0x10', '1.2.3', '--1', '.', '1e', '1,5', 'Infinity'])('%s is refused', (text) => {
    expect(() => parseBvh(withRow(['0', text, '0']), 'bad.bvh')).toThrow(
      `bad.bvh:11: value 1 of 1 (A Yrotation): expected a finite number, found "${text}"`,
    );
  });

  it('names several bad values at once', () => {
    expect(() => parseBvh(withRow(['nan', '1', 'x']), 'two.bvh')).toThrow(/two\.bvh:10.*"nan"\n.*two\.bvh:12.*"x"/);
  });
});

describe('streams', () => {
  const bytes = fixture('all_orders.bvh');
  const whole = parseBvh(bytes, 'all_orders.bvh');

  it.each([1, 2, 7, 64, 1000])('pieces of %i bytes', async (size) => {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, k) =>
      bytes.subarray(k * size, (k + 1) * size),
    );
    const stream = await openBvh(pieces, 'all_orders.bvh', { chunkFrames: 3 });
    const got: number[] = [];
    const counts: number[] = [];
    for await (const { first, count, values } of stream.frames()) {
      expect(first * stream.channelCount).toBe(got.length);
      counts.push(count);
      got.push(...values.subarray(0, count * stream.channelCount));
    }
    expect(counts).toEqual([3, 1]);
    expect(got).toEqual([...whole.values]);
  });

  it('from files, whole and in part', async () => {
    const path = join(FIXTURES, 'all_orders.bvh');
    expect((await readBvh(path)).values).toEqual(whole.values);
    expect((await readBvh(path, { precision: 'float32' })).values).toEqual(Float32Array.from(whole.values));
    const stream = await openBvhFile(path, { chunkFrames: 1 });
    for await (const { count } of stream.frames()) {
      expect(count).toBe(1);
      break;
    }
    await expect(readBvh(join(FIXTURES, 'absent.bvh'))).rejects.toThrow(/absent\.bvh.*ENOENT/);
  });
});

describe('refuses with file:line, expected and found', () => {
  const good = fixture('plain.bvh').toString();
  const rows = good.split('\n').slice(-4, -1);
  const cases: [name: string, text: string, message: RegExp][] = [
    ['no BVH at all', 'name,x,y\n', /f\.bvh:1: first word: expected HIERARCHY, found "name,x,y"/],
    ['an empty file', '', /f\.bvh:1.*HIERARCHY.*the end of the file/],
    [
      'a joint without OFFSET',
      good.replace('    OFFSET 0.1 20 -0.3\n', ''),
      /f\.bvh:8: Spine: .*OFFSET, found "CHANNELS"/,
    ],
    ['an OFFSET of two numbers', good.replace('0.1 20 -0.3', '0.1 20'), /f\.bvh:9: Spine: OFFSET Z.*"CHANNELS"/],
    ['an unknown channel', good.replace('Xposition', 'Wposition'), /f\.bvh:5: Hips: channel 1 of 6: .*"Wposition"/],
    ['a channel twice', good.replace('Yposition', 'Xposition'), /f\.bvh:5: Hips: channel 2 of 6: .*once/],
    [
      'seven channels',
      good.replace('CHANNELS 6', 'CHANNELS 7'),
      /f\.bvh:5: Hips: CHANNELS count: expected from 0 to 6/,
    ],
    ['an unnamed joint', good.replace('JOINT Spine', 'JOINT'), /f\.bvh:6: JOINT name/],
    ['a hierarchy that ends early', good.slice(0, good.indexOf('JOINT LeftLeg')), /f\.bvh:\d+: .*the end of the file/],
    [
      'one brace too many',
      good.replace('}\nMOTION', '}\n}\nMOTION'),
      /f\.bvh:\d+: after the hierarchy: expected MOTION, found "}"/,
    ],
    ['no MOTION', good.slice(0, good.indexOf('MOTION')), /expected MOTION, found the end/],
    ['frame time zero', good.replace('Time: 0.01', 'Time: 0'), /f\.bvh:32: Frame Time.*above 0/],
    ['negative frame time', good.replace('Time: 0.01', 'Time: -1'), /f\.bvh:32: Frame Time.*above 0/],
    ['no frames', good.replace('Frames: 3', 'Frames: 0'), /f\.bvh:31: Frames/],
    ['fewer rows than Frames', good.replace('Frames: 3', 'Frames: 4'), /f\.bvh:31: Frames: .*follow, 3, found 4/],
    ['more rows than Frames', good.replace('Frames: 3', 'Frames: 2'), /f\.bvh:31: Frames: .*follow, 3, found 2/],
    [
      'a short row',
      good.replace(rows[1], rows[1].split(' ').slice(0, 13).join(' ')),
      /f\.bvh:34: row: expected 15 numbers, found 13/,
    ],
    [
      'a short last row',
      good.replace(rows[2], rows[2].split(' ').slice(0, 13).join(' ')),
      /f\.bvh:35: row: expected 15 numbers, found 13/,
    ],
    ['a long row', good.replace(rows[0], `${rows[0]} 1 2`), /f\.bvh:33: row: expected 15 numbers, found 17/],
    ['words after the rows', `${good}HIERARCHY\n`, /f\.bvh:36: value 1 of 15 .*"HIERARCHY"/],
    ['numbers behind the frame time', good.replace('0.01', '0.01 5'), /f\.bvh:32: Frame Time: expected one number/],
  ];
  it.each(cases)('%s', async (_, text, message) => {
    expect(() => parseBvh(text, 'f.bvh')).toThrow(message);
    const drain = async () => {
      const stream = await openBvh([new TextEncoder().encode(text)], 'f.bvh');
      for await (const chunk of stream.frames()) expect(chunk.count).toBeGreaterThan(0);
    };
    await expect(drain()).rejects.toThrow(message);
  });

  it('a frame count that no file could hold, without allocating for it', () => {
    expect(() => parseBvh(good.replace('Frames: 3', 'Frames: 900000000000'), 'f.bvh')).toThrow(/follow, 3, found 9000/);
  });

  it.skipIf(!existsSync(SHARED))('the development files that are defective', () => {
    for (const name of REFUSED) {
      const path = join(SHARED, 'edge', `${name}.bvh`);
      expect(() => parseBvh(readFileSync(path), name), name).toThrow(new RegExp(`^${name}:\\d+: .*expected .*found`));
    }
  });
});
