// BVH files of every rig, unit, up axis and rotation order, read back to the motion that they were written from.

import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readBvhMotion, readBvhMotions } from '../../../ingest/readers/bvh-motion.js';
import type { HumanKeypoint, HumanMotion } from '../../../src/motion/human-motion.js';
import type { Axis, Rig } from '../../../src/retarget/rig.js';
import { loadRigs } from '../../../src/retarget/rig-files.js';
import { type FileStyle, rigName, type Truth, truth, writeBvh } from '../../retarget/human-bvh.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'nextgait-bvh-'));
const SHARED = join(import.meta.dirname, '../../../../shared/data');
const motion = truth();
let rigs: ReadonlyMap<string, Rig>;
beforeAll(async () => {
  rigs = new Map((await loadRigs()).map((rig) => [rig.name, rig]));
});

function write(name: string, style: Omit<FileStyle, 'rig'> & { rig: string }, moved: Truth = motion): string {
  const path = join(FOLDER, `${name}.bvh`);
  writeFileSync(path, writeBvh(moved, { ...style, rig: rigs.get(style.rig)! }));
  return path;
}

/** Positions up to the height of the floor, which the file does not say, and orientations. */
function expectTruth(read: HumanMotion, expected: Truth) {
  const width = read.keypoints.length;
  const floor = expected.position.get('pelvis')![0][2] - read.positions_m[2];
  for (const [k, keypoint] of read.keypoints.entries()) {
    for (let frame = 0; frame < read.frameCount; frame++) {
      const wanted = expected.position.get(keypoint)![frame];
      for (let axis = 0; axis < 3; axis++) {
        const got = read.positions_m[(frame * width + k) * 3 + axis] + (axis === 2 ? floor : 0);
        // Units of up to 1000 divide and multiply; doubles leave 1e-12 m.
        expect(Math.abs(got - wanted[axis]), `${keypoint} ${frame} ${axis}`).toBeLessThan(1e-9);
      }
      if (read.oriented[k] === 0) continue;
      const [w, x, y, z] = read.quaternions.subarray((frame * width + k) * 4, (frame * width + k) * 4 + 4);
      const m = expected.orientation.get(keypoint)![frame];
      const forward = [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)];
      const up = [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)];
      for (let row = 0; row < 3; row++) {
        expect(Math.abs(forward[row] - m[row][0]), `${keypoint} forward`).toBeLessThan(1e-9);
        expect(Math.abs(up[row] - m[row][2]), `${keypoint} up`).toBeLessThan(1e-9);
      }
    }
  }
}

const STYLES: readonly [rig: string, up: Axis, unit: string, unit_m: number, order: string, prefix: string][] = [
  ['mixamo', '+y', 'cm', 0.01, 'ZXY', 'mixamorig:'],
  ['mixamo', '+z', 'in', 0.0254, 'XYZ', 'Model_'],
  ['cmu', '+y', 'cmu', 0.0254 / 0.45, 'ZYX', ''],
  ['xsens', '+y', 'cm', 0.01, 'YXZ', ''],
  ['bandai', '-y', 'cm', 0.01, 'ZXY', ''],
  ['smpl', '+y', 'm', 1, 'XZY', ''],
  ['daz', '+x', 'ft', 0.3048, 'YZX', 'Figure 1:'],
  ['unity', '-z', 'mm', 0.001, 'ZXY', ''],
  ['lafan1', '+y', 'cm', 0.01, 'ZYX', ''],
  ['lafan1', '+z', 'dm', 0.1, 'YZX', 'actor:'],
];

describe('reads back what was written', () => {
  it.each(STYLES)('%s, %s up, %s', async (rig, up, unit, unit_m, order, prefix) => {
    const path = write(`${rig}${unit}`, { rig, up, unit_m, order, prefix, frameTime: '0.0083333' });
    const read = await readBvhMotion(path);
    expect(read.measured).toMatchObject({ rig, up, unit });
    expect(read.rate_hz).toBe(120);
    expect(read.measured.joints.left_knee).toBe(`${prefix}${rigName(rigs.get(rig)!, 'left_knee')}`);
    expect(read.oriented).toEqual(new Uint8Array(read.keypoints.length).fill(1));
    expect(read.findings).toEqual([]);
    expectTruth(read, motion);
  });

  it('puts the floor under feet that stand, and measures the stature', async () => {
    const path = write('floor', { rig: 'mixamo', up: '+y', unit_m: 0.01, order: 'ZXY', prefix: '', frameTime: '0.01' });
    const read = await readBvhMotion(path);
    // Published fractions of 1.8 m were used for legs, and 0.288 of it between hips and shoulders when straight.
    expect(Math.abs(read.height_m - 1.8)).toBeLessThan(0.06);
    const toe = read.positions_m[read.keypoints.indexOf('left_toe') * 3 + 2];
    expect(Math.abs(toe - 0.015 * read.height_m)).toBeLessThan(0.005);
    expect(read.soles_m.left_foot).toBeCloseTo(0.05 + 0.015 * read.height_m, 3);
    expect(read.segments_m.thigh).toBeCloseTo(0.441, 6);
    expect(read.segments_m.foot).toBeCloseTo(Math.hypot(0.13, 0.05), 6);
  });

  it('in parts that agree with the whole', async () => {
    const path = write('parts', { rig: 'cmu', up: '+y', unit_m: 0.01, order: 'ZXY', prefix: '', frameTime: '0.1' });
    const whole = await readBvhMotion(path);
    const parts: HumanMotion[] = [];
    for await (const part of readBvhMotions(path, { part_s: 0.7 })) parts.push(part);
    expect(parts.map(({ id, frameCount }) => [id, frameCount])).toEqual([
      ['parts-part-000', 7],
      ['parts-part-001', 7],
      ['parts-part-002', 6],
    ]);
    expect(parts.map(({ measured }) => measured.unit)).toEqual(['cm', 'cm', 'cm']);
    const joined = parts.flatMap(({ positions_m }) => [...positions_m]);
    const lift = joined[2] - whole.positions_m[2];
    for (const [at, value] of whole.positions_m.entries()) {
      expect(Math.abs(joined[at] - value - (at % 3 === 2 ? lift : 0))).toBeLessThan(1e-9);
    }
  });
});

describe('what is measured can be overridden', () => {
  const style = { rig: 'mixamo', up: '+y', unit_m: 0.01, order: 'ZXY', prefix: '', frameTime: '0.01' } as const;

  it('unit, stature, up axis, floor, rate', async () => {
    const path = write('overrides', style);
    const measured = await readBvhMotion(path);
    expect((await readBvhMotion(path, { unit: 'in' })).height_m).toBeCloseTo(measured.height_m * 2.54, 9);
    expect((await readBvhMotion(path, { unit: 0.02 })).height_m).toBeCloseTo(measured.height_m * 2, 9);
    const tall = await readBvhMotion(path, { height_m: 2 });
    expect(tall.height_m).toBe(2);
    expect(tall.segments_m.thigh! / measured.segments_m.thigh!).toBeCloseTo(2 / measured.height_m, 9);
    expect((await readBvhMotion(path, { up: '+z' })).measured.up).toBe('+z');
    const raised = await readBvhMotion(path, { floor_m: 0.5 });
    expect(raised.positions_m[2] - measured.positions_m[2]).toBeCloseTo(measured.measured.floor_m - 0.5, 9);
    expect((await readBvhMotion(path, { rate_hz: 25 })).rate_hz).toBe(25);
  });

  it('unknown options are errors', async () => {
    const path = write('options', style);
    await expect(readBvhMotion(path, { units: 'cm' } as never)).rejects.toThrow(/units.*Did you mean "unit"/);
  });
});

describe('finds and refuses', () => {
  const style = { rig: 'mixamo', up: '+y', unit_m: 0.01, order: 'ZXY', prefix: '', frameTime: '0.01' } as const;

  it('a first frame in another pose', async () => {
    const path = write('first', style);
    const text = `${writeBvh(motion, { ...style, rig: rigs.get('mixamo')! })}`;
    const rows = text.split('\n');
    const first = rows.findIndex((row) => row.startsWith('Frame Time')) + 1;
    rows.splice(first, 0, Array.from({ length: rows[first].split(' ').length }, () => 0).join(' '));
    writeFileSync(path, rows.join('\n').replace('Frames: 20', 'Frames: 21'));
    const read = await readBvhMotion(path);
    expect(read.frameCount).toBe(20);
    expect(read.findings.map(({ kind }) => kind)).toEqual(['first-frame']);
    expectTruth(read, motion);
  });

  it('position channels that hold the whole translation', async () => {
    const text = writeBvh(motion, { ...style, rig: rigs.get('mixamo')! });
    // Every joint gets three position channels that repeat its OFFSET.
    const offsets: string[] = [];
    const hierarchy = text.replace(/OFFSET (.*)\n(\s*)CHANNELS 3 /g, (_, offset: string, indent: string) => {
      offsets.push(offset);
      return `OFFSET ${offset}\n${indent}CHANNELS 6 Xposition Yposition Zposition `;
    });
    const lines = hierarchy.split('\n');
    const start = lines.findIndex((row) => row.startsWith('Frame Time')) + 1;
    for (let row = start; row < start + 20; row++) {
      const numbers = lines[row].split(' ');
      const groups = offsets.map((offset, k) => `${offset} ${numbers.slice(6 + 3 * k, 9 + 3 * k).join(' ')}`);
      lines[row] = [...numbers.slice(0, 6), ...groups].join(' ');
    }
    const path = join(FOLDER, 'replace.bvh');
    writeFileSync(path, lines.join('\n'));
    const read = await readBvhMotion(path);
    expect(read.findings.map(({ kind }) => kind)).toEqual(['translation-channels']);
    expectTruth(read, motion);
  });

  it('two clips in one file', async () => {
    const pelvis = motion.position.get('pelvis')!;
    const moved = new Map(motion.position).set(
      'pelvis',
      pelvis.map((place, frame) => (frame < 12 ? place : [place[0] + 3, place[1], place[2]])),
    );
    const read = await readBvhMotion(write('jump', style, { ...motion, position: moved }));
    expect(read.findings).toMatchObject([{ kind: 'jump', frames: [12, 13] }]);
  });

  it('left and right exchanged', async () => {
    const text = writeBvh(motion, { ...style, rig: rigs.get('mixamo')! });
    const path = join(FOLDER, 'mirrored.bvh');
    writeFileSync(
      path,
      text.replace(/Left|Right/g, (side) => (side === 'Left' ? 'Right' : 'Left')),
    );
    const read = await readBvhMotion(path);
    expect(read.findings.find(({ kind }) => kind === 'mirrored')?.severity).toBe('error');
  });

  it('skeletons that no unit makes human', async () => {
    const path = write('tiny', { ...style, unit_m: 70 });
    await expect(readBvhMotion(path)).rejects.toThrow(/tiny\.bvh: unit of length: .*Give the unit/);
    expect((await readBvhMotion(path, { unit: 70 })).segments_m.thigh).toBeCloseTo(0.441, 6);
  });

  it('unknown rigs, with a template that works once it is filled in', async () => {
    const path = join(FOLDER, 'unknown.bvh');
    const turned = (name: string) => `b_${[...name].reverse().join('')}`;
    const text = writeBvh(motion, { ...style, rig: rigs.get('mixamo')! });
    writeFileSync(
      path,
      text.replace(/(ROOT|JOINT) (\w+)/g, (_, kind: string, name: string) => `${kind} ${turned(name)}`),
    );
    const message = await readBvhMotion(path).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(message).toMatch(/unknown\.bvh: skeleton: .*mixamo.*found 19 joints: b_spiH, .*Fill in this template/);
    expect(message).toMatch(/left_knee: "\?"/);
    const rig = join(FOLDER, 'own.yaml');
    const template = message.slice(message.indexOf('name: my-rig'));
    const filled = template.replace(/^ {2}(?:# )?(\w+): "\?"$/gm, (_, keypoint: HumanKeypoint) => {
      const name = rigName(rigs.get('mixamo')!, keypoint);
      return name === undefined ? `  # ${keypoint}` : `  ${keypoint}: "${turned(name)}"`;
    });
    writeFileSync(rig, filled);
    const read = await readBvhMotion(path, { rig });
    expect(read.measured.rig).toBe('my-rig');
    expectTruth(read, motion);
    await expect(readBvhMotion(path, { rig: 'nobody' })).rejects.toThrow(/nobody: rig: expected one of bandai/);
  });
});

describe('what a file says of time and of people', () => {
  const style = { rig: 'mixamo', up: '+y', unit_m: 0.01, order: 'ZXY', prefix: '' } as const;

  it.each(['33.333', '60', '0.25'])(
    'refuses a frame time of %s s with its line, and takes the rate given',
    async (frameTime) => {
      const path = write(`slow-${frameTime}`, { ...style, frameTime });
      const refusal = new RegExp(`slow-${frameTime}\\.bvh:\\d+: Frame Time .*milliseconds, or a rate.*--fps`);
      await expect(readBvhMotion(path)).rejects.toThrow(refusal);
      const read = await readBvhMotion(path, { rate_hz: 30 });
      expect(read.rate_hz).toBe(30);
      expect(read.findings).toContainEqual(expect.objectContaining({ kind: 'frame-rate', severity: 'warning' }));
    },
  );

  it('says which rate was replaced, where it was another', async () => {
    const path = write('rates', { ...style, frameTime: '0.0083333' });
    const rates = async (rate_hz: number) =>
      (await readBvhMotion(path, { rate_hz })).findings.filter(({ kind }) => kind === 'frame-rate');
    expect(await rates(120)).toEqual([]);
    expect((await rates(30))[0].message).toBe("30 Hz, as given, in place of the file's own 120 Hz");
  });

  it('tells of a second skeleton that is not read', async () => {
    const text = writeBvh(motion, { ...style, rig: rigs.get('mixamo')!, frameTime: '0.0333333' });
    const [head, numbers] = text.split('MOTION\n');
    const second = head.replace('HIERARCHY\n', '').replace(/(ROOT|JOINT) /g, '$1 other:');
    const rows = numbers.trimEnd().split('\n');
    const doubled = [...rows.slice(0, 2), ...rows.slice(2).map((row) => `${row} ${row}`)].join('\n');
    const path = join(FOLDER, 'two.bvh');
    writeFileSync(path, `${head}${second}MOTION\n${doubled}\n`);
    const read = await readBvhMotion(path);
    expectTruth(read, motion);
    expect(read.findings.find(({ kind }) => kind === 'several-skeletons')?.message).toMatch(/read, not other:/);
  });
});

describe.skipIf(!existsSync(join(SHARED, 'bvh')))('development files', () => {
  it.each([
    ['bvh/cmu_12_01_walk.bvh', 'cmu', 'cmu', '+y'],
    ['bvh/bvh_test1.bvh', 'mixamo', 'in', '+z'],
    ['bvh/bvh_test2.bvh', 'xsens', 'cm', '+y'],
    ['bvh/test_mocapbank.bvh', 'xsens', 'cm', '+y'],
    ['bvh/standard_skeleton.bvh', 'mixamo', 'in', '+z'],
    ['peer_gmr/cmu_12_01_lafan1prop_30fps.bvh', 'lafan1', 'cm', '+y'],
    ['peer_gmr/cmu_06_13_lafan1prop_30fps.bvh', 'lafan1', 'cm', '+y'],
  ])('%s', async (name, rig, unit, up) => {
    const read = await readBvhMotion(join(SHARED, name));
    expect(read.measured).toMatchObject({ rig, unit, up });
    expect(read.height_m).toBeGreaterThan(1.4);
    expect(read.height_m).toBeLessThan(1.85);
  });

  it('the same walk in two rigs has the same orientations', async () => {
    const cmu = await readBvhMotion(join(SHARED, 'bvh/cmu_12_01_walk.bvh'));
    const lafan = await readBvhMotion(join(SHARED, 'peer_gmr/cmu_12_01_lafan1prop_30fps.bvh'));
    // 120 Hz without its first frame against 30 Hz: frame 4 k - 1 and frame k. The rigs' zero poses differ by hand, so
    // that legs agree to a few degrees only, and pelvis and torso closely.
    for (const [keypoint, limit] of [
      ['pelvis', 0.02],
      ['torso', 0.02],
      ['left_knee', 0.12],
      ['right_hip', 0.12],
    ] as const) {
      for (const frame of [10, 60, 110]) {
        const of = (read: HumanMotion, f: number) => {
          const at = (f * read.keypoints.length + read.keypoints.indexOf(keypoint)) * 4;
          return read.quaternions.subarray(at, at + 4);
        };
        const [a, b] = [of(cmu, 4 * frame - 1), of(lafan, frame)];
        const dot = Math.abs(a.reduce((sum, value, k) => sum + value * b[k], 0));
        expect(2 * Math.acos(Math.min(1, dot)), `${keypoint} ${frame}`).toBeLessThan(limit);
      }
    }
  });
});
