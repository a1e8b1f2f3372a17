// Graph: a static tensor program as data. Nodes are in execution order; every shape is known.
//
// All tensors are float (float32 in the fast engines, float64 in the reference). Conditions are 0 or 1.
// GraphBuilder (graph-builder.ts) makes graphs and checks shapes; gradient.ts differentiates them; runtimes run them.

/** A tensor in a graph. `id` is unique in its graph. */
export interface Value {
  readonly id: number;
  readonly shape: readonly number[];
}

export interface GraphNode {
  readonly operator: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly Value[];
  /** Operator attributes: axes, permutation, scale, and so on. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Graph {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly constants: readonly { readonly value: Value; readonly data: Float64Array }[];
  readonly nodes: readonly GraphNode[];
  readonly outputs: Readonly<Record<string, Value>>;
}
