// The words of a pickle: checked reading of its bytes, and the forms in which numbers and text are written in it.

import { DataError } from '../../src/base/errors.js';

export interface PickleBytes {
  /** The next byte to read. */
  at: number;
  readonly left: number;
  take(count: number, what: string): Uint8Array;
  /** Unsigned, little-endian. */
  number(width: 1 | 2 | 4 | 8, what: string): number;
  /** Big-endian, as BINFLOAT has it. */
  float64(what: string): number;
  textLine(what: string): string;
  utf8(part: Uint8Array): string;
  latin1(part: Uint8Array): string;
  /** Two's complement. */
  littleEndianInteger(part: Uint8Array): number | bigint;
  decimalInteger(text: string): number | bigint;
  decimalFloat(text: string): number;
  /** Python 2's repr of a byte string, to one character a byte. */
  unquote(text: string): string;
  refuse(what: string, expected: string | undefined, found: string, fix?: string): DataError;
}

const LONGEST_INTEGER = 1024; // bytes
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' };

/** @param file name for messages */
export function createPickleBytes(bytes: Uint8Array, file: string, start: number): PickleBytes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const refuse = (what: string, expected: string | undefined, found: string, fix?: string) =>
    new DataError({ where: `${file}: byte ${source.at}`, what, expected, found, fix });
  const cutOff = 'The file is cut off or damaged';
  const latin1 = (part: Uint8Array) => Buffer.from(part.buffer, part.byteOffset, part.length).toString('latin1');

  const source: PickleBytes = {
    at: start,
    get left() {
      return bytes.length - source.at;
    },
    take(count, what) {
      if (!(count >= 0 && count <= source.left)) {
        throw refuse(what, `${count} bytes`, `${source.left} to the end of the file`, cutOff);
      }
      source.at += count;
      return bytes.subarray(source.at - count, source.at);
    },
    number(width, what) {
      const from = source.at;
      source.take(width, what);
      if (width === 1) return bytes[from];
      if (width === 2) return view.getUint16(from, true);
      if (width === 4) return view.getUint32(from, true);
      return Number(view.getBigUint64(from, true));
    },
    float64(what) {
      source.take(8, what);
      return view.getFloat64(source.at - 8, false);
    },
    textLine(what) {
      const end = bytes.indexOf(10, source.at);
      if (end < 0) throw refuse(what, 'a line end', 'the end of the file', cutOff);
      const text = latin1(bytes.subarray(source.at, end));
      source.at = end + 1;
      return text.endsWith('\r') ? text.slice(0, -1) : text;
    },
    utf8: (part) => decoder.decode(part),
    latin1,
    littleEndianInteger(part) {
      if (part.length > LONGEST_INTEGER) throw refuse('integer', `at most ${LONGEST_INTEGER} bytes`, `${part.length}`);
      let value = 0n;
      for (let k = part.length - 1; k >= 0; k--) value = (value << 8n) | BigInt(part[k]);
      return narrow(part.length > 0 ? BigInt.asIntN(8 * part.length, value) : 0n);
    },
    decimalInteger(text) {
      const digits = text.trim().replace(/L$/, '');
      if (!/^[+-]?\d+$/.test(digits) || digits.length > LONGEST_INTEGER) {
        throw refuse('integer', 'digits', JSON.stringify(digits.slice(0, 40)));
      }
      return narrow(BigInt(digits));
    },
    decimalFloat(text) {
      if (text === 'nan') return Number.NaN;
      if (text === 'inf' || text === '-inf') return text === 'inf' ? Infinity : -Infinity;
      if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
        throw refuse('number', 'a float', JSON.stringify(text.slice(0, 40)));
      }
      return Number(text);
    },
    unquote(text) {
      if (!/^(['"]).*\1$/s.test(text)) throw refuse('text', 'a quoted string', JSON.stringify(text.slice(0, 40)));
      return text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|.)/gs, (whole, code: string) => {
        const isHexadecimal = code[0] === 'x' && code.length === 3;
        return isHexadecimal ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? whole);
      });
    },
    refuse,
  };
  return source;
}

/** A number where it is exact, a bigint where not. */
function narrow(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** Text of the UNICODE instruction: raw-unicode-escape. */
export function rawUnicode(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, four?: string, eight?: string) =>
    String.fromCodePoint(Math.min(Number.parseInt((four ?? eight)!, 16), 0x10ffff)),
  );
}
