// Makes the sample of human motion in data/samples/motion: a walk, as BVH and as an AMASS-like npz.
//
// Nobody was recorded. Hip, knee and ankle follow the normative sagittal angles of level walking (after the figures in J.
// Perry and J. Burnfield, "Gait Analysis", 2010, read at every tenth of the cycle), the segments Drillis and Contini's
// fractions of a stature of 1.72 m. The lowest point of the feet stands still on the floor: that is what moves the body.
//
// Run: node dist/bench/sample-gait.js --out data/samples/motion

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FRACTIONS, HALF_HIPS } from '../src/retarget/skeleton-fractions.js';
import { writeNpz } from './write-npz.js';

const STATURE_M = 1.72;
const CYCLE_S = 1.1;
const DURATION_S = 4.4;
const RATE_HZ = 60;
/** Steps of the integration between two frames. */
const SUBSTEPS = 8;

/** Degrees at 0, 10, ..., 90 % of the cycle, which begins with the heel's contact. */
const HIP_FLEXION = [28, 25, 17, 8, -2, -10, -4, 13, 25, 29];
const KNEE_FLEXION = [5, 16, 16, 9, 5, 9, 36, 60, 53, 22];
const ANKLE_DORSIFLEXION = [0, -3, 4, 7, 9, 8, -12, -10, 0, 2];
const ELBOW_FLEXION = 25;
const ARM_HANG = 82;
const ARM_SWING = 18;
const PELVIS_TURN = 4;
/** Thighs lean inwards, so that the feet pass under the body. */
const HIP_ADDUCTION = 3;
const SWAY_M = 0.015;
/** The hips' path is averaged over this time: bodies have mass. */
const SMOOTHING_S = 0.3;

interface Angles {
  /** Rotations about x, y and z (degrees), applied in this order to the right: R = Rx Ry Rz. */
  readonly [joint: string]: readonly [number, number, number];
}

/** X left, Y up, Z forward, in a T-pose; parents before children. [name, parent, offset in m]. */
function skeleton(): readonly (readonly [string, string, readonly number[]])[] {
  const of = (fraction: number) => fraction * STATURE_M;
  const trunk = of(FRACTIONS.shoulderHeight - FRACTIONS.hipHeight);
  const sides = (side: string, sign: number) =>
    [
      [`${side}UpLeg`, 'Hips', [sign * of(HALF_HIPS), 0, 0]],
      [`${side}Leg`, `${side}UpLeg`, [0, -of(FRACTIONS.thigh), 0]],
      [`${side}Foot`, `${side}Leg`, [0, -of(FRACTIONS.shank), 0]],
      [`${side}Toe`, `${side}Foot`, [0, -of(FRACTIONS.ankleHeight - 0.015), of(0.1)]],
      [`${side}Shoulder`, 'Spine2', [sign * 0.04, 0.8 * trunk * 0.4, 0]],
      [`${side}Arm`, `${side}Shoulder`, [sign * (of(FRACTIONS.halfShoulders) - 0.04), 0.2 * trunk * 0.4, 0]],
      [`${side}ForeArm`, `${side}Arm`, [sign * of(FRACTIONS.upperArm), 0, 0]],
      [`${side}Hand`, `${side}ForeArm`, [sign * of(FRACTIONS.forearm), 0, 0]],
    ] as const;
  return [
    ['Hips', '', [0, 0, 0]],
    ['Spine', 'Hips', [0, 0.2 * trunk, 0]],
    ['Spine1', 'Spine', [0, 0.2 * trunk, 0]],
    ['Spine2', 'Spine1', [0, 0.2 * trunk, 0]],
    ['Neck', 'Spine2', [0, 0.45 * trunk, 0]],
    ['Head', 'Neck', [0, of(0.07), 0]],
    ...sides('Left', 1),
    ...sides('Right', -1),
  ];
}

/** A table over the cycle, by a periodic cubic. */
function at(table: readonly number[], phase: number): number {
  const place = (phase - Math.floor(phase)) * table.length;
  const left = Math.floor(place);
  const t = place - left;
  const value = (step: number) => table[(left + step + table.length) % table.length];
  const [a, b, c, d] = [value(-1), value(0), value(1), value(2)];
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

function anglesAt(time_s: number): Angles {
  const phase = time_s / CYCLE_S;
  const wave = Math.cos(2 * Math.PI * phase);
  const leg = (side: string, sign: number, own: number): Angles => ({
    [`${side}UpLeg`]: [-at(HIP_FLEXION, own), 0, -sign * HIP_ADDUCTION],
    [`${side}Leg`]: [at(KNEE_FLEXION, own), 0, 0],
    [`${side}Foot`]: [-at(ANKLE_DORSIFLEXION, own), 0, sign * HIP_ADDUCTION],
  });
  // Arms swing against the legs.
  const arm = (side: string, sign: number): Angles => ({
    [`${side}Arm`]: [sign * ARM_SWING * wave, 0, -sign * ARM_HANG],
    [`${side}ForeArm`]: [0, -sign * ELBOW_FLEXION, 0],
  });
  return {
    Hips: [0, -PELVIS_TURN * wave, 0],
    Spine1: [0, PELVIS_TURN * wave, 0],
    ...leg('Left', 1, phase),
    ...leg('Right', -1, phase + 0.5),
    ...arm('Left', 1),
    ...arm('Right', -1),
  };
}

type Matrix = readonly number[]; // 3 x 3 by rows

function product(a: Matrix, b: Matrix): Matrix {
  return Array.from({ length: 9 }, (_, at) => {
    const [row, column] = [3 * Math.floor(at / 3), at % 3];
    return a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6];
  });
}

function rotation([x, y, z]: readonly [number, number, number]): Matrix {
  const [a, b, c] = [x, y, z].map((degrees) => (degrees * Math.PI) / 180);
  const aboutX = [1, 0, 0, 0, Math.cos(a), -Math.sin(a), 0, Math.sin(a), Math.cos(a)];
  const aboutY = [Math.cos(b), 0, Math.sin(b), 0, 1, 0, -Math.sin(b), 0, Math.cos(b)];
  const aboutZ = [Math.cos(c), -Math.sin(c), 0, Math.sin(c), Math.cos(c), 0, 0, 0, 1];
  return product(product(aboutX, aboutY), aboutZ);
}

const NO_TURN = [0, 0, 0] as const;

/** Heels and balls of both feet, against the hips' joint (m). */
function feetBelowHips(angles: Angles): readonly (readonly number[])[] {
  const bones = skeleton();
  const turns = new Map<string, Matrix>();
  const places = new Map<string, readonly number[]>();
  const move = (turn: Matrix, offset: readonly number[], from: readonly number[]) =>
    [0, 1, 2].map((k) => from[k] + turn[3 * k] * offset[0] + turn[3 * k + 1] * offset[1] + turn[3 * k + 2] * offset[2]);
  for (const [name, parent, offset] of bones) {
    const own = rotation(angles[name] ?? NO_TURN);
    const above = turns.get(parent);
    turns.set(name, above === undefined ? own : product(above, own));
    places.set(name, above === undefined ? [0, 0, 0] : move(above, offset, places.get(parent)!));
  }
  const sole = -FRACTIONS.ankleHeight * STATURE_M;
  return ['LeftFoot', 'RightFoot'].flatMap((foot) =>
    [-0.05, 0.17].map((ahead) => move(turns.get(foot)!, [0, sole, ahead], places.get(foot)!)),
  );
}

interface Frame {
  readonly angles: Angles;
  readonly hips_m: readonly number[];
}

function walk(): Frame[] {
  const step_s = 1 / (RATE_HZ * SUBSTEPS);
  const margin = Math.round(SMOOTHING_S / step_s);
  const count = Math.round(DURATION_S / step_s) + 1;
  const path: (readonly [height_m: number, ahead_m: number])[] = [];
  let ahead = 0;
  let before: readonly (readonly number[])[] | undefined;
  let support = 0;
  for (let step = -margin; step < count + margin; step++) {
    const feet = feetBelowHips(anglesAt(step * step_s));
    // What stood on the floor stays where it is while the hips go on.
    if (before !== undefined) ahead += before[support][2] - feet[support][2];
    support = feet.reduce((lowest, point, index) => (point[1] < feet[lowest][1] ? index : lowest), 0);
    before = feet;
    path.push([-feet[support][1], ahead]);
  }
  return Array.from({ length: Math.floor((count - 1) / SUBSTEPS) + 1 }, (_, frame) => {
    const step = frame * SUBSTEPS;
    const around = path.slice(step, step + 2 * margin + 1);
    const weights = around.map((_, index) => 1 + Math.cos((Math.PI * (index - margin)) / (margin + 1)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const mean = (k: 0 | 1) => around.reduce((sum, point, index) => sum + (weights[index] * point[k]) / total, 0);
    const sway = SWAY_M * Math.sin((2 * Math.PI * step * step_s) / CYCLE_S);
    return { angles: anglesAt(step * step_s), hips_m: [sway, mean(0), mean(1)] };
  });
}

function bvhText(frames: readonly Frame[]): string {
  const bones = skeleton();
  const lines: string[] = ['HIERARCHY'];
  const order: string[] = [];
  const write = (name: string, depth: number) => {
    order.push(name);
    const pad = '  '.repeat(depth);
    const [, parent, offset] = bones.find(([one]) => one === name)!;
    const turns = 'Xrotation Yrotation Zrotation';
    lines.push(`${pad}${parent === '' ? 'ROOT' : 'JOINT'} ${name}`, `${pad}{`);
    lines.push(`${pad}  OFFSET ${offset.map((value) => (100 * value).toFixed(4)).join(' ')}`);
    lines.push(`${pad}  CHANNELS ${parent === '' ? `6 Xposition Yposition Zposition ${turns}` : `3 ${turns}`}`);
    const children = bones.filter(([, above]) => above === name);
    for (const [child] of children) write(child, depth + 1);
    if (children.length === 0) lines.push(`${pad}  End Site`, `${pad}  {`, `${pad}    OFFSET 0 0 0`, `${pad}  }`);
    lines.push(`${pad}}`);
  };
  write('Hips', 0);
  lines.push('MOTION', `Frames: ${frames.length}`, `Frame Time: ${(1 / RATE_HZ).toFixed(7)}`);
  for (const { angles, hips_m } of frames) {
    const values = [...hips_m.map((value) => 100 * value), ...order.flatMap((name) => [...(angles[name] ?? NO_TURN)])];
    lines.push(values.map((value) => Number(value.toFixed(3))).join(' '));
  }
  return `${lines.join('\n')}\n`;
}

/** Joints of the SMPL-H body, by their number. */
const SMPL: Readonly<Record<string, number>> = {
  Hips: 0,
  LeftUpLeg: 1,
  RightUpLeg: 2,
  LeftLeg: 4,
  RightLeg: 5,
  Spine1: 6,
  LeftFoot: 7,
  RightFoot: 8,
  LeftArm: 16,
  RightArm: 17,
  LeftForeArm: 18,
  RightForeArm: 19,
};
const SMPLH_WIDTH = 156;

function amassFile(frames: readonly Frame[]): Uint8Array {
  const poses = new Float32Array(frames.length * SMPLH_WIDTH);
  const trans = new Float32Array(frames.length * 3);
  // AMASS has Z up: the whole person is turned by a quarter about x.
  const upright = rotation([90, 0, 0]);
  frames.forEach(({ angles, hips_m: [x, y, z] }, frame) => {
    for (const [name, number] of Object.entries(SMPL)) {
      const turn = rotation(angles[name] ?? NO_TURN);
      poses.set(rotationVector(number === 0 ? product(upright, turn) : turn), frame * SMPLH_WIDTH + 3 * number);
    }
    trans.set([x, -z, y], 3 * frame);
  });
  return writeNpz({
    poses: { shape: [frames.length, SMPLH_WIDTH], data: poses },
    trans: { shape: [frames.length, 3], data: trans },
    betas: { shape: [16], data: new Float64Array(16) },
    mocap_framerate: { shape: [], data: Float64Array.of(RATE_HZ) },
  });
}

/** Axis times angle (rad) of a rotation by less than half a turn. */
function rotationVector(m: Matrix): number[] {
  const angle = Math.acos(Math.max(-1, Math.min(1, (m[0] + m[4] + m[8] - 1) / 2)));
  const scale = angle < 1e-9 ? 0.5 : angle / (2 * Math.sin(angle));
  return [scale * (m[7] - m[5]), scale * (m[2] - m[6]), scale * (m[3] - m[1])];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { out: { type: 'string', default: 'data/samples/motion' } } });
  const frames = walk();
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, 'walk.bvh'), bvhText(frames));
  await writeFile(join(values.out, 'walk_poses.npz'), amassFile(frames));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
