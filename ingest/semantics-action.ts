// Contradictions that actions show: torques taken for targets, what the numbers are added to and scaled by, and the row of
// the state that they answer.

import { type ActionEvidence, actionEvidence, type ScaleEvidence } from '../src/motion/check-action.js';
import type { Column } from '../src/motion/columns.js';
import { actionBase } from './columns-of.js';
import type { ActionField, FieldMap } from './field-map.js';
import type { Contradiction, SemanticsInput } from './semantics.js';

/** How near a mean slope must be to 1 (targets) or 0 (offsets) to be told. */
const SLOPE_MARGIN = 0.4;
/** Factor by which a scale may be off: joints in contact and feed-forward bias it. */
const SCALE_FACTOR = 2.5;
/** Factor by which the quartile that is nearest to the map must be off, too. */
const QUARTILE_FACTOR = 1.6;
const FEWEST_JOINTS = 6;
const DEGREES = 180 / Math.PI;

/** What torques, the default pose and the states of other rows show of an action. */
export function actionContradictions({ motion, map, joints, robot }: SemanticsInput): Contradiction[] {
  const field = map.channels.action;
  const { action, jointPosition, jointVelocity, torque } = motion.columns;
  if (field === undefined || action === undefined || jointPosition === undefined) return [];
  const base = actionBase(field, joints, robot, 'channels.action');
  const shift = robot.defaultPosition_rad.map((value, joint) => value - base[joint]);
  // As it is in the file, by its scale: what is added to the base.
  const scaled: Column = { ...action, data: action.data.map((value, at) => value + shift[at % shift.length]) };
  const evidence = actionEvidence({
    frameCount: motion.frameCount,
    rate_hz: motion.rate_hz,
    position: jointPosition,
    velocity: jointVelocity,
    torque,
    action: scaled,
    default_rad: robot.defaultPosition_rad,
  });
  return [...torqueAsAction(evidence), ...meaningContradictions(evidence, field), ...rowContradictions(evidence, map)];
}

function torqueAsAction({ torqueCorrelation = 0, scale }: ActionEvidence): Contradiction[] {
  if (torqueCorrelation < 0.98 || scale?.from === 'torque') return [];
  const message = `action is the torque (correlation ${torqueCorrelation.toFixed(2)}), not a joint target: leave it out of the map`;
  return [{ about: 'action', channel: 'action', message, fix: [] }];
}

function meaningContradictions(evidence: ActionEvidence, field: ActionField): Contradiction[] {
  const verdict =
    field.meaning === 'absolute' ? notAbsolute(evidence) : (isAbsolute(evidence, field) ?? otherScale(evidence, field));
  return verdict === undefined ? [] : [{ about: 'action', channel: 'action', ...verdict }];
}

type Verdict = Pick<Contradiction, 'message' | 'fix'>;

/** An action that is mapped as absolute and does not lie where the default pose does. */
function notAbsolute({ meanSlope, scale }: ActionEvidence): Verdict | undefined {
  if (meanSlope === undefined) return undefined;
  if (isSlope(meanSlope / DEGREES, 1)) {
    return { message: `action is in degrees: ${slopeText(meanSlope)}`, fix: ['channels.action.unit=deg'] };
  }
  if (!isSlope(meanSlope, 0)) return undefined;
  const because = `not absolute: ${slopeText(meanSlope)}${scaleText(scale)}`;
  if (scale === undefined || isNear(scale.value, 1)) {
    const message = `action is an offset from the default pose, ${because}`;
    return { message, fix: ['channels.action.meaning=offset'] };
  }
  const factor = scale.value.toFixed(2);
  const message = `action is an offset scaled by about ${factor}, ${because}`;
  return { message, fix: ['channels.action.meaning=scaled', `channels.action.scale=${factor}`] };
}

/** An action that is mapped as an offset and lies where the default pose does. */
function isAbsolute({ meanSlope }: ActionEvidence, field: ActionField): Verdict | undefined {
  const factor = uniformScale(field);
  if (meanSlope === undefined || factor === undefined) return undefined;
  // The slope of what the file has, before the map's scale.
  if (!isSlope(meanSlope / factor, 1) || Math.abs(meanSlope) < SLOPE_MARGIN / 4) return undefined;
  const unscaled = field.meaning === 'scaled' ? ['channels.action.scale=null'] : [];
  const message = `action is absolute, not ${field.meaning}: ${slopeText(meanSlope)}`;
  return { message, fix: ['channels.action.meaning=absolute', ...unscaled] };
}

/** An offset by another factor than the map's. */
function otherScale({ scale }: ActionEvidence, field: ActionField): Verdict | undefined {
  if (scale === undefined || !isElsewhere(scale)) return undefined;
  const factor = uniformScale(field);
  const by = (scale.value * (factor ?? 1)).toPrecision(2);
  const message = `action is scaled by about ${by}, not ${factor ?? 'as mapped'}${scaleText(scale)}`;
  return { message, fix: ['channels.action.meaning=scaled', `channels.action.scale=${by}`] };
}

function slopeText(meanSlope: number): string {
  return `its mean follows the default pose with slope ${meanSlope.toFixed(2)}`;
}

function scaleText(scale: ScaleEvidence | undefined): string {
  if (scale === undefined) return '';
  return `; joints settle at ${scale.value.toFixed(2)} of it (by ${scale.from}, ${scale.joints} joints)`;
}

function isSlope(slope: number, expected: number): boolean {
  return Math.abs(slope - expected) < SLOPE_MARGIN;
}

function isNear(value: number, expected: number): boolean {
  return value > expected / SCALE_FACTOR && value < expected * SCALE_FACTOR;
}

/** True where the scale is told by enough joints that agree it is not 1. */
function isElsewhere({ value, low, high, joints }: ScaleEvidence): boolean {
  const nearest = value > 1 ? low : high;
  return joints >= FEWEST_JOINTS && !isNear(value, 1) && (nearest > QUARTILE_FACTOR || nearest < 1 / QUARTILE_FACTOR);
}

/** The one factor of an action; undefined where joints have their own. */
function uniformScale({ meaning, scale }: ActionField): number | undefined {
  if (meaning !== 'scaled') return 1;
  return typeof scale === 'number' ? scale : undefined;
}

function rowContradictions({ lags }: ActionEvidence, { states }: FieldMap): Contradiction[] {
  const next = lags?.get(-1) ?? 0;
  const own = lags?.get(0) ?? 0;
  if (next < 0.3 || next < 2 * own) return [];
  const message = `the action of the next row explains each step (gain ${next.toFixed(2)} against ${own.toFixed(2)}): states were stored after the step`;
  const fix = states === 'before-step' ? ['states=after-step'] : [];
  return [{ about: 'action-row', channel: 'action', message, fix }];
}
