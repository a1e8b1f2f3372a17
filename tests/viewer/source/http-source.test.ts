// Reading over hosts that answer ranges, and over hosts that do not.

import { describe, expect, it } from 'vitest';
import { ProblemError } from '../../../src/viewer/page.js';
import { createHttpSource } from '../../../src/viewer/source/http-source.js';

const BYTES = Uint8Array.from({ length: 100 }, (_, at) => at);

/** A host of one file; notes what it was asked. */
function host(answersRanges: boolean) {
  const asked: string[] = [];
  const get = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const address = String(input);
    const range = new Headers(init?.headers).get('Range');
    asked.push(`${new URL(address).pathname} ${range ?? 'whole'}`);
    if (address.endsWith('/text.json')) return new Response('{"a": 1');
    if (!address.endsWith('/a%20b.bin')) return new Response(null, { status: 404 });
    const match = /bytes=(\d+)-(\d+)/.exec(range ?? '');
    if (match === null || !answersRanges) return new Response(BYTES);
    if (Number(match[1]) >= BYTES.length) return new Response(null, { status: 416 });
    return new Response(BYTES.slice(Number(match[1]), Number(match[2]) + 1), { status: 206 });
  };
  return { asked, source: createHttpSource(new URL('http://host/app/'), get) };
}

describe.each([true, false])('ranges answered: %s', (answersRanges) => {
  it.each([
    [10, 14, [10, 11, 12, 13]],
    [98, 200, [98, 99]],
    [100, 120, []],
    [500, 600, []],
    [7, 7, []],
  ])('[%i, %i)', async (start, end, expected) => {
    const { source } = host(answersRanges);
    expect([...(await source.readBytes('data/a b.bin', { start, end }))]).toEqual(expected);
  });
});

it('a host without ranges sends a file once', async () => {
  const { source, asked } = host(false);
  for (const start of [0, 20, 40]) {
    expect((await source.readBytes('data/a b.bin', { start, end: start + 3 }))[0]).toBe(start);
  }
  expect(asked).toEqual(['/app/data/a%20b.bin bytes=0-2']);
});

it('a host without ranges sends a file once to those who ask at once', async () => {
  const { source, asked } = host(false);
  const starts = [0, 20, 40];
  const parts = await Promise.all(starts.map((start) => source.readBytes('data/a b.bin', { start, end: start + 3 })));
  expect(parts.map(([first]) => first)).toEqual(starts);
  expect(asked).toHaveLength(1);
});

it('a host with ranges answers several at once, from the second on', async () => {
  const { source, asked } = host(true);
  await source.readBytes('data/a b.bin', { start: 0, end: 3 });
  const reading = Promise.all([
    source.readBytes('data/a b.bin', { start: 5, end: 6 }),
    source.readBytes('data/a b.bin', { start: 9, end: 10 }),
  ]);
  expect(asked).toHaveLength(3);
  expect((await reading).map(([first]) => first)).toEqual([5, 9]);
});

it('a file that broke off on its way is asked for again', async () => {
  let isCut = true;
  const source = createHttpSource(new URL('http://host/'), async () => {
    if (!isCut) return new Response(BYTES);
    isCut = false;
    return new Response(new ReadableStream({ start: (stream) => stream.error(new TypeError('terminated')) }));
  });
  const read = () => source.readBytes('a.bin', { start: 1, end: 3 });
  await expect(read()).rejects.toBeInstanceOf(ProblemError);
  expect([...(await read())]).toEqual([1, 2]);
});

describe('problems are told with what to do', () => {
  const problem = async (work: Promise<unknown>) => {
    const error = await work.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProblemError);
    return (error as ProblemError).problem;
  };

  it('no data at all', async () => {
    expect((await problem(host(true).source.describe())).fix).toContain('nextgait view');
  });

  it('a file that is gone', async () => {
    expect((await problem(host(true).source.readBytes('data/gone'))).what).toBe('data/gone is not there');
  });

  it('a file that is no JSON', async () => {
    expect((await problem(host(true).source.readJson('text.json'))).what).toBe('text.json is not JSON');
  });

  it('a server that was stopped within an answer', async () => {
    const cut = () =>
      new Response(new ReadableStream({ start: (stream) => stream.error(new TypeError('terminated')) }));
    const source = createHttpSource(new URL('http://host/'), async () => cut());
    for (const work of [
      source.describe(),
      source.readBytes('a.bin'),
      source.readBytes('a.bin', { start: 0, end: 1 }),
    ]) {
      expect((await problem(work)).what).toBe('The viewer lost its data');
    }
  });

  it('a server that was stopped', async () => {
    const source = createHttpSource(new URL('http://host/'), () => Promise.reject(new TypeError('fetch failed')));
    expect((await problem(source.describe())).what).toBe('The viewer lost its data');
  });
});
