// Graph: a static tensor program as data. Nodes are in execution order; every shape is known.
//
// All tensors are float (float32 in the fast engines, float64 in the reference). Conditions are 0 or 1.
// GraphBuilder (graph-builder.ts) makes graphs and checks shapes; gradient.ts differentiates them; runtimes run them.

/** A tensor in a graph. `id` is unique in its graph. */
export interface Value {
  readonly id: number;
  readonly shape: readonly number[];
}

type NoAttributes = Readonly<Record<never, never>>;

/** Every operator, and the attributes that its nodes carry. Inputs are listed beside each. */
export interface OperatorAttributes {
  /** Elementwise on two inputs of broadcastable shapes. */
  readonly add: NoAttributes;
  readonly subtract: NoAttributes;
  readonly multiply: NoAttributes;
  readonly divide: NoAttributes;
  readonly maximum: NoAttributes;
  readonly minimum: NoAttributes;
  /** 1 where the first is greater than the second, else 0. */
  readonly greater: NoAttributes;
  /** Elementwise on one input. */
  readonly negate: NoAttributes;
  readonly square: NoAttributes;
  readonly sqrt: NoAttributes;
  readonly exp: NoAttributes;
  readonly log: NoAttributes;
  readonly tanh: NoAttributes;
  readonly relu: NoAttributes;
  /** Tanh form. */
  readonly gelu: NoAttributes;
  readonly sigmoid: NoAttributes;
  /** (relu output, gradient of it): the gradient where the output is positive, else 0. */
  readonly reluGradient: NoAttributes;
  /** (condition, whenTrue, whenFalse). The branch that is not taken contributes nothing, not even a NaN. */
  readonly select: NoAttributes;
  /** (a [..., m, k], b [..., k, n]), equal leading axes; the product is multiplied by `scale`. */
  readonly matmul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly scale: number };
  /** (x [N, k], weight [k, n], bias [n] if there is one). */
  readonly linear: NoAttributes;
  /** Over the last axis. Causal: of [..., query, key], keys after the query have probability 0. */
  readonly softmax: { readonly causal: boolean };
  /** Last axis to mean 0 and variance 1; outputs: normalised, and 1/sqrt(variance + epsilon) with last extent 1. */
  readonly normalize: { readonly epsilon: number };
  readonly sum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly reshape: NoAttributes;
  readonly transpose: { readonly permutation: readonly number[] };
  readonly slice: { readonly axis: number; readonly start: number; readonly end: number };
  readonly concat: { readonly axis: number };
  /** Repeats the input to the output's shape. */
  readonly broadcast: NoAttributes;
  readonly stopGradient: NoAttributes;
}

export type OperatorName = keyof OperatorAttributes;

export interface NodeOf<Name extends OperatorName> {
  readonly operator: Name;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: OperatorAttributes[Name];
}

/** One operation. Discriminated by `operator`, so that a switch knows the attributes. */
export type GraphNode = { [Name in OperatorName]: NodeOf<Name> }[OperatorName];

export interface Constant {
  readonly value: Value;
  readonly data: Float64Array;
}

export interface Graph {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly constants: readonly Constant[];
  readonly nodes: readonly GraphNode[];
  readonly outputs: Readonly<Record<string, Value>>;
}
