// The inference program: windows of raw observations and executed actions in, one action in rad out.
//
// Made from the same transformer as the training program; normaliser and history handling are inside. A window may
// hold fewer than `context` steps: they stand at positions 0 .. newest, because the model was trained at every position.
// What lies after `newest` has no influence, whatever it is.

import type { Graph, Value } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { denormalise, normalise, runningNormalise } from '../model/input-norm.js';
import { type ParameterSpec, parameterSpecs } from '../model/parameters.js';
import { transformer } from '../model/transformer.js';
import { rowWidth } from '../tokens/token-spec.js';
import { type PolicyBundle, RUNNING } from './bundle.js';

/** Names of the program's inputs and outputs, also in policy.onnx. */
export const POLICY_IO = {
  /** [batch, context, m] raw observations, oldest first. */
  observation: 'observation',
  /** [batch, context, n] executed actions (rad) that stand beside them by the token spec's pairing. */
  action: 'previous_action',
  /** [batch, 1] position of the newest step, from 0. */
  newest: 'newest',
  /** [batch, n] the action (rad, joint target minus default position). */
  output: 'action',
  /** [batch, m] the model's expectation of the next observation. */
  nextObservation: 'next_observation',
} as const;

export function buildPolicyGraph(bundle: PolicyBundle, batch: number): Graph {
  const { tokens, model, normaliser } = bundle;
  const { context, observationWidth: m, actionWidth: n } = tokens;
  const g = new GraphBuilder();
  const parameters = Object.fromEntries(
    inferenceParameters(bundle).map(({ name, shape }) => [name, g.input(name, shape)]),
  );
  const observation = g.input(POLICY_IO.observation, [batch, context, m]);
  const action = g.input(POLICY_IO.action, [batch, context, n]);
  const newest = g.input(POLICY_IO.newest, [batch, 1]);
  let rows = g.reshape(g.concat([observation, action], 2), [batch * context, m + n]);
  rows = normalise(g, normaliser, rows);
  if (bundle.running !== undefined) {
    const width = rowWidth(tokens);
    rows = runningNormalise(g, rows, {
      mean: g.input(RUNNING.mean, [width]),
      variance: g.input(RUNNING.variance, [width]),
    });
  }
  // Behind the newest step there may be anything, a NaN as well: it is replaced before anything is computed from it.
  const position = g.constant(
    Array.from({ length: context }, (_, at) => at),
    [1, context],
  );
  const age = g.subtract(newest, position); // [batch, context]
  const known = g.greater(age, g.scalar(-0.5));
  rows = g.select(g.reshape(known, [batch * context, 1]), rows, g.scalar(0));
  // Low enough that exp() of it is 0 beside any other score.
  const bias = g.reshape(g.select(known, g.scalar(0), g.scalar(-1e9)), [batch, 1, 1, context]);
  // One-hot of the newest step, times tokens: that step's token, or its two.
  const isNewest = g.reshape(g.greater(g.scalar(0.25), g.square(age)), [batch, 1, context]);
  const pick = (stream: Value) => {
    const perStep = stream.shape[0] / (batch * context);
    const steps = g.reshape(stream, [batch, context, perStep * stream.shape[1]]);
    return g.reshape(g.matmul(isNewest, steps), [batch * perStep, stream.shape[1]]);
  };
  const last = denormalise(g, normaliser, transformer(g, model, tokens, parameters, rows, batch, { pick, bias }));
  g.output(POLICY_IO.output, g.slice(last, 1, m, m + n));
  g.output(POLICY_IO.nextObservation, g.slice(last, 1, 0, m));
  return g.build();
}

/** All parameters but the mask vector: a policy sees every modality. */
function inferenceParameters({ model, tokens }: PolicyBundle): readonly ParameterSpec[] {
  return parameterSpecs(model, tokens).filter(({ name }) => name !== 'mask');
}

/** Held state of the inference program: parameters and running statistics by input name. */
export function policyState(bundle: PolicyBundle): Record<string, { readonly initial: Float32Array }> {
  const state: Record<string, { initial: Float32Array }> = {};
  for (const { name } of inferenceParameters(bundle)) state[name] = { initial: bundle.parameters[name] };
  if (bundle.running !== undefined) {
    state[RUNNING.mean] = { initial: bundle.running.mean };
    state[RUNNING.variance] = { initial: bundle.running.variance };
  }
  return state;
}
