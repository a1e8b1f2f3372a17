// Who takes part in an evaluation: the policy, the teacher that is given or that its data names, and the baselines.

import { DataError, isUserError } from '../base/errors.js';
import type { PolicyBundle } from '../policy/bundle.js';
import type { CommandRange } from '../policy/controller.js';
import type { RobotModel } from '../robot/robot-model.js';
import type { Runtime } from '../runtime/runtime.js';
import {
  type Contender,
  type ContenderRole,
  type ContenderSource,
  createContender,
  meanAction,
  type PolicyReference,
} from './contenders.js';
import type { TrainingFacts } from './training-facts.js';

export interface ChooseOptions {
  readonly policy: PolicyReference;
  /** The policy's own bundle; absent for a policy config. */
  readonly bundle?: PolicyBundle;
  /** As the user gave it. */
  readonly teacher?: string;
  readonly facts: TrainingFacts;
  readonly robot: RobotModel;
  /** Runs the networks of ours. */
  readonly runtime: Runtime;
  readonly seed: number;
  /** Whether the model-based controller takes part, where it can walk the robot. */
  readonly modelBased: boolean;
  /** Told what is left out. */
  readonly note: (text: string) => unknown;
}

export interface ChosenContenders {
  /** The policy first. */
  readonly contenders: readonly Contender[];
  /** Commands that the policy was made for: by itself, by its data, or by its teacher. */
  readonly commandRange?: CommandRange;
}

/** @throws DataError where the policy, or a teacher that was given, is not there or does not fit the robot */
export async function chooseContenders(options: ChooseOptions): Promise<ChosenContenders> {
  const policy = await describe('policy', { kind: 'policy', ...options.policy }, options);
  const teacher = await findTeacher(options);
  return {
    contenders: [
      policy.contender,
      ...(teacher === undefined ? [] : [teacher.contender]),
      ...baselines(options),
      ...(await modelBased(options, policy.contender.name)),
    ],
    commandRange: policy.commandRange ?? options.facts.commandRange ?? teacher?.commandRange,
  };
}

interface Described {
  readonly contender: Contender;
  readonly commandRange?: CommandRange;
}

/** Loads a contender once, so that what does not fit shows before anything runs. */
async function describe(
  role: ContenderRole,
  source: ContenderSource,
  { robot, runtime }: Pick<ChooseOptions, 'robot' | 'runtime'>,
): Promise<Described> {
  const controller = await createContender(source, robot, runtime, 1);
  const { name, commandRange } = controller;
  await controller.dispose();
  return { contender: { key: role, role, name, source }, commandRange };
}

async function findTeacher(options: ChooseOptions): Promise<Described | undefined> {
  const { teacher, facts, note, bundle } = options;
  // A bundle has its own weights: those that are named are its teacher's.
  const weights = bundle === undefined ? undefined : options.policy.weights;
  const load = (reference: string) => describe('teacher', { kind: 'policy', reference, weights }, options);
  if (teacher !== undefined) return load(teacher);
  if (facts.teacher === undefined) {
    if (weights !== undefined) {
      throw new DataError({
        where: `--weights ${weights}`,
        what: 'network of a teacher',
        found: 'no teacher: the policy names none',
        fix: 'Name it with --teacher, or leave the flag out',
      });
    }
    note('no teacher beside it: none is given (--teacher), and the policy names none');
    return undefined;
  }
  try {
    return await load(facts.teacher);
  } catch (error) {
    if (!isUserError(error) || weights !== undefined) throw error;
    note(`no teacher beside it: ${facts.teacher} cannot be loaded (${error.message.split('\n')[0]})`);
    return undefined;
  }
}

const MODEL_BASED = 'model-based';

/** A controller that has learned nothing, for the robots that its config describes. */
async function modelBased(options: ChooseOptions, policy: string): Promise<Contender[]> {
  const { note, modelBased: wanted } = options;
  if (!wanted || policy === MODEL_BASED) return [];
  const source = { kind: 'policy', reference: MODEL_BASED } as const;
  try {
    const { contender } = await describe('baseline', source, options);
    return [{ ...contender, key: MODEL_BASED }];
  } catch (error) {
    if (!isUserError(error)) throw error;
    note(`no ${MODEL_BASED} controller beside it: ${error.message.split('\n')[0]}`);
    return [];
  }
}

function baselines({ policy, bundle, robot, seed, note }: ChooseOptions): Contender[] {
  const baseline = (name: string, source: ContenderSource): Contender => ({
    key: name,
    role: 'baseline',
    name,
    source,
  });
  const hold = baseline('copy-last-action', { kind: 'constant', action: robot.jointNames.map(() => 0) });
  if (bundle === undefined) {
    note('no predict-mean and no random-weights: a policy config has neither training data nor a network of ours');
    return [hold];
  }
  return [
    hold,
    baseline('predict-mean', { kind: 'constant', action: meanAction(bundle) }),
    baseline('random-weights', { kind: 'random-weights', of: policy, seed }),
  ];
}
