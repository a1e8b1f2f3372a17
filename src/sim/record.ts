// Recording: one seeded rollout of a controller, as an Episode. Episode k depends on the seed and k alone.
//
// The label is the controller's own action, or that of a teacher who looks on (relabel.ts); what history carries is the
// action as executed, with exploration noise.
// A controller of torques has no action: its logs have torques alone.
// The failing end of a fall is cut off, because its labels are those of a robot that cannot be saved.

import { Random } from '../base/random.js';
import { TOOL } from '../base/version.js';
import type { Episode, Finding } from '../motion/episode.js';
import type { CommandRange, Controller } from '../policy/controller.js';
import { identityOf, type RobotModel } from '../robot/robot-model.js';
import { sampleCommands } from './command-schedule.js';
import { sampleDisturbance } from './disturbance.js';
import type { Environment } from './environment.js';
import { channelsOf, createEpisodeColumns, writeEpisodeFrame } from './episode-columns.js';
import { sampleRandomisation } from './randomisation.js';
import type { RecordSettings } from './record-settings.js';
import { type RolloutEnd, rollOut, type Trial } from './rollout.js';

/** Everything that decides what episode k will be. Plain data. */
export interface RecordPlan {
  readonly settings: RecordSettings;
  readonly ranges: CommandRange;
  readonly seed: number;
  /** Name of the source; action-free episodes have `-actionfree` after it. */
  readonly source: string;
  readonly controller: { readonly name: string; readonly sha256: string };
  /** Who labels the states that the controller comes to; absent where its own actions are the labels. */
  readonly teacher?: TeacherNote;
}

/** What the provenance of relabelled episodes says of their teacher. */
export interface TeacherNote {
  readonly name: string;
  readonly sha256: string;
  /** The source that the teacher's own rollouts have in the training data: what it achieves for a command is known from it. */
  readonly source?: string;
  /** Share of the steps that the teacher drives. */
  readonly share: number;
}

export interface RecordedEpisode {
  readonly number: number;
  /** Absent where a fall left less than the shortest episode. */
  readonly episode?: Episode;
  readonly fell: boolean;
  /** Control steps simulated, those cut off included. */
  readonly simulatedFrames: number;
}

const ACTIONS = ['action', 'executedAction'] as const;

interface RecordTrial extends Trial {
  readonly number: number;
}

/** Source and id of episode `number`, known before it is recorded. */
export function episodeName(plan: RecordPlan, number: number): { readonly source: string; readonly id: string } {
  const source = dropsActions(plan, number) ? `${plan.source}-actionfree` : plan.source;
  return { source, id: `${source}/${plan.seed}/${number}` };
}

/** Spread evenly over the numbers, so that any beginning of a recording has its share. */
function dropsActions({ settings }: RecordPlan, number: number): boolean {
  // The small term keeps a share such as 0.1, of which ten sum to just under 1, from coming late.
  const before = Math.floor(number * settings.dropActions + 1e-9);
  return Math.floor((number + 1) * settings.dropActions + 1e-9) > before;
}

/** The trial of episode `number`. */
export function planTrial(plan: RecordPlan, robot: RobotModel, number: number): RecordTrial {
  const { settings, ranges } = plan;
  const random = new Random(plan.seed).split('record', number);
  return {
    number,
    duration_s: settings.duration_s,
    random,
    commands: sampleCommands(settings.commands, ranges, settings.duration_s, random.split('commands')),
    disturbance: sampleDisturbance(settings.disturbance, settings.duration_s, random.split('disturbance')),
    start: {
      ...settings.start,
      randomisation: sampleRandomisation(
        settings.randomisation,
        robot.jointNames.length,
        random.split('randomisation'),
      ),
    },
  };
}

/**
 * Records episode `number` in an environment that has the controller's sensors.
 * @param label the label of a slot's step [joint]; absent: the controller's own action
 */
export async function recordEpisode(
  plan: RecordPlan,
  environment: Environment,
  controller: Controller,
  number: number,
  label?: (slot: number) => Float64Array,
): Promise<RecordedEpisode> {
  const byTorques = controller.torques !== undefined;
  const planned = planTrial(plan, environment.robot, number);
  // Noise on joint targets means nothing where there are none.
  const trial = byTorques ? { ...planned, disturbance: { ...planned.disturbance, actionNoise: undefined } } : planned;
  const columns = createEpisodeColumns(environment.robot, Math.ceil(trial.duration_s * controller.rate_hz) + 1);
  let end: RolloutEnd<RecordTrial> | undefined;
  await rollOut({
    environments: [environment],
    controller,
    trials: [trial],
    onStep: (step) => writeEpisodeFrame(columns, step.frame, step, label?.(step.slot) ?? step.action),
    onEnd: (ended) => {
      end = ended;
    },
  });
  const { fell, frameCount: simulatedFrames } = end!;
  const { falls } = plan.settings;
  const isCut = fell && !falls.keep;
  const frameCount = isCut ? simulatedFrames - Math.round(falls.cut_s * controller.rate_hz) : simulatedFrames;
  if (isCut && frameCount < falls.minimum_s * controller.rate_hz) return { number, fell, simulatedFrames };
  const findings: Finding[] = isCut
    ? [{ kind: 'fall-cut', severity: 'info', message: `fell at frame ${simulatedFrames}; the end is cut off` }]
    : [];
  const episode: Episode = {
    ...episodeName(plan, number),
    robot: identityOf(environment.robot),
    rate_hz: controller.rate_hz,
    frameCount,
    kind: byTorques ? 'controller' : 'rollout',
    channels: channelsOf(columns, frameCount, byTorques || dropsActions(plan, number) ? ACTIONS : []),
    derived: [],
    startsAtReset: true,
    fell: fell && falls.keep,
    provenance: provenanceOf(plan, trial),
    findings,
  };
  return { number, episode, fell, simulatedFrames };
}

/** The buffers of an episode, to be handed over to another thread. */
export function buffersOf({ episode }: RecordedEpisode): ArrayBuffer[] {
  return Object.values(episode?.channels ?? {}).map((channel) => channel.data.buffer as ArrayBuffer);
}

/** What the provenance of all episodes of a recording says of it. */
export function recordingOptions({ settings, ranges, seed, teacher }: RecordPlan) {
  return { seed, ranges, settings, ...(teacher === undefined ? {} : { teacher }) };
}

function provenanceOf(plan: RecordPlan, trial: RecordTrial): Episode['provenance'] {
  const { controller } = plan;
  const { seed, ...recording } = recordingOptions(plan);
  const { actionNoise, kicks } = trial.disturbance;
  return {
    input: controller.name,
    sha256: controller.sha256,
    tool: TOOL,
    options: {
      seed,
      number: trial.number,
      ...recording,
      drawn: { actionNoise: actionNoise ?? null, kicks, randomisation: trial.start?.randomisation ?? {} },
    },
  };
}
