// What the four numbers of an orientation are: w x y z or x y z w, base to world or world to base, and in which frame
// its angular velocity is.
//
// Evidence, strongest first: a recorded angular velocity that is the orientation's derivative in one reading and not in
// the others; a recorded gravity direction; a recorded base velocity that the orientation turns into the travelled
// path; and that a robot mostly stands. A reading is only called wrong where another leaves far less unexplained.

import { projectedGravity } from '../math/quaternion.js';
import { explainsMore, FitSums, fitTravel, fitTurn } from './check-velocity.js';
import { type Column, isValidAt } from './columns.js';

/** How the four numbers are read, against the way in which they were mapped to w x y z. */
export type OrientationReading = 'as mapped' | 'other order' | 'inverse';

export interface OrientationInput {
  readonly frameCount: number;
  readonly rate_hz: number;
  /** As mapped to w x y z. */
  readonly orientation: Column;
  /** Order that the map gave the file. */
  readonly order: 'wxyz' | 'xyzw';
  /** As recorded, in the frame that is given beside it. */
  readonly angularVelocity?: Column;
  readonly angularFrame?: 'base' | 'world';
  readonly linearVelocity?: Column;
  readonly linearFrame?: 'base' | 'world';
  readonly position?: Column;
  /** Recorded, not derived. */
  readonly gravity?: Column;
}

export interface OrientationVerdict {
  readonly reading: OrientationReading;
  readonly angularFrame?: 'base' | 'world';
  /** What speaks for it, for people. */
  readonly evidence: string;
}

/** Angular velocity (rad/s) and speed (m/s) below which there is nothing to explain. A gyro shows a stance's sway. */
const TURNS_NOT = 0.02;
const AT_REST = 0.1;
/** Difference of correlations that are the same but for rounding. */
const SAME = 1e-6;
/** Mean of the up direction along the world's for a robot that stands, and for one that cannot. */
const STANDS = 0.9;
const LIES = 0.5;

/** @returns what contradicts the map; undefined where nothing does, or nothing can be told */
export function contradictedOrientation(input: OrientationInput): OrientationVerdict | undefined {
  return byAngularVelocity(input) ?? byGravity(input) ?? byTravel(input) ?? byStanding(input);
}

const READINGS: readonly OrientationReading[] = ['as mapped', 'other order', 'inverse'];

/** The orientation in another reading of the same four numbers. */
export function readOrientation(
  { data, ...rest }: Column,
  reading: OrientationReading,
  order: 'wxyz' | 'xyzw',
): Column {
  if (reading === 'as mapped') return { ...rest, data };
  const read = new Float64Array(data.length);
  for (let at = 0; at < data.length; at += 4) {
    for (let k = 0; k < 4; k++) {
      if (reading === 'inverse') read[at + k] = k === 0 ? data[at] : -data[at + k];
      else read[at + k] = data[at + ((k + (order === 'wxyz' ? 3 : 1)) % 4)];
    }
  }
  return { ...rest, data: read };
}

interface Candidate {
  readonly reading: OrientationReading;
  readonly angularFrame?: 'base' | 'world';
  readonly correlation: number;
}

/** The best of some readings, where the mapped one fails and it does not. */
function betterThanMapped(candidates: readonly Candidate[], mapped: Candidate | undefined): Candidate | undefined {
  if (mapped === undefined) return undefined;
  // Of readings that explain the data equally well the one that changes least comes first.
  const best = candidates.reduce((a, b) => (explainsMore(b.correlation, a.correlation) ? b : a));
  return best !== mapped && explainsMore(best.correlation, mapped.correlation) ? best : undefined;
}

function byAngularVelocity(input: OrientationInput): OrientationVerdict | undefined {
  const { orientation, order, angularVelocity, angularFrame, frameCount, rate_hz } = input;
  if (angularVelocity === undefined || angularFrame === undefined) return undefined;
  const candidates: Candidate[] = [];
  const frames = angularFrame === 'base' ? (['base', 'world'] as const) : (['world', 'base'] as const);
  for (const reading of READINGS) {
    const column = readOrientation(orientation, reading, order);
    for (const frame of frames) {
      const fit = fitTurn(column, angularVelocity, frame, frameCount, rate_hz);
      if (fit === undefined || fit.size < TURNS_NOT) continue;
      candidates.push({ reading, angularFrame: frame, correlation: fit.correlation });
    }
  }
  const mapped = candidates.find((one) => one.reading === 'as mapped' && one.angularFrame === angularFrame);
  const better = betterThanMapped(candidates, mapped);
  // Where the mapped reading with the opposite sign explains as much, the sign may be wrong as well: the inverse of an
  // orientation turns the opposite way in the other frame.
  if (better === undefined || -mapped!.correlation > better.correlation - SAME) return undefined;
  return {
    reading: better.reading,
    angularFrame: better.angularFrame,
    evidence: `its derivative agrees with the angular velocity (correlation ${text(better)}; as mapped ${text(mapped!)})`,
  };
}

function byGravity({ gravity, orientation, order, frameCount }: OrientationInput): OrientationVerdict | undefined {
  if (gravity === undefined) return undefined;
  const expected = new Float64Array(3);
  const candidates = READINGS.flatMap((reading): Candidate[] => {
    const column = readOrientation(orientation, reading, order);
    const sums = new FitSums();
    for (let frame = 0; frame < frameCount; frame++) {
      if (!isValidAt(gravity, frame) || !isValidAt(column, frame)) continue;
      projectedGravity(expected, 0, column.data, frame * 4);
      for (let k = 0; k < 3; k++) sums.add(gravity.data[frame * 3 + k], expected[k]);
    }
    const fit = sums.finish();
    return fit === undefined ? [] : [{ reading, correlation: fit.correlation }];
  });
  const mapped = candidates.find(({ reading }) => reading === 'as mapped');
  const better = betterThanMapped(candidates, mapped);
  if (better === undefined) return undefined;
  const evidence = `it turns gravity into the recorded direction (correlation ${text(better)}; as mapped ${text(mapped!)})`;
  return { reading: better.reading, evidence };
}

function byTravel(input: OrientationInput): OrientationVerdict | undefined {
  const { orientation, order, linearVelocity, linearFrame, position, frameCount, rate_hz } = input;
  if (linearVelocity === undefined || position === undefined || linearFrame !== 'base') return undefined;
  const candidates = READINGS.flatMap((reading): Candidate[] => {
    const column = readOrientation(orientation, reading, order);
    const fit = fitTravel(position, linearVelocity, column, frameCount, rate_hz);
    return fit === undefined || fit.size < AT_REST ? [] : [{ reading, correlation: fit.correlation }];
  });
  const mapped = candidates.find(({ reading }) => reading === 'as mapped');
  const better = betterThanMapped(candidates, mapped);
  if (better === undefined) return undefined;
  const evidence = `it turns the travelled path into the base velocity (correlation ${text(better)}; as mapped ${text(mapped!)})`;
  return { reading: better.reading, evidence };
}

function byStanding({ orientation, order, frameCount }: OrientationInput): OrientationVerdict | undefined {
  const mapped = meanUpright(orientation, frameCount);
  const other = meanUpright(readOrientation(orientation, 'other order', order), frameCount);
  if (mapped === undefined || other === undefined || mapped > LIES || other < STANDS) return undefined;
  const evidence = `the robot then stands (up direction ${other.toFixed(2)} along the world's; as mapped ${mapped.toFixed(2)})`;
  return { reading: 'other order', evidence };
}

/** Mean cosine between the base's up direction and the world's. */
export function meanUpright(orientation: Column, frameCount: number): number | undefined {
  const gravity = new Float64Array(3);
  let sum = 0;
  let count = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    if (!isValidAt(orientation, frame)) continue;
    projectedGravity(gravity, 0, orientation.data, frame * 4);
    sum -= gravity[2];
    count++;
  }
  return count === 0 ? undefined : sum / count;
}

function text({ correlation }: Candidate): string {
  return correlation.toFixed(3);
}
