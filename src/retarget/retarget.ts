// Human motion to a robot Episode: rate, problem, solution, quality, channels. The one way in for every reader.
//
// The Episode has no actions. Velocities are the solver's own (exact for its positions by the trapezoidal rule) and are
// marked derived, as are gravity and foot contacts: nobody measured them.

import { DataError } from '../base/errors.js';
import { TOOL } from '../base/version.js';
import { rotateInverse } from '../math/quaternion.js';
import { type Column, type Columns, toChannels } from '../motion/columns.js';
import { deriveChannels } from '../motion/derive.js';
import type { ChannelName, Episode, Finding } from '../motion/episode.js';
import { hindsightCommand } from '../motion/hindsight.js';
import type { HumanMotion } from '../motion/human-motion.js';
import { identityOf } from '../robot/robot-model.js';
import type { SolverModel } from './problem.js';
import { judge, type QualityReport } from './quality.js';
import { type ClipProblem, clipProblem, type Retargeter } from './retarget-problem.js';
import { resampleHuman } from './retarget-resample.js';
import { jointPositions, jointVelocities, solveTrajectory, type Trajectory } from './solver.js';

export interface RetargetOptions {
  /** Rate of the episode (Hz). */
  readonly rate_hz: number;
  /** Name of the source, for weights and metrics. */
  readonly source: string;
  /** Number of the episode within its input. */
  readonly number: number;
  /** Label frames with the velocity that the motion achieves. */
  readonly hindsight: boolean;
}

export interface Retargeted {
  readonly episode: Episode;
  readonly quality: QualityReport;
  /** Size of the robot's motion against the person's. */
  readonly scale: number;
  readonly trajectory: Trajectory;
  readonly clip: ClipProblem;
}

/** Fewest frames that an acceleration needs. */
const FEWEST_FRAMES = 4;
/** Less contact than this share of the feet's time is none. */
const FEWEST_CONTACTS = 0.01;

/**
 * Retargets one motion.
 * @throws DataError where it is too short, or costs more than the config's filter lets through
 */
export function retargetMotion(retargeter: Retargeter, human: HumanMotion, options: RetargetOptions): Retargeted {
  const resampled = resampleHuman(human, options.rate_hz);
  if (resampled.frameCount < FEWEST_FRAMES) {
    throw new DataError({
      where: human.id,
      what: 'motion is too short',
      expected: `${FEWEST_FRAMES} frames at ${options.rate_hz} Hz`,
      found: `${resampled.frameCount}`,
    });
  }
  const clip = clipProblem(retargeter, resampled);
  const trajectory = solveTrajectory(clip.problem, retargeter.plan.config.solver, retargeter.band);
  const quality = judge(clip, trajectory);
  filter(retargeter, human, quality);
  const episode = toEpisode(retargeter, human, clip, trajectory, quality, options);
  return { episode, quality, scale: clip.scale, trajectory, clip };
}

/** Refuses what the robot cannot follow: the paper's filter by cost, and a plain one by distance. */
function filter({ plan }: Retargeter, human: HumanMotion, quality: QualityReport): void {
  const { cost, keypoint_m } = plan.config.filter;
  if (quality.cost <= cost && quality.keypoint_m <= keypoint_m) return;
  const isCost = quality.cost > cost;
  throw new DataError({
    where: human.id,
    what: isCost ? 'retargeting cost a frame' : 'mean distance of keypoints from their targets',
    expected: isCost ? `at most ${cost}` : `at most ${keypoint_m} m`,
    found: isCost ? quality.cost.toFixed(1) : `${quality.keypoint_m.toFixed(3)} m`,
    fix: `The robot cannot follow this motion; filter.${isCost ? 'cost' : 'keypoint_m'} in its retargeting config lets it through.`,
  });
}

function toEpisode(
  retargeter: Retargeter,
  human: HumanMotion,
  clip: ClipProblem,
  trajectory: Trajectory,
  quality: QualityReport,
  { source, number, hindsight, rate_hz }: RetargetOptions,
): Episode {
  const { frameCount } = trajectory;
  const columns = trajectoryColumns(retargeter.model, clip, trajectory);
  const motion = { rate_hz, frameCount, columns };
  const withGravity = deriveChannels(motion, ['projectedGravity']);
  const command = hindsight ? hindsightCommand(motion) : undefined;
  const derived: ChannelName[] = ['jointVelocity', 'baseLinearVelocity', 'baseAngularVelocity', 'footContact'];
  derived.push(...withGravity.derived);
  if (command !== undefined) derived.push('command');
  const all: Columns = { ...withGravity.columns, ...(command === undefined ? {} : { command }) };
  const { provenance } = human;
  const digest = provenance.sha256 === undefined ? '' : `-${provenance.sha256.slice(0, 8)}`;
  return {
    id: `${source}/${human.id}${digest}/${number}`,
    robot: identityOf(retargeter.plan.robot),
    rate_hz,
    frameCount,
    kind: human.kind,
    source,
    channels: toChannels(all, frameCount),
    derived,
    startsAtReset: false,
    provenance: {
      ...provenance,
      tool: TOOL,
      options: {
        reader: provenance.options,
        measured: human.measured,
        retarget: retargeter.plan.config,
        scale: clip.scale,
        rate_hz,
        hindsight,
      },
    },
    findings: [...human.findings, ...qualityFindings(quality)],
  };
}

function trajectoryColumns(model: SolverModel, clip: ClipProblem, trajectory: Trajectory): Columns {
  const { frameCount, configurations, velocities } = trajectory;
  const { baseAddress, rest, size } = model;
  const basePosition = new Float64Array(3 * frameCount);
  const baseQuaternion = new Float64Array(4 * frameCount);
  const baseLinearVelocity = new Float64Array(3 * frameCount);
  const baseAngularVelocity = new Float64Array(3 * frameCount);
  for (let frame = 0; frame < frameCount; frame++) {
    const at = frame * rest.length + baseAddress;
    for (let k = 0; k < 3; k++) basePosition[3 * frame + k] = configurations[at + k];
    for (let k = 0; k < 4; k++) baseQuaternion[4 * frame + k] = configurations[at + 3 + k];
    rotateInverse(baseLinearVelocity, 3 * frame, configurations, at + 3, velocities, frame * size);
    rotateInverse(baseAngularVelocity, 3 * frame, configurations, at + 3, velocities, frame * size + 3);
  }
  const jointCount = model.joints.length;
  const column = (width: number, data: Float64Array): Column => ({ width, data });
  return {
    basePosition: column(3, basePosition),
    baseQuaternion: column(4, baseQuaternion),
    baseAngularVelocity: column(3, baseAngularVelocity),
    baseLinearVelocity: column(3, baseLinearVelocity),
    jointPosition: column(jointCount, jointPositions(model, configurations, frameCount)),
    jointVelocity: column(jointCount, jointVelocities(model, velocities, frameCount)),
    footContact: column(model.robot.feet.length, footContacts(model, clip, frameCount)),
  };
}

/** 1 where heel or toe of a foot is held [frame, foot], in the robot's order of feet. */
function footContacts({ robot }: SolverModel, { contacts, soles }: ClipProblem, frameCount: number): Float64Array {
  const width = robot.feet.length;
  const out = new Float64Array(frameCount * width);
  for (const { foot, start, end } of contacts) {
    const column = robot.feet.indexOf(soles[foot].body);
    if (column < 0) continue;
    for (let frame = start; frame < end; frame++) out[frame * width + column] = 1;
  }
  return out;
}

/** What a user has to know of a clip's quality. */
export function qualityFindings(quality: QualityReport): Finding[] {
  const findings: Finding[] = [];
  const warn = (kind: string, isSo: boolean, message: string) => {
    if (isSo) findings.push({ kind, severity: 'warning', message });
  };
  const { penetration_mm, skating_mps, contactShare, feasibility } = quality;
  warn('penetration', penetration_mm.max > 5, `soles go ${penetration_mm.max.toFixed(1)} mm under the floor`);
  const slip_mps = skating_mps?.mean ?? 0;
  warn('skating', slip_mps > 0.05, `held soles slip at ${slip_mps.toFixed(3)} m/s on average`);
  warn('no-contacts', contactShare < FEWEST_CONTACTS, 'no sole stands still on the floor: feet slide or float');
  warn(
    'balance',
    feasibility.loadedFrames > 0 && feasibility.balanced < 0.7,
    `the zero-moment point lies under the soles in ${percent(feasibility.balanced)} of the loaded frames only`,
  );
  warn(
    'torque',
    feasibility.withinTorque < 0.7,
    `joint torques are within their limits in ${percent(feasibility.withinTorque)} of the frames only` +
      (feasibility.worstJoint === '' ? '' : `, ${feasibility.worstJoint} first`),
  );
  return findings;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
