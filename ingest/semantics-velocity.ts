// Contradictions that velocities show: units, frames and the rate. A recorded velocity must be the derivative of the
// recorded position; a factor between them has a reason, and it is told.

import { upperMedian } from '../src/math/median.js';
import { explainsMore, fitTravel, fitTurn, fitVelocity, type VelocityFit } from '../src/motion/check-velocity.js';
import type { Column } from '../src/motion/columns.js';
import type { ChannelName } from '../src/motion/episode.js';
import type { Contradiction, SemanticsInput } from './semantics.js';
import { fileJoints } from './semantics-joints.js';

type VelocityName = 'jointVelocity' | 'baseLinearVelocity' | 'baseAngularVelocity';

/** Correlation from which a velocity is the derivative up to a factor. */
const IS_DERIVATIVE = 0.8;
/** RMS of the larger side below which nothing moves (rad/s or m/s). */
const AT_REST = 0.02;

/** Fits of the velocities that the map has, in the frames that the map gives. */
function fits({ motion, map }: SemanticsInput): Map<VelocityName, VelocityFit> {
  const { columns, frameCount, rate_hz } = motion;
  const found = new Map<VelocityName, VelocityFit>();
  const add = (name: VelocityName, fit: VelocityFit | undefined) => {
    if (fit !== undefined && Math.max(fit.size, fit.recorded) > AT_REST) found.set(name, fit);
  };
  const { jointPosition, jointVelocity, baseQuaternion, baseAngularVelocity, basePosition, baseLinearVelocity } =
    columns;
  if (jointPosition && jointVelocity)
    add('jointVelocity', fitVelocity(jointPosition, jointVelocity, frameCount, rate_hz));
  if (baseQuaternion && baseAngularVelocity) {
    const frame = map.channels.baseAngularVelocity!.frame;
    add('baseAngularVelocity', fitTurn(baseQuaternion, baseAngularVelocity, frame, frameCount, rate_hz));
  }
  if (basePosition && baseLinearVelocity) {
    const isBase = map.channels.baseLinearVelocity!.frame === 'base';
    if (!isBase || baseQuaternion) {
      const turn = isBase ? baseQuaternion : undefined;
      add('baseLinearVelocity', fitTravel(basePosition, baseLinearVelocity, turn, frameCount, rate_hz));
    }
  }
  return found;
}

interface UnitFactor {
  readonly factor: number;
  /** Unit of the velocity or of the position that explains the factor. */
  readonly velocity?: string;
  readonly position?: string;
}

const DEGREES = 180 / Math.PI;
const ANGLE_FACTORS: readonly UnitFactor[] = [
  { factor: DEGREES, velocity: 'deg/s' },
  { factor: 60 / (2 * Math.PI), velocity: 'rpm' },
  { factor: 1 / DEGREES, position: 'deg' },
];
const LENGTH_FACTORS: readonly UnitFactor[] = [
  { factor: 1000, velocity: 'mm/s' },
  { factor: 100, velocity: 'cm/s' },
  { factor: 1 / 1000, position: 'mm' },
  { factor: 1 / 100, position: 'cm' },
];
const POSITION_OF = {
  jointVelocity: 'jointPosition',
  baseAngularVelocity: 'baseQuaternion',
  baseLinearVelocity: 'basePosition',
} as const;
/** How near a ratio must be to a unit's factor (share of it). */
const UNIT_MARGIN = 0.2;

/**
 * Units by the ratio of velocities to derivatives, and by sizes that a robot can have.
 * @param isOriented false where the orientation is read wrongly, which may turn the sign of an angular velocity
 */
export function unitContradictions(input: SemanticsInput, isOriented = true): Contradiction[] {
  const found: Contradiction[] = [];
  const told = new Set<ChannelName>();
  const tell = (channel: ChannelName, message: string, unit: string) => {
    if (told.has(channel)) return;
    told.add(channel);
    found.push({ about: 'units', channel, message, fix: [`channels.${channel}.unit=${unit}`] });
  };
  for (const [channel, message, unit] of sizeContradictions(input)) tell(channel, message, unit);
  for (const [name, { correlation, ratio }] of fits(input)) {
    if (Math.abs(correlation) < IS_DERIVATIVE) continue;
    const position = POSITION_OF[name];
    // By a position in another unit than the map's a velocity cannot be told.
    if (told.has(position)) continue;
    if (ratio < 0) {
      if (name === 'baseAngularVelocity' && !isOriented) continue;
      const or =
        name === 'baseAngularVelocity' ? ', or the orientation is world to base and its frame the other one' : '';
      const message = `${name} is the negative derivative of ${position} (correlation ${correlation.toFixed(2)}): its sign is wrong${or}`;
      found.push({ about: 'units', channel: name, message, fix: [] });
      continue;
    }
    const factors = name === 'baseLinearVelocity' ? LENGTH_FACTORS : ANGLE_FACTORS;
    const unit = factors.find(({ factor }) => Math.abs(ratio / factor - 1) < UNIT_MARGIN);
    if (unit === undefined) continue;
    const text = `${name} is ${ratio.toPrecision(3)} times the derivative of ${position}`;
    // A map that converts what needed no conversion shows the same factor, turned over.
    const own = (input.map.channels[name] as { unit?: string } | undefined)?.unit;
    const isConverted = own !== undefined && own !== (name === 'baseLinearVelocity' ? 'm/s' : 'rad/s');
    if (unit.velocity !== undefined) tell(name, `${text}: its unit is ${unit.velocity}`, unit.velocity);
    else if (isConverted)
      tell(name, `${text}: its unit is not ${own}`, name === 'baseLinearVelocity' ? 'm/s' : 'rad/s');
    else if (position !== 'baseQuaternion' && !told.has(position)) {
      tell(position, `${text}: the unit of ${position} is ${unit.position}`, unit.position!);
    }
  }
  return found;
}

/** Base height in robots' lengths and joint angles beyond anything a joint can do. */
function sizeContradictions({ motion, map, joints, robot }: SemanticsInput): [ChannelName, string, string][] {
  const found: [ChannelName, string, string][] = [];
  const { basePosition, jointPosition } = motion.columns;
  if (basePosition !== undefined) {
    const heights = motion.frameCount > 0 ? columnValues(basePosition, 2) : [];
    const ratio = upperMedian(heights) / robot.standingHeight_m;
    const unit = [
      { name: 'mm', factor: 1000 },
      { name: 'cm', factor: 100 },
    ].find(({ factor }) => ratio > 0.4 * factor && ratio < 1.6 * factor);
    if (unit !== undefined && ratio > 10) {
      const message = `basePosition has the base at ${upperMedian(heights).toFixed(0)} m: its unit is ${unit.name}`;
      found.push(['basePosition', message, unit.name]);
    }
    const converted = map.channels.basePosition?.unit;
    if ((converted === 'mm' || converted === 'cm') && ratio > 0 && ratio < 0.02) {
      const message = `basePosition has the base at ${upperMedian(heights).toFixed(4)} m: its unit is m, not ${converted}`;
      found.push(['basePosition', message, 'm']);
    }
  }
  if (jointPosition !== undefined) {
    // Joints that are held have the position that the map gives them.
    const moved = fileJoints(joints);
    const size = Math.sqrt(meanOf(jointPosition, moved, (angle) => angle ** 2));
    const usual = Math.sqrt(
      moved.reduce((sum, joint) => sum + robot.defaultPosition_rad[joint] ** 2, 0) / moved.length,
    );
    const unit = map.channels.jointPosition?.unit ?? 'rad';
    const share = meanOf(jointPosition, moved, (angle) => (Math.abs(angle) > 2 * Math.PI ? 1 : 0));
    if (unit !== 'deg' && share > 0.05) {
      const message = `jointPosition is beyond a full turn in ${(share * 100).toFixed(0)} % of its values: its unit is deg`;
      found.push(['jointPosition', message, 'deg']);
    }
    // Radians taken for degrees: almost nothing is left of a pose that the robot has when it does nothing.
    if (unit === 'deg' && size < 0.02 && usual > 0.1) {
      const message = `jointPosition is ${size.toPrecision(2)} rad RMS, the default pose ${usual.toPrecision(2)}: its unit is rad, not deg`;
      found.push(['jointPosition', message, 'rad']);
    }
  }
  return found;
}

/** Ratio that a rate explains, and that only a clock does. */
const RATE_MARGIN = 0.1;
const DRIFT_MARGIN = 0.03;

/** A factor that all velocities share is that of time. */
export function rateContradictions(input: SemanticsInput): Contradiction[] {
  const good = [...fits(input)].filter(([, fit]) => fit.correlation > 0.9);
  if (good.length === 0) return [];
  const ratios = good.map(([, { ratio }]) => ratio);
  const ratio = upperMedian(ratios);
  const agree = ratios.every((one) => Math.abs(one / ratio - 1) < RATE_MARGIN / 2);
  if (!agree || Math.abs(ratio - 1) < RATE_MARGIN) return [];
  const { time } = input.map;
  const names = good.map(([name]) => name).join(', ');
  const share = `${names} ${good.length > 1 ? 'are' : 'is'} ${ratio.toFixed(2)} times the derivative`;
  // Of all velocities the one that follows its position most closely tells the rate best.
  const closest = good.reduce((a, b) => (b[1].correlation > a[1].correlation ? b : a));
  const rate = measuredRate(input.fileRate_hz, closest[1].ratio);
  const instead = (['rateArray', 'array', 'column', 'path'] as const).filter((key) => time[key] !== undefined);
  const fix = [`time.rate_hz=${rate}`, ...instead.map((key) => `time.${key}=null`)];
  const says = time.rate_hz ?? Number(input.fileRate_hz.toPrecision(3));
  return [{ about: 'rate', message: `the rate is about ${rate} Hz, not ${says}: ${share}`, fix }];
}

/** How near a measured rate must be to a usual one to be taken for it (share of it). */
const USUAL_RATE_MARGIN = 0.015;

/** A multiple of five (of fifty, above 200 Hz) where one is near, as recorders have it; three digits elsewhere. */
function measuredRate(fileRate_hz: number, ratio: number): number {
  const rate = fileRate_hz * ratio;
  const step = rate > 200 ? 50 : 5;
  const usual = step * Math.round(rate / step);
  return Math.abs(rate - usual) < USUAL_RATE_MARGIN * rate ? usual : Number(rate.toPrecision(3));
}

/** True where a velocity of the file shows that time runs as the map says. */
export function isTimeConfirmed(input: SemanticsInput): boolean {
  return [...fits(input).values()].some(({ correlation }) => correlation > 0.9);
}

/** Correlation of a velocity that tells time by itself, and of one that only says which way it is off: joints of a walk
 *  turn too fast for Simpson's rule. */
const TELLS_TIME = 0.999;
const TELLS_WAY = 0.98;
/** Correlation of velocities that tell time where they agree on it. */
const AGREES = 0.99;

/** The factor by which a clock is off, and the rate that the file then has. */
export function clockDrift(input: SemanticsInput): { ratio: number; rate_hz: number } | undefined {
  const found = [...fits(input).values()].sort((a, b) => b.correlation - a.correlation);
  const tellsAlone = found.length > 0 && found[0].correlation > TELLS_TIME;
  const close = found.filter(({ correlation }) => correlation > (tellsAlone ? TELLS_WAY : AGREES));
  if (close.length === 0) return undefined;
  const { ratio } = close[0];
  const isTold = ({ ratio: other }: VelocityFit) =>
    tellsAlone ? (other - 1) * (ratio - 1) >= 0 : Math.abs(other - ratio) < DRIFT_MARGIN / 3;
  const isOff = Math.abs(ratio - 1) > DRIFT_MARGIN && Math.abs(ratio - 1) < RATE_MARGIN;
  if (!isOff || !close.every(isTold)) return undefined;
  return { ratio, rate_hz: measuredRate(input.fileRate_hz, ratio) };
}

/** A linear velocity that is the derivative in the other frame and not in this one. */
export function velocityFrameContradictions({ motion, map }: SemanticsInput): Contradiction[] {
  const { columns, frameCount, rate_hz } = motion;
  const { basePosition, baseLinearVelocity, baseQuaternion } = columns;
  const frame = map.channels.baseLinearVelocity?.frame;
  if (!basePosition || !baseLinearVelocity || !baseQuaternion || frame === undefined) return [];
  const inFrame = (turn: Column | undefined) => fitTravel(basePosition, baseLinearVelocity, turn, frameCount, rate_hz);
  const world = inFrame(undefined);
  const base = inFrame(baseQuaternion);
  if (world === undefined || base === undefined || world.size < 0.1) return [];
  const [own, other] = frame === 'world' ? [world, base] : [base, world];
  if (!explainsMore(other.correlation, own.correlation)) return [];
  const name = frame === 'world' ? 'base' : 'world';
  const message = `baseLinearVelocity is in the ${name} frame, not the ${frame}: it is the derivative of basePosition there (correlation ${other.correlation.toFixed(3)}; as mapped ${own.correlation.toFixed(3)})`;
  const fix = [`channels.baseLinearVelocity.frame=${name}`];
  return [{ about: 'velocity-frame', channel: 'baseLinearVelocity', message, fix }];
}

function columnValues({ data, width }: Column, k: number): number[] {
  return Array.from({ length: data.length / width }, (_, frame) => data[frame * width + k]);
}

/** Mean of a function of some entries of all rows. */
function meanOf({ data, width }: Column, entries: readonly number[], value: (entry: number) => number): number {
  let sum = 0;
  for (let row = 0; row < data.length; row += width) for (const k of entries) sum += value(data[row + k]);
  return sum / ((data.length / width) * entries.length);
}
