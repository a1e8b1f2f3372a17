// Reading metrics.jsonl while it grows: the same lines as reading it whole, and no byte much oftener than once.

import { describe, expect, it } from 'vitest';
import type { MetricsLine } from '../../../src/train/metrics.js';
import { parseMetricsLine } from '../../../src/viewer/training/metrics-line.js';
import { createMetricsTail } from '../../../src/viewer/training/metrics-tail.js';

const line = (step: number, loss = 1 / (step + 1)): MetricsLine => ({
  step,
  split: 'train',
  loss,
  modalities: { observation: loss, action: loss },
  sources: { 'wälks "a"': { observation: loss } },
  stepsPerSecond: 3,
});
const textOf = (steps: readonly number[]) => steps.map((step) => `${JSON.stringify(line(step))}\n`).join('');

function growingFile() {
  let bytes: Uint8Array = new Uint8Array(0);
  let read = 0;
  return {
    write: (text: string) => {
      bytes = new TextEncoder().encode(text);
    },
    append(part: Uint8Array) {
      bytes = Uint8Array.from([...bytes, ...part]);
    },
    get read() {
      return read;
    },
    readRange: async (start: number, end: number) => {
      const part = bytes.slice(start, end);
      read += part.length;
      return part;
    },
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

describe('the tail of a metrics file', () => {
  it('gives each line once, however the file was cut when it was looked at', async () => {
    const whole = new TextEncoder().encode(textOf(range(0, 12)));
    for (const cut of [1, 7, 100, 333, 5000]) {
      const file = growingFile();
      const tail = createMetricsTail(file.readRange, { pieceBytes: 1000, anchorBytes: 64 });
      const steps: number[] = [];
      for (let at = 0; at < whole.length; at += cut) {
        file.append(whole.subarray(at, at + cut));
        const chunk = await tail.next();
        expect(chunk.restarted).toBe(false);
        expect(chunk.damaged).toEqual([]);
        steps.push(...chunk.lines.map(({ step }) => step));
      }
      expect(steps).toEqual(range(0, 12));
    }
  });

  it('reads what is new and an anchor, not the file again', async () => {
    const file = growingFile();
    const tail = createMetricsTail(file.readRange);
    file.write(textOf(range(0, 5000)));
    expect((await tail.next()).lines).toHaveLength(5000);
    const before = file.read;
    for (let at = 0; at < 10; at++) expect((await tail.next()).lines).toHaveLength(0);
    expect(file.read - before).toBeLessThanOrEqual(10 * 512);
    file.append(new TextEncoder().encode(textOf([5000])));
    expect((await tail.next()).lines).toEqual([line(5000)]);
  });

  it('starts again where a resumed run dropped lines, even when the file has grown past its old end', async () => {
    const file = growingFile();
    const tail = createMetricsTail(file.readRange);
    file.write(textOf(range(0, 20)));
    await tail.next();
    file.write(textOf(range(0, 8)));
    const shorter = await tail.next();
    expect(shorter.restarted).toBe(true);
    expect(shorter.lines).toHaveLength(8);
    file.write(textOf(range(0, 20)));
    await tail.next();
    const again = range(0, 40).map((step) => ({ ...line(step), stepsPerSecond: step < 8 ? 3 : 5 }));
    file.write(again.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const longer = await tail.next();
    expect(longer.restarted).toBe(true);
    expect(longer.lines).toEqual(again);
  });

  it('loses nothing where a read fails between two pieces, at first and after a restart', async () => {
    const file = growingFile();
    let readsLeft = 2;
    const readRange = async (start: number, end: number) => {
      if (readsLeft-- === 0) throw new Error('the host is away');
      return file.readRange(start, end);
    };
    const tail = createMetricsTail(readRange, { pieceBytes: 400, anchorBytes: 64 });
    file.write(textOf(range(0, 12)));
    await expect(tail.next()).rejects.toThrow('away');
    const first = await tail.next();
    expect(first.lines.map(({ step }) => step)).toEqual(range(0, 12));
    expect(first.restarted).toBe(false);
    file.write(textOf(range(0, 8)));
    readsLeft = 3;
    await expect(tail.next()).rejects.toThrow('away');
    const again = await tail.next();
    expect(again.lines.map(({ step }) => step)).toEqual(range(0, 8));
    expect(again.restarted).toBe(true);
  });

  it('names lines that are not metrics and goes on', async () => {
    const file = growingFile();
    const tail = createMetricsTail(file.readRange);
    file.write(`${textOf([1])}{"step":2,"spl\n[]\n${textOf([3])}`);
    const { lines, damaged } = await tail.next();
    expect(lines.map(({ step }) => step)).toEqual([1, 3]);
    expect(damaged).toEqual([2, 3]);
    file.append(new TextEncoder().encode('\n'));
    expect((await tail.next()).damaged).toEqual([5]);
  });

  it('refuses a file without lines', async () => {
    const file = growingFile();
    file.write('x'.repeat(5000));
    await expect(createMetricsTail(file.readRange, { pieceBytes: 1000 }).next()).rejects.toThrow(/longer than 1000/);
  });
});

describe('a line of metrics', () => {
  it('keeps numbers alone', () => {
    expect(
      parseMetricsLine('{"step":3,"split":"train","loss":null,"modalities":{"action":"x"},"sources":{"a":3}}'),
    ).toEqual({
      step: 3,
      split: 'train',
      loss: Number.NaN,
      modalities: {},
      sources: { a: {} },
    });
    for (const text of ['', 'null', '[1]', '{"step":"3","split":"train"}', '{"step":3,"split":"test"}']) {
      expect(parseMetricsLine(text)).toBeUndefined();
    }
  });
});
