// Paths into records, of JSON or of decoded messages: names joined by dots; `[]` after a name goes over the items of an
// array, `[2]` takes one: `motor_state[].q`, `imu.quaternion`, `pose[2]`. A path gives one number or a list of them.

import { DataError } from '../../src/base/errors.js';
import { nearest } from '../../src/base/nearest.js';

/** A name, an index, or every item. */
export type PathStep = string | number | typeof EVERY;
const EVERY = Symbol('every item');

/** @throws DataError where the text is no path */
export function parsePath(text: string, file: string): PathStep[] {
  return text.split('.').flatMap((part) => {
    const match = /^([^[\]]+)((?:\[\d*\])*)$/.exec(part);
    if (match === null) {
      throw new DataError({ where: file, what: `path "${text}"`, expected: 'names, [] and [number]', found: part });
    }
    const brackets = [...match[2].matchAll(/\[(\d*)\]/g)].map(([, digits]) => (digits === '' ? EVERY : Number(digits)));
    return [match[1], ...brackets];
  });
}

export interface PathProblem {
  readonly what: string;
  readonly fix?: string;
}

/**
 * Appends the numbers that a path leads to; null is a missing value (NaN).
 * @returns what is wrong, where it leads to none
 */
export function collectNumbers(value: unknown, steps: readonly PathStep[], out: number[]): PathProblem | undefined {
  return collect(value, steps, 0, out);
}

/** What a path leads to; undefined where it leads nowhere. Paths with [] lead to no single value. */
export function valueAt(value: unknown, steps: readonly PathStep[]): unknown {
  let inner = value;
  for (const step of steps) {
    if (typeof inner !== 'object' || inner === null || step === EVERY) return undefined;
    inner = (inner as Record<string | number, unknown>)[step as string | number];
  }
  return inner;
}

function collect(value: unknown, steps: readonly PathStep[], at: number, out: number[]): PathProblem | undefined {
  if (at === steps.length) return appendNumbers(value, out);
  const step = steps[at];
  if (step === EVERY) {
    if (!Array.isArray(value)) return { what: 'expected an array' };
    for (const item of value) {
      const problem = collect(item, steps, at + 1, out);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (typeof step === 'number') {
    if ((Array.isArray(value) || isTypedArray(value)) && step < value.length)
      return collect(value[step], steps, at + 1, out);
    return { what: `no item [${step}]` };
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step as string)) {
    const near = typeof value === 'object' && value !== null ? nearest(step as string, Object.keys(value)) : undefined;
    return { what: `no "${step as string}"`, fix: near === undefined ? undefined : `Did you mean "${near}"?` };
  }
  return collect((value as Record<string, unknown>)[step as string], steps, at + 1, out);
}

function appendNumbers(value: unknown, out: number[]): PathProblem | undefined {
  if (typeof value === 'number') {
    out.push(value);
  } else if (typeof value === 'boolean') {
    out.push(value ? 1 : 0);
  } else if (typeof value === 'bigint') {
    out.push(Number(value));
  } else if (value === null) {
    out.push(Number.NaN);
  } else if (isTypedArray(value)) {
    for (let k = 0; k < value.length; k++) out.push(Number(value[k]));
  } else if (Array.isArray(value)) {
    for (const item of value) {
      const problem = appendNumbers(item, out);
      if (problem !== undefined) return problem;
    }
  } else {
    return { what: `expected numbers, found ${describeValue(value)}` };
  }
  return undefined;
}

function describeValue(value: unknown): string {
  if (typeof value !== 'object') return JSON.stringify(value)?.slice(0, 40) ?? 'nothing';
  return `an object with ${Object.keys(value ?? {})
    .slice(0, 4)
    .join(', ')}`;
}

function isTypedArray(value: unknown): value is ArrayLike<number | bigint> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}
