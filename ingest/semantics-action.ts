// Contradictions that actions show: torques taken for targets, columns in another order, what the numbers are added to and
// scaled by, and the row of the state that they answer.

import { type ActionEvidence, actionEvidence, type ScaleEvidence } from '../src/motion/check-action.js';
import { isDoubtful, measureSupport } from '../src/motion/check-support.js';
import type { Column } from '../src/motion/columns.js';
import { actionBase } from './columns-of.js';
import type { ActionField, FieldMap } from './field-map.js';
import type { Contradiction, SemanticsInput } from './semantics.js';
import { fileJoints } from './semantics-joints.js';

/** How near a mean slope must be to 1 (targets) or 0 (offsets) to be told. */
const SLOPE_MARGIN = 0.4;
/** Factor by which a scale may be off: joints in contact and feed-forward bias it. */
const SCALE_FACTOR = 2.5;
/** Factor by which the quartile that is nearest to the map must be off, too. */
const QUARTILE_FACTOR = 1.6;
/** The same two of a scale that is told and not refused. */
const LIKELY_FACTOR = 1.5;
const LIKELY_QUARTILE = 1.25;
const FEWEST_JOINTS = 6;
/** Log of the quartiles' ratio up to which a scale can be taken from the data. */
const WIDEST = Math.LN2;
/** How near a factor must be to a unit's (share of it). */
const UNIT_MARGIN = 0.2;
const DEGREES = 180 / Math.PI;

/** What torques, the default pose and the states of other rows show of an action. */
export function actionContradictions(input: SemanticsInput): Contradiction[] {
  const evidence = evidenceOf('action', input);
  if (evidence === undefined) return [];
  // A robot follows what was executed: an action that is a label beside it answers for its meaning alone.
  const executed = evidenceOf('executedAction', input);
  // What the numbers mean is asked of columns and rows that are the action's.
  const mixed = [...torqueAsAction(evidence), ...foreignColumns(executed ?? evidence, input)];
  const shifted = shiftContradictions(executed ?? evidence, input);
  if (mixed.length > 0 || shifted.some(({ isWarning }) => !isWarning)) return [...mixed, ...shifted];
  const meaning = meaningContradictions(evidence, input);
  const isClear = shifted.length === 0 && executed === undefined;
  return [...meaning.filter(({ isWarning }) => !isWarning || isClear), ...shifted];
}

/** Evidence of a channel that the map has as a field of its own. */
function evidenceOf(name: 'action' | 'executedAction', input: SemanticsInput): ActionEvidence | undefined {
  const { motion, map, joints, robot } = input;
  const field = map.channels[name];
  const { [name]: action, jointPosition, jointVelocity, torque } = motion.columns;
  if (typeof field !== 'object' || action === undefined || jointPosition === undefined) return undefined;
  const base = actionBase(field, joints, robot, `channels.${name}`);
  const shift = robot.defaultPosition_rad.map((value, joint) => value - base[joint]);
  // As it is in the file, by its scale: what is added to the base.
  const scaled: Column = { ...action, data: action.data.map((value, at) => value + shift[at % shift.length]) };
  return actionEvidence({
    frameCount: motion.frameCount,
    rate_hz: motion.rate_hz,
    position: jointPosition,
    velocity: jointVelocity,
    torque,
    action: scaled,
    // Joints that are held follow the map, and say nothing of the file's action.
    default_rad: robot.defaultPosition_rad.map((value, joint) => (joints.columns[joint] < 0 ? 0 : value)),
  });
}

function torqueAsAction({ torqueCorrelation = 0, scale }: ActionEvidence): Contradiction[] {
  if (torqueCorrelation < 0.98 || scale?.from === 'torque') return [];
  const message = `action is the torque (correlation ${torqueCorrelation.toFixed(2)}), not a joint target: leave it out of the map`;
  return [{ about: 'action', channel: 'action', message, fix: [] }];
}

/** Columns in the order of other joints than those that they are mapped to. */
function foreignColumns({ foreign, lags }: ActionEvidence, { robot }: SemanticsInput): Contradiction[] {
  // The action of another row explains little of any joint.
  if (foreign.length === 0 || lags === undefined || isOtherRow(lags, -1) || isOtherRow(lags, 1)) return [];
  const [worst] = foreign.toSorted((a, b) => b.other - b.own - (a.other - a.own));
  const name = (joint: number) => robot.jointNames[joint];
  const message = `action is in another joint order than the positions: ${foreign.length} joints follow another joint's action, ${name(worst.joint)} that of ${name(worst.drivenBy)} (gain ${worst.other.toFixed(2)} against ${worst.own.toFixed(2)}). No setting mends it: bring its columns into the order of the positions, or leave it out of the map`;
  return [{ about: 'action', channel: 'action', message, fix: [] }];
}

function meaningContradictions(evidence: ActionEvidence, input: SemanticsInput): Contradiction[] {
  const field = input.map.channels.action as ActionField;
  const verdict =
    field.meaning === 'absolute'
      ? (notAbsolute(evidence) ?? targetUnit(evidence, input.map))
      : (isAbsolute(evidence, field, input) ?? otherScale(evidence, input));
  return verdict === undefined ? [] : [{ about: 'action', channel: 'action', ...verdict }];
}

type Verdict = Pick<Contradiction, 'message' | 'fix' | 'isWarning'>;

/** An action that is mapped as absolute and does not lie where the default pose does. */
function notAbsolute({ meanSlope, scale }: ActionEvidence): Verdict | undefined {
  if (meanSlope === undefined) return undefined;
  if (isSlope(meanSlope / DEGREES, 1)) {
    return { message: `action is in degrees: ${slopeText(meanSlope)}`, fix: ['channels.action.unit=deg'] };
  }
  if (!isSlope(meanSlope, 0) || isNear(scale?.value ?? 1, 1 / DEGREES) || isNear(scale?.value ?? 1, DEGREES)) {
    return undefined;
  }
  const because = `not absolute: ${slopeText(meanSlope)}${scaleText(scale)}`;
  if (scale === undefined || isNear(scale.value, 1)) {
    const message = `action is an offset from the default pose, ${because}`;
    return { message, fix: ['channels.action.meaning=offset'] };
  }
  const message = `action is an offset scaled by about ${scale.value.toFixed(2)}, ${because}`;
  return { message: withAdvice(message, scale), fix: scaleSettings(scale, 1) };
}

/** Targets that joints settle near at a factor that only a unit explains: of the action, or of the positions. */
function targetUnit({ scale }: ActionEvidence, { channels }: FieldMap): Verdict | undefined {
  if (scale === undefined || !isClose(scale)) return undefined;
  const isTooLarge = Math.abs(scale.value * DEGREES - 1) < UNIT_MARGIN;
  const isTooSmall = Math.abs(scale.value / DEGREES - 1) < UNIT_MARGIN;
  if (!isTooLarge && !isTooSmall) return undefined;
  const action = (channels.action as ActionField).unit ?? 'rad';
  const position = channels.jointPosition?.unit ?? 'rad';
  const [name, unit] = isTooLarge
    ? position === 'deg'
      ? ['jointPosition', 'rad']
      : ['action', 'deg']
    : action === 'deg'
      ? ['action', 'rad']
      : ['jointPosition', 'deg'];
  const message = `action and jointPosition are in different units${scaleText(scale)}: ${name} is in ${unit}`;
  return { message, fix: [`channels.${name}.unit=${unit}`] };
}

/** An action that is mapped as an offset and lies where the default pose does. */
function isAbsolute({ meanSlope }: ActionEvidence, field: ActionField, input: SemanticsInput): Verdict | undefined {
  const factor = uniformScale(field);
  if (meanSlope === undefined || factor === undefined) return undefined;
  // The slope of what the file has, before the map's scale.
  if (!isSlope(meanSlope / factor, 1) || Math.abs(meanSlope) < SLOPE_MARGIN / 4) return undefined;
  // Of joints in some other order the mean says nothing.
  if (arePastLimits(input)) return undefined;
  const unscaled = ['scale', 'scaleRange'].filter((key) => field[key as 'scale'] !== undefined);
  const message = `action is absolute, not ${field.meaning}: ${slopeText(meanSlope)}`;
  return {
    message,
    fix: ['channels.action.meaning=absolute', ...unscaled.map((key) => `channels.action.${key}=null`)],
  };
}

function arePastLimits({ motion, joints, robot }: SemanticsInput): boolean {
  const { jointPosition } = motion.columns;
  if (jointPosition === undefined) return false;
  const { frameCount } = motion;
  return isDoubtful(measureSupport({ frameCount, jointPosition, joints: fileJoints(joints) }, robot));
}

/** An offset by another factor than the map's: beyond doubt from 2.5 on, likely from 1.5 on. */
function otherScale({ scale }: ActionEvidence, input: SemanticsInput): Verdict | undefined {
  const field = input.map.channels.action as ActionField;
  if (scale === undefined || scale.joints < FEWEST_JOINTS) return undefined;
  const isBeyondDoubt = isElsewhere(scale, SCALE_FACTOR, QUARTILE_FACTOR);
  if (!isBeyondDoubt && !isElsewhere(scale, LIKELY_FACTOR, LIKELY_QUARTILE)) return undefined;
  const factor = uniformScale(field);
  const by = (scale.value * (factor ?? 1)).toPrecision(2);
  const message = `action is scaled by about ${by}, not ${factor ?? 'as mapped'}${scaleText(scale)}`;
  if (!isBeyondDoubt) {
    const advice = 'give channels.action.meaning and scale as its controller has them';
    return { message: `${message}: ${advice}`, fix: [], isWarning: true };
  }
  return { message: withAdvice(message, scale), fix: factor === undefined ? [] : scaleSettings(scale, factor) };
}

/** A scale as settings, by the factor of the map; none where too few joints or too many opinions tell it. */
function scaleSettings(scale: ScaleEvidence, factor: number): string[] {
  if (!isClose(scale)) return [];
  const [value, ...range] = [scale.value, scale.low, scale.high].map((one) => Number((one * factor).toPrecision(2)));
  const sorted = range.sort((a, b) => a - b);
  const estimate = `channels.action.scaleRange=[${sorted.join(',')}]`;
  return ['channels.action.meaning=scaled', `channels.action.scale=${value}`, estimate];
}

function withAdvice(message: string, scale: ScaleEvidence): string {
  const quartiles = `quartiles ${scale.low.toPrecision(2)} .. ${scale.high.toPrecision(2)}`;
  if (isClose(scale)) return `${message}, ${quartiles}: an estimate, to be replaced by what its controller has`;
  return `${message}, ${quartiles}, too wide or too few to be set: give channels.action.meaning and scale as its controller has them`;
}

function slopeText(meanSlope: number): string {
  return `its mean follows the default pose with slope ${meanSlope.toFixed(2)}`;
}

function scaleText(scale: ScaleEvidence | undefined): string {
  if (scale === undefined) return '';
  return `; joints settle at ${scale.value.toPrecision(3)} of it (by ${scale.from}, ${scale.joints} joints)`;
}

function isSlope(slope: number, expected: number): boolean {
  return Math.abs(slope - expected) < SLOPE_MARGIN;
}

function isNear(value: number, expected: number): boolean {
  return value > expected / SCALE_FACTOR && value < expected * SCALE_FACTOR;
}

/** True where the scale, and its quartile that is nearest to 1, are not 1 by these factors. */
function isElsewhere({ value, low, high }: ScaleEvidence, factor: number, quartile: number): boolean {
  const isOff = (one: number, by: number) => one > by || one < 1 / by;
  return isOff(value, factor) && isOff(value > 1 ? low : high, quartile);
}

/** True where a scale can be taken from the data: by a third of the joints or more, whose quartiles lie close. */
function isClose({ low, high, joints, of }: ScaleEvidence): boolean {
  return joints >= FEWEST_JOINTS && 3 * joints >= of && low * high > 0 && Math.abs(Math.log(high / low)) < WIDEST;
}

/** The one factor of an action; undefined where joints have their own. */
function uniformScale({ meaning, scale }: ActionField): number | undefined {
  if (meaning !== 'scaled') return 1;
  return typeof scale === 'number' ? scale : undefined;
}

/** True where the action of row t - lag explains the step from t, and that of row t does not. */
function isOtherRow(lags: ReadonlyMap<number, number>, lag: number): boolean {
  const gain = lags.get(lag) ?? 0;
  return gain > (lag < 0 ? 0.3 : 0.5) && gain > 2 * (lags.get(0) ?? 0);
}

function shiftContradictions({ lags }: ActionEvidence, input: SemanticsInput): Contradiction[] {
  const { states } = input.map;
  if (lags === undefined) return [];
  const gains = (lag: number) => `(gain ${lags.get(lag)!.toFixed(2)} against ${lags.get(0)!.toFixed(2)})`;
  const about = { about: 'action-row', channel: 'action' } as const;
  if (isOtherRow(lags, -1)) {
    const message = `the action of the next row explains each step ${gains(-1)}: states were stored after the step`;
    return [{ ...about, message, fix: states === 'before-step' ? ['states=after-step'] : [] }];
  }
  if (!isOtherRow(lags, 1)) return [];
  const message = `the action of the row before explains each step ${gains(1)}`;
  if (states === 'after-step') {
    return [{ ...about, message: `${message}: states were stored before the step`, fix: ['states=before-step'] }];
  }
  // A robot whose targets arrive a step late shows the same.
  return [
    { ...about, message: `${message}: actions are one row early, or act one step late`, fix: [], isWarning: true },
  ];
}
