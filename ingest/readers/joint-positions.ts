// Plain files of joint positions over time, for any estimator: JSON, or npz with the same names.
//
// { "rate_hz": 30, "joints": ["left_hip", ...], "positions": [[[x, y, z], ...], ...],      one person: [frame][joint]
//   "up": "+y", "unit": "m" }                                                               both optional: measured
// or, for several people, { "rate_hz": 30, "joints": [...], "people": [{ "id": "a", "positions": ... }, ...] }.
// A joint that was not seen is null, or NaN in npz. Joint names are those of any rig in configs/retarget/rigs.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseConfig } from '../../src/base/config.js';
import { DataError, FindingsError } from '../../src/base/errors.js';
import type { NpzFile } from './npz.js';

const point = z.union([z.tuple([z.number(), z.number(), z.number()]), z.null()]);
const positions = z.array(z.array(point)).min(1);
const axis = z.enum(['+x', '-x', '+y', '-y', '+z', '-z']);
const unit = z.enum(['m', 'ft', 'dm', 'cmu', 'in', 'cm', 'mm']);

const fileSchema = z.strictObject({
  rate_hz: z.number().positive().optional(),
  joints: z.array(z.string().min(1)).min(1),
  positions: positions.optional(),
  people: z
    .array(z.strictObject({ id: z.string().min(1), positions }))
    .min(1)
    .optional(),
  up: axis.optional(),
  unit: unit.optional(),
});

export interface JointPositions {
  readonly rate_hz?: number;
  readonly joints: readonly string[];
  readonly up?: z.output<typeof axis>;
  readonly unit?: z.output<typeof unit>;
  /** Positions [frame, joint, 3], NaN where not seen. */
  readonly people: readonly { readonly id: string; readonly positions: Float64Array }[];
}

/** @throws FindingsError or DataError naming the frame and joint that is wrong */
export async function readJointsJson(path: string): Promise<JointPositions> {
  let tree: unknown;
  try {
    tree = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new DataError({ where: path, what: 'JSON file', found: (error as Error).message }, { cause: error });
  }
  const { joints, people, positions: single, ...rest } = parseNamed(tree, path);
  if ((people === undefined) === (single === undefined)) {
    throw new DataError({
      where: path,
      what: 'keys',
      expected: 'either positions or people',
      found: people === undefined ? 'neither' : 'both',
    });
  }
  const all = people ?? [{ id: '0', positions: single! }];
  return {
    ...rest,
    joints,
    people: all.map(({ id, positions: table }) => ({
      id,
      positions: flatten(table, joints.length, `${path}: person ${id}`),
    })),
  };
}

/** Words of other tools for the keys of this format. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  fps: 'rate_hz',
  frame_rate: 'rate_hz',
  framerate: 'rate_hz',
  joint_names: 'joints',
  names: 'joints',
  keypoints: 'positions',
};

function parseNamed(tree: unknown, path: string): z.output<typeof fileSchema> {
  try {
    return parseConfig(fileSchema, tree, path);
  } catch (error) {
    if (!(error instanceof FindingsError)) throw error;
    throw new FindingsError(
      error.findings.map((finding) => {
        const word = finding.what === 'unknown key' ? OTHER_WORDS[finding.where.replace(`${path}: `, '')] : undefined;
        return word === undefined ? finding : { ...finding, fix: `Call it "${word}"` };
      }),
    );
  }
}

function flatten(table: z.output<typeof positions>, jointCount: number, where: string): Float64Array {
  const out = new Float64Array(table.length * jointCount * 3).fill(Number.NaN);
  for (const [frame, row] of table.entries()) {
    if (row.length !== jointCount) {
      throw new DataError({
        where: `${where}: frame ${frame}`,
        what: 'joints',
        expected: `${jointCount}`,
        found: `${row.length}`,
      });
    }
    for (const [joint, place] of row.entries()) if (place !== null) out.set(place, (frame * jointCount + joint) * 3);
  }
  return out;
}

/** True where an npz file has the arrays of this format. */
export function hasJointPositions(npz: NpzFile): boolean {
  return npz.names.includes('joints') && npz.names.includes('positions');
}

/** @throws DataError naming the array that is wrong */
export async function readJointsNpz(npz: NpzFile): Promise<JointPositions> {
  const { text: joints } = await npz.read('joints');
  if (joints === undefined)
    throw new DataError({ where: npz.path, what: 'joints', expected: 'names', found: 'numbers' });
  const { shape, numbers } = await npz.read('positions');
  if (numbers === undefined || shape.length !== 3 || shape[1] !== joints.length || shape[2] !== 3 || shape[0] === 0) {
    const expected = `shape (frames, ${joints.length}, 3)`;
    throw new DataError({ where: `${npz.path}: positions`, what: 'array', expected, found: `(${shape.join(', ')})` });
  }
  const optional = async (name: string) => (npz.names.includes(name) ? npz.read(name) : undefined);
  const rest = {
    rate_hz: (await optional('rate_hz'))?.numbers?.[0],
    up: (await optional('up'))?.text?.[0],
    unit: (await optional('unit'))?.text?.[0],
    joints,
  };
  const { joints: names, ...said } = parseConfig(fileSchema.omit({ positions: true, people: true }), rest, npz.path);
  return { ...said, joints: names, people: [{ id: '0', positions: numbers }] };
}
