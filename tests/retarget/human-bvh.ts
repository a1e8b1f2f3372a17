// A person of known proportions in a known pose, written as BVH in any rig's joint names, axes, unit and rotation order.
//
// The truth is in the canonical frame: segment orientations are chosen, positions follow. The file's joint rotations are
// computed from it by rotation matrices alone, so that reading the file back is an independent check.

import { HUMAN_KEYPOINTS, type HumanKeypoint } from '../../src/motion/human-motion.js';
import type { Axis, Rig } from '../../src/retarget/rig.js';

export type Matrix = readonly (readonly number[])[];

export const identity: Matrix = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
export const multiply = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => [0, 1, 2].map((k) => row[0] * b[0][k] + row[1] * b[1][k] + row[2] * b[2][k]));
export const transpose = (a: Matrix): Matrix => [0, 1, 2].map((row) => [a[0][row], a[1][row], a[2][row]]);
export const apply = (a: Matrix, v: readonly number[]): number[] =>
  a.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);
export function turnAbout(axis: number, angle: number): Matrix {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [j, k] = [(axis + 1) % 3, (axis + 2) % 3];
  const out = identity.map((row) => [...row]);
  out[j][j] = c;
  out[j][k] = -s;
  out[k][j] = s;
  out[k][k] = c;
  return out;
}

/** Parent and offset (m) in the parent's segment frame, stature 1.8 m by the published fractions. */
const TREE: Readonly<Record<string, readonly [parent: HumanKeypoint | '', offset: readonly number[]]>> = {
  pelvis: ['', [0, 0, 0]],
  spine: ['pelvis', [0, 0, 0.1]],
  torso: ['spine', [0, 0, 0.2]],
  neck: ['torso', [0, 0, 0.2]],
  head: ['neck', [0.02, 0, 0.1]],
  left_hip: ['pelvis', [0, 0.09, -0.05]],
  left_knee: ['left_hip', [0, 0, -0.441]],
  left_foot: ['left_knee', [0, 0, -0.4428]],
  left_toe: ['left_foot', [0.13, 0, -0.05]],
  left_shoulder: ['torso', [0, 0.2, 0.1684]],
  left_elbow: ['left_shoulder', [0, 0, -0.3348]],
  left_hand: ['left_elbow', [0, 0, -0.2628]],
};

export interface Joint {
  readonly keypoint: HumanKeypoint;
  readonly parent: HumanKeypoint | '';
  readonly offset: readonly number[];
}

export const JOINTS: readonly Joint[] = Object.entries(TREE).flatMap(([name, [parent, offset]]) => {
  const side = (text: string) => text.replace('left', 'right') as HumanKeypoint;
  const left = { keypoint: name as HumanKeypoint, parent, offset };
  if (!name.startsWith('left')) return [left];
  return [
    left,
    { keypoint: side(name), parent: side(parent) as HumanKeypoint, offset: [offset[0], -offset[1], offset[2]] },
  ];
});

export interface Truth {
  readonly frameCount: number;
  /** World positions and orientations of each keypoint and frame. */
  readonly position: ReadonlyMap<HumanKeypoint, readonly (readonly number[])[]>;
  readonly orientation: ReadonlyMap<HumanKeypoint, readonly Matrix[]>;
}

/** Somebody who shifts weight and swings the arms, with both feet flat in place. */
export function truth(frameCount = 20): Truth {
  const position = new Map<HumanKeypoint, number[][]>();
  const orientation = new Map<HumanKeypoint, Matrix[]>();
  for (const { keypoint, parent, offset } of JOINTS) {
    const seed = HUMAN_KEYPOINTS.indexOf(keypoint);
    const places: number[][] = [];
    const turns: Matrix[] = [];
    for (let frame = 0; frame < frameCount; frame++) {
      const swing = (k: number) => 0.4 * Math.sin(0.12 * frame + seed * 1.3 + k);
      const isLeg = /hip|knee|foot|toe/.test(keypoint);
      const own = multiply(multiply(turnAbout(2, swing(0)), turnAbout(1, swing(1))), turnAbout(0, swing(2)));
      const small = multiply(turnAbout(2, 0.5), turnAbout(1, 0.3 * swing(1)));
      turns.push(isLeg ? turnAbout(2, 0.5) : keypoint === 'pelvis' ? small : own);
      if (parent === '') places.push([1.5, -2.5, 3]);
      else {
        const from = position.get(parent)![frame];
        const step = apply(orientation.get(parent)![frame], offset);
        places.push(from.map((value, k) => value + step[k]));
      }
    }
    position.set(keypoint, places);
    orientation.set(keypoint, turns);
  }
  return { frameCount, position, orientation };
}

/** The canonical axes in a file whose vertical axis is `up`: columns are forward, left and up. */
export function fileAxes(up: Axis): Matrix {
  const axis = 'xyz'.indexOf(up[1]);
  const sign = up[0] === '-' ? -1 : 1;
  const column = (k: number, s: number) => [0, 1, 2].map((row) => (row === k ? s : 0));
  // +y: forward z, left x. Negative axes keep forward and turn left over.
  return transpose([column((axis + 1) % 3, 1), column((axis + 2) % 3, sign), column(axis, sign)]);
}

export interface FileStyle {
  readonly rig: Rig;
  readonly up: Axis;
  /** Metres in a unit. */
  readonly unit_m: number;
  /** Rotation channels, for example `ZXY`. */
  readonly order: string;
  readonly prefix: string;
  readonly frameTime: string;
}

/** The rig's first name for a keypoint; undefined where it has none of its own. */
export function rigName(rig: Rig, keypoint: HumanKeypoint): string | undefined {
  const named = rig.keypoints[keypoint];
  if (typeof named === 'string') return named;
  return Array.isArray(named) ? named[0] : undefined;
}

/** Segment frame in the joint's own frame. */
function jointFrame(rig: Rig, keypoint: HumanKeypoint, up: Axis): Matrix {
  const named = rig.frames[keypoint];
  if (named !== undefined) {
    const vector = (axis: Axis) => [0, 1, 2].map((k) => ('xyz'[k] === axis[1] ? (axis[0] === '-' ? -1 : 1) : 0));
    const [x, z] = [vector(named.forward), vector(named.up)];
    const y = [z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]];
    return transpose([x, y, z]);
  }
  // In the T-pose, arms are raised sideways by a quarter turn about the forward axis.
  const isArm = /shoulder|elbow|hand/.test(keypoint);
  const raised = isArm ? turnAbout(0, keypoint.startsWith('left') ? Math.PI / 2 : -Math.PI / 2) : identity;
  return multiply(fileAxes(up), raised);
}

/** Angles (degrees) of R = Ra Rb Rc about the axes of `order`. */
function eulerAngles(r: Matrix, order: string): number[] {
  const [i, j, k] = [...order].map((axis) => 'XYZ'.indexOf(axis));
  const sign = (j - i + 3) % 3 === 1 ? 1 : -1;
  const angles = [
    Math.atan2(-sign * r[j][k], r[k][k]),
    Math.asin(Math.max(-1, Math.min(1, sign * r[i][k]))),
    Math.atan2(-sign * r[i][j], r[i][i]),
  ];
  return angles.map((angle) => (angle * 180) / Math.PI);
}

/** The truth as a BVH file. Keypoints that the rig does not name are left out; their children hang on the next one. */
export function writeBvh(motion: Truth, { rig, up, unit_m, order, prefix, frameTime }: FileStyle): string {
  const named = JOINTS.filter(({ keypoint }) => rigName(rig, keypoint) !== undefined);
  const world = fileAxes(up);
  const frames = new Map(JOINTS.map(({ keypoint }) => [keypoint, jointFrame(rig, keypoint, up)]));
  const children = (parent: string) => named.filter((joint) => joint.parent === parent);
  const written: HumanKeypoint[] = [];
  const rotations = [...order].map((axis) => `${axis}rotation`).join(' ');
  const node = ({ keypoint, parent, offset }: Joint, indent: string): string => {
    written.push(keypoint);
    const place = parent === '' ? [0, 0, 0] : apply(frames.get(parent)!, offset).map((value) => value / unit_m);
    const channels = parent === '' ? `6 Xposition Yposition Zposition ${rotations}` : `3 ${rotations}`;
    const below = children(keypoint).map((child) => node(child, `${indent}\t`));
    const body = [`OFFSET ${place.join(' ')}`, `CHANNELS ${channels}`].map((line) => `${indent}\t${line}\n`).join('');
    const head = `${indent}${parent === '' ? 'ROOT' : 'JOINT'} ${prefix}${rigName(rig, keypoint)}\n${indent}{\n`;
    return `${head}${body}${below.join('')}${indent}}\n`;
  };
  const hierarchy = node(children('')[0], '');
  const rows = Array.from({ length: motion.frameCount }, (_, frame) => {
    const turnOf = (keypoint: HumanKeypoint) =>
      multiply(multiply(world, motion.orientation.get(keypoint)![frame]), transpose(frames.get(keypoint)!));
    return written
      .flatMap((keypoint) => {
        const { parent } = JOINTS.find((joint) => joint.keypoint === keypoint)!;
        const local = parent === '' ? turnOf(keypoint) : multiply(transpose(turnOf(parent)), turnOf(keypoint));
        const place = apply(world, motion.position.get(keypoint)![frame]).map((value) => value / unit_m);
        return [...(parent === '' ? place : []), ...eulerAngles(local, order)];
      })
      .join(' ');
  });
  return `HIERARCHY\n${hierarchy}MOTION\nFrames: ${motion.frameCount}\nFrame Time: ${frameTime}\n${rows.join('\n')}\n`;
}
