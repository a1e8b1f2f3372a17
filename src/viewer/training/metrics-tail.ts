// Follows metrics.jsonl while it grows: each call reads what is new and nothing else.
//
// A training appends lines; a resumed one first drops the lines after its checkpoint. So the end of what was read is
// read again each time (a few hundred bytes): where it is not what it was, the file is another one and is read anew.

import type { MetricsLine } from '../../train/metrics.js';
import { parseMetricsLine } from './metrics-line.js';

/** Bytes [start, end) of a file: fewer where it ends before, none where it ends before `start`. */
export type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

export interface MetricsChunk {
  readonly lines: readonly MetricsLine[];
  /** True where lines of earlier calls no longer hold: the file was written anew. */
  readonly restarted: boolean;
  /** Numbers (from 1) of lines that are not metrics. */
  readonly damaged: readonly number[];
}

export interface MetricsTail {
  /** What came since the last call. Calls must not overlap. */
  next(): Promise<MetricsChunk>;
}

export interface TailOptions {
  /** Read at once; a line must be shorter. */
  readonly pieceBytes: number;
  /** Of what was read before, to see whether it is still there. */
  readonly anchorBytes: number;
}

export const TAIL_DEFAULTS: TailOptions = { pieceBytes: 1 << 20, anchorBytes: 512 };

const NEWLINE = 10;

/** How far was read. Everything before `offset` was; it ends with a line, and `anchor` holds the last bytes of it. */
interface Place {
  readonly offset: number;
  readonly anchor: Uint8Array;
  readonly lineCount: number;
}

const START: Place = { offset: 0, anchor: new Uint8Array(0), lineCount: 0 };

export function createMetricsTail(readRange: ReadRange, options: Partial<TailOptions> = {}): MetricsTail {
  const { pieceBytes, anchorBytes } = { ...TAIL_DEFAULTS, ...options };
  const decoder = new TextDecoder();
  let told = START;

  return {
    async next() {
      const lines: MetricsLine[] = [];
      const damaged: number[] = [];
      let restarted = false;
      let { offset, anchor, lineCount } = told;
      for (;;) {
        const asked = anchor.length + pieceBytes;
        const from = offset - anchor.length;
        const bytes = await readRange(from, from + asked);
        if (!startsWith(bytes, anchor)) {
          ({ offset, anchor, lineCount } = START);
          restarted = true;
          continue;
        }
        const end = bytes.lastIndexOf(NEWLINE) + 1;
        if (end > anchor.length) {
          for (const text of decoder.decode(bytes.subarray(anchor.length, end)).trimEnd().split('\n')) {
            lineCount += 1;
            const line = parseMetricsLine(text);
            if (line === undefined) damaged.push(lineCount);
            else lines.push(line);
          }
          offset = from + end;
          anchor = bytes.slice(Math.max(0, end - anchorBytes), end);
        } else if (bytes.length === asked) {
          throw new Error(`a line of metrics longer than ${pieceBytes} bytes at byte ${offset}`);
        }
        if (bytes.length < asked) {
          // Not before: where a read fails between two pieces, the next call reads them all again.
          told = { offset, anchor, lineCount };
          return { lines, restarted, damaged };
        }
      }
    },
  };
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && start.every((byte, at) => bytes[at] === byte);
}
