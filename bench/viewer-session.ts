// What the benches of the browser share: `nextgait view` on a free port, Chromium without a graphics card beside it, and
// what its processes have used.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Browser, CDPSession } from 'playwright-core';
import { packagePath } from '../src/base/files.js';

export interface ViewerSession {
  /** Where the viewer serves. */
  readonly address: string;
  readonly browser: Browser;
  /** Speaks of all processes of the browser. */
  readonly session: CDPSession;
}

/** Serves `item` and opens the browser for `use`; both are closed at its end. */
export async function withViewer<Result>(
  item: string,
  chromiumPath: string,
  use: (viewer: ViewerSession) => Promise<Result>,
): Promise<Result> {
  const { chromium } = await import('playwright-core');
  const words = [packagePath('dist', 'src', 'cli', 'main.js'), 'view', item, '--no-open', '--port', '0'];
  const viewer = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let browser: Browser | undefined;
  try {
    const address = await addressOf(viewer);
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--enable-unsafe-swiftshader'],
    });
    return await use({ address, browser, session: await browser.newBrowserCDPSession() });
  } finally {
    await browser?.close();
    viewer.kill();
  }
}

/** Where `nextgait view` says that it serves. */
function addressOf(viewer: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    viewer.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /Viewer at (http\S+)/.exec(text);
      if (found !== null) resolve(found[1]);
    });
    viewer.once('exit', (code) => reject(new Error(`nextgait view ended with ${code}: ${text}`)));
  });
}

export interface BrowserUse {
  /** Processor time so far (s) by kind of process. */
  readonly processor_s: Readonly<Record<string, number>>;
  /** Memory of its largest page. */
  readonly renderer_MB: number;
}

/** What the processes of the browser have used. */
export async function browserUse(session: CDPSession): Promise<BrowserUse> {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const processor_s: Record<string, number> = {};
  let renderer_MB = 0;
  for (const { type, id, cpuTime } of processInfo) {
    processor_s[type] = (processor_s[type] ?? 0) + cpuTime;
    if (type === 'renderer') renderer_MB = Math.max(renderer_MB, await residentMegabytes(id));
  }
  return { processor_s, renderer_MB };
}

/** Of Linux; NaN elsewhere. */
async function residentMegabytes(id: number): Promise<number> {
  const text = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? Number.NaN) / 1024;
}
