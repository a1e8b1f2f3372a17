// Human motion of any reader to robot Episodes: every motion of an input is retargeted, and judged.
//
// A motion that the robot cannot follow is dropped and told; an input none of whose motions can be followed is refused.
// The episodes of an input are kept until its end, because they go in together: 55 MB an hour of motion on the G1.

import { loadConfig } from '../src/base/config-file.js';
import { DataError, type DataErrorDetail, describe, FindingsError, listNames } from '../src/base/errors.js';
import { packagePath } from '../src/base/files.js';
import type { Episode, Finding } from '../src/motion/episode.js';
import type { HumanMeasure, HumanMotion } from '../src/motion/human-motion.js';
import type { QualityReport } from '../src/retarget/quality.js';
import { retargetMotion } from '../src/retarget/retarget.js';
import { planRetarget, type RetargetConfig, retargetSchema } from '../src/retarget/retarget-config.js';
import { createRetargeter, type Retargeter } from '../src/retarget/retarget-problem.js';
import type { RobotModel } from '../src/robot/robot-model.js';

export interface HumanIngestOptions {
  readonly rate_hz: number;
  readonly source: string;
  /** Label frames with the velocity that the motion achieves. */
  readonly hindsight: boolean;
}

/** What became of one motion. */
export interface RetargetedClip {
  readonly episode: string;
  readonly scale: number;
  /** Stature (m), and what else was measured on the clip: rig and its joints, unit, up axis, floor. */
  readonly height_m: number;
  readonly measured: HumanMeasure;
  readonly quality: QualityReport;
}

export interface HumanEpisodes {
  readonly episodes: readonly Episode[];
  readonly clips: readonly RetargetedClip[];
}

/**
 * The retargeting config of a robot: that of its name in configs/retarget, or a file.
 * @param settings `key=value`, laid over it
 * @throws DataError where the robot has none
 */
export async function loadRetargetConfig(
  robot: RobotModel,
  file: string | undefined,
  settings: readonly string[] = [],
): Promise<{ readonly config: RetargetConfig; readonly where: string }> {
  const where = file ?? packagePath('configs', 'retarget', `${robot.name}.yaml`);
  try {
    return { config: await loadConfig(retargetSchema, where, settings), where };
  } catch (error) {
    if (file !== undefined || !(error instanceof DataError) || error.detail.found !== 'ENOENT') throw error;
    throw new DataError(
      {
        where: `robot ${robot.name}`,
        what: 'no retargeting config',
        expected: where,
        fix: `Write one (configs/retarget/g1.yaml is an example) and give it with --retarget; its keypoints are ${listNames(Object.keys(robot.keypoints), 30)}`,
      },
      { cause: error },
    );
  }
}

/** @throws FindingsError with every name of the config that the robot does not have */
export function retargeterOf(robot: RobotModel, config: RetargetConfig, where: string): Retargeter {
  return createRetargeter(planRetarget(robot, config, where));
}

/**
 * Retargets an input's motions one after another; each is let go before the next is read.
 * @param findings of the input as a whole; they go to its first episode
 * @throws FindingsError where no motion could be followed
 */
export async function retargetInput(
  motions: AsyncIterable<HumanMotion> | Iterable<HumanMotion>,
  findings: readonly Finding[],
  retargeter: Retargeter,
  options: HumanIngestOptions,
): Promise<HumanEpisodes> {
  const episodes: Episode[] = [];
  const clips: RetargetedClip[] = [];
  const dropped: DataErrorDetail[] = [];
  for await (const motion of motions) {
    refuseErrors(motion);
    try {
      const { episode, quality, scale } = retargetMotion(retargeter, motion, { ...options, number: episodes.length });
      episodes.push(episode);
      clips.push({ episode: episode.id, scale, height_m: motion.height_m, measured: motion.measured, quality });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      dropped.push(withFindings(error.detail, motion.findings));
    }
  }
  if (episodes.length === 0) throw new FindingsError(dropped);
  const notes = dropped.map((detail): Finding => ({ kind: 'dropped', severity: 'warning', message: describe(detail) }));
  episodes[0] = { ...episodes[0], findings: [...findings, ...notes, ...episodes[0].findings] };
  return { episodes, clips };
}

/** A refusal with what was noticed before: a jump is why the robot cannot follow, not what follows from it. */
function withFindings(detail: DataErrorDetail, findings: readonly Finding[]): DataErrorDetail {
  const noticed = findings.filter(({ severity }) => severity === 'warning').map(({ message }) => message);
  if (noticed.length === 0) return detail;
  return { ...detail, fix: `In the file, ${noticed.join('; ')}. ${detail.fix ?? ''}`.trim() };
}

/** @throws FindingsError with every finding that makes the motion unusable */
function refuseErrors(motion: HumanMotion): void {
  const errors = motion.findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  throw new FindingsError(errors.map(({ message }) => ({ where: motion.id, what: message })));
}
