// The part of the ONNX file format that we write, as a protobuf schema, and its encoder.
//
// Field numbers are those of the published onnx.proto (IR version 9); fields that we never write are left out.

import protobuf from 'protobufjs/light.js';

export const ONNX_FLOAT = 1;
export const ONNX_INT64 = 7;
export const ONNX_BOOL = 9;
export const ONNX_BFLOAT16 = 16;

const ATTRIBUTE_TYPE = { float: 1, int: 2, text: 3, graph: 5, ints: 7 } as const;

export type OnnxAttribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly text: string }
  | { readonly graph: OnnxGraph }
  | { readonly ints: readonly number[] };

export interface OnnxNode {
  readonly type: string;
  /** '' for the standard operators, `com.microsoft` for ONNX Runtime's own. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dataType: number;
  /** Little-endian elements. */
  readonly bytes: Uint8Array;
}

export interface OnnxPort {
  readonly name: string;
  /** Extents; a name stands for one that each run chooses. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
}

export interface OnnxModel extends OnnxGraph {
  readonly irVersion: number;
  readonly opset: number;
  /** Versions of further operator sets, by domain. */
  readonly domains: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly producerVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const field = (id: number, type: string) => ({ id, type });
const list = (id: number, type: string) => ({ id, type, rule: 'repeated', options: { packed: false } });

const SCHEMA = {
  nested: {
    ModelProto: {
      fields: {
        irVersion: field(1, 'int64'),
        producerName: field(2, 'string'),
        producerVersion: field(3, 'string'),
        graph: field(7, 'GraphProto'),
        opsetImport: list(8, 'OperatorSetIdProto'),
        metadataProps: list(14, 'StringStringEntryProto'),
      },
    },
    OperatorSetIdProto: { fields: { domain: field(1, 'string'), version: field(2, 'int64') } },
    StringStringEntryProto: { fields: { key: field(1, 'string'), value: field(2, 'string') } },
    GraphProto: {
      fields: {
        node: list(1, 'NodeProto'),
        name: field(2, 'string'),
        initializer: list(5, 'TensorProto'),
        input: list(11, 'ValueInfoProto'),
        output: list(12, 'ValueInfoProto'),
      },
    },
    NodeProto: {
      fields: {
        input: list(1, 'string'),
        output: list(2, 'string'),
        name: field(3, 'string'),
        opType: field(4, 'string'),
        attribute: list(5, 'AttributeProto'),
        domain: field(7, 'string'),
      },
    },
    AttributeProto: {
      fields: {
        name: field(1, 'string'),
        f: field(2, 'float'),
        i: field(3, 'int64'),
        s: field(4, 'bytes'),
        g: field(6, 'GraphProto'),
        ints: list(8, 'int64'),
        type: field(20, 'int32'),
      },
    },
    TensorProto: {
      fields: {
        dims: list(1, 'int64'),
        dataType: field(2, 'int32'),
        name: field(8, 'string'),
        rawData: field(9, 'bytes'),
      },
    },
    ValueInfoProto: { fields: { name: field(1, 'string'), type: field(2, 'TypeProto') } },
    TypeProto: { fields: { tensorType: field(1, 'TensorTypeProto') } },
    TensorTypeProto: { fields: { elemType: field(1, 'int32'), shape: field(2, 'TensorShapeProto') } },
    TensorShapeProto: { fields: { dim: list(1, 'DimensionProto') } },
    DimensionProto: { fields: { dimValue: field(1, 'int64'), dimParam: field(2, 'string') } },
  },
};

/** The bytes of an `.onnx` file. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const type = modelType();
  return type
    .encode(
      type.create({
        irVersion: model.irVersion,
        producerName: model.producer,
        producerVersion: model.producerVersion,
        graph: graphMessage(model),
        opsetImport: Object.entries({ '': model.opset, ...model.domains }).map(([domain, version]) => ({
          domain,
          version,
        })),
        metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
      }),
    )
    .finish();
}

/** The protobuf type of a whole file: for tests and tools that read what encodeModel wrote. */
export function modelType(): protobuf.Type {
  return protobuf.Root.fromJSON(SCHEMA).lookupType('ModelProto');
}

function graphMessage(graph: OnnxGraph): object {
  return {
    name: 'graph',
    node: graph.nodes.map(nodeMessage),
    initializer: graph.initializers.map(tensorMessage),
    input: graph.inputs.map(portMessage),
    output: graph.outputs.map(portMessage),
  };
}

function nodeMessage(node: OnnxNode, index: number): object {
  return {
    input: node.inputs,
    output: node.outputs,
    name: `${node.type}_${index}`,
    opType: node.type,
    domain: node.domain,
    attribute: Object.entries(node.attributes).map(([name, attribute]) => attributeMessage(name, attribute)),
  };
}

function attributeMessage(name: string, attribute: OnnxAttribute): object {
  if ('float' in attribute) return { name, f: attribute.float, type: ATTRIBUTE_TYPE.float };
  if ('int' in attribute) return { name, i: attribute.int, type: ATTRIBUTE_TYPE.int };
  if ('text' in attribute) return { name, s: new TextEncoder().encode(attribute.text), type: ATTRIBUTE_TYPE.text };
  if ('graph' in attribute) return { name, g: graphMessage(attribute.graph), type: ATTRIBUTE_TYPE.graph };
  return { name, ints: attribute.ints, type: ATTRIBUTE_TYPE.ints };
}

function tensorMessage(tensor: OnnxTensor): object {
  return { dims: tensor.shape, dataType: tensor.dataType, name: tensor.name, rawData: tensor.bytes };
}

function portMessage(port: OnnxPort): object {
  const shape = {
    dim: port.shape.map((extent) => (typeof extent === 'number' ? { dimValue: extent } : { dimParam: extent })),
  };
  return { name: port.name, type: { tensorType: { elemType: ONNX_FLOAT, shape } } };
}
