// The network of a foreign policy: an ONNX session with preallocated tensors, one row for each robot.
//
// The ONNX Runtime module is handed in, so that the same code runs on onnxruntime-node and in a browser. A network
// with a dynamic first dimension takes all rows in one call; one with a fixed batch of 1 is called for each row.
// Limits: one float32 input, and no recurrent state.

import { DataError, listNames } from '../base/errors.js';

/** The part of onnxruntime-node, -web or -common that is used here. */
export interface OnnxModule {
  readonly InferenceSession: {
    create(
      bytes: Uint8Array,
      options?: { intraOpNumThreads?: number; interOpNumThreads?: number },
    ): Promise<OnnxSession>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxTensor;
}
export interface OnnxTensor {
  readonly data: unknown;
}
export interface OnnxSession {
  readonly inputMetadata: readonly OnnxValueMetadata[];
  readonly outputMetadata: readonly OnnxValueMetadata[];
  run(
    feeds: Record<string, OnnxTensor>,
    fetches: Record<string, OnnxTensor>,
  ): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}
/** Name, and for tensors the shape: a number where fixed, a name where free. */
export interface OnnxValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

export interface NetworkShape {
  readonly input: string;
  readonly output: string;
  readonly inputSize: number;
  readonly outputSize: number;
  readonly rowCount: number;
  /** Names the network in messages. */
  readonly where: string;
}

/** Owns an ONNX session; release it with dispose(). */
export class ForeignNetwork {
  /** Input rows [row, inputSize]: write before run(). */
  readonly input: Float32Array;
  /** Output rows [row, outputSize]: valid until the next run(). */
  readonly output: Float32Array;
  readonly #session: OnnxSession;
  readonly #module: OnnxModule;
  readonly #shape: NetworkShape;
  /** Rows that one call takes: 1, or all of them. */
  readonly #rowsPerCall: number;
  readonly #inputShape: readonly number[];
  readonly #outputShape: readonly number[];
  /** Tensors over the first rows, by number of rows (dynamic batch), or over one row, by row (fixed batch). */
  readonly #tensors = new Map<number, { feeds: Record<string, OnnxTensor>; fetches: Record<string, OnnxTensor> }>();

  private constructor(module: OnnxModule, session: OnnxSession, shape: NetworkShape) {
    this.#module = module;
    this.#session = session;
    this.#shape = shape;
    const input = checkedShape(session.inputMetadata, shape.input, shape.inputSize, 'input', shape.where);
    const output = checkedShape(session.outputMetadata, shape.output, shape.outputSize, 'output', shape.where);
    this.#rowsPerCall = typeof input[0] === 'string' && typeof output[0] === 'string' ? shape.rowCount : 1;
    this.#inputShape = input.slice(1).map(Number);
    this.#outputShape = output.slice(1).map(Number);
    this.input = new Float32Array(shape.rowCount * shape.inputSize);
    this.output = new Float32Array(shape.rowCount * shape.outputSize);
  }

  /** @throws DataError where the file is no ONNX network of that input and output */
  static async load(module: OnnxModule, bytes: Uint8Array, shape: NetworkShape): Promise<ForeignNetwork> {
    let session: OnnxSession;
    try {
      // One thread: these networks are small, and recording runs one robot on each core.
      session = await module.InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });
    } catch (error) {
      throw new DataError(
        { where: shape.where, what: 'ONNX Runtime refuses the network', found: (error as Error).message },
        { cause: error },
      );
    }
    try {
      return new ForeignNetwork(module, session, shape);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /** Runs the first `rowCount` rows. */
  async run(rowCount: number): Promise<void> {
    if (this.#rowsPerCall > 1 || rowCount === 1) {
      await this.#call(rowCount, 0, rowCount);
      return;
    }
    for (let row = 0; row < rowCount; row++) await this.#call(-row, row, 1);
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }

  async #call(key: number, firstRow: number, rows: number): Promise<void> {
    const { input, output, inputSize, outputSize } = this.#shape;
    let tensors = this.#tensors.get(key);
    if (tensors === undefined) {
      const tensor = (all: Float32Array, size: number, shape: readonly number[]) =>
        new this.#module.Tensor('float32', all.subarray(firstRow * size, (firstRow + rows) * size), [rows, ...shape]);
      tensors = {
        feeds: { [input]: tensor(this.input, inputSize, this.#inputShape) },
        fetches: { [output]: tensor(this.output, outputSize, this.#outputShape) },
      };
      this.#tensors.set(key, tensors);
    }
    const results = await this.#session.run(tensors.feeds, tensors.fetches);
    const data = results[output].data as Float32Array;
    // A runtime that does not write in place (another device) hands back its own buffer.
    if (data.buffer !== this.output.buffer) this.output.set(data, firstRow * outputSize);
  }
}

function checkedShape(
  metadata: readonly OnnxValueMetadata[],
  name: string,
  size: number,
  role: 'input' | 'output',
  where: string,
): readonly (number | string)[] {
  const value = metadata.find((candidate) => candidate.name === name);
  const names = listNames(metadata.map((candidate) => candidate.name));
  if (value === undefined) throw new DataError({ where, what: `${role} of the network`, expected: name, found: names });
  if (role === 'input' && metadata.length > 1) {
    throw new DataError({
      where,
      what: 'inputs of the network',
      expected: `${name} alone`,
      found: names,
      fix: 'Recurrent networks and networks with several inputs are not supported.',
    });
  }
  const shape = value.shape ?? [];
  const rows = shape[0];
  let width = 1;
  for (const extent of shape.slice(1)) width *= Number(extent);
  const fits =
    value.type === 'float32' && shape.length >= 2 && (rows === 1 || typeof rows === 'string') && width === size;
  if (fits) return shape;
  throw new DataError({
    where,
    what: `shape of ${role} ${name}`,
    expected: `float32 [1 or free, ${size}], as the config's ${role === 'input' ? 'observation' : 'joints'} add up to`,
    found: `${value.type ?? 'no tensor'} [${shape.join(', ')}]`,
  });
}
