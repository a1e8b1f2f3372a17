// What a runtime has to know about a graph's inputs and outputs, checked once: which inputs are fed and which are
// state, which outputs are results and which are the next state.

import { type FloatArray, sizeOf } from '../base/arrays.js';
import { DataError, listNames } from '../base/errors.js';
import type { Graph, Value } from '../graph/graph.js';
import { sameShape, shapeText } from '../graph/shapes.js';
import type { ProgramOptions } from './runtime.js';

export interface NamedValue {
  readonly name: string;
  readonly value: Value;
}

export interface StateValue extends NamedValue {
  readonly initial: FloatArray;
  /** The value and output name that the state takes after a run; undefined for constant state. */
  readonly next?: Value;
  readonly nextName?: string;
}

export interface Binding {
  readonly feeds: readonly NamedValue[];
  readonly state: readonly StateValue[];
  readonly results: readonly NamedValue[];
}

/** @throws DataError where a state name is no input, a next name no output, or a size or shape differs */
export function bindProgram(graph: Graph, options: ProgramOptions): Binding {
  const unknown = Object.keys(options.state).filter((name) => !(name in graph.inputs));
  if (unknown.length > 0) {
    throw new DataError({ where: 'program state', what: 'names that are no graph inputs', found: listNames(unknown) });
  }
  const feeds: NamedValue[] = [];
  const state: StateValue[] = [];
  for (const [name, value] of Object.entries(graph.inputs)) {
    const entry = options.state[name];
    if (entry === undefined) {
      feeds.push({ name, value });
      continue;
    }
    requireSize(`program state ${name}`, value, entry.initial);
    if (entry.next === undefined) {
      state.push({ name, value, initial: entry.initial });
      continue;
    }
    const next = graph.outputs[entry.next];
    if (next === undefined || !sameShape(next.shape, value.shape)) {
      throw new DataError({
        where: `program state ${name}`,
        what: `next value, output ${entry.next}`,
        expected: `an output of shape ${shapeText(value.shape)}`,
        found: next === undefined ? 'no such output' : shapeText(next.shape),
      });
    }
    state.push({ name, value, initial: entry.initial, next, nextName: entry.next });
  }
  const updates = new Set(state.map(({ nextName }) => nextName));
  const results = Object.entries(graph.outputs)
    .filter(([name]) => !updates.has(name))
    .map(([name, value]) => ({ name, value }));
  return { feeds, state, results };
}

/** @throws DataError for products in bfloat16 */
export function requireFloat32(engine: string, { products }: ProgramOptions): void {
  if (products !== 'bfloat16') return;
  throw new DataError({
    where: engine,
    what: 'has no products in bfloat16',
    fix: 'Use --set train.precision=float32, or onnxruntime-node on a CUDA GPU (--device cuda)',
  });
}

/** @throws DataError unless `values` has exactly the state's names, each of the right size */
export function requireState(binding: Binding, values: Readonly<Record<string, FloatArray>>): void {
  const names = new Set(binding.state.map(({ name }) => name));
  const missing = [...names].filter((name) => !(name in values));
  const extra = Object.keys(values).filter((name) => !names.has(name));
  if (missing.length > 0 || extra.length > 0) {
    throw new DataError({
      where: 'program state',
      what: 'names',
      expected: missing.length > 0 ? `also ${listNames(missing)}` : 'the names of the state only',
      found: extra.length > 0 ? `unknown ${listNames(extra)}` : 'them missing',
    });
  }
  for (const { name, value } of binding.state) requireSize(`program state ${name}`, value, values[name]);
}

function requireSize(where: string, value: Value, data: FloatArray): void {
  const size = sizeOf(value.shape);
  if (data.length === size) return;
  throw new DataError({
    where,
    what: 'element count',
    expected: `${size} for shape ${shapeText(value.shape)}`,
    found: `${data.length}`,
  });
}

/** Refuses a run that starts before the one before it has ended: both would read the same state. */
export function oneAtATime(run: (runs: number) => Promise<void>): (runs?: number) => Promise<void> {
  let running = false;
  return async (runs = 1) => {
    if (running) throw new Error('a program runs once at a time: await the run before');
    running = true;
    try {
      await run(runs);
    } finally {
      running = false;
    }
  };
}
