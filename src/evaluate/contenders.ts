// Contenders: the policy under evaluation, its teacher, and the baselines, as plain data that a worker makes controllers of.
//
// The baselines say what a number is worth (docs/evaluation.md): copying the last action holds the default pose, because
// the action before the first is 0; the mean action is that of the training data; random weights are the policy's own
// network with fresh initial values.

import { DataError } from '../base/errors.js';
import { Random } from '../base/random.js';
import { initialParameters, parameterSpecs } from '../model/parameters.js';
import type { PolicyBundle } from '../policy/bundle.js';
import type { Controller } from '../policy/controller.js';
import { createPolicyController } from '../policy/policy-controller.js';
import { identityOf, type RobotModel } from '../robot/robot-model.js';
import type { Runtime } from '../runtime/runtime.js';
import { loadController } from '../sim/load-controller.js';
import { controllerOf, requirePolicyRobot } from '../sim/load-policy.js';
import { findBundle, readBundle } from '../sim/read-bundle.js';

/** How a user names a policy: a bundle or run folder, a policy config, or the name of one that is in the package. */
export interface PolicyReference {
  readonly reference: string;
  /** Network of a policy config, where it is not where the config says; of the teacher's, beside a bundle. */
  readonly weights?: string;
  /** Checkpoint of a run; the newest where absent. */
  readonly checkpoint?: string;
  /** Which part of a bundle is run: policy.onnx, or the graph made from its weights; the faster one where absent. */
  readonly from?: 'weights' | 'onnx';
}

export type ContenderSource =
  | ({ readonly kind: 'policy' } & PolicyReference)
  /** The network of a bundle or run with initial weights. */
  | { readonly kind: 'random-weights'; readonly of: PolicyReference; readonly seed: number }
  /** One action for ever (rad, joint target minus default position). */
  | { readonly kind: 'constant'; readonly action: readonly number[] };

export type ContenderRole = 'policy' | 'teacher' | 'baseline';

export interface Contender {
  /** Unique in an evaluation: `policy`, `teacher`, `copy-last-action`, `predict-mean`, `random-weights`. */
  readonly key: string;
  readonly role: ContenderRole;
  /** For people. */
  readonly name: string;
  readonly source: ContenderSource;
}

/**
 * Makes the controller of a contender for `slotCount` robots.
 * @param runtime runs the networks of ours; a policy config's network is an ONNX file, which ONNX Runtime runs
 * @throws DataError where it does not fit the robot
 */
export async function createContender(
  source: ContenderSource,
  robot: RobotModel,
  runtime: Runtime,
  slotCount: number,
): Promise<Controller> {
  switch (source.kind) {
    case 'policy':
      return loadPolicy(source, robot, runtime, slotCount);
    case 'random-weights': {
      const { bundle } = await readBundle(source.of.reference, source.of);
      return createPolicyController(withRandomWeights(bundle, source.seed), runtime, { slotCount });
    }
    case 'constant':
      return constantController(source.action, robot, slotCount);
  }
}

async function loadPolicy(
  source: PolicyReference,
  robot: RobotModel,
  runtime: Runtime,
  slotCount: number,
): Promise<Controller> {
  const { reference, weights, checkpoint, from } = source;
  if ((await findBundle(reference)) === undefined)
    return loadController(reference, { robot, slots: slotCount, weights });
  const found = await readBundle(reference, { checkpoint });
  requirePolicyRobot(found, robot);
  if (runtime.name !== 'onnx') {
    if (from === 'onnx') throw runsOnOnnxAlone(`${found.folder}: policy.onnx`);
    return createPolicyController(found.bundle, runtime, { slotCount });
  }
  return controllerOf(found, { slotCount, from });
}

/** What is an ONNX file already has its engine. */
export function runsOnOnnxAlone(where: string): DataError {
  return new DataError({
    where,
    what: 'an ONNX file, which no other engine than ONNX Runtime runs',
    fix: 'Leave --runtime out; a bundle runs on every engine with --from weights',
  });
}

/** The same action at every step; zeros hold the default pose. */
export function constantController(action: readonly number[], robot: RobotModel, slotCount: number): Controller {
  const jointCount = robot.jointNames.length;
  return {
    name: 'constant action',
    robot: identityOf(robot),
    rate_hz: robot.control.rate_hz,
    slotCount,
    reset: () => {},
    act: async (slots, _states, _commands, actions) => {
      for (const slot of slots) actions.set(action, slot * jointCount);
    },
    executed: () => {},
    dispose: async () => {},
  };
}

/** A bundle with initial weights drawn from `seed`, everything else the same. */
export function withRandomWeights(bundle: PolicyBundle, seed: number): PolicyBundle {
  const specs = parameterSpecs(bundle.model, bundle.tokens);
  return { ...bundle, parameters: initialParameters(specs, new Random(seed).split('random weights')) };
}

/** The mean action of a policy's training data (rad), from its normaliser. */
export function meanAction({ normaliser, tokens }: PolicyBundle): number[] {
  return normaliser.mean.slice(tokens.observationWidth);
}
