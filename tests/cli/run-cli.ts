// Runs the built command line as a user's shell would: a process of its own, from a folder outside the repository.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import type { Episode } from '../../src/motion/episode.js';
import { syntheticEpisode, TINY_ROBOT } from '../fixtures.js';

export const REPOSITORY = join(import.meta.dirname, '../..');
const MAIN = join(REPOSITORY, 'dist/src/cli/main.js');

export interface CliResult {
  /** Null where a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRun {
  readonly result: Promise<CliResult>;
  kill(signal: NodeJS.Signals): void;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `nextgait ...words`. */
export function startCli(words: readonly string[], { cwd, env }: CliOptions): CliRun {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build (npm test does it)`);
  const child = spawn(process.execPath, [MAIN, ...words], { cwd, env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { result, kill: (signal) => void child.kill(signal) };
}

export function runCli(words: readonly string[], options: CliOptions): Promise<CliResult> {
  return startCli(words, options).result;
}

/** Runs a command line that must succeed. @throws with its stderr where it did not */
export async function succeed(words: readonly string[], options: CliOptions): Promise<CliResult> {
  const result = await runCli(words, options);
  if (result.code === 0) return result;
  throw new Error(`nextgait ${words.join(' ')}: exit ${result.code ?? result.signal}\n${result.stderr}`);
}

/** A new folder under the system's temporary one; the caller removes it. */
export async function temporaryFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-cli-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A dataset of the tiny robot: 14 complete episodes and 6 without actions. */
export async function writeTinyDataset(folder: string): Promise<void> {
  const episodes: Episode[] = [
    ...Array.from({ length: 14 }, (_, at) => syntheticEpisode(at + 1, { source: 'rollouts' })),
    ...Array.from({ length: 6 }, (_, at) => syntheticEpisode(at + 50, { source: 'free', actions: false })),
  ];
  const writer = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50 });
  for (const episode of episodes) await writer.append(episode);
  await writer.close();
}

/** `--set` words for a network and a batch so small that a step takes a millisecond. */
export function tinySettings(settings: Readonly<Record<string, number>>): string[] {
  const all = {
    // The synthetic episodes have no base velocity that a command could be read from in hindsight.
    'data.command': 'recorded',
    'tokens.context': 4,
    'model.width': 16,
    'model.heads': 2,
    'model.blocks': 1,
    'train.batch': 8,
    'train.warmupSteps': 2,
    'log.validationWindows': 8,
    'data.validationShare': 0.2,
    ...settings,
  };
  return Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
}
