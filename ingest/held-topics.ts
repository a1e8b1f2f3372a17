// Topics of nothing but held values (a velocity command, say) beside the topics of a recording.
//
// They do not bound it: each of their values counts for the frames of the first other topic until the next one comes, or
// until it is too old.

import { medianPeriod, RESAMPLE_DEFAULTS } from '../src/motion/resample.js';
import type { RawField, RawTable } from './recording.js';

export interface TopicPart {
  readonly part: RawTable;
  /** Nothing in it but values that count until the next one. */
  readonly isHeld: boolean;
  /** How long one of them counts at most (s); 0 for as long as resampling bridges a gap. */
  readonly hold_s: number;
}

/** Brings topics of held values to the frames of the first other topic. */
export function joinHeld(parts: readonly TopicPart[]): RawTable[] {
  const reference = parts.find(({ isHeld }) => !isHeld)?.part;
  if (reference === undefined) return parts.map(({ part }) => part);
  const fields = new Map(reference.fields);
  const findings = [...(reference.findings ?? [])];
  for (const { part, isHeld, hold_s } of parts) {
    if (!isHeld) continue;
    const longest_s = hold_s || defaultHold(part.time_s);
    for (const [key, field] of part.fields) fields.set(key, heldAt(reference.time_s, part.time_s, field, longest_s));
    findings.push(...(part.findings ?? []));
  }
  const joined = { ...reference, fields, findings };
  const others = parts.filter(({ part, isHeld }) => !isHeld && part !== reference && part.fields.size > 0);
  return [joined, ...others.map(({ part }) => part)];
}

/** As long as resampling bridges a gap: a slow publisher's own period is none. */
function defaultHold(time_s: Float64Array): number {
  return Math.max(RESAMPLE_DEFAULTS.maximumGap_s, 1.5 * medianPeriod(time_s));
}

/** At each of `at_s` the last row that is not older than `longest_s`; NaN where there is none. */
function heldAt(at_s: Float64Array, time_s: Float64Array, { width, data }: RawField, longest_s: number): RawField {
  const held = new Float64Array(at_s.length * width).fill(Number.NaN);
  let row = -1;
  for (let frame = 0; frame < at_s.length; frame++) {
    while (row + 1 < time_s.length && time_s[row + 1] <= at_s[frame]) row++;
    if (row < 0 || at_s[frame] - time_s[row] > longest_s) continue;
    for (let k = 0; k < width; k++) held[frame * width + k] = data[row * width + k];
  }
  return { width, data: held };
}
