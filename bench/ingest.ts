// Reading human motion: the BVH parser against three's BVHLoader on the same bytes, and a file of any size in flat memory.
//
// --stream MB are written to the temporary folder, streamed through parser and kinematics, and deleted. Goal: 60 MB/s.
//
// Run: npm run bench -- ingest [FILE.bvh].

import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BVHLoader } from 'three/examples/jsm/loaders/BVHLoader.js';
import { computeBvhPose, createBvhPose, openBvhFile, parseBvh } from '../ingest/readers/bvh-parser.js';
import { type BenchResult, commandOf, interleave, machineNote, shortNumber, timed } from './result.js';

interface Measure {
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

export interface IngestBenchOptions {
  readonly rounds: number;
  /** A BVH file whose rows are repeated; without it a walk of 31 joints is made up. */
  readonly file?: string;
  /** Sizes of the text that both parse, and of the file that is streamed (MB). */
  readonly megabytes: number;
  readonly stream: number;
}

export async function ingestBench(options: IngestBenchOptions): Promise<BenchResult> {
  const { rounds, megabytes, stream, file } = options;
  const source = file === undefined ? madeUp() : splitFile(await readFile(file, 'latin1'));
  const streamed: Measure[] = [];
  // Files first: what the parsers leave behind would hide what a stream needs.
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-bench-'));
  try {
    const large = join(folder, 'large.bvh');
    writeLarge(large, source, stream);
    const { size } = await stat(large);
    streamed.push(await measure('stream a file', size, () => streamFile(large, false)));
    streamed.push(await measure('stream and pose a file', size, () => streamFile(large, true)));
  } finally {
    await rm(folder, { recursive: true });
  }
  // three's loader keeps an object for every joint and frame, and shifts lines off an array: a small text has to do.
  const text = repeated(source, megabytes);
  const bytes = Buffer.from(text, 'latin1');
  const speed = async (run: () => unknown) => bytes.length / 1e3 / (await timed(run));
  const contenders = [
    { name: 'nextgait, parseBvh', run: () => speed(() => parseBvh(bytes, 'bench')) },
    { name: "three's BVHLoader", peer: true, run: () => speed(() => new BVHLoader().parse(text)) },
  ];
  await interleave(contenders, 1); // warm-up
  const rows = await interleave(contenders, rounds);
  return {
    bench: 'ingest',
    about: `Reading motion capture: ${megabytes} MB of BVH text in memory, by both parsers; and a file of ${stream} MB, streamed.`,
    command: commandOf(file === undefined ? 'ingest' : `ingest ${file}`, { rounds, megabytes, stream }),
    machine: await machineNote(),
    tables: [{ title: 'parser', unit: 'MB/s', better: 'more', rows }],
    facts: [
      {
        title: 'A file of any size, in memory that does not grow with it',
        header: ['', 'MB', 'MB/s', 'frames/s', 'memory, most (MB)'],
        rows: streamed.map((one) => [
          one.name,
          ...[one.megabytes, one.megabytesPerSecond, one.framesPerSecond, one.peakMegabytes].map(shortNumber),
        ]),
      },
    ],
  };
}
