// A NextGait policy as a Controller: keeps each robot's window of history, and asks the program for one action a step.
//
// A run of the program serves a few robots. The windows of those that act now are copied into it, a few at a time: robots
// that fell cost nothing, and what a run computes stays in the processor's cache.
//
// How a token pairs observation and action decides what is known when an action is wanted:
//   previous               (o_t, a_{t-1}) is complete at time t
//   same, aligned          (o_{t-1}, a_{t-1}) is the newest complete token; the first step has none and holds the pose
//   same, nonaligned       o_t predicts a_t; its own action slot is filled in one step later

import type { FloatArray } from '../base/arrays.js';
import { identityOf } from '../robot/robot-model.js';
import type { Program, Runtime } from '../runtime/runtime.js';
import { sequenceLength } from '../tokens/token-spec.js';
import { commandRangeOf, type PolicyBundle } from './bundle.js';
import type { Controller } from './controller.js';
import { createObservationWriter } from './observation.js';
import { buildPolicyGraph, POLICY_IO, policyState } from './policy-graph.js';

export interface PolicyControllerOptions {
  readonly slotCount?: number;
  readonly threads?: number;
}

/** A Controller that also says what its model expects to see next. */
export interface PolicyController extends Controller {
  /**
   * The next observation as the model foretold it in its last act(), in raw units and the token spec's channels;
   * undefined where the model was trained on actions alone, and where pairing `same` puts its prediction at another time.
   * @returns a view [m], overwritten by the next act()
   */
  expectation(slot: number): FloatArray | undefined;
}

/** Tokens in one run: more outgrow the processor's cache, fewer leave its arithmetic waiting (docs/engine.md). */
const TOKENS_PER_RUN = 256;

export async function createPolicyController(
  bundle: PolicyBundle,
  runtime: Runtime,
  { slotCount = 1, threads = 1 }: PolicyControllerOptions = {},
): Promise<PolicyController> {
  const most = Math.max(1, Math.floor(TOKENS_PER_RUN / sequenceLength(bundle.tokens)));
  const batch = Math.ceil(slotCount / Math.ceil(slotCount / most));
  const program = await runtime.compile(buildPolicyGraph(bundle, batch), { state: policyState(bundle), threads });
  return policyController(bundle, program, slotCount);
}

/** The controller over any program with the inputs and outputs of POLICY_IO, for instance an exported policy.onnx. */
export function policyController(bundle: PolicyBundle, program: Program, slotCount: number): PolicyController {
  const { tokens, robot } = bundle;
  const { context, observationWidth: m, actionWidth: n } = tokens;
  const writeObservation = createObservationWriter(tokens, robot);
  const { feeds, results } = program;
  const batch = feeds[POLICY_IO.newest].length;
  const observations = new Float32Array(slotCount * context * m);
  const actions = new Float32Array(slotCount * context * n);
  const expectations = new Float32Array(slotCount * m);
  const counts = new Int32Array(slotCount); // tokens in each window
  const executed = new Float32Array(slotCount * n); // a_{t-1}: zero after a reset, the default pose
  const waiting = new Float32Array(slotCount * m); // o_{t-1}, for pairing `same`
  const started = new Uint8Array(slotCount);
  const late = tokens.pairing === 'same' && tokens.alignment === 'aligned';
  const deferred = tokens.pairing === 'same' && tokens.alignment === 'nonaligned';

  /** Makes room for one token and returns its position in the window. */
  const openToken = (slot: number): number => {
    if (counts[slot] < context) return counts[slot]++;
    const o = slot * context * m;
    const a = slot * context * n;
    observations.copyWithin(o, o + m, o + context * m);
    actions.copyWithin(a, a + n, a + context * n);
    return context - 1;
  };
  const setAction = (slot: number, position: number) => {
    const at = (slot * context + position) * n;
    for (let joint = 0; joint < n; joint++) actions[at + joint] = executed[slot * n + joint];
  };

  const feed = (slot: number, lane: number) => {
    feeds[POLICY_IO.observation].set(partOf(observations, slot, context * m), lane * context * m);
    feeds[POLICY_IO.action].set(partOf(actions, slot, context * n), lane * context * n);
    feeds[POLICY_IO.newest][lane] = Math.max(0, counts[slot] - 1);
  };
  const take = (slot: number, lane: number) => {
    const action = partOf(executed, slot, n);
    if (counts[slot] === 0) action.fill(0);
    else action.set(partOf(results[POLICY_IO.output], lane, n));
    expectations.set(partOf(results[POLICY_IO.nextObservation], lane, m), slot * m);
  };

  return {
    name: bundle.name,
    robot: identityOf(robot),
    rate_hz: tokens.rate_hz,
    slotCount,
    commandRange: commandRangeOf(bundle),
    reset(slot) {
      counts[slot] = 0;
      started[slot] = 0;
      executed.fill(0, slot * n, (slot + 1) * n);
    },
    async act(slots, states, commands, out) {
      for (const slot of slots) {
        if (deferred && counts[slot] > 0) setAction(slot, counts[slot] - 1);
        if (late) {
          if (started[slot] === 1) {
            const position = openToken(slot);
            observations.set(waiting.subarray(slot * m, (slot + 1) * m), (slot * context + position) * m);
            setAction(slot, position);
          }
          writeObservation(states[slot], commands, 3 * slot, waiting, slot * m);
          started[slot] = 1;
        } else {
          const position = openToken(slot);
          writeObservation(states[slot], commands, 3 * slot, observations, (slot * context + position) * m);
          if (!deferred) setAction(slot, position);
          // Not known yet, and not read for this action; but a NaN left there by an earlier episode would be.
          else actions.fill(0, (slot * context + position) * n, (slot * context + position + 1) * n);
        }
      }
      for (let from = 0; from < slots.length; from += batch) {
        const now = slots.slice(from, from + batch);
        now.forEach(feed);
        await program.run();
        now.forEach(take);
      }
      for (const slot of slots) out.set(partOf(executed, slot, n), slot * n);
    },
    executed(slots, actual) {
      for (const slot of slots) {
        for (let joint = 0; joint < n; joint++) executed[slot * n + joint] = actual[slot * n + joint];
      }
    },
    expectation(slot) {
      if (tokens.targets === 'action' || tokens.pairing === 'same' || counts[slot] === 0) return undefined;
      return partOf(expectations, slot, m);
    },
    dispose: () => program.dispose(),
  };
}

/** View of the `at`th part of so many values. */
function partOf(values: FloatArray, at: number, width: number): FloatArray {
  return values.subarray(at * width, (at + 1) * width);
}
