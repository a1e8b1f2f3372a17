// The numbers of a BVH file: from bytes to values, without strings.
//
// A number of at most 15 digits with a decimal exponent within ±22 is one exact integer divided or multiplied by one
// exact power of ten, so the result is the correctly rounded double (W. Clinger, "How to read floating point numbers
// accurately", 1990); anything longer goes through Number(). A row may be wrapped over several lines, provided that it
// ends where a line ends; a row that is short then shows as one that ends in the middle of a line.

import type { FloatArray } from '../../src/base/arrays.js';
import { type DataErrorDetail, FindingsError } from '../../src/base/errors.js';
import { type BvhHeader, decimal } from './bvh-header.js';

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const MOST_FINDINGS = 10;
const LF = 10;
const CR = 13;

export interface BvhRowScanner {
  /** Complete rows so far. */
  readonly rowCount: number;
  /** True once something is wrong: values no longer mean anything, and `finish` will throw. */
  readonly failed: boolean;
  /**
   * Reads numbers of bytes[start, end), which must end with white space, into `out` from index `from` on, until `out`
   * is full or the bytes are used up.
   * @returns the first byte not read, and the index after the last value
   */
  scan(bytes: Uint8Array, start: number, end: number, out: FloatArray, from: number): { at: number; filled: number };
  /** Throws everything that was found, and what is missing at the end of the file. */
  finish(trustRows: boolean): void;
}

/** @param file name for messages */
export function createBvhRowScanner(header: BvhHeader, file: string): BvhRowScanner {
  const { channelCount } = header;
  const findings: DataErrorDetail[] = [];
  let rowCount = 0;
  let line = header.firstRowLine;
  let afterReturn = false;
  let column = 0; // values of the current row so far
  let rowLine = line; // line on which the current row began
  let firstLineCount = 0; // values on that line, once the row has gone on to another

  const report = (detail: DataErrorDetail) => {
    if (findings.length < MOST_FINDINGS) findings.push(detail);
    if (findings.length === MOST_FINDINGS) throw new FindingsError(findings);
  };
  const badNumber = (text: string) => {
    const comma = /^[+-]?\d+,\d+$/.test(text) ? 'Write decimal points, not commas' : undefined;
    report({
      where: `${file}:${line}`,
      what: `value ${column + 1} of ${channelCount} (${labelOf(header, column)})`,
      expected: 'a finite number',
      found: JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text),
      fix: comma,
    });
  };
  /** A value arrived in a row that already has all of its own. */
  const tooMany = (bytes: Uint8Array, at: number, end: number) => {
    const wrapped = rowLine < line;
    let more = 0;
    for (let k = at; k < end && bytes[k] !== LF && bytes[k] !== CR; k++) {
      if (bytes[k] > 32 && (k === at || bytes[k - 1] <= 32)) more++;
    }
    report({
      where: `${file}:${wrapped ? rowLine : line}`,
      what: 'row',
      expected: `${channelCount} numbers`,
      found: `${wrapped ? firstLineCount : channelCount + more}`,
      fix: wrapped
        ? undefined
        : 'A row belongs on one line of its own, or on several lines that hold nothing of the next row',
    });
  };

  return {
    get rowCount() {
      return rowCount;
    },
    get failed() {
      return findings.length > 0;
    },
    scan(bytes, start, end, out, from) {
      let at = start;
      let filled = from;
      const room = out.length;
      while (at < end) {
        const c = bytes[at];
        if (c <= 32) {
          if (c === LF || c === CR) {
            if (!(c === LF && afterReturn)) {
              if (column === channelCount) {
                column = 0;
                rowCount++;
              } else if (column > 0 && rowLine === line) firstLineCount = column;
              line++;
            }
            afterReturn = c === CR;
          } else afterReturn = false;
          at++;
          continue;
        }
        if (filled === room) break;
        afterReturn = false;
        if (column === 0) rowLine = line;
        else if (column === channelCount) {
          tooMany(bytes, at, end);
          while (at < end && bytes[at] !== LF && bytes[at] !== CR) at++;
          continue;
        }

        const tokenStart = at;
        const negative = c === 45;
        if (negative || c === 43) at++;
        let mantissa = 0;
        const digitsStart = at;
        let digit = bytes[at] - 48;
        while (digit >= 0 && digit <= 9) {
          mantissa = mantissa * 10 + digit;
          digit = bytes[++at] - 48;
        }
        let digits = at - digitsStart;
        let scale = 0;
        if (bytes[at] === 46) {
          const fractionStart = ++at;
          digit = bytes[at] - 48;
          while (digit >= 0 && digit <= 9) {
            mantissa = mantissa * 10 + digit;
            digit = bytes[++at] - 48;
          }
          scale = fractionStart - at;
          digits -= scale;
        }
        let value = mantissa;
        if (bytes[at] <= 32 && digits > 0 && digits <= 15) {
          if (scale < 0) value /= POWERS_OF_TEN[-scale];
          if (negative) value = -value;
        } else {
          while (bytes[at] > 32) at++;
          const text = latin1(bytes, tokenStart, at);
          value = decimal(text);
          if (!Number.isFinite(value)) badNumber(text);
        }
        out[filled++] = value;
        column++;
      }
      return { at, filled };
    },
    finish(trustRows) {
      if (column === channelCount) rowCount++;
      else if (column > 0 && findings.length === 0) {
        report({
          where: `${file}:${rowLine}`,
          what: 'row',
          expected: `${channelCount} numbers`,
          found: `${rowLine < line && firstLineCount > 0 ? firstLineCount : column}`,
          fix: 'The last row is incomplete',
        });
      }
      column = 0;
      if (findings.length === 0 && !trustRows && rowCount !== header.frameCount) {
        report({
          where: `${file}:${header.framesLine}`,
          what: 'Frames',
          expected: `the number of rows that follow, ${rowCount}`,
          found: `${header.frameCount}`,
          fix:
            rowCount < header.frameCount
              ? 'The file may be cut off; if not, correct the line, or trust the rows: --reader frameCount=rows'
              : 'Correct the line, or trust the rows: --reader frameCount=rows',
        });
      }
      if (findings.length > 0) throw new FindingsError(findings);
    },
  };
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < Math.min(end, start + 4096); at++) text += String.fromCharCode(bytes[at]);
  return text;
}

/** `LeftKnee Zrotation` for a column. */
function labelOf(header: BvhHeader, column: number): string {
  const joint = header.joints.find(
    ({ firstChannel, channels }) => column >= firstChannel && column < firstChannel + channels.length,
  );
  return joint === undefined ? 'no joint' : `${joint.name} ${joint.channels[column - joint.firstChannel]}`;
}
