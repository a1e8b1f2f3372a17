// Units that a field map may name, as factors to SI. What a file's numbers mean is said, never guessed.

import { DataError } from '../src/base/errors.js';
import { nearest } from '../src/base/nearest.js';
import type { ChannelName } from '../src/motion/episode.js';

const DEGREE = Math.PI / 180;

const LENGTH = { m: 1, cm: 0.01, mm: 0.001, in: 0.0254, ft: 0.3048 };
const SPEED = { 'm/s': 1, 'cm/s': 0.01, 'mm/s': 0.001 };
const ANGLE = { rad: 1, deg: DEGREE };
const ANGLE_RATE = { 'rad/s': 1, 'deg/s': DEGREE, rpm: (2 * Math.PI) / 60 };
const TORQUE = { 'N m': 1, 'N mm': 0.001 };
const NONE = { '1': 1 };

/** Units by what a field measures; the first of each is the default. */
export const UNITS = {
  time: { s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 },
  basePosition: LENGTH,
  baseQuaternion: NONE,
  baseAngularVelocity: ANGLE_RATE,
  baseLinearVelocity: SPEED,
  projectedGravity: { '1': 1, 'm/s^2': 1 / 9.81 },
  jointPosition: ANGLE,
  jointVelocity: ANGLE_RATE,
  command: NONE,
  action: ANGLE,
  executedAction: ANGLE,
  torque: TORQUE,
  footContact: NONE,
  episode: NONE,
} as const satisfies Record<ChannelName | 'time' | 'episode', Record<string, number>>;

/**
 * Factor from a unit to SI.
 * @param unit as the map names it; the SI unit where it names none
 * @throws DataError naming the units that the field may have
 */
export function unitFactor(field: keyof typeof UNITS, unit: string | undefined, where: string): number {
  const units: Readonly<Record<string, number>> = UNITS[field];
  if (unit === undefined) return 1;
  if (Object.hasOwn(units, unit)) return units[unit];
  const near = nearest(unit, Object.keys(units));
  throw new DataError({
    where,
    what: 'unit',
    expected: `one of ${Object.keys(units).join(', ')}`,
    found: unit,
    fix: near === undefined ? undefined : `Did you mean "${near}"?`,
  });
}
