// Parquet files: columns of numbers or text, read by ranges of rows, so that memory holds one row group at most.
//
// Decoding is hyparquet's, with hyparquet-compressors for zstd, gzip, brotli and lz4. A column is a list of equal length
// in every row (a vector) or one value; null is a missing value, NaN among numbers.

import type { FileHandle } from 'node:fs/promises';
import type { AsyncBuffer, FileMetaData, ParquetScan } from 'hyparquet';
import { DataError, listNames } from '../../src/base/errors.js';
import { openForReading } from '../../src/base/files.js';
import { nearest } from '../../src/base/nearest.js';

/** Numbers of one column [row, width]. */
export interface ParquetNumbers {
  readonly width: number;
  readonly data: Float64Array;
}

/** Rows [first, end). */
export type RowRange = readonly [first: number, end: number];

export class ParquetFile {
  readonly path: string;
  /** Names of the top-level columns. */
  readonly columns: readonly string[];
  readonly rowCount: number;
  /** Rows of each row group. */
  readonly groups: readonly RowRange[];
  readonly #file: FileHandle;
  readonly #scan: ParquetScan;

  private constructor(path: string, file: FileHandle, scan: ParquetScan) {
    this.path = path;
    this.#file = file;
    this.#scan = scan;
    this.columns = topColumns(scan.metadata);
    const groups: RowRange[] = [];
    let first = 0;
    for (const { num_rows } of scan.metadata.row_groups) {
      groups.push([first, first + Number(num_rows)]);
      first += Number(num_rows);
    }
    this.groups = groups;
    this.rowCount = first;
  }

  /** @throws DataError where the file cannot be read or is no whole Parquet file */
  static async open(path: string): Promise<ParquetFile> {
    // Loaded here, because most inputs are of other formats and the decoders take long to load.
    const [{ parquetMetadataAsync, parquetScan }, { compressors }] = await Promise.all([
      import('hyparquet'),
      import('hyparquet-compressors'),
    ]);
    const file = await openForReading(path);
    try {
      const buffer = await bufferOf(file);
      const metadata = await parquetMetadataAsync(buffer);
      return new ParquetFile(path, file, await parquetScan({ file: buffer, metadata, compressors }));
    } catch (error) {
      await file.close();
      throw new DataError(
        { where: path, what: 'not a whole Parquet file', found: (error as Error).message },
        { cause: error },
      );
    }
  }

  /** @throws DataError where there is no such column, it has no numbers, or its lists differ in length */
  async readNumbers(column: string, range: RowRange): Promise<ParquetNumbers> {
    const values = await this.readValues(column, range);
    const width = widthOf(values);
    const data = new Float64Array(values.length * width);
    for (let row = 0; row < values.length; row++) {
      const problem = width === 0 ? 'nothing' : putRow(values[row], width, data, row * width);
      if (problem !== undefined) {
        throw new DataError({
          where: `${this.path}: ${column}: row ${range[0] + row}`,
          what: 'value',
          expected: width > 1 ? `${width} numbers, as in the rows before` : 'a number',
          found: problem,
        });
      }
    }
    return { width, data };
  }

  /** Values as they are: numbers, bigints, text, lists of them, null. @throws DataError where the column is damaged */
  async readValues(column: string, [first, end]: RowRange): Promise<ArrayLike<unknown>> {
    if (!this.columns.includes(column)) {
      const near = nearest(column, this.columns);
      throw new DataError({
        where: this.path,
        what: `no column "${column}"`,
        fix: near === undefined ? `Its columns: ${listNames(this.columns)}` : `Did you mean "${near}"?`,
      });
    }
    try {
      return await this.#scan.readColumn({ column, rowStart: first, rowEnd: end });
    } catch (error) {
      const found = (error as Error).message;
      throw new DataError({ where: `${this.path}: ${column}`, what: 'column is damaged', found }, { cause: error });
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function bufferOf(file: FileHandle): Promise<AsyncBuffer> {
  const byteLength = (await file.stat()).size;
  return {
    byteLength,
    async slice(start, end = byteLength) {
      // A damaged footer may name any range; nothing is allocated beyond the file.
      if (!(start >= 0 && end >= start && end <= byteLength)) {
        throw new Error(`bytes ${start} .. ${end} of a file of ${byteLength}`);
      }
      const bytes = new Uint8Array(end - start);
      let read = 0;
      while (read < bytes.length) {
        const { bytesRead } = await file.read(bytes, read, bytes.length - read, start + read);
        if (bytesRead === 0) throw new Error(`file ended at byte ${start + read}`);
        read += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

function topColumns({ schema }: FileMetaData): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = (): void => {
    const children = schema[at++]?.num_children ?? 0;
    for (let child = 0; child < children; child++) skip();
  };
  for (let child = 0; child < (schema[0]?.num_children ?? 0) && at < schema.length; child++) {
    names.push(schema[at].name);
    skip();
  }
  return names;
}

function widthOf(values: ArrayLike<unknown>): number {
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (isList(value)) return value.length;
    if (value !== null && value !== undefined) return 1;
  }
  return 1;
}

/** Writes one row; returns what stands there where it is no row of numbers. */
function putRow(value: unknown, width: number, data: Float64Array, offset: number): string | undefined {
  if (value === null || value === undefined) {
    data.fill(Number.NaN, offset, offset + width);
    return undefined;
  }
  if (!isList(value)) {
    const number = numberOf(value);
    if (number === undefined || width !== 1) return describeValue(value);
    data[offset] = number;
    return undefined;
  }
  if (value.length !== width) return `${value.length} values`;
  for (let k = 0; k < width; k++) {
    const number = numberOf(value[k]);
    if (number === undefined) return describeValue(value[k]);
    data[offset + k] = number;
  }
  return undefined;
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value);
  return value === null || value === undefined ? Number.NaN : undefined;
}

function describeValue(value: unknown): string {
  return isList(value) ? `a list of ${value.length}` : `${typeof value} ${String(value).slice(0, 40)}`;
}
