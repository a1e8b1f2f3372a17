// What a field map says against what the numbers say: every contradiction that is beyond doubt, with the setting that
// would mend it. A contradiction refuses the episode unless the map trusts itself there (`trust: [action]`).
//
// Works on columns at the dataset's rate, still in the velocity frames of the file. What cannot be told (a robot that
// stands still, a channel that is not there) contradicts nothing.

import { contradictedOrientation } from '../src/motion/check-orientation.js';
import { isClearlyBetter, measureSupport, type Support } from '../src/motion/check-support.js';
import type { Column, Motion } from '../src/motion/columns.js';
import type { ChannelName, Finding } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { ContradictionError } from './contradiction-error.js';
import { type FieldMap, JOINT_ORDERS, type Trusted } from './field-map.js';
import type { JointMap } from './joint-map.js';
import { robotJointNames } from './recording.js';
import { actionContradictions } from './semantics-action.js';
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
