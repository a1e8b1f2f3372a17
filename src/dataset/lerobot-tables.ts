// Parquet tables as LeRobot's own writer makes them: snappy, three-level lists, nullable columns, and the metadata by
// which Hugging Face datasets and pandas know their types.

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { KeyValue, SchemaElement } from 'hyparquet';
import { type ColumnSource, fileWriter, ParquetWriter } from 'hyparquet-writer';
import { TOOL } from '../base/version.js';

export type ColumnType = 'float32' | 'float64' | 'int64' | 'bool' | 'string';

export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Length of the list in every row; `list` where lengths differ; absent for single values. */
  readonly list?: number | 'list';
}

/** Rows of one table: numbers, booleans or text, or lists of them. */
export type TableRows = readonly (readonly unknown[])[];

export class TableWriter {
  readonly path: string;
  readonly #columns: readonly TableColumn[];
  readonly #writer: ParquetWriter;
  readonly #sink: ReturnType<typeof fileWriter>;

  constructor(path: string, columns: readonly TableColumn[], metadata: readonly KeyValue[] = []) {
    mkdirSync(dirname(path), { recursive: true });
    this.path = path;
    this.#columns = columns;
    this.#sink = fileWriter(path);
    this.#writer = new ParquetWriter({
      writer: this.#sink,
      schema: schemaOf(columns),
      kvMetadata: [...metadata],
      createdBy: TOOL,
    });
  }

  /** Bytes so far. */
  get byteCount(): number {
    return this.#sink.offset;
  }

  /** Writes one row group. @param data values of each column, in the order of the columns */
  write(data: TableRows): void {
    const rowCount = data[0].length;
    const columnData = this.#columns.map(({ name, type }, at): ColumnSource => {
      // Readers skip row groups by the range of whole numbers; that of floats would have to leave out NaN.
      const statistics = type === 'int64';
      return {
        name,
        data: [...data[at]],
        statistics,
        offsetIndex: false,
        ...(isFloat(type) ? { encoding: 'PLAIN' } : {}),
      };
    });
    this.#writer.write({ columnData, rowGroupSize: rowCount });
  }

  close(): void {
    this.#writer.finish();
  }
}

function isFloat(type: ColumnType): boolean {
  return type === 'float32' || type === 'float64';
}

function schemaOf(columns: readonly TableColumn[]): SchemaElement[] {
  return [
    { name: 'schema', num_children: columns.length, repetition_type: 'REQUIRED' },
    ...columns.flatMap(({ name, type, list }): SchemaElement[] => {
      if (list === undefined) return [leafOf(name, type)];
      return [
        { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        leafOf('element', type),
      ];
    }),
  ];
}

function leafOf(name: string, type: ColumnType): SchemaElement {
  const base = { name, repetition_type: 'OPTIONAL' } as const;
  switch (type) {
    case 'float32':
      return { ...base, type: 'FLOAT' };
    case 'float64':
      return { ...base, type: 'DOUBLE' };
    case 'int64':
      return { ...base, type: 'INT64' };
    case 'bool':
      return { ...base, type: 'BOOLEAN' };
    case 'string':
      return { ...base, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
  }
}

/** What Hugging Face datasets keeps in a file: its features by name. */
export function huggingFaceMetadata(columns: readonly TableColumn[]): KeyValue {
  const features = columns.map(({ name, type, list }) => {
    const value = { dtype: type, _type: 'Value' };
    return [
      name,
      list === undefined ? value : { feature: value, length: list === 'list' ? -1 : list, _type: 'Sequence' },
    ];
  });
  return { key: 'huggingface', value: JSON.stringify({ info: { features: Object.fromEntries(features) } }) };
}

/** What pandas keeps in a file: which column is the index of its rows. */
export function pandasMetadata(columns: readonly TableColumn[], index: string): KeyValue {
  const describeColumn = ({ name, type }: TableColumn) => ({
    name,
    field_name: name,
    pandas_type: type === 'string' ? 'unicode' : type,
    numpy_type: type === 'string' ? 'object' : type,
    metadata: null,
  });
  const names = {
    name: null,
    field_name: null,
    pandas_type: 'unicode',
    numpy_type: 'object',
    metadata: { encoding: 'UTF-8' },
  };
  const value = {
    index_columns: [index],
    column_indexes: [names],
    columns: columns.map(describeColumn),
    creator: { library: TOOL.split(' ')[0], version: TOOL.split(' ')[1] ?? '' },
    pandas_version: '2.0.0',
  };
  return { key: 'pandas', value: JSON.stringify(value) };
}
