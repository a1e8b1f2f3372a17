// The policy that a training state stands for: the moving average of the weights where there is one, else the weights.

import { parameterSpecs } from '../model/parameters.js';
import type { PolicyBundle } from '../policy/bundle.js';
import type { RobotModel } from '../robot/robot-model.js';
import { type Recipe, STATE, type StateValues, validationState } from './training-program.js';

/** The bundle shares its arrays with the state. */
export function bundleOfState(
  name: string,
  recipe: Recipe,
  robot: RobotModel,
  state: StateValues,
  provenance: PolicyBundle['provenance'],
): PolicyBundle {
  const held = validationState(recipe, state);
  const mean = held[STATE.runningMean];
  return {
    name,
    ...recipe,
    robot,
    parameters: Object.fromEntries(
      parameterSpecs(recipe.model, recipe.tokens).map((spec) => [spec.name, held[STATE.parameter + spec.name]]),
    ),
    running: mean === undefined ? undefined : { mean, variance: held[STATE.runningVariance] },
    provenance,
  };
}

/** The weights that a policy begins to be trained further with, by parameter name, and BatchNorm's statistics by state name. */
export function stateOfBundle({ parameters, running }: PolicyBundle): {
  readonly parameters: StateValues;
  readonly running: StateValues;
} {
  return {
    parameters,
    running:
      running === undefined ? {} : { [STATE.runningMean]: running.mean, [STATE.runningVariance]: running.variance },
  };
}
