// From what the workers return to the parts of an Evaluation: trials by contender and condition, and samples for plots.

import type { CommandRange } from '../policy/controller.js';
import type { RobotModel } from '../robot/robot-model.js';
import { constantCommand } from '../sim/command-schedule.js';
import { UNDISTURBED } from '../sim/disturbance.js';
import type { ClosedLoopResult } from './closed-loop.js';
import type { Contender } from './contenders.js';
import type { EvaluateConfig } from './evaluate-config.js';
import type { ContenderResult, TrialRecord } from './evaluation.js';
import { findLeftKnee, PHASE_SPEED_MPS, type Samples, samplePhase, samplePlan, sampleRun, startOf } from './samples.js';
import { summariseTrials } from './summarise.js';
import { type Condition, conditionsOf, type PlannedTrial } from './trial-plan.js';

/** Number of the extra trial that the phase portrait is taken from; it is in no summary. */
const PHASE_TRIAL = -1;
const SAMPLED_TRIALS = 4;

/** The fastest undisturbed trial of each quarter of the commanded turns, and one of them with kicks. */
export function chooseSamples(trials: readonly PlannedTrial[]): PlannedTrial[] {
  const turnOf = ({ commands }: PlannedTrial) => commands[0].command[2];
  const speedOf = ({ commands }: PlannedTrial) => Math.hypot(commands[0].command[0], commands[0].command[1]);
  const calm = trials.filter(({ condition }) => condition === 'undisturbed').sort((a, b) => turnOf(a) - turnOf(b));
  const count = Math.min(SAMPLED_TRIALS, calm.length);
  const chosen = Array.from({ length: count }, (_, at) =>
    calm
      .slice(Math.floor((at * calm.length) / count), Math.floor(((at + 1) * calm.length) / count))
      .reduce((best, one) => (speedOf(one) > speedOf(best) ? one : best)),
  );
  const kicked = trials.find(({ condition, number }) => condition === 'kicked' && number === chosen.at(-1)!.number);
  return kicked === undefined ? chosen : [...chosen, kicked];
}

/** Straight ahead at the paper's speed of the phase portrait, or as near to it as the range allows. */
export function phaseTrial({ vx_mps: [low, high] }: CommandRange): PlannedTrial {
  const speed_mps = Math.min(high, Math.max(low, PHASE_SPEED_MPS));
  return {
    number: PHASE_TRIAL,
    condition: 'undisturbed',
    commands: constantCommand(speed_mps, 0, 0),
    disturbance: UNDISTURBED,
    seed: 0,
  };
}

export function collectResults(
  contenders: readonly Contender[],
  { outcomes }: ClosedLoopResult,
  config: EvaluateConfig,
  seed: number,
): ContenderResult[] {
  const trialsOf = (key: string, condition: Condition): TrialRecord[] =>
    outcomes
      .filter((one) => one.contender === key && one.planned.condition === condition && one.number !== PHASE_TRIAL)
      .map(({ number, metrics }) => ({ number, ...metrics }));
  return contenders.map(({ key, role, name }) => ({
    key,
    role,
    name,
    conditions: Object.fromEntries(
      conditionsOf(config).map((condition) => {
        const trials = trialsOf(key, condition);
        const teacher = new Map(trialsOf('teacher', condition).map((trial) => [trial.number, trial]));
        return [
          condition,
          { summary: summariseTrials(trials, { resamples: config.bootstrap, seed, teacher }), trials },
        ];
      }),
    ),
  }));
}

export function collectSamples(
  traced: readonly PlannedTrial[],
  { outcomes }: ClosedLoopResult,
  config: EvaluateConfig,
  robot: RobotModel,
): Samples {
  const withTrace = outcomes.flatMap((one) => (one.trace === undefined ? [] : [{ ...one, trace: one.trace }]));
  const trials = traced.flatMap((planned) => {
    const runs = withTrace.filter((one) => one.planned === planned);
    if (runs.length === 0) return [];
    return [
      {
        number: planned.number,
        condition: planned.condition,
        command: planned.commands[0].command,
        kicks_s: planned.disturbance.kicks.map(({ time_s }) => time_s),
        planned: samplePlan(planned, config.duration_s, startOf(runs[0].trace)),
        runs: runs.map(({ contender, trace }) => sampleRun(contender, trace)),
      },
    ];
  });
  const knee = findLeftKnee(robot.jointNames);
  const phases = withTrace.filter(({ number }) => number === PHASE_TRIAL);
  if (phases.length === 0 || knee < 0) return { trials, phase: null };
  return {
    trials,
    phase: {
      joint: robot.jointNames[knee],
      speed_mps: phases[0].planned.commands[0].command[0],
      runs: phases.map(({ contender, trace }) => samplePhase(contender, trace, knee)),
    },
  };
}
