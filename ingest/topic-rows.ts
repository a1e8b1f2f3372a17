// Messages of one topic as rows of numbers, with the stamps that they carry and the times at which they were logged.
//
// A message may name its joints itself, as sensor_msgs/JointState does. Several publishers may then share the topic, each
// with joints of its own, and the order may change from message to message: rows are kept by set of joints, each in one
// order, and the set with the most joints is the topic's.

import { DataError } from '../src/base/errors.js';
import { GrowingRows } from './readers/growing.js';
import { collectNumbers, type PathStep, parsePath, valueAt } from './readers/value-path.js';

export interface TopicPath {
  readonly text: string;
  /** One number a joint: ordered as the message's joints are. */
  readonly isPerJoint: boolean;
}

export interface TopicRows {
  readonly topic: string;
  readonly rowCount: number;
  /** Names of the joints, where messages name them. */
  readonly names: readonly string[];
  /** Seconds since the first message of the recording was logged [row]. */
  readonly log_s: Float64Array;
  /** Seconds since the first stamp of the recording [row]; NaN where a message has none. */
  readonly stamp_s: Float64Array;
  /** Numbers of each path [row, width]; absent where no message had any. */
  readonly values: ReadonlyMap<string, { readonly width: number; readonly data: Float64Array }>;
  /** Messages that name other joints, left out. */
  readonly otherJoints: number;
}

/** Where a recording's clocks begin (ns): shared by its topics. */
export interface ClockOrigin {
  log_ns?: bigint;
  stamp_ns?: bigint;
}

/** A stamp of zero is one that nobody set. */
const NO_STAMP = 0n;

export class TopicCollector {
  readonly topic: string;
  readonly #where: string;
  readonly #paths: readonly ParsedPath[];
  readonly #stamp: readonly PathStep[] | undefined;
  readonly #stampUnit_s: number;
  readonly #names: readonly PathStep[] | undefined;
  readonly #origin: ClockOrigin;
  readonly #sets = new Map<string, JointSet>();
  #messageCount = 0;

  /**
   * @param stampPath path of the stamp in a message; log times alone where absent
   * @param stampUnit_s seconds of a stamp that is a number
   * @param namesPath path of the joints' names in a message
   */
  constructor(
    file: string,
    topic: string,
    paths: readonly TopicPath[],
    origin: ClockOrigin,
    { stampPath, stampUnit_s = 1, namesPath }: { stampPath?: string; stampUnit_s?: number; namesPath?: string } = {},
  ) {
    this.topic = topic;
    this.#where = `${file}: ${topic}`;
    this.#paths = paths.map((path) => ({ ...path, steps: parsePath(path.text, this.#where) }));
    this.#origin = origin;
    this.#stamp = stampPath === undefined ? undefined : parsePath(stampPath, this.#where);
    this.#stampUnit_s = stampUnit_s;
    this.#names = namesPath === undefined ? undefined : parsePath(namesPath, this.#where);
  }

  get messageCount(): number {
    return this.#messageCount;
  }

  /** @throws DataError naming topic, message and path for what is not as in the messages before */
  add(message: unknown, log_ns: bigint): void {
    const where = `${this.#where} message ${this.#messageCount++}`;
    const set = this.#setOf(message, where);
    this.#origin.log_ns ??= log_ns;
    const stamp_ns =
      this.#stamp === undefined ? undefined : toNanoseconds(valueAt(message, this.#stamp), this.#stampUnit_s);
    if (stamp_ns !== undefined) this.#origin.stamp_ns ??= stamp_ns;
    set.times.push([
      seconds(log_ns - this.#origin.log_ns),
      stamp_ns === undefined ? Number.NaN : seconds(stamp_ns - this.#origin.stamp_ns!),
    ]);
    for (const path of this.#paths) this.#addPath(set, path, message, where);
  }

  /** The rows of the set with the most joints (of equal ones, that with the most messages); undefined without messages. */
  finish(): TopicRows | undefined {
    let best: JointSet | undefined;
    for (const set of this.#sets.values()) {
      const [more, rows] = best === undefined ? [1, 0] : [set.names.length - best.names.length, best.times.rowCount];
      if (more > 0 || (more === 0 && set.times.rowCount > rows)) best = set;
    }
    if (best === undefined) return undefined;
    const rowCount = best.times.rowCount;
    const times = best.times.finish();
    const values = new Map<string, { width: number; data: Float64Array }>();
    for (const [text, rows] of best.values) values.set(text, { width: rows.width, data: rows.finish() });
    return {
      topic: this.topic,
      rowCount,
      names: best.names,
      log_s: times.filter((_, at) => at % 2 === 0),
      stamp_s: times.filter((_, at) => at % 2 === 1),
      values,
      otherJoints: this.#messageCount - rowCount,
    };
  }

  #setOf(message: unknown, where: string): JointSet {
    const found = this.#names === undefined ? [] : valueAt(message, this.#names);
    if (!Array.isArray(found) || !found.every((name) => typeof name === 'string')) {
      throw new DataError({ where, what: 'names of joints', expected: 'a list of text', found: typeof found });
    }
    const names = found as string[];
    const key = [...names].sort().join('\n');
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = { names, times: new GrowingRows(2), values: new Map(), order: undefined };
      this.#sets.set(key, set);
    }
    const isSameOrder = names.every((name, at) => name === set.names[at]);
    set.order = isSameOrder ? undefined : set.names.map((name) => names.indexOf(name));
    return set;
  }

  #addPath(set: JointSet, { text, steps, isPerJoint }: ParsedPath, message: unknown, where: string): void {
    const numbers: number[] = [];
    const problem = collectNumbers(message, steps, numbers);
    if (problem !== undefined)
      throw new DataError({ where, what: `path "${text}": ${problem.what}`, fix: problem.fix });
    const rows = set.values.get(text);
    // An empty list is how a message says that it does not have something.
    if (numbers.length === 0) {
      rows?.push(new Float64Array(rows.width).fill(Number.NaN));
      return;
    }
    const expected = isPerJoint && set.names.length > 0 ? set.names.length : (rows?.width ?? numbers.length);
    if (numbers.length !== expected) {
      const what = `path "${text}": number of values`;
      throw new DataError({ where, what, expected: String(expected), found: String(numbers.length) });
    }
    const ordered = isPerJoint && set.order !== undefined ? set.order.map((from) => numbers[from]) : numbers;
    if (rows !== undefined) {
      rows.push(ordered);
      return;
    }
    const started = new GrowingRows(expected);
    const missing = new Float64Array(expected).fill(Number.NaN);
    for (let row = 1; row < set.times.rowCount; row++) started.push(missing);
    started.push(ordered);
    set.values.set(text, started);
  }
}

interface ParsedPath extends TopicPath {
  readonly steps: readonly PathStep[];
}

interface JointSet {
  readonly names: readonly string[];
  /** [log, stamp] */
  readonly times: GrowingRows;
  readonly values: Map<string, GrowingRows>;
  /** Place in the message at hand of each name; undefined where the order is the set's. */
  order: readonly number[] | undefined;
}

function seconds(difference_ns: bigint): number {
  return Number(difference_ns) / 1e9;
}

/** A stamp as ROS 2, ROS 1, Protobuf or JSON has it, in nanoseconds; undefined where there is none or it is not set. */
function toNanoseconds(value: unknown, unit_s: number): bigint | undefined {
  let stamp_ns: bigint | undefined;
  if (typeof value === 'number' && Number.isFinite(value)) stamp_ns = BigInt(Math.round(value * unit_s * 1e9));
  else if (typeof value === 'bigint') stamp_ns = BigInt(Math.round(unit_s * 1e9)) * value;
  else if (typeof value === 'object' && value !== null) stamp_ns = joinStamp(value as Record<string, unknown>);
  return stamp_ns === NO_STAMP ? undefined : stamp_ns;
}

function joinStamp(stamp: Record<string, unknown>): bigint | undefined {
  const whole = stamp.sec ?? stamp.secs ?? stamp.seconds;
  const rest = stamp.nanosec ?? stamp.nsec ?? stamp.nsecs ?? stamp.nanos ?? 0;
  if (whole === undefined || whole === null) return undefined;
  return BigInt(Math.round(Number(whole))) * 1_000_000_000n + BigInt(Math.round(Number(rest)));
}
