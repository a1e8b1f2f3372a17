// A peer: a Python script that stays loaded and answers one line to each line it is sent.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { packagePath } from '../src/base/files.js';

export interface Peer {
  /** The script's first line. */
  readonly greeting: string;
  ask(line: string): Promise<string>;
  close(): void;
}

/** Starts bench/peers/`script`; undefined where it ends before its first line (a package is missing). */
export async function startPeer(
  script: string,
  args: readonly string[],
  python = 'python3',
): Promise<Peer | undefined> {
  const child = spawn(python, [packagePath('bench', 'peers', script), ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const failed = new Promise<void>((resolve) => child.once('error', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await Promise.race([lines.next(), failed]);
  if (first === undefined || first.done) return undefined;
  return {
    greeting: first.value,
    ask: async (line) => {
      child.stdin.write(`${line}\n`);
      const answer = await lines.next();
      if (answer.done) throw new Error(`${script} ended early`);
      return answer.value;
    },
    close: () => child.stdin.end(),
  };
}
