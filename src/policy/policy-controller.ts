// A NextGait policy as a Controller: keeps each robot's window of history, and asks the program for one action a step.
//
// How a token pairs observation and action decides what is known when an action is wanted:
//   previous               (o_t, a_{t-1}) is complete at time t
//   same, aligned          (o_{t-1}, a_{t-1}) is the newest complete token; the first step has none and holds the pose
//   same, nonaligned       o_t predicts a_t; its own action slot is filled in one step later

import type { FloatArray } from '../base/arrays.js';
import { identityOf } from '../robot/robot-model.js';
import type { Program, Runtime } from '../runtime/runtime.js';
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

export async function createPolicyController(
  bundle: PolicyBundle,
  runtime: Runtime,
  { slotCount = 1, threads = 1 }: PolicyControllerOptions = {},
): Promise<PolicyController> {
  const program = await runtime.compile(buildPolicyGraph(bundle, slotCount), { state: policyState(bundle), threads });
  return policyController(bundle, program, slotCount);
}

/** The controller over any program with the inputs and outputs of POLICY_IO, for instance an exported policy.onnx. */
export function policyController(bundle: PolicyBundle, program: Program, slotCount: number): PolicyController {
  const { tokens, robot } = bundle;
  const { context, observationWidth: m, actionWidth: n } = tokens;
  const writeObservation = createObservationWriter(tokens, robot);
  const observations = program.feeds[POLICY_IO.observation];
  const actions = program.feeds[POLICY_IO.action];
  const newest = program.feeds[POLICY_IO.newest];
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
        newest[slot] = Math.max(0, counts[slot] - 1);
      }
      await program.run();
      const predicted = program.results[POLICY_IO.output];
      for (const slot of slots) {
        for (let joint = 0; joint < n; joint++) {
          const value = counts[slot] === 0 ? 0 : predicted[slot * n + joint];
          out[slot * n + joint] = value;
          executed[slot * n + joint] = value;
        }
      }
    },
    executed(slots, actual) {
      for (const slot of slots) {
        for (let joint = 0; joint < n; joint++) executed[slot * n + joint] = actual[slot * n + joint];
      }
    },
    expectation(slot) {
      if (tokens.targets === 'action' || tokens.pairing === 'same' || counts[slot] === 0) return undefined;
      return program.results[POLICY_IO.nextObservation].subarray(slot * m, (slot + 1) * m);
    },
    dispose: () => program.dispose(),
  };
}
