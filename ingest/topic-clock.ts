// One clock for topics that have several: stamps where messages carry them, else the time of logging less the delay with
// which the stamped topics were logged.
//
// The reference is the clock of the first stamped topic. A topic whose stamps lie more than a second off it, as those of
// a device that counts from its own start do, is brought to it by the times of logging, which all topics share.

import { upperMedian } from '../src/math/median.js';
import type { Finding } from '../src/motion/episode.js';
import type { TopicRows } from './topic-rows.js';

/** Difference of delays beyond which two topics cannot be stamped by one clock (s). */
const OTHER_CLOCK_S = 1;
/** Messages this much out of order are put in order (s): they were under way at the same time. */
const REORDER_S = 1;

export interface ClockedTopic {
  readonly rows: TopicRows;
  readonly time_s: Float64Array;
  readonly findings: readonly Finding[];
}

/** Puts topics on one clock. @param isStamped false: times of logging alone */
export function putOnOneClock(topics: readonly TopicRows[], isStamped: boolean): ClockedTopic[] {
  const delays = topics.map((rows) => (isStamped ? medianDelay(rows) : undefined));
  const reference = delays.find((delay) => delay !== undefined);
  return topics.map((rows, at) => {
    const findings: Finding[] = [];
    const time_s = timesOf(rows, delays[at], reference, findings);
    const { order, late } = sortedOrder(time_s);
    if (late > 0) {
      const message = `${late} messages of ${rows.topic} came out of order and were put in order`;
      findings.push({ kind: 'order', severity: 'info', message });
    }
    if (rows.otherJoints > 0) {
      const message = `${rows.otherJoints} messages of ${rows.topic} name other joints and were left out`;
      findings.push({ kind: 'other-joints', severity: 'warning', message });
    }
    return { rows: reordered(rows, order), time_s: Float64Array.from(order, (row) => time_s[row]), findings };
  });
}

/** Median time between stamp and logging (s); undefined where most messages have no stamp. */
function medianDelay({ log_s, stamp_s, rowCount }: TopicRows): number | undefined {
  const delays = log_s.map((log, row) => log - stamp_s[row]).filter((delay) => !Number.isNaN(delay));
  if (delays.length * 2 <= rowCount) return undefined;
  return upperMedian(delays);
}

function timesOf(rows: TopicRows, delay: number | undefined, reference: number | undefined, findings: Finding[]) {
  const { log_s, stamp_s, topic } = rows;
  if (reference === undefined) return log_s;
  if (delay === undefined) {
    const message = `${topic} has no stamps: its times of logging are taken, earlier by the delay of the stamped topics`;
    findings.push({ kind: 'clock', severity: 'info', message });
    return log_s.map((log) => log - reference);
  }
  const shift = Math.abs(delay - reference) > OTHER_CLOCK_S ? delay - reference : 0;
  if (shift !== 0) {
    const message = `stamps of ${topic} are of another clock, ${shift.toFixed(3)} s off, and were shifted by that`;
    findings.push({ kind: 'clock', severity: 'warning', message });
  }
  // A message without a stamp among others that have one: logged as late as they usually are.
  return stamp_s.map((stamp, row) => (Number.isNaN(stamp) ? log_s[row] - delay : stamp) + shift);
}

/** Rows in order of time; a step back of more than REORDER_S is left for all to see. */
function sortedOrder(time_s: Float64Array): { order: Int32Array; late: number } {
  const order = Int32Array.from(time_s, (_, row) => row);
  let latest = Number.NEGATIVE_INFINITY;
  let late = 0;
  for (const time of time_s) {
    if (latest - time > REORDER_S) return { order, late: 0 };
    if (time < latest) late++;
    latest = Math.max(latest, time);
  }
  // Rows of one time keep their order.
  return { order: late === 0 ? order : order.sort((a, b) => time_s[a] - time_s[b] || a - b), late };
}

function reordered(rows: TopicRows, order: Int32Array): TopicRows {
  if (order.every((row, at) => row === at)) return rows;
  const values = new Map(
    [...rows.values].map(([path, { width, data }]) => {
      const sorted = new Float64Array(data.length);
      order.forEach((row, at) => {
        sorted.set(data.subarray(row * width, (row + 1) * width), at * width);
      });
      return [path, { width, data: sorted }];
    }),
  );
  return { ...rows, values };
}
