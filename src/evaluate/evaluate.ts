// evaluate(): a policy in closed loop and open loop, beside its teacher and the baselines. What `nextgait evaluate` and
// `nextgait quickstart` call.

import { parseConfig } from '../base/config.js';
import { readYaml } from '../base/config-file.js';
import { type Logger, SILENT } from '../base/logger.js';
import { TOOL } from '../base/version.js';
import { openDatasets } from '../dataset/dataset.js';
import { splitOf } from '../motion/split.js';
import type { PolicyBundle } from '../policy/bundle.js';
import type { CommandRange } from '../policy/controller.js';
import { identityOf, type RobotModel } from '../robot/robot-model.js';
import { describeRefusals } from '../runtime/choose.js';
import type { Runtime } from '../runtime/runtime.js';
import { AXES } from '../sim/command-schedule.js';
import { controllerConfig, findController } from '../sim/load-controller.js';
import { loadRobot } from '../sim/load-robot.js';
import { type FoundBundle, findBundle, readBundle } from '../sim/read-bundle.js';
import { chooseContenders } from './choose-contenders.js';
import { type ClosedLoopOptions, runClosedLoop } from './closed-loop.js';
import { chooseSamples, collectResults, collectSamples, phaseTrial } from './collect.js';
import { type PolicyReference, runsOnOnnxAlone, withRandomWeights } from './contenders.js';
import { chooseEngine, type EngineName } from './engine.js';
import { type EvaluateConfig, evaluateConfigSchema } from './evaluate-config.js';
import { EVALUATION_FORMAT, type Evaluation } from './evaluation.js';
import { type PredictionResult, predictionErrors } from './prediction-error.js';
import { findLeftKnee } from './samples.js';
import { readTrainingFacts, type TrainingFacts } from './training-facts.js';
import { bytesOfTrial, SAVE_TRIALS_DEFAULTS, trialEpisode, writingTrials } from './trial-episodes.js';
import { conditionsOf, PAPER_RANGE, planTrials } from './trial-plan.js';

export interface EvaluateOptions extends Omit<PolicyReference, 'reference'> {
  /** A run folder, a policy bundle, a policy config, or the name of one in the package. */
  readonly policy: string;
  /** Robot config or name; the policy's own where absent. */
  readonly robot?: string;
  /** Policy to stand beside it, named as `policy`; the one that its data was recorded with where absent. */
  readonly teacher?: string;
  /** Datasets for the prediction error; those of the training where absent. */
  readonly data?: readonly string[];
  /** As configs/evaluate/default.yaml; defaults fill in what is absent. */
  readonly config?: unknown;
  readonly seed?: number;
  /** Runs the networks of ours; ONNX Runtime where absent. */
  readonly engine?: EngineName;
  /** Worker threads; 1 stays on this thread. */
  readonly workers?: number;
  /** Writes the motion of trials of the policy and its teacher as a dataset. */
  readonly saveTrials?: {
    /** New or empty. */
    readonly folder: string;
    /** Trials of each condition and contender; as many as fit SAVE_TRIALS_DEFAULTS.bytes where absent. */
    readonly count?: number;
  };
  /** Makes the output ready, once the first trials are done: what is refused or interrupted before leaves it as it was. */
  readonly claim?: () => Promise<unknown>;
  /** Once aborted, trials under way are finished and summed up. */
  readonly signal?: AbortSignal;
  readonly log?: Logger;
  readonly onProgress?: (trialsDone: number, trialsInAll: number) => void;
}

type Note = (text: string) => unknown;

/** @throws DataError or FindingsError where something that was named is not there or does not fit */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { seed = 1, log = SILENT, signal } = options;
  const notes: string[] = [];
  const note: Note = (text) => notes.push(text);
  const asked = parseConfig(evaluateConfigSchema, options.config ?? {}, 'evaluate config');
  const { weights, checkpoint, from } = options;
  const policy: PolicyReference = { reference: options.policy, weights, checkpoint, from };
  const found = await findPolicy(policy);
  const bundle = found?.bundle;
  const runtime = await openEngine(options, bundle, log, note);
  const facts = await readTrainingFacts(bundle?.provenance ?? {}, found?.dataFolders);
  const robotName = options.robot ?? bundle?.robot.name ?? (await findController(options.policy, { weights })).robot;
  const loaded = await loadRobot(robotName);
  const { robot } = loaded;
  const { teacher } = options;
  const chosen = await chooseContenders({
    policy,
    bundle,
    teacher,
    facts,
    robot,
    runtime,
    seed,
    modelBased: asked.modelBased,
    note,
  });
  const { contenders } = chosen;
  const { config, range } = chooseCommands(asked, chosen.commandRange, note);
  const trials = conditionsOf(config).flatMap((condition) => planTrials(config, range, seed, condition));
  const settings = { duration_s: config.duration_s, seed };
  const hasKnee = findLeftKnee(robot.jointNames) >= 0;
  if (!hasKnee) note('no phase portrait: no joint of the robot is called left knee');
  const traced = chooseSamples(trials);
  const names = contenders.map(({ role, name }) => (role === 'baseline' ? name : `${name} (${role})`));
  log.info(`${robot.name}: ${trials.length} trials of ${config.duration_s} s for each of ${names.join(', ')}`);
  const walkers = contenders.filter(({ role }) => role !== 'baseline');
  const loop = (save?: ClosedLoopOptions['save']) =>
    runClosedLoop({
      robot: loaded,
      contenders,
      engine: options.engine,
      slots: config.slots,
      duration_s: config.duration_s,
      settle_s: config.settle_s,
      trials,
      traced,
      tracedContenders: walkers.map(({ key }) => key),
      extra: hasKnee ? phaseTrial(range) : undefined,
      save,
      workers: options.workers ?? 1,
      onFirst: options.claim,
      signal,
      onProgress: options.onProgress,
    });
  if (options.data !== undefined && bundle !== undefined) (await openDatasets(options.data)).close();
  const { saveTrials } = options;
  const closedLoop = await (saveTrials === undefined
    ? loop()
    : writingTrials(saveTrials.folder, robot, (append) =>
        loop({
          count: countSaved(saveTrials.count, config, robot, walkers.length, note),
          onTrial: (trial) =>
            append(trialEpisode(trial, contenders.find(({ key }) => key === trial.contender)!, robot, settings)),
        }),
      ));
  const prediction = signal?.aborted ? null : await predict(options, config, bundle, facts, runtime, note);
  const complete = closedLoop.complete && signal?.aborted !== true;
  if (!complete) note(`interrupted: only the trials that were finished are here, of ${config.trials} asked for`);
  return {
    format: EVALUATION_FORMAT,
    tool: TOOL,
    policy: options.policy,
    robot: identityOf(robot),
    rate_hz: robot.control.rate_hz,
    seed,
    config,
    commandRange: range,
    complete,
    contenders: collectResults(contenders, closedLoop, config, seed),
    prediction,
    notes,
    samples: collectSamples(traced, closedLoop, config, robot),
  };
}

/** The engine, and a word on it where it is not the usual one. @throws DataError for a policy that it cannot run */
async function openEngine(
  { engine, policy }: EvaluateOptions,
  bundle: PolicyBundle | undefined,
  log: Logger,
  note: Note,
): Promise<Runtime> {
  const isUsual = engine === undefined || engine === 'onnx';
  if (!isUsual && bundle === undefined) {
    await readYaml(await controllerConfig(policy));
    throw runsOnOnnxAlone(`policy config ${policy}`);
  }
  const { runtime, reason, refused } = await chooseEngine(engine);
  log.info(`engine: ${runtime.description}, ${reason}`);
  if (isUsual) return runtime;
  if (refused.length > 0) log.info(describeRefusals(refused));
  note(`the networks of bundles and runs ran on ${runtime.description}`);
  return runtime;
}

/** How many trials of each condition and contender are written. */
function countSaved(
  asked: number | undefined,
  config: EvaluateConfig,
  robot: RobotModel,
  contenderCount: number,
  note: Note,
): number {
  if (asked !== undefined) return asked;
  const each = bytesOfTrial(robot, config.duration_s) * conditionsOf(config).length * contenderCount;
  const count = Math.max(1, Math.floor(SAVE_TRIALS_DEFAULTS.bytes / each));
  if (count < config.trials) note(`the motion of the first ${count} trials alone is written (--save-trials)`);
  return count;
}

/** The bundle or run that a reference names; undefined for a policy config. */
async function findPolicy({ reference, checkpoint }: PolicyReference): Promise<FoundBundle | undefined> {
  if ((await findBundle(reference)) === undefined) return undefined;
  return readBundle(reference, { checkpoint });
}

/** The range that commands are drawn from; the paper's where the policy's own is not known. */
function chooseCommands(
  config: EvaluateConfig,
  own: CommandRange | undefined,
  note: Note,
): { config: EvaluateConfig; range: CommandRange } {
  const { set, ranges } = config.commands;
  if (set !== 'range') return { config, range: PAPER_RANGE };
  const [vx_mps, vy_mps, wz_radps] = AXES.map((axis) => ranges[axis] ?? own?.[axis]);
  if (vx_mps !== undefined && vy_mps !== undefined && wz_radps !== undefined) {
    return { config, range: { vx_mps, vy_mps, wz_radps } };
  }
  note("commands are the paper's: the policy does not say which it was made for, and commands.ranges does not either");
  return { config: { ...config, commands: { ...config.commands, set: 'paper' } }, range: PAPER_RANGE };
}

async function predict(
  { data, seed = 1, signal }: EvaluateOptions,
  config: EvaluateConfig,
  bundle: PolicyBundle | undefined,
  facts: TrainingFacts,
  runtime: Runtime,
  note: Note,
): Promise<PredictionResult | null> {
  const folders = data ?? facts.folders;
  if (bundle === undefined) {
    note('no prediction error: a policy config foretells nothing');
    return null;
  }
  if (folders.length === 0) {
    note('no prediction error: no dataset is given (--data), and those of the training are not there');
    return null;
  }
  const dataset = await openDatasets(folders);
  try {
    const predictors = [
      { key: 'policy', name: bundle.name, bundle },
      { key: 'random-weights', name: 'random-weights', bundle: withRandomWeights(bundle, seed) },
    ];
    const { windows, split } = config.prediction;
    const { validationShare, command, hindsightWindow_s, hindsightTransient_s, responses } = facts;
    const result = await predictionErrors(dataset, predictors, {
      runtime,
      windows,
      split,
      validationShare,
      command,
      hindsightWindow_s,
      hindsightTransient_s,
      responses,
      resamples: config.bootstrap,
      seed,
      signal,
    });
    if (result !== null) return result;
    const isTaken = ({ id }: { id: string }) => split === 'all' || splitOf(id, validationShare) === 'validation';
    const why = dataset.episodes.some(isTaken)
      ? `no complete window in the episodes (${split})`
      : 'none of the episodes was held out (--set prediction.split=all takes all of them)';
    note(`no prediction error: ${why}`);
    return null;
  } finally {
    dataset.close();
  }
}
