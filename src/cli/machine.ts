// What this machine has, as far as the engines care: processor and its vector units, threads, memory, GPUs.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { usableThreads } from '../runtime/usable-threads.js';

export interface MachineFacts {
  readonly processor: string;
  /** Of the vector extensions that matrix products use, those that are here. Empty where the system does not tell. */
  readonly features: readonly string[];
  /** Processors that this process may use, and how many the machine has. */
  readonly threads: number;
  readonly processors: number;
  readonly memory_GiB: number;
  /** Names and driver versions, as nvidia-smi gives them; empty where it does not run. */
  readonly gpus: readonly string[];
}

/** Widest first. The names are those of /proc/cpuinfo, on x86 and on Arm. */
const FEATURES = [
  ...[
    'amx_bf16',
    'amx_int8',
    'avx512_fp16',
    'avx512_bf16',
    'avx512_vnni',
    'avx512f',
    'avx_vnni',
    'avx2',
    'fma',
    'f16c',
  ],
  ...['sve2', 'sve', 'i8mm', 'bf16', 'asimdhp', 'asimd'],
];

export async function readMachine(): Promise<MachineFacts> {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() || `unknown (${process.arch})`,
    features: featuresIn(await readFile('/proc/cpuinfo', 'utf8').catch(() => '')),
    threads: await usableThreads(),
    processors: all.length,
    memory_GiB: totalmem() / 2 ** 30,
    gpus: await nvidiaGpus(),
  };
}

/** The features that a text in the manner of /proc/cpuinfo names. */
export function featuresIn(cpuinfo: string): string[] {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo);
  const flags = new Set(line?.[1].split(/\s+/));
  return FEATURES.filter((feature) => flags.has(feature));
}

async function nvidiaGpus(): Promise<string[]> {
  const words = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', words, { timeout: 5000 });
    return stdout
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
