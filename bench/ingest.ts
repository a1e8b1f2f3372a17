// Reading human motion: the BVH parser against three's BVHLoader on the same bytes, and a file of any size in flat memory.
//
// --stream MB are written to the temporary folder, streamed through parser and kinematics, and deleted. Goal: 60 MB/s.
//
// Run: node dist/bench/main.js ingest, or node dist/bench/ingest.js [FILE.bvh] [--megabytes 100] [--stream 1000] [--out F].

import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BVHLoader } from 'three/examples/jsm/loaders/BVHLoader.js';
import { computeBvhPose, createBvhPose, openBvhFile, parseBvh } from '../ingest/readers/bvh-parser.js';

export interface Measure {
  readonly name: string;
  readonly megabytes: number;
  readonly megabytesPerSecond: number;
  readonly framesPerSecond: number;
  /** Memory of the process above what it had before, at its highest (MB). */
  readonly peakMegabytes: number;
}

/** A header, and rows that repeat. */
interface Source {
  readonly header: string;
  readonly rows: string;
  readonly rowCount: number;
}

function splitFile(text: string): Source {
  const match = /frame[ \t]+time:[^\r\n]*\r?\n/i.exec(text)!;
  const header = text.slice(0, match.index + match[0].length);
  const rows = `${text.slice(header.length).trim()}\n`;
  return { header, rows, rowCount: rows.trim().split('\n').length };
}

function madeUp(): Source {
  const jointCount = 31;
  const channels = 'Zrotation Yrotation Xrotation';
  const body = (k: number): string =>
    k === jointCount ? '' : `JOINT J${k}\n{\nOFFSET 0 ${k} 1\nCHANNELS 3 ${channels}\n${body(k + 1)}}\n`;
  const header = `HIERARCHY\nROOT J0\n{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition ${channels}\n${body(1)}}\nMOTION\nFrames: 0\nFrame Time: 0.0083333\n`;
  const row = (frame: number) =>
    Array.from({ length: 3 + 3 * jointCount }, (_, k) => (30 * Math.sin(frame / 40 + k)).toFixed(4)).join(' ');
  const rowCount = 1000;
  return { header, rows: `${Array.from({ length: rowCount }, (_, frame) => row(frame)).join('\n')}\n`, rowCount };
}

const withFrames = (header: string, count: number) => header.replace(/(frames:[ \t]*)\d+/i, `$1${count}`);

function repeated({ header, rows, rowCount }: Source, megabytes: number): string {
  const times = Math.max(1, Math.ceil((megabytes * 1e6) / rows.length));
  return withFrames(header, rowCount * times) + rows.repeat(times);
}

async function measure(name: string, bytes: number, run: () => Promise<number> | number): Promise<Measure> {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const start = performance.now();
  const frames = await run();
  const seconds = (performance.now() - start) / 1000;
  clearInterval(watch);
  peak = Math.max(peak, process.memoryUsage().rss);
  return {
    name,
    megabytes: bytes / 1e6,
    megabytesPerSecond: bytes / 1e6 / seconds,
    framesPerSecond: frames / seconds,
    peakMegabytes: (peak - before) / 1e6,
  };
}

/** The best of several runs: the machine is shared. */
async function best(runs: number, once: () => Promise<Measure>): Promise<Measure> {
  let fastest = await once();
  for (let k = 1; k < runs; k++) {
    const next = await once();
    if (next.megabytesPerSecond > fastest.megabytesPerSecond) fastest = next;
  }
  return fastest;
}

async function streamFile(path: string, withPoses: boolean): Promise<number> {
  const stream = await openBvhFile(path);
  const pose = createBvhPose(stream.joints);
  let frames = 0;
  for await (const { count, values } of stream.frames()) {
    if (withPoses) for (let k = 0; k < count; k++) computeBvhPose(stream.joints, values, k * stream.channelCount, pose);
    frames += count;
  }
  return frames;
}

function writeLarge(path: string, { header, rows, rowCount }: Source, megabytes: number): void {
  const times = Math.max(1, Math.ceil((megabytes * 1e6) / rows.length));
  const file = openSync(path, 'w');
  writeSync(file, withFrames(header, rowCount * times));
  for (let k = 0; k < times; k++) writeSync(file, rows);
  closeSync(file);
}

export const INGEST_BENCH_DEFAULTS = { megabytes: 100, stream: 1000 } as const;

export interface IngestBenchOptions {
  /** A BVH file whose rows are repeated; without it a walk of 31 joints is made up. */
  readonly file?: string;
  /** Sizes of the text in memory, and of the file that is streamed (MB). */
  readonly megabytes?: number;
  readonly stream?: number;
}

export async function benchIngest(options: IngestBenchOptions = {}): Promise<readonly Measure[]> {
  const { megabytes, stream } = { ...INGEST_BENCH_DEFAULTS, ...options };
  const source = options.file === undefined ? madeUp() : splitFile(await readFile(options.file, 'latin1'));
  const results: Measure[] = [];
  // Files first: what the parsers leave behind would hide what a stream needs.
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-bench-'));
  try {
    const large = join(folder, 'large.bvh');
    writeLarge(large, source, stream);
    const { size } = await stat(large);
    results.push(await measure('stream a file', size, () => streamFile(large, false)));
    results.push(await measure('stream and pose a file', size, () => streamFile(large, true)));
  } finally {
    await rm(folder, { recursive: true });
  }
  const bytes = Buffer.from(repeated(source, megabytes), 'latin1');
  results.push(
    await best(5, () => measure('parse, in memory', bytes.length, () => parseBvh(bytes, 'bench').frameCount)),
  );
  // three's loader keeps an object for every joint and frame, and shifts lines off an array: a smaller piece has to do.
  const small = repeated(source, 4);
  results.push(
    await best(3, () =>
      measure("three's BVHLoader, 4 MB", small.length, () => new BVHLoader().parse(small).clip.tracks[0].times.length),
    ),
  );
  return results;
}

export function describeIngestBench(results: readonly Measure[]): string {
  const lines = results.map(({ name, megabytes, megabytesPerSecond, framesPerSecond, peakMegabytes }) =>
    [
      name.padEnd(26),
      megabytes.toFixed(0).padStart(6),
      megabytesPerSecond.toFixed(1).padStart(8),
      framesPerSecond.toFixed(0).padStart(12),
      peakMegabytes.toFixed(0).padStart(12),
    ].join(''),
  );
  return ['                              MB    MB/s    frames/s   memory MB', ...lines].join('\n');
}

/** The bench's command line: `[FILE.bvh]`, `--megabytes`, `--stream`, and `--out` for the result as JSON. */
export async function runIngestBench(words: readonly string[]): Promise<void> {
  const { megabytes, stream } = INGEST_BENCH_DEFAULTS;
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      megabytes: { type: 'string', default: String(megabytes) },
      stream: { type: 'string', default: String(stream) },
      out: { type: 'string' },
    },
  });
  const results = await benchIngest({
    file: positionals[0],
    megabytes: Number(values.megabytes),
    stream: Number(values.stream),
  });
  process.stdout.write(`${describeIngestBench(results)}\n`);
  if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(results, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runIngestBench(process.argv.slice(2));
