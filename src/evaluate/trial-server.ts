// Runs trials of any contender on a set of environments: what a worker thread does, and the main thread where there is
// only one worker.
//
// A job is run by itself on as many slots as every job, so that its numbers do not depend on the jobs before it, nor on
// how many workers there are: batched products may round differently with the number of rows.

import { Random } from '../base/random.js';
import type { JobServer } from '../base/worker-pool.js';
import type { Controller } from '../policy/controller.js';
import { Environment } from '../sim/environment.js';
import type { LoadedRobot } from '../sim/load-robot.js';
import { Engine } from '../sim/mujoco.js';
import { rollOut, type Trial } from '../sim/rollout.js';
import { type Contender, createContender } from './contenders.js';
import { chooseEngine, type EngineName } from './engine.js';
import { measureTrial, type TrialMetrics } from './trial-metrics.js';
import type { PlannedTrial } from './trial-plan.js';
import { copyTrace, createTrialRecorder, MOTION_CHANNELS, type Trace } from './trial-recorder.js';

/** What every worker is set up from. Plain data. */
export interface TrialServerData {
  readonly robot: LoadedRobot;
  readonly contenders: readonly Contender[];
  /** Runs the networks of ours; ONNX Runtime where absent. */
  readonly engine?: EngineName;
  readonly slots: number;
  readonly duration_s: number;
  readonly settle_s: number;
}

export interface TrialJob {
  /** Key of the contender. */
  readonly contender: string;
  readonly trials: readonly PlannedTrial[];
  /** Numbers of the trials whose traces are wanted. */
  readonly traced: readonly number[];
  /** Numbers of the trials whose motion is wanted (MOTION_CHANNELS). */
  readonly saved: readonly number[];
}

export interface TrialOutcome {
  readonly number: number;
  readonly metrics: TrialMetrics;
  /** Every channel of a traced trial, the motion alone of one that is only saved. */
  readonly trace?: Trace;
}

interface RunningTrial extends Trial {
  readonly planned: PlannedTrial;
}

function withoutAction(trace: Trace): Trace {
  const { executedAction, ...channels } = trace.channels;
  return { ...trace, channels };
}

export async function createTrialServer(data: TrialServerData): Promise<JobServer<TrialJob, TrialOutcome[]>> {
  const { robot } = data.robot;
  const { runtime } = await chooseEngine(data.engine);
  const controllers = new Map<string, Controller>();
  const environments: Environment[] = [];
  const dispose = async () => {
    for (const environment of environments) environment.dispose();
    for (const controller of controllers.values()) await controller.dispose();
  };
  try {
    for (const { key, source } of data.contenders) {
      controllers.set(key, await createContender(source, robot, runtime, data.slots));
    }
    const sensors = [...new Set([...controllers.values()].flatMap((controller) => controller.sensors ?? []))];
    const engine = await Engine.load();
    for (let slot = 0; slot < data.slots; slot++) {
      environments.push(await Environment.create(data.robot, { engine, sensors }));
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  const recorder = createTrialRecorder(robot, data.slots, Math.round(data.duration_s * robot.control.rate_hz));

  return {
    dispose,
    async run(job) {
      const outcomes: TrialOutcome[] = [];
      const controller = controllers.get(job.contender)!;
      await rollOut<RunningTrial>({
        environments,
        controller,
        trials: job.trials.map((planned) => ({
          planned,
          duration_s: data.duration_s,
          commands: planned.commands,
          disturbance: planned.disturbance,
          random: new Random(planned.seed),
        })),
        onStep: recorder.onStep,
        onEnd(end) {
          const { planned } = end.trial;
          const whole = recorder.traceOf(end, `${job.contender}: ${planned.condition} trial ${planned.number}`);
          // Torques are no joint targets: such a contender has no action to be judged.
          const trace = controller.torques === undefined ? whole : withoutAction(whole);
          outcomes.push({
            number: planned.number,
            metrics: measureTrial(trace, planned.commands, data),
            trace: job.traced.includes(planned.number)
              ? copyTrace(trace)
              : job.saved.includes(planned.number)
                ? copyTrace(trace, MOTION_CHANNELS)
                : undefined,
          });
        },
      });
      outcomes.sort((a, b) => a.number - b.number);
      return { result: outcomes, transfer: [] };
    },
  };
}
