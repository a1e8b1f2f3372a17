// The hash by which datasets, checkpoints and robots recognise each other.
//
// It covers what changes the meaning of a motion or of an action: tree, joints, limits, default pose, gains. Names of
// the robot and its keypoints, and figures that follow from others, are left out. Numbers are rounded to six digits,
// so that the last bits of a compiler or of a machine do not make two robots of one.

import type { RobotModel } from './robot-model.js';
import { sha256 } from './sha256.js';

const LEFT_OUT: readonly (keyof RobotModel)[] = [
  'name',
  'hash',
  'keypoints',
  'defaultConfiguration',
  'standingHeight_m',
  'totalMass_kg',
];
const DIGITS = 6;
/** Numbers under this size are zero: products of rotations leave 1e-17 where a zero is meant. */
const ZERO = 1e-9;
const HASH_LENGTH = 16;

/** 16 hex digits; the same on every machine and in a browser. */
export function hashRobot(robot: Omit<RobotModel, 'hash'>): string {
  const kept = Object.fromEntries(Object.entries(robot).filter(([key]) => !LEFT_OUT.includes(key as keyof RobotModel)));
  return sha256(new TextEncoder().encode(canonicalJson(kept))).slice(0, HASH_LENGTH);
}

/** JSON with sorted keys and rounded numbers. Infinities are null. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number') return canonicalNumber(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    entries.sort(([left], [right]) => (left < right ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  return Math.abs(value) < ZERO ? '0' : String(Number(value.toPrecision(DIGITS)));
}
