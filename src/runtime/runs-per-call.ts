// Several runs a call for an engine that makes one: one after another, each with its part of the feeds and results.

import type { FloatArray } from '../base/arrays.js';
import type { Program } from './runtime.js';

/** A program whose call makes up to `runsPerCall` runs of `single`. */
export function runOneByOne(single: Program, runsPerCall = 1): Program {
  if (runsPerCall === 1) return { ...single, run: refuseMore(1, () => single.run()) };
  const feeds = repeatBuffers(single.feeds, runsPerCall);
  const results = repeatBuffers(single.results, runsPerCall);
  return {
    ...single,
    feeds,
    results,
    run: refuseMore(runsPerCall, async (runs) => {
      for (let at = 0; at < runs; at++) {
        for (const [name, feed] of Object.entries(single.feeds)) feed.set(partOf(feeds[name], at, feed.length));
        await single.run();
        for (const [name, result] of Object.entries(single.results)) results[name].set(result, at * result.length);
      }
    }),
  };
}

/** The part of run `at`, of a buffer for several runs. */
export function partOf<Numbers extends FloatArray>(buffer: Numbers, at: number, length: number): Numbers {
  return buffer.subarray(at * length, (at + 1) * length) as Numbers;
}

/** Refuses more runs in one call than a program has room for. */
export function refuseMore(runsPerCall: number, run: (runs: number) => Promise<void>): Program['run'] {
  return async (runs = 1) => {
    if (!Number.isInteger(runs) || runs < 1 || runs > runsPerCall) {
      throw new RangeError(`${runs} runs in one call of a program that has room for ${runsPerCall}`);
    }
    await run(runs);
  };
}

function repeatBuffers(buffers: Readonly<Record<string, FloatArray>>, times: number): Record<string, FloatArray> {
  const repeated = (buffer: FloatArray) => new (buffer.constructor as Float32ArrayConstructor)(times * buffer.length);
  return Object.fromEntries(Object.entries(buffers).map(([name, buffer]) => [name, repeated(buffer)]));
}
