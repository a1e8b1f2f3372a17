// What a field map says against what the numbers say: every contradiction that is beyond doubt, with the setting that
// would mend it. A contradiction refuses the episode unless the map trusts itself there (`trust: [action]`).
//
// Works on columns at the dataset's rate, still in the velocity frames of the file. What cannot be told (a robot that
// stands still, a channel that is not there) contradicts nothing.

import { contradictedOrientation } from '../src/motion/check-orientation.js';
import type { Motion } from '../src/motion/columns.js';
import type { ChannelName, Finding } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { ContradictionError } from './contradiction-error.js';
import type { FieldMap, Trusted } from './field-map.js';
import type { JointMap } from './joint-map.js';
import { actionContradictions } from './semantics-action.js';
import { jointOrderContradictions } from './semantics-joints.js';
import { rateContradictions, unitContradictions, velocityFrameContradictions } from './semantics-velocity.js';

export interface Contradiction {
  readonly about: Trusted;
  readonly channel?: ChannelName;
  /** What the map says and what the data says instead. */
  readonly message: string;
  /** Settings that would mend the map: `channels.action.meaning=offset`. */
  readonly fix: readonly string[];
  /** True where it is likely and not beyond doubt: told, and nothing is refused or mended. */
  readonly isWarning?: boolean;
}

export interface SemanticsInput {
  readonly motion: Motion;
  readonly map: FieldMap;
  readonly joints: JointMap;
  readonly robot: RobotModel;
  /** Frames per second by the file's time stamps, before it was resampled (Hz). */
  readonly fileRate_hz: number;
  /** The motion in the file's own rows, where `motion` has others: an action answers a row, not what lies between two. */
  readonly ownRows?: Motion;
}

/**
 * Findings of kind `contradiction` where the map trusts itself.
 * @throws ContradictionError where it does not
 */
export function checkSemantics(input: SemanticsInput, where: string): Finding[] {
  const found = contradictions(input);
  const isTrusted = ({ about }: Contradiction) => input.map.trust.includes(about);
  const refused = found.filter((one) => !isTrusted(one) && !one.isWarning);
  if (refused.length > 0) {
    throw new ContradictionError(
      refused.map(({ message, fix, about }) => ({ where, what: message, fix: howToMend(fix, about) })),
      refused.flatMap(({ fix }) => fix),
    );
  }
  const told = found.map((one): Finding => {
    const { channel, message, fix } = one;
    const mend = fix.length === 0 ? '' : `. Where that is so: --set ${fix.join(' --set ')}`;
    const said = isTrusted(one) ? `${message} (trusted by the map)` : `${message}${mend}`;
    return { kind: 'contradiction', severity: 'warning', ...(channel === undefined ? {} : { channel }), message: said };
  });
  return [...told, ...estimateFindings(input.map)];
}

/** A scale that was taken from the data is not what the controller had. */
function estimateFindings({ channels: { action } }: FieldMap): Finding[] {
  if (action?.scaleRange === undefined) return [];
  const message = `the action's scale of ${action.scale} is an estimate (quartiles over joints ${action.scaleRange.join(' .. ')}): give channels.action.scale as its controller has it, and channels.action.scaleRange=null`;
  return [{ kind: 'estimate', severity: 'warning', channel: 'action', message }];
}

function howToMend(fix: readonly string[], about: Trusted): string {
  const trust = `--set trust=[${about}]`;
  if (fix.length === 0) return `If it is right after all: ${trust}`;
  return `Mend the map: --set ${fix.join(' --set ')}; or, if it is right after all: ${trust}`;
}

/** Everything in which the data contradicts the map. */
export function contradictions(input: SemanticsInput): Contradiction[] {
  const order = jointOrderContradictions(input);
  // Of columns in the wrong order nothing else can be said.
  return order.some(({ isWarning }) => !isWarning) ? order : [...order, ...otherContradictions(input)];
}

function otherContradictions(input: SemanticsInput): Contradiction[] {
  const orientation = orientationContradictions(input);
  // An orientation that is read wrongly may turn the other way than the robot does.
  const units = unitContradictions(input, orientation.length === 0);
  // A wrong unit shows in every ratio: the rate is told where units are right.
  const rate = units.length > 0 ? [] : rateContradictions(input);
  // What actions are is told by positions, velocities and time: where those are wrong, it would be told wrongly.
  const isMeasured = [...units, ...rate].every(({ about, isWarning }) => isWarning || input.map.trust.includes(about));
  const rows = { ...input, motion: input.ownRows ?? input.motion };
  const action = isMeasured ? actionContradictions(rows) : [];
  return [...orientation, ...units, ...rate, ...velocityFrameContradictions(input), ...action];
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
