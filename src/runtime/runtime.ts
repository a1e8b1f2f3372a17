// Runtime: an engine that runs a static tensor program.
//
// A Program owns its buffers. Callers write `feeds`, call run(), read `results`; nothing is allocated in between. A program
// of several runs a call has room for each of them, one after another, in feeds and results alike.
// State (parameters, optimiser moments) stays with the engine: a state input named `w` whose new value is the graph
// output `w.next` is updated by every run; a state input without an update is held constant (inference).

import type { FloatArray } from '../base/arrays.js';
import type { Graph } from '../graph/graph.js';

export interface ProgramOptions {
  /** State inputs: initial value, and the graph output that becomes the next value (absent: constant). */
  readonly state: Readonly<Record<string, { readonly initial: FloatArray; readonly next?: string }>>;
  /** Threads of one run; the engine's own choice where absent. */
  readonly threads?: number;
  /** Runs that one call of run() can make, each from the state that the one before left; 1 where absent. */
  readonly runsPerCall?: number;
  /** Precision of the products of a network; float32 where absent. */
  readonly products?: 'float32' | 'bfloat16';
  /** Whether threads without work wait busily; the engine's own choice where absent, or where it knows no other. */
  readonly spin?: boolean;
}

export interface Program {
  /**
   * One preallocated row-major buffer for each graph input that is not state; of several runs a call that of the first,
   * then that of the second, and so on. Write before run().
   */
  readonly feeds: Readonly<Record<string, FloatArray>>;
  /** One preallocated buffer for each graph output that is not a state update, likewise. Valid until the next run(). */
  readonly results: Readonly<Record<string, FloatArray>>;
  /** Reads feeds and state, writes results, advances state: `runs` times, at most runsPerCall; once where absent. */
  run(runs?: number): Promise<void>;
  /** Copies of the current state, by input name. */
  readState(): Promise<Record<string, Float32Array>>;
  /** Replaces the current state; names and sizes must match. */
  writeState(values: Readonly<Record<string, FloatArray>>): Promise<void>;
  dispose(): Promise<void>;
}

export interface Runtime {
  /** `reference`, `onnx` or `tfjs`. */
  readonly name: string;
  /** What runs it, for people: `onnxruntime-node 1.30.0 (cpu)`. */
  readonly description: string;
  /** Runs a call at which a long sequence of runs is fast: more than 1 where each call copies the state; 1 where absent. */
  readonly bestRunsPerCall?: number;
  /** Products in bfloat16: on a device that is made for them, or by rounding, which is slower than float32; absent: none. */
  readonly bfloat16?: 'native' | 'rounded';
  /** @throws DataError for products in bfloat16 on an engine that has none */
  compile(graph: Graph, options: ProgramOptions): Promise<Program>;
}
