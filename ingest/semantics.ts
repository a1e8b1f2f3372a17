// What a field map says against what the numbers say: every contradiction that is beyond doubt, with the setting that
// would mend it. A contradiction refuses the episode unless the map trusts itself there (`trust: [action]`).
//
// Works on columns at the dataset's rate, still in the velocity frames of the file. What cannot be told (a robot that
// stands still, a channel that is not there) contradicts nothing.

import { type ActionEvidence, actionEvidence, type ScaleEvidence } from '../src/motion/check-action.js';
import { contradictedOrientation } from '../src/motion/check-orientation.js';
import { isClearlyBetter, measureSupport, type Support } from '../src/motion/check-support.js';
import type { Column, Motion } from '../src/motion/columns.js';
import type { ChannelName, Finding } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { actionBase } from './columns-of.js';
import { ContradictionError } from './contradiction-error.js';
import { type FieldMap, JOINT_ORDERS, type Trusted } from './field-map.js';
import type { JointMap } from './joint-map.js';
import { robotJointNames } from './recording.js';
import { rateContradictions, unitContradictions, velocityFrameContradictions } from './semantics-velocity.js';

export interface Contradiction {
  readonly about: Trusted;
  readonly channel?: ChannelName;
  /** What the map says and what the data says instead. */
  readonly message: string;
  /** Settings that would mend the map: `channels.action.meaning=offset`. */
  readonly fix: readonly string[];
}

export interface SemanticsInput {
  readonly motion: Motion;
  readonly map: FieldMap;
  readonly joints: JointMap;
  readonly robot: RobotModel;
}

/**
 * Findings of kind `contradiction` where the map trusts itself.
 * @throws ContradictionError where it does not
 */
export function checkSemantics(input: SemanticsInput, where: string): Finding[] {
  const found = contradictions(input);
  const isTrusted = ({ about }: Contradiction) => input.map.trust.includes(about);
  const refused = found.filter((one) => !isTrusted(one));
  if (refused.length > 0) {
    throw new ContradictionError(
      refused.map(({ message, fix, about }) => ({ where, what: message, fix: howToMend(fix, about) })),
      refused.flatMap(({ fix }) => fix),
    );
  }
  return found.map(({ channel, message }): Finding => {
    const about = channel === undefined ? {} : { channel };
    return { kind: 'contradiction', severity: 'warning', ...about, message: `${message} (trusted by the map)` };
  });
}

function howToMend(fix: readonly string[], about: Trusted): string {
  const mend = fix.length === 0 ? '' : `Mend the map: --set ${fix.join(' --set ')}; or, if it is right after all: `;
  return `${mend}--set trust=[${about}]`;
}

/** Everything in which the data contradicts the map. */
export function contradictions(input: SemanticsInput): Contradiction[] {
  const order = jointOrderContradictions(input);
  // Of columns in the wrong order nothing else can be said.
  return order.length > 0 ? order : [...orientationContradictions(input), ...otherContradictions(input)];
}

function otherContradictions(input: SemanticsInput): Contradiction[] {
  const units = unitContradictions(input);
  // A wrong unit shows in every ratio: the rate is told where units are right.
  return [
    ...units,
    ...(units.length > 0 ? [] : rateContradictions(input)),
    ...velocityFrameContradictions(input),
    ...actionContradictions(input),
  ];
}

function orientationContradictions({ motion, map }: SemanticsInput): Contradiction[] {
  const { columns, frameCount, rate_hz } = motion;
  const { baseQuaternion, baseAngularVelocity, baseLinearVelocity, projectedGravity } = map.channels;
  if (columns.baseQuaternion === undefined || baseQuaternion === undefined) return [];
  const verdict = contradictedOrientation({
    frameCount,
    rate_hz,
    orientation: columns.baseQuaternion,
    order: baseQuaternion.order,
    angularVelocity: columns.baseAngularVelocity,
    angularFrame: baseAngularVelocity?.frame,
    linearVelocity: columns.baseLinearVelocity,
    linearFrame: baseLinearVelocity?.frame,
    position: columns.basePosition,
    gravity: projectedGravity === undefined ? undefined : columns.projectedGravity,
  });
  if (verdict === undefined) return [];
  const found: Contradiction[] = [];
  const { order, inverse } = baseQuaternion;
  if (verdict.reading !== 'as mapped') {
    const other = order === 'wxyz' ? 'xyzw' : 'wxyz';
    const [says, fix] =
      verdict.reading === 'other order'
        ? [`${other}, not ${order}`, `channels.baseQuaternion.order=${other}`]
        : [`world to base, not base to world`, `channels.baseQuaternion.inverse=${!inverse}`];
    found.push({
      about: 'orientation',
      channel: 'baseQuaternion',
      message: `baseQuaternion is ${says}: ${verdict.evidence}`,
      fix: [fix],
    });
  }
  if (verdict.angularFrame !== undefined && verdict.angularFrame !== baseAngularVelocity?.frame) {
    found.push({
      about: 'velocity-frame',
      channel: 'baseAngularVelocity',
      message: `baseAngularVelocity is in the ${verdict.angularFrame} frame, not the ${baseAngularVelocity?.frame}: the orientation shows it: ${verdict.evidence}`,
      fix: [`channels.baseAngularVelocity.frame=${verdict.angularFrame}`],
    });
  }
  return found;
}

/** Files without joint names: whether the other order of the robot's joints fits and the mapped one does not. */
function jointOrderContradictions({ motion, map, robot }: SemanticsInput): Contradiction[] {
  const mapped = map.joints.names.robot;
  const { jointPosition, basePosition, baseQuaternion } = motion.columns;
  if (mapped === undefined || jointPosition === undefined) return [];
  const { frameCount } = motion;
  const base = { frameCount, basePosition, baseQuaternion };
  const support = measureSupport({ ...base, jointPosition }, robot);
  for (const other of JOINT_ORDERS) {
    if (other === mapped) continue;
    const reordered = inOtherOrder(jointPosition, robotJointNames(mapped, robot), robotJointNames(other, robot), robot);
    const better = measureSupport({ ...base, jointPosition: reordered }, robot);
    if (!isClearlyBetter(better, support)) continue;
    const text = ({ pastLimits, footTilt_rad: tilt }: Support) => {
      const foot = tilt === undefined ? '' : `, standing foot tilted by ${((tilt * 180) / Math.PI).toFixed(0)}°`;
      return `${(pastLimits * 100).toFixed(1)} % of angles past limits${foot}`;
    };
    return [
      {
        about: 'joint-order',
        channel: 'jointPosition',
        message: `joints are in ${ORDER_NAMES[other]}, not in ${ORDER_NAMES[mapped]}: ${text(better)} against ${text(support)}`,
        fix: [`joints.names.robot=${other}`],
      },
    ];
  }
  return [];
}

const ORDER_NAMES = { model: "the model's order", 'breadth-first': 'breadth-first order' } as const;

/** The same file columns under other names, again in the robot's joint order. */
function inOtherOrder(column: Column, from: readonly string[], to: readonly string[], robot: RobotModel): Column {
  const at = new Map(robot.jointNames.map((name, joint) => [name, joint]));
  const width = from.length;
  const data = new Float64Array(column.data.length);
  for (let start = 0; start < data.length; start += width) {
    for (let k = 0; k < width; k++) data[start + at.get(to[k])!] = column.data[start + at.get(from[k])!];
  }
  return { ...column, data };
}

/** How near a mean slope must be to 1 (targets) or 0 (offsets) to be told. */
const SLOPE_MARGIN = 0.4;
/** Factor by which a scale may be off: joints in contact and feed-forward bias it. */
const SCALE_FACTOR = 2.5;
/** Factor by which the quartile that is nearest to the map must be off, too. */
const QUARTILE_FACTOR = 1.6;
const FEWEST_JOINTS = 6;
const DEGREES = 180 / Math.PI;

function actionContradictions({ motion, map, joints, robot }: SemanticsInput): Contradiction[] {
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

function meaningContradictions(
  { meanSlope, scale }: ActionEvidence,
  field: NonNullable<FieldMap['channels']['action']>,
): Contradiction[] {
  const { meaning } = field;
  const told = (message: string, ...fix: string[]): Contradiction[] => [
    { about: 'action', channel: 'action', message, fix },
  ];
  const factor = uniformScale(field);
  const scaleText =
    scale === undefined
      ? ''
      : `; joints settle at ${scale.value.toFixed(2)} of it (by ${scale.from}, ${scale.joints} joints)`;
  const slopeText =
    meanSlope === undefined ? '' : `its mean follows the default pose with slope ${meanSlope.toFixed(2)}`;
  if (meaning === 'absolute' && meanSlope !== undefined) {
    if (Math.abs(meanSlope / DEGREES - 1) < SLOPE_MARGIN) {
      return told(`action is in degrees: ${slopeText}`, 'channels.action.unit=deg');
    }
    if (Math.abs(meanSlope) < SLOPE_MARGIN) {
      const isOffset = scale === undefined || isNear(scale.value, 1);
      const says = isOffset ? 'an offset from the default pose' : `an offset scaled by about ${scale.value.toFixed(2)}`;
      const fix = isOffset
        ? ['channels.action.meaning=offset']
        : ['channels.action.meaning=scaled', `channels.action.scale=${scale.value.toFixed(2)}`];
      return told(`action is ${says}, not absolute: ${slopeText}${scaleText}`, ...fix);
    }
  }
  if (meaning !== 'absolute' && meanSlope !== undefined && factor !== undefined) {
    // The slope of what the file has, before the map's scale.
    if (Math.abs(meanSlope / factor - 1) < SLOPE_MARGIN && Math.abs(meanSlope) >= SLOPE_MARGIN / 4) {
      const fix = ['channels.action.meaning=absolute', ...(meaning === 'scaled' ? ['channels.action.scale=null'] : [])];
      return told(`action is absolute, not ${meaning}: ${slopeText}`, ...fix);
    }
  }
  if (meaning !== 'absolute' && scale !== undefined && isElsewhere(scale)) {
    const by = (scale.value * (factor ?? 1)).toPrecision(2);
    return told(
      `action is scaled by about ${by}, not ${factor ?? 'as mapped'}${scaleText}`,
      'channels.action.meaning=scaled',
      `channels.action.scale=${by}`,
    );
  }
  return [];
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
function uniformScale({ meaning, scale }: NonNullable<FieldMap['channels']['action']>): number | undefined {
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
