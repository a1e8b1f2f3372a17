// The inference program: windows of raw observations and executed actions in, one action in rad out.
//
// Made from the same transformer as the training program; normaliser and history handling are inside. A window may
// hold fewer than `context` steps: they stand at positions 0 .. newest, and what lies after `newest` is never read,
// because attention is causal and the model was trained at every position.

import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { denormalise, normalise, runningNormalise } from '../model/input-norm.js';
import { parameterSpecs } from '../model/parameters.js';
import { transformer } from '../model/transformer.js';
import { rowWidth } from '../tokens/token-spec.js';
import type { PolicyBundle } from './bundle.js';

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
    parameterSpecs(model, tokens).map(({ name, shape }) => [name, g.input(name, shape)]),
  );
  const observation = g.input(POLICY_IO.observation, [batch, context, m]);
  const action = g.input(POLICY_IO.action, [batch, context, n]);
  const newest = g.input(POLICY_IO.newest, [batch, 1]);
  let rows = g.reshape(g.concat([observation, action], 2), [batch * context, m + n]);
  rows = normalise(g, normaliser, rows);
  if (bundle.running !== undefined) {
    const width = rowWidth(tokens);
    rows = runningNormalise(g, rows, {
      mean: g.input('running.mean', [width]),
      variance: g.input('running.variance', [width]),
    });
  }
  const predictions = transformer(g, model, tokens, parameters, rows, batch);
  // One-hot of the newest position: |position - newest| < 1/2.
  const positions = g.constant(
    Array.from({ length: context }, (_, at) => at),
    [context],
  );
  const distance = g.subtract(positions, newest);
  const chosen = g.greater(g.scalar(0.25), g.square(distance));
  const last = g.reshape(
    g.matmul(g.reshape(chosen, [batch, 1, context]), g.reshape(predictions, [batch, context, m + n])),
    [batch, m + n],
  );
  g.output(POLICY_IO.output, denormalise(g, normaliser, g.slice(last, 1, m, m + n), m));
  g.output(POLICY_IO.nextObservation, denormalise(g, normaliser, g.slice(last, 1, 0, m), 0, m));
  return g.build();
}

/** Held state of the inference program: parameters and running statistics by input name. */
export function policyState(bundle: PolicyBundle): Record<string, { readonly initial: Float32Array }> {
  const state: Record<string, { initial: Float32Array }> = {};
  for (const [name, initial] of Object.entries(bundle.parameters)) state[name] = { initial };
  if (bundle.running !== undefined) {
    state['running.mean'] = { initial: bundle.running.mean };
    state['running.variance'] = { initial: bundle.running.variance };
  }
  return state;
}
