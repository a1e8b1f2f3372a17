// What a bench gives: tables of ours and peers, one number for each interleaved round, and the words around them.
//
// Ratios are taken within a round, so that whatever else the machine does falls on all that took part in it. Shown are
// the median over rounds and the least and greatest round. docs/performance.md is made from these files (performance.ts).

import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { writeFileAtomic } from '../src/base/files.js';

export interface BenchRow {
  readonly name: string;
  /** A peer is compared with the table's first row; ours is not. */
  readonly peer?: boolean;
  /** One number for each round. */
  readonly rounds: readonly number[];
}

export interface BenchTable {
  readonly title: string;
  /** Unit of the numbers: `ms a step`. */
  readonly unit: string;
  readonly better: 'less' | 'more';
  /** Ours first. */
  readonly rows: readonly BenchRow[];
}

/** Figures that are no race: shown as they are. */
export interface FactTable {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface BenchResult {
  readonly bench: string;
  /** What is measured, one or two sentences. */
  readonly about: string;
  /** How to measure it again. */
  readonly command: string;
  readonly machine: MachineNote;
  readonly tables: readonly BenchTable[];
  readonly facts?: readonly FactTable[];
  readonly notes?: readonly string[];
}

export interface MachineNote {
  readonly processor: string;
  readonly cores: number;
  readonly node: string;
  /** Load average at the end: of a machine with other work the numbers are higher, and the ratios less sure. */
  readonly load?: string;
}

export async function machineNote(): Promise<MachineNote> {
  const load = await readFile('/proc/loadavg', 'utf8').catch(() => undefined);
  const all = cpus();
  return {
    processor: all[0]?.model ?? 'unknown',
    cores: all.length,
    node: process.version,
    ...(load === undefined ? {} : { load: load.split(' ').slice(0, 3).join(' ') }),
  };
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, least: sorted[0], greatest: sorted[sorted.length - 1] };
}

/** How many times as good ours is as the row, round by round: above 1 ours is better. */
export function ratiosOf({ better, rows }: BenchTable, row: BenchRow): number[] {
  const [own] = rows;
  return own.rounds.map((value, round) => (better === 'less' ? row.rounds[round] / value : value / row.rounds[round]));
}

/** Three significant digits, as an engineer writes them. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return value.toFixed(0);
  return Number(value.toPrecision(3)).toString();
}

export function spreadText(values: readonly number[]): string {
  const { median, least, greatest } = spreadOf(values);
  return `${shortNumber(median)} (${shortNumber(least)} to ${shortNumber(greatest)})`;
}

/** Lines for people. */
export function describeResult({ about, machine, tables, facts = [], notes = [] }: BenchResult): string {
  const lines = [
    about,
    `${machine.processor}, ${machine.cores} cores, Node ${machine.node}, load ${machine.load ?? '-'}`,
  ];
  for (const table of tables) {
    lines.push('', `${table.title} (${table.unit}, ${table.better} is better)`);
    const width = Math.max(...table.rows.map(({ name }) => name.length));
    for (const row of table.rows) {
      const ratio = row.peer === true ? `   ours is ${spreadText(ratiosOf(table, row))} times as good` : '';
      lines.push(`  ${row.name.padEnd(width)}  ${spreadText(row.rounds)}${ratio}`);
    }
  }
  for (const { title, header, rows } of facts) {
    const all = [header, ...rows];
    const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)));
    lines.push('', title, ...all.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at])).join('  ')}`));
  }
  return [...lines, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

/** The words that measure again: options that are undefined or an empty list are left out. */
export function commandOf(
  bench: string,
  options: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): string {
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    return [`--${name}`, ...[value].flat().map((word) => shellWord(String(word)))];
  });
  return ['npm run bench --', bench, ...words].join(' ');
}

function shellWord(word: string): string {
  return /^[\w./=:,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export async function writeResult(path: string, result: BenchResult): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(result, null, 1)}\n`);
}

/** Time of a call (ms). */
export async function timed(run: () => Promise<unknown> | unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Runs every contender once in each round, in turn, and collects one number of each. */
export async function interleave(
  contenders: readonly { readonly name: string; readonly peer?: boolean; run(): Promise<number> | number }[],
  rounds: number,
): Promise<BenchRow[]> {
  const values = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, contender] of contenders.entries()) values[at].push(await contender.run());
  }
  return contenders.map(({ name, peer }, at) => ({ name, ...(peer === true ? { peer } : {}), rounds: values[at] }));
}
