// Channels computed from others: gravity in the base frame, and velocities by central differences.
//
// Only channels that are missing are computed, and each is named as derived. A frame needs valid neighbours: at the
// ends and beside invalid frames the difference is one-sided, and a frame with no valid neighbour has no velocity.
// Angular velocity is the mean of the rotation vectors from the frame before and to the frame after, which is exact for
// a constant rate in the base frame; linear differences are second order in the frame period.

import type { FloatArray } from '../base/arrays.js';
import { multiplyQuaternions, projectedGravity, rotateInverse, rotationVector } from '../math/quaternion.js';
import { buildColumn, type Column, type Columns, isValidAt, type Motion } from './columns.js';
import type { ChannelName } from './episode.js';

/** Channels that can be computed from others. */
export const DERIVABLE = ['projectedGravity', 'baseAngularVelocity', 'baseLinearVelocity', 'jointVelocity'] as const;
export type DerivableChannel = (typeof DERIVABLE)[number];

export interface Derived {
  readonly columns: Columns;
  readonly derived: readonly ChannelName[];
}

/** Returns the motion's columns with every missing derivable channel added whose inputs are there. Inputs are shared. */
export function deriveChannels(motion: Motion, wanted: readonly DerivableChannel[] = DERIVABLE): Derived {
  const columns: Partial<Record<ChannelName, Column>> = { ...motion.columns };
  const derived: ChannelName[] = [];
  for (const name of wanted) {
    if (columns[name] !== undefined) continue;
    const column = deriveChannel(motion, name);
    if (column === undefined) continue;
    columns[name] = column;
    derived.push(name);
  }
  return { columns, derived };
}

/** One channel computed from the others, whether or not the motion has it already; undefined where it cannot be. */
export function deriveChannel(motion: Motion, name: DerivableChannel): Column | undefined {
  const { columns, frameCount, rate_hz } = motion;
  const orientation = columns.baseQuaternion;
  switch (name) {
    case 'projectedGravity':
      return orientation && gravityOf(orientation, frameCount);
    case 'baseAngularVelocity':
      return orientation && angularVelocityOf(orientation, frameCount, rate_hz);
    case 'baseLinearVelocity':
      return orientation && columns.basePosition
        ? linearVelocityOf(columns.basePosition, orientation, frameCount, rate_hz)
        : undefined;
    case 'jointVelocity':
      return columns.jointPosition && differentiate(columns.jointPosition, frameCount, rate_hz);
  }
}

function gravityOf(orientation: Column, frameCount: number): Column | undefined {
  return buildColumn(frameCount, 3, (frame, out, offset) => {
    if (!isValidAt(orientation, frame)) return false;
    projectedGravity(out, offset, orientation.data, frame * 4);
    return true;
  });
}

/** Angular velocity in the base frame (rad/s) from unit quaternions [frame, 4]. */
function angularVelocityOf(orientation: Column, frameCount: number, rate_hz: number): Column | undefined {
  const { data } = orientation;
  const turn = new Float64Array(4);
  const inverse = new Float64Array(4);
  const vector = new Float64Array(3);
  const addTurn = (from: number, to: number, out: FloatArray, offset: number) => {
    for (let k = 0; k < 4; k++) inverse[k] = k === 0 ? data[from * 4] : -data[from * 4 + k];
    multiplyQuaternions(turn, 0, inverse, 0, data, to * 4);
    // A relative rotation has the same coordinates in both of its frames, so both sides hold in the middle one.
    rotationVector(vector, 0, turn, 0);
    for (let k = 0; k < 3; k++) out[offset + k] += vector[k];
  };
  return buildColumn(frameCount, 3, (frame, out, offset) => {
    const [before, after] = neighbours(orientation, frame, frameCount);
    if (before === after) return false;
    if (before < frame) addTurn(before, frame, out, offset);
    if (after > frame) addTurn(frame, after, out, offset);
    for (let k = 0; k < 3; k++) out[offset + k] *= rate_hz / (after - before);
    return true;
  });
}

function linearVelocityOf(
  position: Column,
  orientation: Column,
  frameCount: number,
  rate_hz: number,
): Column | undefined {
  const world = differentiate(position, frameCount, rate_hz);
  if (world === undefined) return undefined;
  return buildColumn(frameCount, 3, (frame, out, offset) => {
    if (!isValidAt(world, frame) || !isValidAt(orientation, frame)) return false;
    rotateInverse(out, offset, orientation.data, frame * 4, world.data, frame * 3);
    return true;
  });
}

/** Time derivative of a column by central differences, one-sided at ends and gaps. */
export function differentiate(column: Column, frameCount: number, rate_hz: number): Column | undefined {
  const { width, data } = column;
  return buildColumn(frameCount, width, (frame, out, offset) => {
    const [before, after] = neighbours(column, frame, frameCount);
    if (before === after) return false;
    const scale = rate_hz / (after - before);
    for (let k = 0; k < width; k++) out[offset + k] = (data[after * width + k] - data[before * width + k]) * scale;
    return true;
  });
}

/** The frames between which to take a difference at `frame`; equal where there is none. */
function neighbours(column: Column, frame: number, frameCount: number): [before: number, after: number] {
  if (!isValidAt(column, frame)) return [frame, frame];
  const before = frame > 0 && isValidAt(column, frame - 1) ? frame - 1 : frame;
  const after = frame + 1 < frameCount && isValidAt(column, frame + 1) ? frame + 1 : frame;
  return [before, after];
}
