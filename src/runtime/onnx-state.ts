// How ONNX Runtime carries a program's state from one run to the next: three ways, by what the engine can do.
//
// In place: the engine writes into our tensors; two sets change places, and nothing is copied or allocated. One call may
// make several runs (onnx-scan.ts).
// By return: the tensors that a run returns are the next state.
// On the device: as by return, but the returned tensors stay in the device's memory. onnxruntime-node cannot read those from
// JavaScript (1.30 ends the process at getData); a second session, whose outputs are copies on the CPU, can.

import { type FloatArray, sizeOf } from '../base/arrays.js';
import type { Value } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import type { OrtModule, OrtSession, OrtTensor, SessionOptions } from './onnx.js';
import { encodeOnnxModel } from './onnx-model.js';

export type Tensors = Readonly<Record<string, OrtTensor>>;

export interface MovingState {
  readonly name: string;
  readonly value: Value;
  readonly initial: FloatArray;
  /** Output that holds the next value. */
  readonly nextName: string;
}

export interface Stepper {
  /** The session makes so many runs in one call: more than one only where the state is carried in place. */
  step(session: OrtSession, runs: number): Promise<void>;
  /** The state now, by input name; it may be the engine's own memory until the next step. */
  read(): Promise<Record<string, Float32Array>>;
  write(values: Readonly<Record<string, FloatArray>>): void;
  dispose(): Promise<void>;
}

/** What goes in and out of a call beside the state. */
export interface CallTensors {
  readonly feeds: Tensors;
  readonly results: Tensors;
}

/** What every way works with. */
export interface StepTensors {
  readonly ort: OrtModule;
  /** Of a call of so many runs. */
  readonly callOf: (runs: number) => CallTensors;
  readonly moving: readonly MovingState[];
}

/** The engine writes into our tensors. */
export function stepInPlace({ ort, callOf, moving }: StepTensors): Stepper {
  const halves = [stateTensors(ort, moving, true), stateTensors(ort, moving, false)];
  const fetchesInto = (half: Tensors): Tensors =>
    Object.fromEntries(moving.map(({ name, nextName }) => [nextName, half[name]]));
  // Of each number of runs, made once: from either half into the other.
  const calls = new Map<number, readonly { readonly feeds: Tensors; readonly fetches: Tensors }[]>();
  const callsOf = (runs: number) => {
    const { feeds, results } = callOf(runs);
    return halves.map((half, at) => ({
      feeds: { ...feeds, ...half },
      fetches: { ...results, ...fetchesInto(halves[1 - at]) },
    }));
  };
  let current = 0;
  return {
    async step(session, runs) {
      const made = calls.get(runs) ?? callsOf(runs);
      calls.set(runs, made);
      await session.run(made[current].feeds, made[current].fetches);
      current = 1 - current;
    },
    read: async () => numbersOfAll(halves[current]),
    write: (values) => overwrite(halves[current], moving, values),
    dispose: async () => {},
  };
}

/** The engine returns tensors of its own: results are copied, and the next state is kept. */
export function stepByReturn({ ort, callOf, moving }: StepTensors): Stepper {
  const { feeds, results } = callOf(1);
  let current = stateTensors(ort, moving, true);
  return {
    async step(session) {
      const outputs = await session.run({ ...feeds, ...current });
      copyResults(results, outputs);
      current = nextOf(moving, outputs);
    },
    read: async () => numbersOfAll(current),
    write: (values) => overwrite(current, moving, values),
    dispose: async () => {},
  };
}

/** Session options under which the next state stays on the device and results come back. */
export function keepOnDevice(moving: readonly MovingState[], resultNames: readonly string[]): SessionOptions {
  const next = moving.map(({ nextName }) => [nextName, 'gpu-buffer'] as const);
  const results = resultNames.map((name) => [name, 'cpu'] as const);
  return { preferredOutputLocation: Object.fromEntries([...next, ...results]) };
}

/** The session has the options of keepOnDevice(); `open` makes the session that reads the state back. */
export async function stepOnDevice(
  { ort, callOf, moving }: StepTensors,
  open: (model: Uint8Array) => Promise<OrtSession>,
): Promise<Stepper> {
  const { feeds, results } = callOf(1);
  const reader = await open(encodeOnnxModel(copyGraph(moving)));
  // On the CPU until the first step has brought it over.
  let current = stateTensors(ort, moving, true);
  const replace = (next: Tensors) => {
    for (const tensor of Object.values(current)) if (tensor.location !== 'cpu') tensor.dispose();
    current = next;
  };
  return {
    async step(session) {
      const outputs = await session.run({ ...feeds, ...current });
      copyResults(results, outputs);
      replace(nextOf(moving, outputs));
    },
    async read() {
      const copies = await reader.run(current);
      return Object.fromEntries(moving.map(({ name }) => [name, numbersOf(copies[`${name}.copy`])]));
    },
    write(values) {
      const fresh = stateTensors(ort, moving, false);
      overwrite(fresh, moving, values);
      replace(fresh);
    },
    async dispose() {
      replace({});
      await reader.release();
    },
  };
}

/** Every input as an output of its own. */
function copyGraph(moving: readonly MovingState[]) {
  const builder = new GraphBuilder();
  for (const { name, value } of moving) {
    builder.output(`${name}.copy`, builder.stopGradient(builder.input(name, value.shape)));
  }
  return builder.build();
}

function stateTensors(ort: OrtModule, moving: readonly MovingState[], filled: boolean): Tensors {
  return Object.fromEntries(
    moving.map(({ name, value, initial }) => {
      const data = filled ? Float32Array.from(initial) : new Float32Array(sizeOf(value.shape));
      return [name, new ort.Tensor('float32', data, value.shape)];
    }),
  );
}

function nextOf(moving: readonly MovingState[], outputs: Tensors): Tensors {
  return Object.fromEntries(moving.map(({ name, nextName }) => [name, outputs[nextName]]));
}

function copyResults(results: Tensors, outputs: Tensors): void {
  for (const [name, result] of Object.entries(results)) numbersOf(result).set(numbersOf(outputs[name]));
}

function overwrite(
  tensors: Tensors,
  moving: readonly MovingState[],
  values: Readonly<Record<string, FloatArray>>,
): void {
  for (const { name } of moving) numbersOf(tensors[name]).set(values[name]);
}

function numbersOf(tensor: OrtTensor): Float32Array {
  return tensor.data as Float32Array;
}

function numbersOfAll(tensors: Tensors): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, numbersOf(tensor)]));
}
